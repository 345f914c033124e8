#!/usr/bin/env bash
# Makes the documentation site from the tree and checks its links, places and pictures; it opens without a server.
#   scripts/make_site.sh [FOLDER]          (build/site by default) installs what is missing first (apt)
#   scripts/make_site.sh --check FOLDER    installs nothing: exit status 77 where something is missing; ctest calls it
#   scripts/make_site.sh --test-checker    spoils small sites and sees that the checker notices
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() { # sets python to one that has what the scripts import
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import markdown, pygments' 2>/dev/null; then return 0; fi
  done
  return 1
}

case "${1:-}" in
  --test-checker)
    command -v python3 >/dev/null || { echo "make_site: there is no Python"; exit 77; }
    exec python3 scripts/site/test_check.py
    ;;
  --check)
    shift
    command -v doxygen >/dev/null && find_python ||
      { echo "make_site: Doxygen or Python's markdown and pygments are missing: scripts/install_dependencies.sh site"; exit 77; }
    ;;
  *)
    scripts/install_dependencies.sh site
    find_python
    ;;
esac
out=${1:-build/site}
mkdir -p "$(dirname "$out")"
"$python" scripts/site/make.py . "$out"
"$python" scripts/site/check.py "$out"
