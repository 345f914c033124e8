#!/usr/bin/env bash
# What char_gpt promises, each with a tiny model: test.sh PROGRAM CASE. Run by ctest.
program=$(realpath "$1") what=$2
. "$(dirname "$0")/../testing.sh"
for i in {1..60}; do echo "The $i. note in the margin says in plain words what a hard word means, für alle."; done >some.txt
tiny=(--width 16 --layers 1 --heads 2 --context 16 --batch 4 --warmup 10)

case $what in
learns)
  train some.txt --width 32 --layers 2 --heads 2 --context 32 --batch 8 --steps 400 --eval-every 200 --dropout 0 --lr 0.01 --warmup 20
  [ "$(grep -cE '^ *validation: loss [0-9.]+ +bits [0-9.]+' log)" = 2 ] || { cat log; die "two measurements"; }
  has log "saved char_gpt.safetensors"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  "$program" sample "The 7. note in the" --length 30 --temperature 0 >out
  has out "The 7. note in the margin says in plain words" ;;
resume)
  first=(train "${tiny[@]}" some.txt --steps 600 --dropout 0.1 --eval-every 150)
  interrupt INT 8 train --resume
  mv some.txt moved.txt
  train --resume moved.txt -c stopped.st
  cmp whole.st stopped.st || die "a run that is over was changed" ;;
kill)
  first=(train "${tiny[@]}" some.txt --steps 500 --dropout 0.1 --eval-every 20)
  loads() { "$program" sample -c stopped.st -n 5; }
  interrupt KILL "${KILLS:-6}" train --resume ;;
threads)
  for n in 1 2 3 4; do
    OMP_NUM_THREADS=$n train some.txt --width 64 --layers 2 --heads 4 --context 32 --batch 4 --steps 20 -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads give other bits than 1"
  done ;;
sample)
  train some.txt "${tiny[@]}" --steps 100
  write() { "$program" sample "The" --length 60 "$@"; }
  write >a && write >b && cmp a b || die "one seed, one text"
  [ "$(head -c 3 a)" = The ] && [ "$(stat -c %s a)" = 64 ] || die "the prompt and 60 characters"
  ! write --seed 2 | cmp -s a - || die "another seed, another text"
  write --temperature 0 >greedy && write --top-k 1 | cmp greedy - || die "the likeliest"
  write --top-p 0.001 | cmp greedy - || die "--top-p"
  write --min-p 1 | cmp greedy - || die "--min-p"
  write --beam 3 >out && [ "$(stat -c %s out)" = 64 ] || die "--beam"
  ! write --temperature 0 --repetition-penalty 5 | cmp -s greedy - || die "--repetition-penalty"
  ! write --temperature 0 --frequency-penalty 5 | cmp -s greedy - || die "--frequency-penalty"
  ! write --temperature 0 --no-repeat-ngram 2 | cmp -s greedy - || die "--no-repeat-ngram"
  "$program" sample "" -n 3 >out && [ "$(stat -c %s out)" = 5 ] || die "an empty prompt is a new line"
  long=$(printf 'x %.0s' {1..500})
  "$program" sample "$long" -n 40 >out && [ "$(stat -c %s out)" = 1041 ] || die "a prompt longer than the context" ;;
