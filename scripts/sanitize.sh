#!/usr/bin/env bash
# Builds the suite with sanitizers and runs it:
#   scripts/sanitize.sh [address|thread] [ctest options]
# address (the default) is the address and undefined behaviour sanitizers under the default compiler. thread is the
# thread sanitizer under Clang: gloss's own threads it understands anyway, and of the parallel regions that tests open
# as a host would, Clang's OpenMP runtime tells it how threads wait for each other (GCC's does not).
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-address}
if [ $# -gt 0 ]; then shift; fi
jobs=$(nproc)
generator=()
if ninja --version >/dev/null 2>&1; then generator=(-G Ninja); fi

case "$kind" in
  address)
    scripts/install_dependencies.sh build tests
    preset=asan
    # Not detect_stack_use_after_return: GCC 12's frames for it do not align 64-byte vectors (its bug 110027).
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1
    ;;
  thread)
    scripts/install_dependencies.sh build tests extras
    preset=tsan
    export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1"
    ;;
  *)
    echo "sanitize: address or thread, not $kind" >&2
    exit 2
    ;;
esac

if [ -e "build-$preset/CMakeCache.txt" ]; then generator=(); fi
cmake --preset "$preset" "${generator[@]}"
cmake --build "build-$preset" -j "$jobs"
# The tests of sources and packaging have nothing to run under a sanitizer.
ctest --test-dir "build-$preset" --output-on-failure -j "$jobs" --no-tests=error -LE 'meta|consume' "$@"
