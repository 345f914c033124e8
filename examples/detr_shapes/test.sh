#!/usr/bin/env bash
# What detr_shapes promises, each with a tiny model: test.sh PROGRAM CASE. Run by ctest.
program=$(realpath "$1") what=$2
. "$(dirname "$0")/../testing.sh"
tiny=(--width 8 --side 24 --most 2 --queries 3 --batch-size 4 --epoch-size 16 --test-size 4)

case $what in
overfits)
  train --pictures 8 --batch-size 8 --epoch-size 400 --epochs 6 --lr 0.001 -c m.st
  has log "saved m.st after"
  "$program" eval --seen -c m.st >eval
  cat eval
  ap50=$(sed -n 's/^8 pictures: AP50 \([0-9]*\)\.\([0-9]*\),.*/\1\2/p' eval)
  [ "$((10#$ap50))" -ge 950 ] || { cat log eval >&2; die "eight pictures were not learnt"; } ;;
resume)
  first=(train "${tiny[@]}" --epochs 12)
  interrupt INT 8 resume --test-size 4 --workers 2 ;;
kill)
  first=(train "${tiny[@]}" --epochs 12)
  loads() { "$program" eval -c stopped.st --test-size 4; }
  interrupt KILL "${KILLS:-6}" resume --test-size 4 ;;
threads)
  for n in 1 2 3; do
    OMP_NUM_THREADS=$n train "${tiny[@]}" --epochs 1 --workers $((n - 1)) -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads and $((n - 1)) workers give other bits than 1 and 0"
  done ;;
predict)
  train "${tiny[@]}" --epochs 1 -c m.st
  has log "kinds of shapes"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  "$program" draw --seed 5 -o picture.png >out
  has out "wrote picture.png"
  "$program" draw --seed 5 -o again.png >out
  cmp picture.png again.png || die "a seed draws two pictures"
  "$program" predict picture.png -c m.st --threshold 0 --scale 2 -o boxes.png >said
  found='^(circle|square|triangle|cross) [0-9]+ % from \(-?[0-9]+, -?[0-9]+\) to \([0-9]+, [0-9]+\)$'
  [ "$(grep -cE "$found" said)" = 3 ] || { cat said; die "a line for each query"; }
  has said "wrote boxes.png"
  "$program" predict picture.png -c m.st --threshold 0 -o boxes.svg >said
  has boxes.svg "data:image/png;base64,"
  "$program" predict picture.png -c m.st --threshold 1 -o boxes.jpg >said
  [ "$(cat said)" = "wrote boxes.jpg" ] || die "something is surer than all"
  "$program" eval -c m.st --test-size 20 >out
  grep -qE '^20 pictures: AP50 [0-9.]+, AP [0-9.]+, loss [0-9.]+$' out || { cat out; die "eval"; } ;;
errors)
  small=("${tiny[@]}" --epochs 1)
  train "${small[@]}" -c good.st
  cp good.st before.st
  "$program" draw -o x.png >out
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -c /nowhere/new.st
  fails "--epochs" "$program" train --epochs 0 -c new.st
  fails "--width: must be a multiple of 8" "$program" train --width 20 -c new.st
  fails "--queries: must be at least --most" "$program" train --queries 2 --most 3 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "no.st: No such file" "$program" predict -c no.st x.png
  fails "nothing.png: No such file" "$program" predict -c good.st nothing.png
  echo text >text.png
  fails "text.png: not a PNG or JPEG file: it looks like text" "$program" predict -c good.st text.png
  fails "the picture would replace the checkpoint" "$program" predict -c good.st x.png -o ./good.st
  fails "the picture would replace the one that is read" "$program" predict -c good.st x.png -o ./x.png
  fails "neither in .png nor in .jpg" "$program" predict -c good.st x.png -o x.gif
  fails "/nowhere/x.svg: No such file" "$program" predict -c good.st x.png -o /nowhere/x.svg
  fails "no picture twice" "$program" eval -c good.st --seen
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  cuts "resume" predict -c cut.st x.png
  sed 's/"width":"8"/"width":"0"/' good.st >false.st
  fails "false.st: its settings are damaged" "$program" eval -c false.st
  sed 's/"queries":"3"/"queries":"4"/' good.st >false.st
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
