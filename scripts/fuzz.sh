#!/usr/bin/env bash
# Fuzzes one reader or parser: scripts/fuzz.sh TARGET [SECONDS]
# TARGET is a name of tests/fuzz/fuzz_*.cpp; 600 seconds by default. It starts from tests/fuzz/corpus/TARGET and keeps
# what it finds in build-fuzz/corpus/TARGET; an input that crashes is left in build-fuzz/crashes. Put the shortest of
# them into tests/fuzz/corpus, where ctest runs it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ] || [ ! -e "tests/fuzz/fuzz_$1.cpp" ]; then
  echo "usage: scripts/fuzz.sh TARGET [SECONDS], TARGET one of:" tests/fuzz/fuzz_*.cpp >&2
  exit 2
fi
target=$1
seconds=${2:-600}

scripts/install_dependencies.sh build extras
generator=()
if [ ! -e build-fuzz/CMakeCache.txt ] && ninja --version >/dev/null 2>&1; then generator=(-G Ninja); fi
cmake -S . -B build-fuzz "${generator[@]}" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug -DGLOSS_BUILD_FUZZERS=ON \
  -DGLOSS_OPENMP=OFF -DGLOSS_BUILD_EXAMPLES=OFF -DGLOSS_BUILD_BENCHMARKS=OFF >/dev/null
cmake --build build-fuzz --target "gloss_fuzz_$target"
mkdir -p "build-fuzz/corpus/$target" build-fuzz/crashes
export UBSAN_OPTIONS=print_stacktrace=1
exec "build-fuzz/tests/fuzz/gloss_fuzz_$target" "build-fuzz/corpus/$target" "tests/fuzz/corpus/$target" \
  -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=4096 -artifact_prefix=build-fuzz/crashes/ -print_final_stats=1
