#!/usr/bin/env bash
# The Conan recipe makes the package, its test package uses it, and another project finds it by `conan install`.
#   check.sh WORK EIGEN JSON GENERATOR    a folder that is emptied, folders of headers of Eigen and nlohmann-json
# Eigen and nlohmann-json come from this machine's headers, packed by recipes made here; no server is asked. Without
# Conan 2 (CONAN names the program) nothing is tried, and the exit status is 77: ctest says "Skipped".
set -euo pipefail
tree=$(cd "$(dirname "$0")/../../.." && pwd)
work=$1 eigen=$2 json=$3 generator=$4
conan=${CONAN:-conan}

skip() {
  echo "the Conan recipe was not tried: $1"
  exit 77
}
command -v "$conan" >/dev/null || skip "there is no program $conan (pip install conan)"
case $("$conan" --version) in "Conan version 2."*) ;; *) skip "$("$conan" --version) is not Conan 2" ;; esac
[ -e "$eigen/Eigen/Core" ] || skip "no headers of Eigen in '$eigen'"
[ -e "$json/nlohmann/json.hpp" ] || skip "no headers of nlohmann-json in '$json'"

fail() {
  cat "$work/log"
  echo "conan: $1"
  exit 1
}
run() { "$@" >"$work/log" 2>&1 || fail "$*"; }

rm -rf "$work"
mkdir -p "$work"
cd "$work"  # Conan leaves files where it is called
export CONAN_HOME=$work/home
run "$conan" profile detect
echo "tools.cmake.cmaketoolchain:generator=$generator" >>"$CONAN_HOME/global.conf"

stand_in() { # name, version, its headers: folder and name, target in CMake
  mkdir "$work/$1"
  cat >"$work/$1/conanfile.py" <<END
import os
from conan import ConanFile
from conan.tools.files import copy


class StandIn(ConanFile):
    name, version, package_type = "$1", "$2", "header-library"

    def package(self):
        copy(self, "$4/*", "$3", os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs, self.cpp_info.libdirs = [], []
        self.cpp_info.set_property("cmake_file_name", "${5%%::*}")
        self.cpp_info.set_property("cmake_target_name", "$5")
END
  run "$conan" create -nr "$work/$1"
}
stand_in eigen 3.4.0 "$eigen" Eigen Eigen3::Eigen
stand_in nlohmann_json 3.11.2 "$json" nlohmann nlohmann_json::nlohmann_json

cxx20=(-s compiler.cppstd=20)
run "$conan" create -nr "$tree/packaging/conan" -tf "" "${cxx20[@]}"
"$conan" create -nr "$tree/packaging/conan" -tf "" -s compiler.cppstd=17 >"$work/log" 2>&1 && fail "C++17 was accepted"
grep -q cppstd "$work/log" || fail "C++17 is refused for another reason"

# What loops run on makes a package of its own, and what libraries come along does not.
package_of() { # options
  "$conan" graph info "$tree/packaging/conan" "${cxx20[@]}" "$@" -f json 2>"$work/log" |
    sed -n 's/.*"package_id": "\([0-9a-f]*\)".*/\1/p' | head -n 1
}
pool=$(package_of)
[ -n "$pool" ] || fail "no package id"
[ "$(package_of -o "&:with_json=False")" = "$pool" ] || fail "with_json makes another package"
[ "$(package_of -o "&:threads=serial")" != "$pool" ] || fail "threads=serial makes the same package"

gloss=gloss/$("$conan" inspect "$tree/packaging/conan" | sed -n 's/^version: //p')
cp -r "$tree/packaging/conan/test_package" "$work/test_package"
run "$conan" test -nr "$work/test_package" "$gloss" "${cxx20[@]}"

# A program that finds the package, and that must see nothing but the package's headers.
run "$conan" install -nr "--requires=$gloss" -g CMakeDeps -g CMakeToolchain -of "$work/found" "${cxx20[@]}"
run cmake -S "$tree/tests/consume/installed" -B "$work/consumer" -G "$generator" -DCONSUMED=gloss::gloss \
  -DCMAKE_BUILD_TYPE=Release "-DCMAKE_TOOLCHAIN_FILE=$work/found/conan_toolchain.cmake"
grep -q "^gloss_DIR:PATH=$work/home/" "$work/consumer/CMakeCache.txt" || fail "another gloss was found than the package"
run cmake --build "$work/consumer" --config Release
run "$(find "$work/consumer" -name consumer -type f)"
echo "the Conan recipe makes $gloss, and programs use it"