fewer_bits)
  learn() { train some.txt --width 32 --layers 2 --heads 2 --context 32 --batch 8 --steps 400 --dropout 0 --lr 0.01 --warmup 20 "$@"; }
  learn -c float.st
  ! grep -aq '"precision"' float.st || die "a checkpoint of float says so"
  for weights in float panels bfloat16 int8; do
    "$program" sample -c float.st "The 7. note in the" --length 30 --temperature 0 --weights $weights >out
    has out "The 7. note in the margin says in plain words"
    "$program" sample -c float.st --length 2000 --temperature 2 --weights $weights >$weights.txt
  done
  cmp float.txt panels.txt || die "panels of float say something else"
  ! cmp -s float.txt bfloat16.txt && ! cmp -s float.txt int8.txt || die "--weights has no effect"
  "$program" sample -c float.st "The 7. note in the" --length 30 --temperature 0 --cache bfloat16 >out
  has out "The 7. note in the margin says in plain words"
  "$program" sample -c float.st --length 2000 --temperature 2 --cache bfloat16 >cache.txt
  ! cmp -s float.txt cache.txt || die "--cache has no effect"
  fails "--cache: int8 not in {float,bfloat16}" "$program" sample -c float.st --cache int8
  fails "--weights: int4 not in {float,panels,bfloat16,int8}" "$program" sample -c float.st --weights int4
  fails "--precision: int8 not in {float,bfloat16}" "$program" train some.txt --precision int8 -c new.st
  "$program" train some.txt "${tiny[@]}" --steps 1 --precision bfloat16 -c half.st >log 2>&1 ||
    { has log "products are Eigen's in this program"; [ ! -e half.st ]; exit; }
  learn --precision bfloat16 -c half.st --force
  "$program" sample -c half.st "The 7. note in the" --length 30 --temperature 0 >out
  has out "The 7. note in the margin says in plain words"
  grep -aq '"precision":"bfloat16"' half.st || die "the precision is not in the checkpoint"
  "$program" sample -c half.st --length 2000 --temperature 2 | { ! cmp -s - float.txt; } || die "--precision has no effect"
  first=(train some.txt "${tiny[@]}" --steps 400 --precision bfloat16 --eval-every 100)
  interrupt INT 2 train --resume
  sed 's/"precision":"bfloat16"/"precision":"bfloat61"/' whole.st >false.st
  fails "load: false.st: precision is 'bfloat61', expected bfloat16" "$program" train --resume -c false.st ;;
bytes)  # any file is a text
  head -c 3000 "$program" >binary
  train binary "${tiny[@]}" --steps 10 -c b.st
  "$program" sample -c b.st $'\xff\xfe' -n 20 >out && [ "$(stat -c %s out)" = 23 ] || die "bytes that are no UTF-8" ;;
errors)
  train some.txt "${tiny[@]}" --steps 10 -c good.st
  cp good.st before.st
  fails "nofile.txt: No such file" "$program" train nofile.txt -c new.st
  printf 'too short' >short.txt
  fails "short.txt: 9 characters to learn from are too few for a context of 16" "$program" train short.txt "${tiny[@]}" -c new.st
  : >empty.txt
  fails "empty.txt: 0 characters to learn from are too few" "$program" train empty.txt -c new.st
  fails "does not divide --width" "$program" train some.txt --width 16 --heads 3 -c new.st
  fails "--steps: cannot be given with --resume" "$program" train --resume --steps 3 -c good.st
  fails "good.st exists; --resume goes on with it, --force replaces it" "$program" train some.txt -c good.st
  head -n 50 some.txt >other.txt
  fails "good.st: was trained on another text than other.txt" "$program" train --resume other.txt -c good.st
  fails "some.txt: the checkpoint would replace the text" "$program" train some.txt -c ./some.txt --force
  fails "/nowhere/new.st: No such file" "$program" train some.txt "${tiny[@]}" -c /nowhere/new.st
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  fails "no.st: No such file" "$program" train --resume -c no.st
  fails "no.st: No such file" "$program" sample -c no.st
  fails "some.txt:" "$program" sample -c some.txt
  fails "--lr: nan is not a finite number" "$program" train some.txt --lr nan -c new.st
  cuts "train --resume" sample -c cut.st
  sed 's/"layers":"1"/"layers":"9"/' good.st >false.st
  fails "false.st: the sizes of the model do not fit its" "$program" sample -c false.st
  sed 's/"width":"16"/"width":"00"/' good.st >false.st
  fails "false.st: width is 0" "$program" train --resume -c false.st
  status=0
  "$program" train some.txt "${tiny[@]}" --lr 1e9 --steps 50 -c d.st >log 2>err || status=$?
  if [ $status != 0 ]; then grep -qE '^char_gpt: fit: step [0-9]+: .* is (nan|-?inf)' err || { cat err >&2; die "divergence"; }; fi
  "$program" sample -c d.st -n 5 >out || die "no checkpoint after a training that diverges"
  fails "standard output: No space left on device" bash -c "'$program' sample -c good.st >/dev/full"
  if [ -c /dev/full ]; then fails "/dev/full: No space left on device" "$program" train some.txt "${tiny[@]}" --force -c /dev/full; fi
  cmp good.st before.st || die "a checkpoint was changed"
  no_leftovers ;;
*) die "no case $what" ;;
esac
