#!/usr/bin/env bash
# Installs, with apt, the data that examples/image_classifier trains on: Debian's package of Fashion-MNIST, 70,000 small
# pictures of clothes. Does nothing where it is there already, and prints its folder.
#   image_classifier train --data "$(scripts/install_fashion_mnist.sh)"
set -euo pipefail

find_folder() { dpkg-query -L dataset-fashion-mnist 2>/dev/null | sed -n 's|/train-images-idx3-ubyte\.gz$||p'; }

folder=$(find_folder || true)
if [ -z "$folder" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "install_fashion_mnist: there is no apt-get here; the four files are those of the project fashion-mnist" >&2
    exit 1
  fi
  as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "install_fashion_mnist: run as root, or install by hand: dataset-fashion-mnist" >&2
      exit 1
    fi
    as_root=(sudo "${as_root[@]}")
  fi
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends dataset-fashion-mnist </dev/null >&2
  folder=$(find_folder)
fi
echo "$folder"
