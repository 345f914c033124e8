#!/usr/bin/env bash
# Trains the toy translator on its embedded English-German sentences and translates some that it has not seen:
#   scripts/demo.sh [options of translate_toy train]
# Installs what is missing first (apt). The build goes to build-demo, and so does the checkpoint.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_dependencies.sh build
build=build-demo
generator=()
if [ ! -e "$build/CMakeCache.txt" ] && ninja --version >/dev/null 2>&1; then generator=(-G Ninja); fi
cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DGLOSS_NATIVE=ON -DGLOSS_BUILD_EXAMPLES=ON \
  -DGLOSS_BUILD_TESTS=OFF -DGLOSS_BUILD_BENCHMARKS=OFF -DGLOSS_INSTALL=OFF
cmake --build "$build" --target translate_toy -j "$(nproc)"

program=$build/examples/translate_toy/translate_toy
checkpoint=$build/translate_toy.safetensors
began=$(date +%s)
"$program" train --force --checkpoint "$checkpoint" "$@"
echo
echo "trained in $(($(date +%s) - began)) s; $checkpoint holds weights, vocabulary and settings"
echo
"$program" translate --checkpoint "$checkpoint" \
  "Open the selected file." "The document could not be saved." "Insert a new page" "Print the selected pages" \
  "Do you want to delete this table?"
