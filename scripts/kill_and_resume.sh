#!/usr/bin/env bash
# Kills char_gpt, image_classifier and translate_toy with -9 at random moments of tiny trainings, 20 times each, goes on
# after each, and compares the file in the end with that of a training that nobody disturbed, byte for byte.
#   scripts/kill_and_resume.sh BUILD [KILLS]
set -euo pipefail
examples=$(realpath "$(dirname "$0")/../examples") build=$(realpath "$1")/examples
export KILLS=${2:-20}
bash "$examples/char_gpt/test.sh" "$build/char_gpt/char_gpt" kill
bash "$examples/image_classifier/test.sh" "$build/image_classifier/image_classifier" \
  "$examples/image_classifier/data" kill
bash "$examples/translate_toy/test.sh" "$build/translate_toy/translate_toy" \
  "$examples/translate_toy/data/libreoffice-ui.en-de.tsv" kill
echo "killed $KILLS times each: all files are what undisturbed runs write"
