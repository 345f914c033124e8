#!/usr/bin/env bash
# The ways to package gloss, tried out: CPack's Debian package and archive and the steps of the vcpkg port (both also in
# ctest), and the Conan recipe where Conan 2 is installed (CONAN names the program).
#   scripts/check_packages.sh [build folder]     the folder is made where there is none; without it, one that is removed
# Conan gets Eigen and nlohmann-json from this machine's own headers, packed by recipes made here, and asks no server.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=${1:-$work/build}
[ -e "$build/CMakeCache.txt" ] || cmake -S . -B "$build" -DGLOSS_BUILD_EXAMPLES=OFF -DGLOSS_BUILD_BENCHMARKS=OFF >/dev/null
ctest --test-dir "$build" --output-on-failure -R '^consume\.(package|find_package_packaged|vcpkg_port)$'

conan=${CONAN:-conan}
if ! command -v "$conan" >/dev/null; then
  echo "check_packages: no conan here: its recipe was not tried"
  exit 0
fi
export CONAN_HOME=$work/conan
"$conan" profile detect >/dev/null 2>&1

stand_in() { # name, version, folder of headers, where they go in the package, name in CMake
  mkdir "$work/$1"
  cat >"$work/$1/conanfile.py" <<END
import os
from conan import ConanFile
from conan.tools.files import copy


class StandIn(ConanFile):
    name, version, package_type = "$1", "$2", "header-library"

    def package(self):
        copy(self, "*", "$3", os.path.join(self.package_folder, "$4"))

    def package_info(self):
        self.cpp_info.includedirs = ["include", "include/eigen3"] if self.name == "eigen" else ["include"]
        self.cpp_info.bindirs, self.cpp_info.libdirs = [], []
        self.cpp_info.set_property("cmake_file_name", "$5")
        self.cpp_info.set_property("cmake_target_name", "$5::${6:-$5}")
END
  "$conan" create -nr "$work/$1" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
}
stand_in eigen 3.4.0 /usr/include/eigen3 include/eigen3 Eigen3 Eigen
stand_in nlohmann_json 3.11.2 /usr/include/nlohmann include/nlohmann nlohmann_json

cp -r packaging/conan/test_package "$work/test_package"
"$conan" create -nr packaging/conan -tf "" -s compiler.cppstd=20 >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
version=$("$conan" inspect packaging/conan | sed -n 's/^version: //p')
"$conan" test -nr "$work/test_package" "gloss/$version" -s compiler.cppstd=20 >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
"$conan" create -nr packaging/conan -tf "" -s compiler.cppstd=17 >"$work/log" 2>&1 && { echo "check_packages: C++17 was accepted" >&2; exit 1; }
grep -q "cppstd" "$work/log" || { cat "$work/log" >&2; exit 1; }
echo "check_packages: the Conan recipe makes gloss $version, and a program uses it"
