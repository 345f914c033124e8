#!/usr/bin/env bash
# Writes everything that <gloss/gloss.hpp>, <gloss/text.hpp> and <gloss/iostream.hpp> include into one file:
#   scripts/make_single_header.sh [FILE]     default: single_include/gloss/gloss.hpp
# A header is put in where it is first included; one that stands in a condition gets a guard, because the condition may
# not hold. A .inc file is put in each time. What a header says of itself at its top stays; blank lines go.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-single_include/gloss/gloss.hpp}
mkdir -p "$(dirname "$out")"
new=$(mktemp "$out.XXXXXX")
trap 'rm -f "$new"' EXIT

awk '
function bad(text) {
  print "make_single_header: " text > "/dev/stderr"
  failed = 1
  exit 1
}
function path_of(line) {
  match(line, /<[^>]*>/)
  return substr(line, RSTART + 1, RLENGTH - 2)
}
# Puts a file of include/ in, and what it includes. depth: of the conditions around the place.
function put(name, depth, isa_file,    path, line, guard, in_file, below, status) {
  if (name in done) return
  path = "include/" name
  in_file = 0  # conditions of this file that are open
  guard = ""
  if (name ~ /\.hpp$/) {
    if (depth == 0) done[name] = 1
    guard = name
    gsub(/[^a-z0-9]/, "_", guard)
    guard = "GLOSS_HAS_" toupper(guard)
    print "#ifndef " guard
    print "#define " guard
  }
  print "// ---- " name
  while ((status = (getline line < path)) > 0) {
    if (line ~ /^#pragma once/ || line ~ /^ *$/) continue
    if (line ~ /^ *# *if/) in_file++
    if (line ~ /^ *# *endif/) in_file--
    if (line ~ /^#define GLOSS_ISA_FILE/) {
      isa_file = path_of(line)
    } else if (line ~ /^#undef GLOSS_ISA_FILE/) {
      continue
    } else if (line ~ /^#include GLOSS_ISA_FILE/) {
      again(isa_file, depth + in_file)
    } else if (line ~ /^#include <gloss\//) {
      below = path_of(line)
      if (below ~ /\.inc$/) again(below, depth + in_file, isa_file)
      else put(below, depth + in_file)
    } else {
      print line
    }
  }
  if (status < 0) bad(path " cannot be read")
  close(path)
  if (guard != "") print "#endif"
}
# A file that is read each time. It cannot be read by getline again before it is closed, which put() sees to.
function again(name, depth, isa_file) {
  if (name in open_now) bad(name " includes itself")
  open_now[name] = 1
  put(name, depth, isa_file)
  delete open_now[name]
}
BEGIN {
  print "// gloss in one file: tensors, autograd, layers, the Transformer, training, decoding, text and streams. Made by"
  print "// scripts/make_single_header.sh from include/; changes belong there. Compile it with -std=c++20 -O2, and with"
  print "// -fopenmp for more than one thread; with GCC and Clang it needs nothing else."
  while ((getline line < "LICENSE") > 0) print line == "" ? "//" : "// " line
  print "#pragma once"
  put("gloss/gloss.hpp", 0)
  put("gloss/text.hpp", 0)
  put("gloss/iostream.hpp", 0)
}
END { exit failed }
' </dev/null >"$new"

chmod 644 "$new"
mv "$new" "$out"
