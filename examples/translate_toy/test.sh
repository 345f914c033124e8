#!/usr/bin/env bash
# What translate_toy promises, each with a tiny model: test.sh PROGRAM SENTENCES.tsv CASE. Run by ctest.
program=$(realpath "$1") embedded=$(realpath "$2") what=$3
. "$(dirname "$0")/../testing.sh"
head -n 400 "$embedded" >some.tsv || true
tiny=(--d-model 16 --layers 1 --heads 2 --d-ff 32 --vocab 300)

word() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x00"; }
write_mo() {  # pairs.tsv as a compiled catalogue
  local n=0 at=0 ids=() lines=() id text lengths=()
  while IFS=$'\t' read -r id text; do lines+=("$id" "$text"); n=$((n + 1)); done <"$1"
  printf '\xde\x12\x04\x95\0\0\0\0'
  word "$n"; word 28; word $((28 + 8 * n)); word 0; word 0
  at=$((28 + 16 * n))
  local odd i length LC_ALL=C
  for odd in 0 1; do
    for ((i = odd; i < 2 * n; i += 2)); do
      length=${#lines[i]}
      word "$length"; word "$at"
      at=$((at + length + 1))
    done
  done
  for odd in 0 1; do
    for ((i = odd; i < 2 * n; i += 2)); do printf '%s\0' "${lines[i]}"; done
  done
}

case $what in
data)
  train "${tiny[@]}" --epochs 1 --max-len 8 --held-out 20 -c embedded.st
  has log "epoch 1/1"
  train "${tiny[@]}" --epochs 1 -d some.tsv -c tsv.st
  head -n 100 some.tsv | grep -v '["\\]' >pairs.tsv
  write_mo pairs.tsv >pairs.mo
  while IFS=$'\t' read -r id text; do printf 'msgid "%s"\nmsgstr "%s"\n\n' "$id" "$text"; done <pairs.tsv >pairs.po
  for kind in tsv po mo; do
    train "${tiny[@]}" --epochs 1 -d "pairs.$kind" -c "$kind.st" --force
    "$program" translate -c "$kind.st" "Insert" "table" "Open the file" >"$kind.txt"
    "$program" eval -c "$kind.st" "pairs.$kind" >"$kind.eval"
    has "$kind.eval" "pairs: BLEU = "
    cmp tsv.txt "$kind.txt" && cmp tsv.eval "$kind.eval"
  done ;;
lines)
  train "${tiny[@]}" --epochs 2 -d some.tsv
  [ "$(grep -c '^epoch [12]/2  100%' log)" = 2 ] || die "a line for each epoch"
  [ "$(grep -cE '^  held out: loss [0-9.]+  BLEU [0-9.]+' log)" = 2 ] || die "loss and BLEU after each epoch"
  [ "$(grep -c '^      -> ' log)" = 6 ] && [ "$(grep -c '^       = ' log)" = 6 ] || die "three translations each time"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  has log "saved translate_toy.safetensors" ;;
resume)
  first=(train "${tiny[@]}" -d some.tsv --epochs 30 --dropout 0.1 --ema 0.99)
  interrupt INT 8 train --resume ;;
kill)
  first=(train "${tiny[@]}" -d some.tsv --epochs 30)
  loads() { "$program" translate -c stopped.st "Insert table"; }
  interrupt KILL "${KILLS:-6}" train --resume
  : >stopped.st.gloss.tmp  # as a kill leaves it
  train "${tiny[@]}" -d some.tsv --epochs 1 -c stopped.st --force
  no_leftovers ;;
