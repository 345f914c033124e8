#!/usr/bin/env bash
# What mae promises, each with a tiny model: test.sh PROGRAM DATA CASE. Run by ctest.
program=$(realpath "$1") data=$(realpath "$2") what=$3
. "$(dirname "$0")/../testing.sh"
tiny=(--data "$data" --patch 7 --width 8 --depth 1 --heads 2 --batch-size 16)

is_png() { [ "$(head -c 4 "$1" | tail -c 3)" = PNG ] || die "$1 is no PNG file"; }

case $what in
learn)
  train --data "$data" --patch 7 --width 32 --depth 2 --batch-size 16 --epochs 12 -c m.st
  has log "300 images to learn from, 100 to test with"
  has log "vit train --mae m.st begins with its encoder"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  losses=$(sed -n 's/.*validation: loss \([0-9.]*\).*/\1/p' log)
  [ "$(wc -l <<<"$losses")" -ge 12 ] || { cat log; die "no losses"; }
  awk -v first="$(head -1 <<<"$losses")" -v last="$(tail -1 <<<"$losses")" 'BEGIN { exit !(last < 0.9 * first) }' ||
    { cat log; die "learnt nothing"; }
  "$program" show -c m.st -o shown.png -n 5 >said
  grep -qE '^loss [0-9.]+ of 5 images; wrote shown.png$' said || { cat said; die "show"; }
  is_png shown.png
  base64 -d <<<iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwUMeBhEAAC54h/hLKFfjQAAAABJRU5ErkJggg== >above.png
  "$program" show -c m.st -o one.png above.png >said
  has said "of 1 images; wrote one.png" ;;
resume)
  first=(train "${tiny[@]}" --epochs 30)
  interrupt INT 8 resume --workers 2 ;;
threads)
  for n in 1 2 3; do
    OMP_NUM_THREADS=$n train "${tiny[@]}" --epochs 1 --workers $((n - 1)) -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads and $((n - 1)) workers give other bits than 1 and 0"
  done ;;
errors)
  small=("${tiny[@]}" --epochs 1)
  train "${small[@]}" -c good.st
  cp good.st before.st
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "nowhere: No such file" "$program" train --data nowhere -c new.st
  fails "hidden_size 6 and decoder_hidden_size 6 must be multiples of 4" "$program" train --data "$data" --width 6 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "x.png: No such file" "$program" show -c good.st x.png
  fails "the picture would replace the checkpoint" "$program" show -c good.st -o ./good.st
  fails "/nowhere/shown.png: No such file" "$program" show -c good.st -o /nowhere/shown.png
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  head -c 5000 good.st >cut.st
  fails "cut.st:" "$program" show -c cut.st
  cmp good.st before.st || die "a failed run changed the checkpoint"
  no_leftovers ;;
*) die "no case $what" ;;
esac
