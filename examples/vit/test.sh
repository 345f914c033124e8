#!/usr/bin/env bash
# What vit promises, each with a tiny model: test.sh PROGRAM DATA CASE [MAE]. Run by ctest.
program=$(realpath "$1") data=$(realpath "$2") what=$3
[ -z "${4:-}" ] || mae=$(realpath "$4")
. "$(dirname "$0")/../testing.sh"
tiny=(--data "$data" --patch 7 --width 8 --depth 1 --heads 2 --batch-size 16)

accuracy_of() { "$program" eval -c "$1" | sed -n 's/^100 images: accuracy \([0-9]*\)\..*/\1/p'; }

# Two pictures of 8 x 8 pixels, white above and white on the left.
above=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwUMeBhEAAC54h/hLKFfjQAAAABJRU5ErkJggg==
left=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwQMIEAZAwC7xB/h8DmDUAAAAABJRU5ErkJggg==
is_png() { [ "$(head -c 4 "$1" | tail -c 3)" = PNG ] || die "$1 is no PNG file"; }

case $what in
learn)
  train --data "$data" --patch 7 --width 32 --depth 2 --batch-size 16 --epochs 20 -c m.st
  has log "300 images to learn from, 100 to test with, 10 classes"
  has log "saved m.st after"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  accuracy=$(accuracy_of m.st)
  [ "$accuracy" -ge 50 ] || die "learnt nothing: $accuracy"
  [ "$("$program" eval -c m.st | grep -c precision)" = 10 ] || die "a line for each class"
  base64 -d <<<"$above" >above.png
  base64 -d <<<"$left" >left.png
  "$program" predict -c m.st --maps maps.png above.png left.png >said
  grep -qE '^above.png: [A-Za-z-]+ [0-9.]+ %, [A-Za-z-]+ [0-9.]+ %, [A-Za-z-]+ [0-9.]+ %$' said || { cat said; die "predict"; }
  has said "wrote maps.png"
  is_png maps.png
  train "${tiny[@]}" --epochs 1 --labels 40 -c few.st
  has log "40 images to learn from" ;;
resume)
  first=(train "${tiny[@]}" --epochs 30 --drop-path 0.1)
  interrupt INT 8 resume --workers 2 ;;
threads)
  for n in 1 2 3; do
    OMP_NUM_THREADS=$n train "${tiny[@]}" --epochs 1 --workers $((n - 1)) -c same.st --force
    mv same.st "$n.st"
    cmp 1.st "$n.st" || die "$n threads and $((n - 1)) workers give other bits than 1 and 0"
  done ;;
folder)
  mkdir -p images/{above,left}
  for ((i = 0; i < 20; ++i)); do
    base64 -d <<<"$above" >images/above/$i.png
    base64 -d <<<"$left" >images/left/$i.png
  done
  train --data images --patch 4 --width 16 --depth 1 --heads 2 --batch-size 4 --side 8 --epochs 10 -c m.st
  has log "36 images to learn from, 4 to test with, 2 classes"
  "$program" predict -c m.st images/above/3.png images/left/4.png >said
  [ "$(grep -cE '^images/(above/3.png: above|left/4.png: left) ' said)" = 2 ] || { cat said; die "learnt nothing"; }
  fails "another.png: not a PNG or JPEG file: it looks like text" bash -c "echo text >another.png; '$program' predict -c m.st another.png"
  rm images/left/9.png
  fails "was trained on other images than those of images" "$program" resume -c m.st ;;
mae)
  "$mae" train "${tiny[@]}" --epochs 2 -c mae.st >log 2>&1 || { cat log >&2; die "mae"; }
  train --data "$data" --mae mae.st --epochs 2 -c m.st
  "$program" eval -c m.st >out
  train "${tiny[@]}" --epochs 2 -c scratch.st
  ! cmp -s m.st scratch.st || die "the encoder was not taken"
  fails "no.st: No such file" "$program" train --data "$data" --mae no.st -c new.st
  fails "the checkpoint would replace the encoder" "$program" train --data "$data" --mae mae.st -c mae.st --force ;;
errors)
  small=("${tiny[@]}" --epochs 1)
  train "${small[@]}" -c good.st
  cp good.st before.st
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "nowhere: No such file" "$program" train --data nowhere -c new.st
  train "${small[@]}" --shift 40 -c far.st  # further than an image is wide
  "$program" eval -c far.st >out
  fails "the width 128 is not a multiple of 7 heads" "$program" train --data "$data" --heads 7 -c new.st
  fails "an image_size of 28 has no patch of 29" "$program" train --data "$data" --patch 29 -c new.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -c /nowhere/new.st
  fails "--epochs" "$program" train --epochs 0 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "x.png: No such file" "$program" predict -c good.st x.png
  fails "the picture would replace the checkpoint" "$program" predict -c good.st -m ./good.st x.png
  base64 -d <<<"$above" >above.png
  fails "/nowhere/maps.png: No such file" "$program" predict -c good.st -m /nowhere/maps.png above.png
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  cuts "resume" predict -c cut.st x.png
  sed 's/"width":"8"/"width":"0"/' good.st >false.st
  fails "false.st: its settings are damaged" "$program" eval -c false.st
  cmp good.st before.st || die "a failed run changed the checkpoint"
  no_leftovers ;;
*) die "no case $what" ;;
esac
