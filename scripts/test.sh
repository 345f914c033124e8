#!/usr/bin/env bash
# Builds everything and runs the whole suite: scripts/test.sh [ctest options]
# Installs what is missing first (apt). BUILD_DIR and CMAKE_ARGS may be set from outside.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_dependencies.sh build tests
build=${BUILD_DIR:-build}
jobs=$(nproc)

generator=()
if [ ! -e "$build/CMakeCache.txt" ] && ninja --version >/dev/null 2>&1; then generator=(-G Ninja); fi
# shellcheck disable=SC2086  # several arguments in one variable
cmake -S . -B "$build" "${generator[@]}" -DGLOSS_BUILD_TESTS=ON -DGLOSS_BUILD_EXAMPLES=ON -DGLOSS_BUILD_BENCHMARKS=ON ${CMAKE_ARGS:-}
cmake --build "$build" -j "$jobs"
ctest --test-dir "$build" --output-on-failure -j "$jobs" --no-tests=error "$@"
