# What the programs' test.sh share. Sourced once the paths that are given are absolute: it goes into a temporary folder,
# which is removed at the end.
set -euo pipefail
set -m  # a job of its own for each background process, so that SIGINT reaches it
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OMP_WAIT_POLICY=passive LC_ALL=C.UTF-8
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

die() { echo "FAILED: $*" >&2; exit 1; }
has() { grep -qF -e "$2" "$1" || { cat "$1" >&2; die "'$2' is not in $1"; }; }
# fails TEXT command...: the command ends with a status other than 0 and below 126, and says one line that holds TEXT.
fails() {
  local text=$1 status=0
  shift
  "$@" >out 2>err </dev/null || status=$?
  { [ "$status" -gt 0 ] && [ "$status" -lt 126 ]; } || { cat err >&2; die "status $status from $*"; }
  [ "$(wc -l <err)" = 1 ] || { cat err >&2; die "not one line from $*"; }
  has err "$text"
}
no_leftovers() { [ -z "$(find . -name '*.gloss.tmp')" ] || die "a temporary file is left"; }
