#!/usr/bin/env bash
# What video_directions promises, each with a tiny model: test.sh PROGRAM CASE. Run by ctest.
program=$(realpath "$1") what=$2
. "$(dirname "$0")/../testing.sh"
tiny=(--clips 128 --batch-size 8 --frames 4 --side 16 --width 16 --layers 1)

# accuracy EVAL...: the whole percents that eval says
accuracy() { "$program" eval "$@" >eval && sed -n 's/^.*: accuracy \([0-9]*\)\..*/\1/p' eval; }

case $what in
learns)
  train --epochs 4 --side 16 --test-clips 100 -c m.st
  has log "8,192 videos an epoch, 4 directions"
  has log "saved m.st after"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  right=$(accuracy -c m.st --test-clips 400)
  shuffled=$(accuracy -c m.st --test-clips 400 --shuffle-frames)
  has eval "400 videos, frames shuffled: accuracy"
  [ "$(grep -c 'is taken for right' eval)" = 4 ] || die "a line for each direction"
  echo "$right %, with frames shuffled $shuffled %"
  { [ "$right" -ge 80 ] && [ "$shuffled" -le 35 ]; } || die "learnt nothing, or without time"
  for direction in right left down up; do
    "$program" draw $direction --direction $direction --side 16 --seed 5
  done
  "$program" predict -c m.st right left down up >said
  [ "$(grep -cE '^(right: right|left: left|down: down|up: up) \(right [0-9.]+ %, left ' said)" -ge 3 ] || { cat said; die "predict"; } ;;
resume)
  first=(train "${tiny[@]}" --epochs 40 --test-clips 20)
  interrupt INT 8 resume --test-clips 20 --workers 2 ;;
threads)
  for n in 1 2 3; do
    OMP_NUM_THREADS=$n train "${tiny[@]}" --epochs 1 --test-clips 20 --workers $((n - 1)) -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads and $((n - 1)) workers give other bits than 1 and 0"
  done ;;
errors)
  small=("${tiny[@]}" --epochs 1 --test-clips 20)
  train "${small[@]}" -c good.st
  cp good.st before.st
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -c /nowhere/new.st
  fails "--epochs" "$program" train --epochs 0 -c new.st
  fails "--width: is not a multiple of 16" "$program" train --width 40 -c new.st
  fails "--patch: is larger than --side" "$program" train --patch 64 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "no.st: No such file" "$program" predict -c no.st x
  fails "frame_files: x: No such file" "$program" predict -c good.st x
  "$program" draw x --frames 2 --side 16 >out 2>&1 && die "two frames"
  "$program" draw x --frames 7 --side 40 --direction up >out
  has out "x: 7 frames of a shape that moves up"
  fails "draw: x exists" "$program" draw x
  "$program" predict -c good.st x >said
  has said "x: "
  echo text >x/frame4.png
  fails "x/frame4.png: not a PNG or JPEG file: it looks like text" "$program" predict -c good.st x
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  cuts "resume" predict -c cut.st x
  sed 's/"width":"16"/"width":"17"/' good.st >false.st
  fails "false.st: its settings are damaged" "$program" eval -c false.st
  sed 's/"width":"16"/"width":"32"/' good.st >false.st
  ! "$program" eval -c false.st >out 2>err || die "weights of other sizes were taken"
  has err "false.st"
  if [ -w /dev/full ]; then
    fails "No space left" "$program" train "${small[@]}" -c /dev/full
    fails "No space left" bash -c "'$program' eval -c good.st --test-clips 20 >/dev/full"
  fi
  (ulimit -f 8; trap '' XFSZ; fails "good.st: File too large" "$program" train "${small[@]}" -c good.st --force)
  cmp good.st before.st || die "a failed run changed the checkpoint"
  no_leftovers ;;
*) die "no case $what" ;;
esac
