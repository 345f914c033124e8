#!/usr/bin/env bash
# Installs, with apt, what building gloss needs and this machine lacks. Does nothing where all is there.
#   scripts/install_dependencies.sh [build|tests|site|extras]...
# build: compiler, CMake, Eigen and CLI11 (the default); tests: what tests and benchmarks add; site: what makes the
# documentation site (the tests make it, so they bring this); extras: a second compiler, with what its sanitizers and its
# fuzzer link, and the lint tools. Elsewhere than Debian and Ubuntu, install the same by hand.
set -euo pipefail

missing=()
want_command() { # a command and the package that has it
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}
want_file() { # a file, as a path relative to the include folders, and the package that has it
  local folder
  for folder in /usr/include /usr/local/include; do
    if [ -e "$folder/$1" ]; then return 0; fi
  done
  missing+=("$2")
}
want_cmake() { # 3.22 or newer, from wherever
  local version
  if version=$(cmake --version 2>/dev/null | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p') &&
    [ "$(printf '%s\n' 3.22 "$version" | sort -V | head -n 1)" = 3.22 ]; then return 0; fi
  missing+=(cmake)
}

want_sanitizers() { # those of clang++, and its libFuzzer: of the version that is here, or that Debian 12 installs
  local runtime version
  runtime=$(clang++ --rtlib=compiler-rt -print-libgcc-file-name 2>/dev/null) || true
  if [ -n "$runtime" ] && [ -e "${runtime/builtins/fuzzer}" ]; then return 0; fi
  version=$(clang++ -dumpversion 2>/dev/null) || version=14
  missing+=("libclang-rt-${version%%.*}-dev")
}

want_site() {
  want_command doxygen doxygen
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import markdown, pygments' 2>/dev/null; then return 0; fi
  done
  missing+=(python3 python3-markdown python3-pygments)
}

for set in "${@:-build}"; do
  case "$set" in
    build)
      want_command c++ g++
      want_cmake
      ninja --version >/dev/null 2>&1 || missing+=(ninja-build)
      want_command ccache ccache
      want_file eigen3/Eigen/Core libeigen3-dev
      want_file nlohmann/json.hpp nlohmann-json3-dev
      want_file CLI/CLI.hpp libcli11-dev
      want_file fmt/core.h libfmt-dev
      want_file zlib.h zlib1g-dev
      want_file stb/stb_image.h libstb-dev
      want_file utf8proc.h libutf8proc-dev
      ;;
    tests)
      want_file catch2 catch2
      want_file benchmark/benchmark.h libbenchmark-dev
      command -v pkgconf >/dev/null 2>&1 || want_command pkg-config pkg-config
      want_site
      ;;
    site) want_site ;;
    extras)
      want_command clang++ clang
      want_sanitizers
      [ -e /usr/lib/llvm-14/lib/libomp.so ] || compgen -G '/usr/lib/llvm-*/lib/libomp.so' >/dev/null || missing+=(libomp-dev)
      want_command clang-format clang-format
      want_command clang-tidy clang-tidy
      ;;
    *)
      echo "install_dependencies: no such set: $set" >&2
      exit 2
      ;;
  esac
done

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
echo "installing: ${missing[*]}"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install_dependencies: there is no apt-get here; install by hand: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "install_dependencies: run as root, or install by hand: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
