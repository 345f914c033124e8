#!/usr/bin/env bash
# The ways to package gloss, tried out, all of them also in ctest: CPack's Debian package and archive, the steps of the
# vcpkg port, and the Conan recipe where Conan 2 is installed (CONAN names the program).
#   scripts/check_packages.sh [build folder]     the folder is made where there is none; without it, one that is removed
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=${1:-$work/build}
[ -e "$build/CMakeCache.txt" ] || cmake -S . -B "$build" -DGLOSS_BUILD_EXAMPLES=OFF -DGLOSS_BUILD_BENCHMARKS=OFF >/dev/null
ctest --test-dir "$build" --output-on-failure -R '^consume\.(package|find_package_packaged|vcpkg_port|conan)$'
