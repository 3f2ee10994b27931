#!/bin/sh
# What the linker made of cmake/hardening.cmake.
#
#   hardening_test.sh BIDE BUILD_TYPE
set -eu
bide=$1
build_type=$2
failed=0

has() { # what it means, options of readelf, pattern
  if ! readelf -W "$2" "$bide" 2>/dev/null | grep -qE "$3"; then
    echo "hardening: $1" >&2
    failed=1
  fi
}

has "not at a random address: no PIE" -h 'Type: +DYN'
has "the relocation tables stay writable: no RELRO" -l GNU_RELRO
has "the relocation tables stay writable: symbols are bound lazily" -d 'FLAGS_1.*NOW'
has "the stack can be executed" -l 'GNU_STACK.* RW '
has "no stack protector" --dyn-syms __stack_chk_fail
has "the library's assertions are off" --dyn-syms __glibcxx_assert_fail
if [ "$build_type" != Debug ]; then
  has "calls are not fortified" --dyn-syms '_chk@'
fi
case $(uname -m) in
  x86_64)
    # The marker that the kernel wants needs a C library with it, which Debian's is not. The code has
    # what it is about: an indirect call or jump arrives at an endbr64.
    objdump -d --no-show-raw-insn "$bide" | grep -q endbr64 || { echo "hardening: no CET" >&2; failed=1; }
    ;;
esac
exit "$failed"