first_version)  # a training that gloss 0.1 stopped in the middle of its ninth epoch goes on with the same numbers
  measured() { grep -E '^ *(held out:|->)' log | sed 's/ after.*//' | tail -n 48; }
  cp "$(dirname "$embedded")/first_version.safetensors" first.st
  train --resume -d some.tsv -c first.st
  measured >resumed
  train -d some.tsv --epochs 24 --vocab 300 --d-model 8 --heads 2 --layers 1 --d-ff 16 --dropout 0.1 --held-out 20 \
    --batch-tokens 512 --clip-norm 0 --ema 0 -c whole.st
  measured | cmp - resumed || die "a training of gloss 0.1 goes on with other numbers"
  for file in first whole; do "$program" translate --n-best 4 -c $file.st "Insert table" "Open" >$file.txt; done
  cmp first.txt whole.txt || die "a training of gloss 0.1 ends with other weights"
  no_leftovers ;;
options)
  usual=("${tiny[@]}" -d some.tsv --epochs 3)
  losses() { sed -n 's/.* loss \([0-9.]*\) .*/\1/p' log; }
  train "${usual[@]}" --ema 0 -c usual.st
  losses >usual
  "$program" translate -c usual.st "Insert table" "Open the file" >said
  for option in "pool 50" "embedding-std 0.25" "clip-norm 1e-7" "smoothing 0"; do
    train "${usual[@]}" --ema 0 -c other.st --force "--${option% *}" "${option#* }"
    ! losses | cmp -s usual - || die "--$option changes nothing"
  done
  train "${usual[@]}" -c mean.st --ema 0.9
  losses | sed -n '1p;3p;5p' >means
  sed -n '1p;3p;5p' usual | cmp - means || die "--ema changes the training"
  ! losses | cmp -s usual - || die "--ema changes nothing"
  "$program" translate -c mean.st "Insert table" "Open the file" >out
  ! cmp -s said out || die "the averaged weights do not translate" ;;
fewer_bits)
  head -n 40 some.tsv | awk -F '\t' 'length($1) < 30' >few.tsv  # to be learnt by heart
  train --d-model 64 --layers 1 --heads 2 --d-ff 128 --vocab 400 -d few.tsv --held-out 1 --epochs 100 --batch-tokens 128 \
    --warmup 100 --lr-factor 1 --smoothing 0 --dropout 0 --ema 0 -c m.st
  cut -f 1 few.tsv >sentences
  for weights in float panels bfloat16 int8; do
    "$program" translate -c m.st --weights $weights <sentences >$weights.txt
    "$program" translate -c m.st --weights $weights --n-best 4 "Insert table" >$weights.scores
    "$program" eval -c m.st --weights $weights few.tsv >$weights.eval
  done
  "$program" translate -c m.st <sentences | cmp - float.txt || die "float is the default"
  for weights in float bfloat16 int8; do
    grep -qE 'BLEU = (9[0-9]|100)' $weights.eval || { cat $weights.eval; die "--weights $weights does not translate"; }
  done
  cmp float.txt panels.txt && cmp float.scores panels.scores || die "panels of float translate otherwise"
  for weights in bfloat16 int8; do
    [ "$(diff float.txt $weights.txt | grep -c '^>')" -le 1 ] || die "--weights $weights translates otherwise"
    ! cmp -s float.scores $weights.scores || die "--weights $weights has no effect"
  done
  "$program" translate -c m.st --weights int8 --attention map.svg "Insert table" >out
  has map.svg "</svg>"
  fails "--weights: int4 not in {float,panels,bfloat16,int8}" "$program" translate -c m.st --weights int4 x
  fails "--weights: int4 not in {float,panels,bfloat16,int8}" "$program" eval -c m.st --weights int4 few.tsv
  fails "--precision: int8 not in {float,bfloat16}" "$program" train -d some.tsv --precision int8 -c new.st
  fails "--precision: cannot be given with --resume" "$program" train --resume --precision bfloat16 -c m.st
  ! grep -aq '"precision"' m.st || die "a checkpoint of float says so"
  first=(train "${tiny[@]}" -d some.tsv --epochs 20 --precision bfloat16)
  "$program" "${first[@]}" -c new.st >log 2>&1 || { has log "products are Eigen's in this program"; [ ! -e new.st ]; exit; }
  interrupt INT 2 train --resume
  grep -aq '"precision":"bfloat16"' whole.st || die "the precision is not in the checkpoint"
  train "${tiny[@]}" -d some.tsv --epochs 20 -c float.st
  "$program" translate -c float.st --n-best 4 "Insert table" >float.scores
  "$program" translate -c whole.st --n-best 4 "Insert table" | { ! cmp -s - float.scores; } || die "--precision has no effect"
  sed 's/"precision":"bfloat16"/"precision":"bfloat61"/' whole.st >false.st
  fails "load: false.st: precision is 'bfloat61', expected bfloat16" "$program" train --resume -c false.st ;;
