#!/usr/bin/env bash
# What image_classifier promises, each with a tiny model: test.sh PROGRAM DATA CASE. Run by ctest.
program=$(realpath "$1") data=$(realpath "$2") what=$3
. "$(dirname "$0")/../testing.sh"
tiny=(--data "$data" --width 2 --batch-size 16)

resume() { "$program" resume "$@" >log 2>&1 || { cat log >&2; die "resume $*"; }; }

# Two pictures of 8 x 8 pixels, white above and white on the left.
above=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwUMeBhEAAC54h/hLKFfjQAAAABJRU5ErkJggg==
left=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwQMIEAZAwC7xB/h8DmDUAAAAABJRU5ErkJggg==

case $what in
learn)
  train --data "$data" --width 4 --batch-size 16 --epochs 8 -c m.st
  has log "300 images to learn from, 100 to test with, 10 classes"
  has log "saved m.st after"
  ! grep -q $'[\r\x1b]' log || die "control characters on a pipe"
  "$program" eval -c m.st >eval
  accuracy=$(sed -n 's/^100 images: accuracy \([0-9]*\)\..*/\1/p' eval)
  [ "$accuracy" -ge 50 ] || { cat eval >&2; die "learnt nothing"; }
  [ "$(grep -c 'precision' eval)" = 10 ] || die "a line for each class"
  base64 -d <<<"$above" >above.png
  "$program" predict -c m.st above.png >said
  grep -qE '^above.png: [A-Za-z-]+ [0-9.]+ %, [A-Za-z-]+ [0-9.]+ %, [A-Za-z-]+ [0-9.]+ %$' said || { cat said; die "predict"; }
  "$program" report -c m.st -o page.html
  has page.html "<svg"
  has page.html "</html>" ;;
resume)
  first=(train "${tiny[@]}" --epochs 30)
  interrupt INT 8 resume --workers 2 ;;
kill)
  first=(train "${tiny[@]}" --epochs 30)
  loads() { "$program" eval -c stopped.st; }
  interrupt KILL "${KILLS:-6}" resume ;;
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
  train --data images --width 2 --batch-size 4 --side 8 --epochs 6 -c m.st
  has log "36 images to learn from, 4 to test with, 2 classes"
  "$program" predict -c m.st images/above/3.png images/left/4.png >said
  [ "$(grep -cE '^images/(above/3.png: above|left/4.png: left) ' said)" = 2 ] || { cat said; die "learnt nothing"; }
  "$program" report -c m.st -o page.html
  fails "another.png: not a PNG or JPEG file: it looks like text" bash -c "echo text >another.png; '$program' predict -c m.st another.png"
  echo damaged >images/left/7.png
  fails "images/left/7.png: not a PNG or JPEG file" "$program" train --data images --side 8 --epochs 1 -c bad.st
  rm images/left/9.png
  fails "was trained on other images than those of images" "$program" resume -c m.st ;;
errors)
  small=("${tiny[@]}" --epochs 1)
  train "${small[@]}" -c good.st
  cp good.st before.st
  fails "good.st exists; resume goes on" "$program" train "${small[@]}" -c good.st
  fails "nowhere: No such file" "$program" train --data nowhere -c new.st
  mkdir empty
  fails "empty: there is no folder in it" "$program" train --data empty -c new.st
  mkdir bad && cp "$data"/* bad
  head -c 5000 "$data/t10k-images-idx3-ubyte.gz" >bad/t10k-images-idx3-ubyte.gz
  fails "t10k-images-idx3-ubyte.gz: the gzip data are cut short" "$program" train --data bad -c new.st
  cp "$data/train-images-idx3-ubyte.gz" bad/t10k-images-idx3-ubyte.gz
  fails "bad/t10k: images of shape [300, 28, 28] and labels of shape [100]" "$program" train --data bad -c new.st
  fails "/nowhere/new.st: No such file" "$program" train "${small[@]}" -c /nowhere/new.st
  fails "--epochs" "$program" train --epochs 0 -c new.st
  fails "no.st: No such file" "$program" resume -c no.st
  fails "no.st: No such file" "$program" predict -c no.st x.png
  fails "x.png: No such file" "$program" predict -c good.st x.png
  fails "the page would replace the checkpoint" "$program" report -c good.st -o ./good.st
  fails "/nowhere/page.html: No such file" "$program" report -c good.st -o /nowhere/page.html
  [ ! -e new.st ] || die "a failed run left a checkpoint"
  cuts "resume" predict -c cut.st x.png
  sed 's/"width":"2"/"width":"0"/' good.st >false.st
  fails "false.st: its settings are damaged" "$program" eval -c false.st
  sed 's/"width":"2"/"width":"3"/' good.st >false.st
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
