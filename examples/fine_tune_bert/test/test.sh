#!/usr/bin/env bash
# What fine_tune_bert promises, each with a tiny model: test.sh PROGRAM CASE. Run by ctest.
program=$(realpath "$1") what=$2
here=$(realpath "$(dirname "$0")")
. "$here/../../testing.sh"
cp -r "$here"/{bert,albert,texts.tsv} .
fast=(--lr 0.01 --head-lr 0.01 --batch-size 8)

# learnt FILE PERCENT: what eval has written says at least so much.
learnt() {
  local accuracy
  accuracy=$(sed -n 's/^.* texts: accuracy \([0-9]*\)\..*/\1/p' "$1")
  [ "$accuracy" -ge "$2" ] || { cat "$1" >&2; die "learnt nothing"; }
}

case $what in
learn)
  train texts.tsv --model bert "${fast[@]}" --epochs 4 -c m.st
  has log "135 texts to learn from, 15 held out, 3 classes"
  has log "saved m.st after"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  "$program" eval -c m.st >eval
  learnt eval 80
  [ "$(grep -cE 'precision +[0-9.]+ %  recall +[0-9.]+ %  F1 +[0-9.]+ %  of 5$' eval)" = 3 ] ||
    die "a line for each class"
  # The same from another file, of which it knows nothing but the classes.
  printf 'label\ttext\nsport\tthe coach lost the final\nfood\tmy salad needs more garlic\n' >other.tsv
  "$program" eval -c m.st other.tsv >out
  has out "2 texts: accuracy"
  "$program" predict -c m.st "there will be snow" "our team won a race" >said
  grep -qE $'^weather\t[01]\\.[0-9]{4}\tthere will be snow$' said || { cat said; die "predict"; }
  printf '\xEF\xBB\xBFthere will be snow\r\nour team won a race\n' | "$program" predict -c m.st >piped
  cmp said piped || die "other answers to standard input"
  "$program" report -c m.st -o page.html
  has page.html "<svg"
  has page.html "precision"
  has page.html "</html>" ;;
models)
  train texts.tsv --model albert "${fast[@]}" --epochs 6 -c albert.st
  "$program" eval -c albert.st >eval
  learnt eval 80
  train texts.tsv --lr 0.003 --head-lr 0.003 --batch-size 8 --width 64 --layers 1 --epochs 12 -c fresh.st
  "$program" eval -c fresh.st >eval
  learnt eval 80
  # What is frozen stays, and what is left is counted.
  train texts.tsv --model bert "${fast[@]}" --freeze 2 --epochs 1 -c frozen.st
  has log ", 323 of them trained"  # 16 x 16 + 16 of the pooler and 3 x 16 + 3 of the classifier
  train texts.tsv --model albert "${fast[@]}" --freeze 1 --epochs 1 -c frozen.st --force
  has log ", 323 of them trained"
  fails "freeze: no parameter of the model matches 'bert.encoder.layer.2'" \
    "$program" train texts.tsv --model bert --freeze 3 -c new.st ;;
resume)
  first=(train texts.tsv --model bert "${fast[@]}" --freeze 1 --epochs 20)
  interrupt INT 8 resume ;;
kill)
  first=(train texts.tsv --model albert "${fast[@]}" --epochs 10)
  loads() { "$program" eval -c stopped.st; }
  interrupt KILL "${KILLS:-6}" resume ;;
threads)
  for n in 1 2 3; do
    OMP_NUM_THREADS=$n train texts.tsv --model bert "${fast[@]}" --epochs 1 -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads give other bits than 1"
  done ;;
errors)
  small=(texts.tsv --model bert "${fast[@]}" --epochs 1)
  train "${small[@]}" -c good.st
  cp good.st before.st
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "no.tsv: No such file" "$program" train no.tsv --model bert -c new.st
  fails "nowhere/config.json: No such file" "$program" train texts.tsv --model nowhere -c new.st
  fails "there is no column 'class'" "$program" train texts.tsv --model bert --label class -c new.st
  printf 'text\tlabel\na\tone\nb\tone\n' >one.tsv
  fails "one.tsv: there are no two classes in column 'label'" "$program" train one.tsv --model bert -c new.st
  printf 'text\tlabel\na\tone\nb\ttwo\n' >few.tsv
  fails "few.tsv: 2 texts are too few to hold some out" "$program" train few.tsv --model bert -c new.st
  printf 'text\tlabel\na\tone\nb\n' >short.tsv
  fails "short.tsv:3: expected 2 fields, found 1" "$program" train short.tsv --model bert -c new.st
  printf 'text\tlabel\na\xff\tone\n' >bytes.tsv
  fails "bytes.tsv:2: a field is not UTF-8" "$program" train bytes.tsv --model bert -c new.st
  printf 'text\tlabel\na\tpolitics\n' >other.tsv
  fails "other.tsv: 'politics' is none of the classes that were learnt" "$program" eval -c good.st other.tsv
  fails "was trained on other texts than those of other.tsv" "$program" resume -c good.st --data other.tsv
  for file in config.json tokenizer.json model.safetensors; do
    cp -r bert damaged
    head -c 50 "bert/$file" >"damaged/$file"
    fails "$file" "$program" train texts.tsv --model damaged -c new.st
    rm -r damaged
  done
  cp -r bert damaged
  cp albert/model.safetensors damaged
  ! "$program" train texts.tsv --model damaged -c new.st >out 2>err || die "weights of other sizes were taken"
  has err "damaged/model.safetensors: 5 problems, nothing was loaded"
  sed 's/"model_type": "bert"/"model_type": "gpt2"/' bert/config.json >damaged/config.json
  fails "model_type" "$program" train texts.tsv --model damaged -c new.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -c /nowhere/new.st
  fails "texts.tsv: the checkpoint would replace the texts" "$program" train "${small[@]}" -c ./texts.tsv --force
  fails "the checkpoint would replace a file of the model" \
    "$program" train "${small[@]}" -c bert/model.safetensors --force
  fails "--epochs" "$program" train texts.tsv --epochs 0 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "no.st: No such file" "$program" predict -c no.st "a text"
  fails "text 1 is not UTF-8" "$program" predict -c good.st $'\xff'
  fails "the page would replace the checkpoint" "$program" report -c good.st -o ./good.st
  fails "/nowhere/page.html: No such file" "$program" report -c good.st -o /nowhere/page.html
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  cuts "resume" predict -c cut.st "a text"
  sed 's/"batch-size":"8"/"batch-size":"0"/' good.st >false.st
  fails "false.st: its settings are damaged" "$program" eval -c false.st
  sed 's/\\"hidden_size\\": 16/\\"hidden_size\\": 18/' good.st >false.st
  ! "$program" eval -c false.st >out 2>err || die "weights of other sizes were taken"
  has err "false.st"
  if [ -w /dev/full ]; then
    fails "No space left" "$program" train "${small[@]}" -c /dev/full
    fails "No space left" bash -c "'$program' eval -c good.st >/dev/full"
  fi
  (ulimit -f 8; trap '' XFSZ; fails "good.st: File too large" "$program" train "${small[@]}" -c good.st --force)
  cmp good.st before.st || die "a failed run changed the checkpoint"
  no_leftovers ;;
*) die "no case $what" ;;
esac
