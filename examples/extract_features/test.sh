#!/usr/bin/env bash
# What extract_features promises: test.sh PROGRAM MODELS CASE, with the tiny models of tests/golden/models. Run by ctest.
program=$(realpath "$1") models=$(realpath "$2") what=$3
. "$(dirname "$0")/../testing.sh"

# Two pictures of 8 x 8 pixels, white above and white on the left.
above=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwUMeBhEAAC54h/hLKFfjQAAAABJRU5ErkJggg==
left=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwQMIEAZAwC7xB/h8DmDUAAAAABJRU5ErkJggg==

# picture PATH BASE64...
picture() { mkdir -p "$(dirname "$1")" && base64 -d <<<"$2" >"$1"; }
# model NAME SIDE: that of tests/golden/models, for images of SIDE x SIDE pixels
model() {
  cp -r "$models/$1" "$1"
  echo "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": $2, \"width\": $2}}" >"$1/preprocessor_config.json"
}
# says LINES...: the program said these.
says() { printf '%s\n' "$@" | cmp - out || { cat out >&2; die "said something else"; }; }

case $what in
images)
  picture photos/1.png $above
  picture photos/2.PNG $left
  picture photos/10.png $above
  model swin 15
  "$program" swin --list >out
  has out "encoder.layers.1.blocks.1.attention"
  "$program" swin photos -l embeddings encoder.layers.0 encoder.layers.1.blocks.0.attention >out
  says "features [3, 8]" "embeddings [3, 8, 8, 4]" "encoder.layers.0 [3, 4, 4, 8]" \
    "encoder.layers.1.blocks.0.attention [3, 4, 9, 8]" \
    "saved features.npz, and features.npz.txt, which names what each row is of"
  printf 'photos/%s\n' 1.png 2.PNG 10.png | cmp - features.npz.txt || die "names"
  OMP_NUM_THREADS=3 "$program" swin photos -l embeddings encoder.layers.0 encoder.layers.1.blocks.0.attention -o other.npz >out
  cmp features.npz other.npz || die "three threads give other bits"
  "$program" swin photos --batch-size 2 -l encoder.layers.1.blocks.0.attention -o small.npz >out
  has out "encoder.layers.1.blocks.0.attention [3, 4, 9, 8]"
  "$program" swin photos --compress -o small.npz >out
  [ "$(head -c 2 small.npz)" = PK ] || die "no archive"
  model vit 8
  "$program" vit photos -l vit.blocks.1 -o vit.npz >out
  has out "features [3, 8]"
  echo text >photos/3.png
  ! "$program" swin photos >out 2>err || die "an image that is none passed in silence"
  has err "photos/3.png: not a PNG or JPEG file: it looks like text"
  has out "features [3, 8]"
  no_leftovers ;;
videos)
  for i in 1 2 3 4; do picture videos/a/$i.png $above; done
  picture videos/b/1.png $left
  model timesformer 8
  "$program" timesformer videos -l encoder.layer.1 >out
  says "features [2, 8]" "encoder.layer.1 [2, 13, 8]" "saved features.npz, and features.npz.txt, which names what each row is of"
  printf 'videos/%s\n' a b | cmp - features.npz.txt || die "names"
  "$program" timesformer videos/a >out
  has out "features [1, 8]" ;;
errors)
  picture photos/1.png $above
  model swin 16
  fails "folder: is missing" "$program" swin
  fails "folder: is not for --list" "$program" swin photos --list
  fails "--layer: embeddings is named twice" "$program" swin photos -l embeddings embeddings
  fails "the model has no module 'encoder.layer.0'; the nearest name is 'encoder.layers.0'" "$program" swin photos -l encoder.layer.0
  fails "nowhere: No such file" "$program" swin nowhere
  fails "nowhere/config.json: No such file" "$program" nowhere photos
  fails "/nowhere/x.npz: No such file" "$program" swin photos -o /nowhere/x.npz
  mkdir none
  fails "none: no PNG or JPEG file" "$program" swin none
  echo text >none/1.png
  "$program" swin none >out 2>err && die "passed"
  has err "none: nothing there could be read"
  cp -r swin bert && sed -i 's/"swin"/"bert"/' bert/config.json
  fails "bert: model_type 'bert' is none of vit, dinov2, swin, timesformer" "$program" bert photos
  rm swin/preprocessor_config.json
  fails "swin/preprocessor_config.json: No such file" "$program" swin photos
  head -c 5000 "$models/swin/model.safetensors" >swin/model.safetensors
  fails "swin/model.safetensors" "$program" swin photos
  echo "{}" >swin/config.json
  fails "swin/config.json: it names no model_type" "$program" swin photos
  [ -z "$(ls ./*.npz 2>/dev/null)" ] || die "a failed run left a file"
  no_leftovers ;;
*) die "no case $what" ;;
esac
