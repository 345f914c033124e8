"""Conan 2: `conan create packaging/conan` makes the package from the tree that this recipe lies in."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class GlossConan(ConanFile):
    name = "gloss"
    description = "Header-only C++20 tensors, autograd and Transformers, for the CPU"
    license = "MIT"
    topics = ("tensor", "autograd", "transformer", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    # Which further libraries come along; the headers that need them are installed in any case. What parallel loops run on:
    # GLOSS_THREADS.
    options = {f"with_{name}": [True, False] for name in ("fmt", "json", "utf8proc", "zlib")}
    options["threads"] = ["pool", "openmp", "serial"]
    default_options = {"with_fmt": False, "with_json": True, "with_utf8proc": False, "with_zlib": False, "threads": "pool"}

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._tree, "include", "gloss", "core", "config.hpp"))
        self.version = ".".join(re.search(rf"#define GLOSS_VERSION_{part} (\d+)", header)[1]
                                for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        for pattern in ("include/*", "cmake/*", "CMakeLists.txt", "LICENSE"):
            copy(self, pattern, self._tree, self.export_sources_folder)

    def requirements(self):
        self.requires("eigen/[>=3.4.0]", transitive_headers=True)
        if self.options.with_fmt:
            self.requires("fmt/[>=9]", transitive_headers=True)
        if self.options.with_json:
            self.requires("nlohmann_json/[>=3.10]", transitive_headers=True)
        if self.options.with_utf8proc:
            self.requires("utf8proc/[>=2.8 <3]", transitive_headers=True, transitive_libs=True)
        if self.options.with_zlib:
            self.requires("zlib/[>=1.2.11 <2]", transitive_headers=True, transitive_libs=True)

    def package_id(self):  # the files are the same for all but `threads`
        self.info.settings.clear()
        self.info.requires.clear()
        for library in ("fmt", "json", "zlib"):
            self.info.options.rm_safe(f"with_{library}")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_BENCHMARKS", "INSTALL_COMPILED", "NATIVE"):
            toolchain.cache_variables[f"GLOSS_{part}"] = False
        toolchain.cache_variables["GLOSS_THREADS"] = str(self.options.threads)
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        # The package's own CMake files, which find OpenMP where the program is built.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "gloss")]