threads)
  for n in 1 2 3 4; do
    OMP_NUM_THREADS=$n train --d-model 64 --layers 1 --heads 2 --d-ff 128 --vocab 400 -d some.tsv --epochs 1 -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads give other bits than 1"
  done ;;
compiled)  # another build of the program, given behind the case
  other=$(realpath "$4")
  work() {
    "$1" train "${tiny[@]}" -d some.tsv --epochs 2 --dropout 0.1 -c "$2.st" | sed '/^ *held out/s/after.*//; /^epoch/d' >"$2.log"
    "$1" translate -c "$2.st" --n-best 3 --attention "$2.svg" "Insert table" "Open" >"$2.txt"
    "$1" eval -c "$2.st" --beam 1 some.tsv >"$2.eval"
  }
  work "$program" here
  work "$other" there
  sed -i 's/there\.st/here.st/' there.log
  for kind in st log svg txt eval; do cmp "here.$kind" "there.$kind" || die "the two builds differ"; done ;;
translate)
  train "${tiny[@]}" --epochs 2 -d some.tsv -c m.st
  "$program" translate -c m.st "Insert table" "Open" >by_argument
  printf 'Insert table\r\nOpen' | "$program" translate -c m.st >by_line
  cmp by_argument by_line
  [ "$(wc -l <by_line)" = 2 ] || die "one line for each sentence"
  printf 'a\n\n\xf0\x9f\x8e\x89 \xff\xfe\n\0\x01\nlast\n' | "$program" translate -c m.st >odd
  [ "$(wc -l <odd)" = 5 ] || die "one line for any bytes"
  [ -z "$(sed -n 2p odd)" ] || die "an empty line stays one"
  ! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f]' odd || die "control characters in a translation"
  [ "$("$program" translate -c m.st --n-best 3 "Insert table" | grep -cE '^ *-?[0-9]+\.[0-9]{3}  ')" = 3 ] || die "--n-best 3"
  "$program" translate -c m.st --beam 1 "Insert table" --attention map.svg >greedy
  [ "$(wc -l <greedy)" = 1 ] || die "--beam 1"
  [ "$(head -c 4 map.svg)" = "<svg" ] || head -n 1 map.svg | grep -q '<?xml' || die "not SVG"
  [ "$(tail -n 1 map.svg)" = "</svg>" ] || die "the SVG has no end"
  if python3 -c '' 2>/dev/null; then python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' map.svg; fi
  "$program" eval -c m.st some.tsv | grep -qE '^400 pairs: BLEU = [0-9.]+ ' || die "eval"
  [ -n "$("$program" --help)" ] && "$program" train --help | grep -q -e --resume ;;
