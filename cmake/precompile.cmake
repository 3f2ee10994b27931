# With BIDE_PRECOMPILE the large headers are parsed once for all libraries and once for all tests: half
# of all compile time goes there. A source must not lean on that, for other builds go without.
if(NOT BIDE_PRECOMPILE)
  return()
endif()
set(PRECOMPILED_HEADERS
    <algorithm> <array> <atomic> <chrono> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <thread> <utility> <variant> <vector>)

# For all targets of this folder and those below; call it last.
function(precompile_all name)
  file(CONFIGURE OUTPUT ${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  target_precompile_headers(${name} PRIVATE ${PRECOMPILED_HEADERS} ${ARGN})
  reuse_precompiled(${name} ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

function(reuse_precompiled name folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(taken ${target} PRECOMPILE_HEADERS_REUSE_FROM)
    if(type MATCHES "STATIC_LIBRARY|EXECUTABLE" AND NOT taken)
      target_precompile_headers(${target} REUSE_FROM ${name})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    reuse_precompiled(${name} ${below})
  endforeach()
endfunction()
