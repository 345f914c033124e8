#!/usr/bin/env bash
# What clang-tidy says of the headers, by the list in .clang-tidy; nothing, when all is well. Half a minute.
#   scripts/lint.sh
# Needs the libraries that the tests need. The list is made for version 14, which is taken where it has a name of its own
# (CLANG_TIDY names another; newer ones find other things).
set -uo pipefail
cd "$(dirname "$0")/.."

tidy=${CLANG_TIDY:-$(command -v clang-tidy-14 || echo clang-tidy)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All headers in one source, with the instances of gloss::compiled.
{
  echo '#define GLOSS_COMPILED_IMPLEMENTATION'
  find include/gloss -name '*.hpp' ! -name '*naive.hpp' | LC_ALL=C sort | sed 's,include/\(.*\),#include <\1>,'
} >"$work/all.cpp"
"$tidy" --config-file=.clang-tidy --quiet "$work/all.cpp" -- -std=c++20 -Iinclude -isystem /usr/include/eigen3 >"$work/said" 2>"$work/errors"
status=$?
cat "$work/said"
if [ $status -ne 0 ]; then grep -i error "$work/errors"; fi
[ $status -eq 0 ] && [ ! -s "$work/said" ]