stdin)
  train "${tiny[@]}" --epochs 2 -d some.tsv -c m.st
  long=$(printf 'x %.0s' {1..1500})
  "$program" translate -c m.st "Insert table" >insert
  "$program" translate -c m.st "Open" >open
  [ -n "$(cat insert)" ] || die "nothing said"
  lines() { "$program" translate -c m.st >out; }  # of standard input, into `out`
  printf '\xef\xbb\xbfInsert table\r\nOpen' | lines
  cat insert open | cmp - out || die "a byte order mark, CRLF and no last line end"
  printf '\xef\xbb\xbf' | lines
  [ "$(wc -l <out)" = 1 ] || die "a line with nothing but a byte order mark"
  : | lines
  [ ! -s out ] || die "no lines, no lines"
  printf '   \n\nInsert table\n\t\xc2\xa0\xe3\x80\x80\n\r\n' | lines
  { printf '\n\n'; cat insert; printf '\n\n'; } | cmp - out || die "lines without a word stay empty"
  [ -z "$("$program" translate -c m.st ' ')" ] || die "a sentence without a word"
  printf '\0\n\xff\xfe\nInsert table\n' | lines
  [ "$(wc -l <out)" = 3 ] && tail -n 1 out | cmp - insert || die "zero bytes and bytes that are not UTF-8"
  printf '%s\nInsert table\n%s\nOpen\n' "$long" "$long" >long.txt
  status=0
  "$program" translate -c m.st <long.txt >out 2>err || status=$?
  [ $status = 1 ] || die "status $status after lines that are too long"
  { echo; cat insert; echo; cat open; } | cmp - out || die "the lines around those that are too long"
  [ "$(wc -l <err)" = 2 ] || die "a message for each line that is too long"
  has err "translate_toy: standard input:1: a sentence of 3002 subwords is longer than the 512 this model reads"
  has err "translate_toy: standard input:3: a sentence of"
  ! "$program" translate -c m.st "$long" "Open" >out 2>err || die "status 0 after a sentence that is too long"
  { echo; cat open; } | cmp - out || die "sentences after one that is too long"
  printf 'Insert table\n\n%s\nOpen' "$long" | "$program" translate -c m.st --n-best 3 >out 2>err || true
  [ "$(wc -l <out)" = 12 ] && [ -z "$(sed -n 4,9p out | tr -d '\n')" ] || die "--n-best 3 gives three lines for each"
  printf '\n%s\nInsert table\nOpen\n' "$long" | "$program" translate -c m.st --attention late.svg >out 2>err || true
  has late.svg ">Insert table<"
  printf 'Insert table\tx\n%s\tx\n  \tx\n' "$long" >long.tsv
  status=0
  "$program" eval -c m.st long.tsv >out 2>err || status=$?
  [ $status = 1 ] || die "status $status after a pair that is too long"
  has out "3 pairs: BLEU = "
  [ "$(cat err)" = "translate_toy: long.tsv: pair 2: a sentence of 3002 subwords is longer than the 512 this model reads" ] ||
    die "eval: $(cat err)"
  fails "standard input: Is a directory" bash -c "'$program' translate -c m.st <."
  fails "standard input: Bad file descriptor" bash -c "'$program' translate -c m.st <&-" ;;
diverge)
  head -n 30 some.tsv >few.tsv
  status=0
  "$program" train "${tiny[@]}" -d few.tsv --lr-factor 1e35 --warmup 1 --epochs 20 -c d.st >log 2>err || status=$?
  [ $status = 1 ] || die "status $status of a training that diverges"
  grep -qE '^translate_toy: train: (the loss|the norm of the gradient|the held-out loss) became infinite or NaN, a smaller --lr-factor may help; d.st is as it was saved last$' err ||
    { cat err >&2; die "what a training that diverges says"; }
  "$program" translate -c d.st "Insert table" >out || die "no checkpoint after a training that diverges"
  no_leftovers
  for option in lr-factor length-penalty dropout smoothing; do
    for value in nan inf -inf NAN 1e999; do
      command=(train -d few.tsv -c new.st)
      [ $option != length-penalty ] || command=(translate -c d.st x)
      fails "--$option: $value is not a finite number" "$program" "${command[@]}" "--$option=$value"
    done
  done
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  train "${tiny[@]}" -d few.tsv --epochs 1 -c good.st
  header=$((8 + $(od -An -t u8 -N 8 good.st)))
  spoil() {  # the first number of a tensor becomes NaN
    local at
    at=$(head -c $header good.st | grep -ao "\"$1\":{[^}]*}" | sed 's/.*offsets":\[//; s/,.*//')
    cp good.st spoilt.st
    printf '\0\0\xc0\x7f' | dd of=spoilt.st bs=1 seek=$((header + at)) conv=notrunc status=none
  }
  spoil model.encoder.norm.a_2
  for command in "translate x" "eval few.tsv" "train --resume"; do
    fails "translate_toy: load: spoilt.st: model.encoder.norm.a_2 holds infinity or NaN" "$program" $command -c spoilt.st
  done
  spoil optimizer.0.exp_avg
  fails "translate_toy: load: spoilt.st: optimizer.0.exp_avg holds infinity or NaN" "$program" train --resume -c spoilt.st ;;
