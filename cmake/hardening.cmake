# Compiles what is shipped so that a fault of memory ends the process instead of being of use to
# somebody. bench/compare's peers and the tests go without. tests/hardening_test.sh looks at the
# result.
#
# Not with sanitizers, which find the same and more, nor with precompiled headers, which want the same
# flags everywhere: neither is shipped.
include(CheckCXXCompilerFlag)

check_cxx_compiler_flag(-fcf-protection BIDE_HAS_CF_PROTECTION)  # x86 only.
check_cxx_compiler_flag(-fstack-clash-protection BIDE_HAS_STACK_CLASH_PROTECTION)

# For the directory that calls it, and what is below.
macro(bide_harden)
  if(NOT BIDE_SANITIZE AND NOT BIDE_FUZZ AND NOT BIDE_PRECOMPILE)
    # Not CMake's POSITION_INDEPENDENT_CODE: for libraries that is -fPIC, which costs calls.
    add_compile_options(-fPIE -fstack-protector-strong)
    if(BIDE_HAS_STACK_CLASH_PROTECTION)
      add_compile_options(-fstack-clash-protection)
    endif()
    if(BIDE_HAS_CF_PROTECTION)
      add_compile_options(-fcf-protection)
    endif()
    # It wants an optimiser. The third level computes sizes at run time, for buffers that bide, which
    # uses containers, does not have.
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
    add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  endif()
endmacro()
