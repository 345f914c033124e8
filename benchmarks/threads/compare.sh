#!/usr/bin/env bash
# gloss's pool beside an OpenMP team: main.cpp is built for both (in build-threads, half a minute the first time), and the two
# run in turn, a second and a half each. Ratio above 1: the team is faster.
#   benchmarks/threads/compare.sh [ROUNDS [BUSY]]     11 rounds; beside BUSY programs that do nothing but spin, 0 by default
# CXX and OMP_NUM_THREADS may be set from outside; OMP_WAIT_POLICY and the like hold for the team as OpenMP has them.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-11}
busy=${2:-0}
work=build-threads
mkdir -p "$work"

for kind in pool openmp; do
  definition=()
  if [ "$kind" = openmp ]; then definition=(-DGLOSS_THREADS_OPENMP); fi
  program=$work/$kind
  if [ ! -e "$program" ] || [ -n "$(find include benchmarks -newer "$program" -type f -print -quit)" ]; then
    "${CXX:-g++}" -std=c++20 -O2 -march=native -fopenmp -Iinclude "${definition[@]}" benchmarks/threads/main.cpp -o "$program"
  fi
done

spinning=()
trap 'if [ ${#spinning[@]} -gt 0 ]; then kill "${spinning[@]}"; fi' EXIT
for ((i = 0; i < busy; ++i)); do
  (while :; do :; done) &
  spinning+=($!)
done

: >"$work/times"
for ((round = 0; round < rounds; ++round)); do
  order=(pool openmp)
  if ((round % 2)); then order=(openmp pool); fi
  for kind in "${order[@]}"; do
    GLOSS_QUIET=1 "$work/$kind" | sed "s/^/$kind $round /" >>"$work/times"
  done
done

# The median of the ratios of neighbours in time, and of each side's times.
awk -v rounds="$rounds" '
  function median(values, n,    i, j, t) {
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && values[j - 1] > values[j]; --j) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return values[int((n + 1) / 2)]
  }
  { time[$1, $2, $3] = $4; if ($1 == "pool" && $2 == 0) cases[++count] = $3 }
  END {
    printf "%-24s %12s %12s %8s\n", "case", "pool us", "OpenMP us", "ratio"
    for (c = 1; c <= count; ++c) {
      for (r = 0; r < rounds; ++r) {
        pool[r + 1] = time["pool", r, cases[c]]; team[r + 1] = time["openmp", r, cases[c]]
        ratio[r + 1] = pool[r + 1] / team[r + 1]
      }
      printf "%-24s %12.1f %12.1f %8.2f\n", cases[c], median(pool, rounds), median(team, rounds), median(ratio, rounds)
    }
  }' "$work/times"