overwrite)  # what is read is not written over, whatever it is called
  train "${tiny[@]}" --epochs 1 -d some.tsv -c m.st
  cp some.tsv d.tsv
  ln -s d.tsv soft.tsv
  ln d.tsv hard.tsv
  mkdir sub
  for name in d.tsv ./d.tsv sub/../d.tsv soft.tsv hard.tsv "$PWD/d.tsv"; do
    fails "$name: the checkpoint would replace the sentence pairs" "$program" train -d d.tsv -c "$name" --force
    fails "d.tsv: the checkpoint would replace the sentence pairs" "$program" train -d "$name" -c d.tsv --resume
  done
  cmp some.tsv d.tsv || die "the sentence pairs were changed"
  cp m.st before.st
  ln -s m.st soft.st
  ln m.st hard.st
  for name in m.st ./m.st soft.st hard.st; do
    fails "$name: the picture would replace the checkpoint" "$program" translate -c m.st --attention "$name" x
  done
  cmp m.st before.st || die "the checkpoint was changed"
  echo "Insert table" >in.txt
  fails "in.txt: the picture would replace standard input" \
    bash -c "'$program' translate -c m.st --attention in.txt <in.txt"
  [ "$(cat in.txt)" = "Insert table" ] || die "standard input was changed"
  # what is no file, or another, may be named
  "$program" translate -c m.st --attention /dev/null x >out
  "$program" translate -c m.st --attention in.txt x <in.txt >out
  has in.txt "</svg>" ;;
