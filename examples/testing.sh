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
train() { "$program" train "$@" >log 2>&1 || { cat log >&2; die "train $*"; }; }
# cuts RESUME READ...: good.st cut short, as cut.st, is refused by PROGRAM READ... and by PROGRAM RESUME -c cut.st, which
# leave it as it is.
cuts() {
  local words length size
  read -ra words <<<"$1"
  shift
  size=$(stat -c %s good.st)
  for length in 0 1 7 8 9 100 1000 5000 20000 $((size / 2)) $((size - 1)); do
    [ "$length" -lt "$size" ] || continue
    head -c "$length" good.st >cut.st
    fails "cut.st:" "$program" "$@"
    fails "cut.st:" "$program" "${words[@]}" -c cut.st
    [ "$(stat -c %s cut.st)" = "$length" ] || die "a damaged checkpoint was changed"
  done
}
no_leftovers() { [ -z "$(find . -name '*.gloss.tmp')" ] || die "a temporary file is left"; }
# interrupt SIGNAL TIMES RESUME...: PROGRAM with the words of the array `first` trains undisturbed into whole.st, and
# into stopped.st with TIMES signals (INT or KILL) at random moments, after each of which PROGRAM RESUME... goes on. A
# training that ends before so many came begins anew. Each file that is made so must be whole.st, byte for byte; after a
# kill the function `loads` shows that stopped.st is a good file.
interrupt() {
  local signal=$1 times=$2 stops=0 runs=0 status words wait process
  shift 2
  "$program" "${first[@]}" -c whole.st >log 2>&1 || { cat log >&2; die "${first[*]}"; }
  words=("${first[@]}")
  rm -f stopped.st
  while true; do
    : >log  # here, not only in the background: what the last run said must not be taken for this one's
    "$program" "${words[@]}" -c stopped.st >log 2>&1 &
    process=$!
    if [ $stops -lt "$times" ]; then
      for ((wait = 0; wait < 3000; ++wait)); do
        if [ "$signal" = KILL ]; then [ ! -e stopped.st ] || break; else ! grep -q parameters log || break; fi
        sleep 0.02
      done
      sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
      kill "-$signal" $process 2>/dev/null || true
    fi
    status=0
    wait $process 2>/dev/null || status=$?
    if [ "$status" = 0 ]; then
      cmp whole.st stopped.st || die "a training that was stopped ends with other bits"
      [ $stops -lt "$times" ] && [ $((++runs)) -lt 100 ] || break
      rm stopped.st
      words=("${first[@]}")
      continue
    fi
    if [ "$signal" = KILL ]; then
      [ "$status" = 137 ] || { cat log >&2; die "status $status of a training that is killed"; }
      loads >out || die "the checkpoint does not load after kill -9"
    else
      [ "$status" = 130 ] || { cat log >&2; die "status $status after SIG$signal"; }
      has log "-c stopped.st goes on"
    fi
    stops=$((stops + 1))
    words=("$@")
  done
  [ $stops = "$times" ] || die "stopped $stops times"
  no_leftovers
}
