#!/usr/bin/env bash
# gloss with every compiler that is here: GCC and Clang, libstdc++ and libc++, C++20 and C++23, and for AArch64 under
# qemu-user. For each, gloss::compiled, which holds all headers at once, is built without a warning, and then tests run,
# unoptimised and with the standard library's assertions: those of core, tensor and kernels with C++20, those of core
# with C++23. With C++20 the examples are built, too, translate_toy header-only and with gloss::compiled. For AArch64
# the tests are optimised, and FOLDERS_AARCH64 names more folders. With libc++ and C++23, where the standard headers
# bring least along, each header is compiled alone, too. Two to ten minutes of processor time each.
#   scripts/check_compilers.sh [part of a name]...     gcc-12-c++20, clang-19-libc++-c++23, aarch64, ...
# Build folders go to build-compilers; JOBS is how many compilers run at once. Clang without its OpenMP library (Debian
# has one version of it at a time) builds without OpenMP, and the line of the result says so.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(nproc)}
root=${BUILD:-build-compilers}
generator=()
if ninja --version >/dev/null 2>&1; then generator=(-G Ninja); fi
mkdir -p "$root"
failed=() passed=()
export OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive

wanted() { # name, patterns: whether a pattern is in the name, or there is none
  local name=$1 pattern
  shift
  [ $# -eq 0 ] && return 0
  for pattern in "$@"; do
    case "$name" in *"$pattern"*) return 0 ;; esac
  done
  return 1
}

check() { # name, folders of tests, options of cmake...
  local name=$1 folders=$2 began=$SECONDS step=configure targets=(gloss_compiled) examples=OFF tests folder openmp=""
  shift 2
  for folder in $folders; do targets+=("gloss_test_$folder"); done
  tests="^(${folders// /|})\."
  case "$name" in *-c++20)
    examples=ON
    targets+=(translate_toy translate_toy_compiled)
    for folder in examples/[0-9]*/; do targets+=("example_$(basename "$folder")"); done
    tests+='|^translate_toy\.compiled'
    ;;
  esac
  case "$name" in *libc++-c++23) tests+='|^meta\.headers_alone' ;; esac
  {
    cmake -S . -B "$root/$name" "${generator[@]}" -DGLOSS_BUILD_EXAMPLES=$examples -DGLOSS_BUILD_BENCHMARKS=OFF \
      -DGLOSS_INSTALL=OFF -DGLOSS_NATIVE=OFF -DGLOSS_WARNINGS_AS_ERRORS=ON -DGLOSS_TEST_TIMEOUT=1500 \
      -DCMAKE_CXX_SCAN_FOR_MODULES=OFF "$@" &&
      step=build && cmake --build "$root/$name" -j "$jobs" --target "${targets[@]}" &&
      step=test && ctest --test-dir "$root/$name" --output-on-failure --no-tests=error -R "$tests"
  } >"$root/$name.log" 2>&1
  if [ $? -eq 0 ]; then
    passed+=("$name")
    grep -q 'gloss: no OpenMP' "$root/$name.log" && openmp=", without OpenMP"
    echo "$name: $(sed -n 's/.*% tests passed.*out of \([0-9]*\)/\1 passed/p' "$root/$name.log")$openmp, $((SECONDS - began)) s"
  else
    failed+=("$name")
    echo "$name: FAILED ($step), see $root/$name.log"
    grep -E 'error:|warning:|\(Failed\)|\(Timeout\)|CMake Error' "$root/$name.log" | sort -u | head -n 5 | sed 's/^/  /'
  fi
}

for version in "" -10 -11 -12 -13 -14 -15 -16 -17 -18 -19 -20 -21; do
  for family in gcc clang; do
    if [ $family = gcc ]; then compiler=g++$version; else compiler=clang++$version; fi
    # The name without a version is taken where it has no name with one.
    command -v "$compiler" >/dev/null || continue
    number=$("$compiler" -dumpversion | cut -d. -f1)
    if [ -z "$version" ] && command -v "$compiler-$number" >/dev/null; then continue; fi
    for library in libstdc++ libc++; do
      name=$family-$number
      flags="-O0 -D_GLIBCXX_ASSERTIONS"
      if [ $library = libc++ ]; then
        [ $family = clang ] || continue
        echo '#include <string>' | "$compiler" -stdlib=libc++ -x c++ -fsyntax-only - 2>/dev/null || continue
        name=$name-libc++ flags="-O0 -stdlib=libc++ -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE"
      fi
      for standard in 20 23; do
        folders="core tensor kernels"
        [ $standard = 23 ] && folders=core
        if wanted "$name-c++$standard" "$@"; then
          check "$name-c++$standard" "$folders" "-DCMAKE_CXX_COMPILER=$compiler" \
            "-DCMAKE_CXX_STANDARD=$standard" "-DCMAKE_CXX_FLAGS=$flags" -DCMAKE_BUILD_TYPE=Debug
        fi
      done
    done
  done
done

if wanted aarch64 "$@"; then
  if command -v aarch64-linux-gnu-g++ >/dev/null && command -v qemu-aarch64 >/dev/null; then
    check aarch64 "core tensor kernels ${FOLDERS_AARCH64:-}" -DCMAKE_BUILD_TYPE=Release \
      --toolchain "$PWD/cmake/toolchains/aarch64.cmake"
  else
    echo "aarch64: left out; it needs g++-aarch64-linux-gnu and qemu-user"
  fi
fi

echo "${#passed[@]} passed, ${#failed[@]} failed${failed:+: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ] && [ ${#passed[@]} -gt 0 ]