errors)
  small=("${tiny[@]}" --epochs 1)
  train "${small[@]}" -d some.tsv -c good.st
  cp good.st before.st
  fails "nofile.tsv: No such file" "$program" train -d nofile.tsv -c new.st
  printf 'a\tb\nno tab\n' >bad.tsv
  fails "bad.tsv:2: expected 2 fields" "$program" train -d bad.tsv -c new.st
  : >empty.tsv
  fails "empty.tsv: no sentence pairs" "$program" train -d empty.tsv -c new.st
  printf 'msgid "a"\nmsgstr b\n' >bad.po
  fails "bad.po:2:" "$program" train -d bad.po -c new.st
  printf 'xx' >bad.mo
  fails "bad.mo: not a compiled message catalogue: it looks like text" "$program" train -d bad.mo -c new.st
  fails "bad.tsv:2:" "$program" eval -c good.st bad.tsv
  fails "does not divide --d-model" "$program" train -d some.tsv --d-model 16 --heads 3 -c new.st
  fails "--schedule: cosine is neither noam nor linear" "$program" train -d some.tsv --schedule cosine -c new.st
  fails "at most 4 subwords" "$program" train "${small[@]}" -d some.tsv --max-len 4 -c new.st
  fails "has no room for" "$program" train "${small[@]}" -d some.tsv --batch-tokens 16 -c new.st
  fails "--epochs: cannot be given with --resume" "$program" train --resume --epochs 3 -c good.st
  fails "good.st exists" "$program" train "${small[@]}" -d some.tsv -c good.st
  head -n 300 some.tsv >other.tsv
  fails "trained on other data than other.tsv" "$program" train --resume -d other.tsv -c good.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -d some.tsv -c /nowhere/new.st
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  fails "no.st: No such file" "$program" train --resume -c no.st
  fails "no.st: No such file" "$program" translate -c no.st x
  fails "some.tsv:" "$program" translate -c some.tsv x
  cuts "train --resume" translate -c cut.st x
  # sizes that the weights do not have
  false_sizes() { sed "s/\"$1\":\"$2\"/\"$1\":\"$3\"/" good.st >false.st; }
  for claim in "layers 1 9" "d_model 16 96"; do
    false_sizes $claim
    fails "false.st: has" "$program" translate -c false.st x
    fails "false.st: has" "$program" train --resume -c false.st
  done
  false_sizes heads 2 3
  fails "false.st: heads is 3, which does not divide d_model 16" "$program" translate -c false.st x
  # other headers: they grow, and with them their length in front
  with_header() {  # sed's words
    local old
    old=$(od -An -t u8 -N 8 good.st)
    head -c "$((8 + old))" good.st | tail -c +9 | LC_ALL=C sed "$@" >header.json
    { word "$(stat -c %s header.json)"; word 0; cat header.json; tail -c "+$((9 + old))" good.st; } >false.st
  }
  for claim in "epochs -1:1 to 100000" "layers 9223372036854775807:1 to 64" "dropout 0.95:0 to 0.9"; do
    claimed=${claim%:*}
    with_header "s/\"${claimed% *}\":\"[^\"]*\"/\"${claimed% *}\":\"${claimed#* }\"/"
    fails "false.st: ${claimed% *} is ${claimed#* }, expected a number from ${claim#*:}" "$program" train --resume -c false.st
  done
  for claim in "lr_factor nan" "dropout inf" "layers x" "d_ff 9223372036854775808" "max_len 1e3" "data_fingerprint -1"; do
    with_header "s/\"${claim% *}\":\"[^\"]*\"/\"${claim% *}\":\"${claim#* }\"/"
    fails "false.st: ${claim% *} is '${claim#* }', expected a number" "$program" train --resume -c false.st
  done
  # a file of gloss 0.1 has other names of the settings
  with_header 's/"checkpoint":"gloss 1"/"steps":"9"/; s/translate_toy 2/translate_toy 1/
               s/"\(d_model\|d_ff\|layers\|heads\|vocab\|epochs\|seed\)":"/"train.\1":"/g'
  "$program" translate -c false.st "Insert table" "Open" >out
  "$program" translate -c good.st "Insert table" "Open" | cmp - out || die "a file of gloss 0.1"
  fails "false.st: batch is missing or out of range" "$program" train --resume -d some.tsv -c false.st
  long=$(printf 'x %.0s' {1..1500})
  fails "sentence 2: a sentence of" "$program" translate -c good.st short "$long"
  printf 'short\n%s\n' "$long" >long.txt
  fails "standard input:2: a sentence of" bash -c "'$program' translate -c good.st <long.txt"
  printf 'a\tb\n%s\tb\n' "$long" >long.tsv
  fails "long.tsv: pair 2: a sentence of" "$program" eval -c good.st long.tsv
  fails "/nowhere/map.svg: No such file" "$program" translate -c good.st --attention /nowhere/map.svg x
  if [ -w /dev/full ]; then
    fails "/dev/full: No space left" "$program" train "${small[@]}" -d some.tsv -c /dev/full
    fails "/dev/full: No space left" "$program" translate -c good.st --attention /dev/full x
    fails "No space left" bash -c "'$program' translate -c good.st x >/dev/full"
  fi
  if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 500 locked
    fails "locked/new.st: Permission denied" "$program" train "${small[@]}" -d some.tsv -c locked/new.st
  fi
  (ulimit -f 8; trap '' XFSZ; fails "good.st: File too large" "$program" train "${small[@]}" -d some.tsv -c good.st --force)
  cmp good.st before.st || die "a failed run changed the checkpoint"
  no_leftovers ;;
*) die "no case $what" ;;
esac
