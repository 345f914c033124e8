#!/usr/bin/env bash
# How long a user waits for the compiler: GCC at -O2, median of three. A single source is given in processor time, which
# on an idle machine is the time one waits, and elsewhere does not depend so much on what else is running; translate_toy,
# which has three, also in the time that passes when two are compiled at once, as `cmake --build --parallel 2` does.
#   scripts/compile_times.sh [--check]     --check fails when a budget is passed
# Compared: hello-world on gloss (tests/consume/hello.cpp), all of translate_toy, a program that trains
# (examples/06_copy_task) as those who link gloss::compiled build it, and the same hello-world on <torch/torch.h> where
# python3 can import torch. CXX and RUNS may be set from outside.
set -euo pipefail
cd "$(dirname "$0")/.."

cxx=${CXX:-g++}
runs=${RUNS:-3}
check=0
if [ "${1:-}" = --check ]; then check=1; fi
export CCACHE_DISABLE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

eigen=""
for folder in /usr/include/eigen3 /usr/local/include/eigen3; do
  if [ -e "$folder/Eigen/Core" ]; then eigen=$folder; fi
done
if [ -z "$eigen" ]; then eigen=$(pkg-config --variable=includedir eigen3)/eigen3; fi
flags=(-std=c++20 -O2 -fopenmp -Iinclude -isystem "$eigen")

# flags -- sources, into the caller's options and sources.
split_arguments() {
  options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  sources=("$@")
}

# Seconds for compiling the sources one after the other, median of $runs.
seconds() { # flags -- sources
  local options sources i source
  split_arguments "$@"
  local TIMEFORMAT='time %U %S'
  for ((i = 0; i < runs; i++)); do
    { time for source in "${sources[@]}"; do "$cxx" "${options[@]}" -c "$source" -o "$work/out.o" || touch "$work/failed"; done; } 2>&1
    if [ -e "$work/failed" ]; then echo "compile_times: ${sources[*]} did not compile" >&2; return 1; fi
  done | tee "$work/log" | awk '$1 == "time" { print $2 + $3 }' | sort -n |
    awk '{ a[NR] = $1 } END { if (NR == 0) exit 1; printf "%.2f", a[int((NR + 1) / 2)] }'
  if [ -e "$work/failed" ]; then
    grep -m 5 error "$work/log" >&2
    return 1
  fi
}

# Seconds that pass while the sources are compiled, two at a time, median of $runs.
two_at_a_time() { # flags -- sources
  local options sources i begin
  split_arguments "$@"
  for ((i = 0; i < runs; i++)); do
    begin=$EPOCHREALTIME
    printf '%s\n' "${sources[@]}" | xargs -P 2 -I{} "$cxx" "${options[@]}" -c {} -o "$work/{}.o"
    awk "BEGIN { print ${EPOCHREALTIME/,/.} - ${begin/,/.} }"
  done | sort -n | awk '{ a[NR] = $1 } END { printf "%.2f", a[int((NR + 1) / 2)] }'
}

failed=0
line() { # what, seconds, budget or -
  local verdict=""
  if [ "$3" != - ]; then
    if awk "BEGIN { exit !($2 < $3) }"; then verdict="within the budget of $3 s"; else
      verdict="OVER the budget of $3 s"
      failed=1
    fi
  fi
  printf '%-46s %7.2f s   %s\n' "$1" "$2" "$verdict"
}

"$cxx" --version | head -n 1
hello=$(seconds "${flags[@]}" -- tests/consume/hello.cpp)
line "gloss, hello-world" "$hello" 4
hello_native=$(seconds "${flags[@]}" -march=native -- tests/consume/hello.cpp)
line "gloss, hello-world, -march=native" "$hello_native" -

line "gloss, the copy task" "$(seconds "${flags[@]}" -- examples/06_copy_task/main.cpp)" -
compiled=$(seconds "${flags[@]}" -DGLOSS_COMPILED -- examples/06_copy_task/main.cpp)
line "gloss::compiled, the copy task" "$compiled" 3

toy=""
if compgen -G 'examples/translate_toy/*.cpp' >/dev/null; then
  toy=0
  for source in examples/translate_toy/*.cpp; do
    one=$(seconds "${flags[@]}" -- "$source")
    line "gloss, translate_toy, $(basename "$source")" "$one" -
    toy=$(awk "BEGIN { print $toy + $one }")
  done
  line "gloss, translate_toy, processor time" "$toy" -
  mkdir -p "$work/examples/translate_toy"
  toy_jobs=$(two_at_a_time "${flags[@]}" -- examples/translate_toy/*.cpp)
  line "gloss, translate_toy, with two jobs" "$toy_jobs" 15
fi

torch=$(python3 - 2>/dev/null <<'PYTHON' || true
import os, torch
include = os.path.join(os.path.dirname(torch.__file__), "include")
print(f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)} -isystem {include} "
      f"-isystem {include}/torch/csrc/api/include")
PYTHON
)
if [ -n "$torch" ]; then
  # shellcheck disable=SC2086  # several flags in one variable
  torch_hello=$(seconds -std=c++20 -O2 $torch -- benchmarks/compile_times/torch_hello.cpp)
  line "<torch/torch.h>, hello-world" "$torch_hello" -
  ratio() { # what, seconds, the most that is wanted
    awk "BEGIN { printf \"%s takes %.2f of that time, %.2f wanted\\n\", \"$1\", $2 / $torch_hello, $3 }"
  }
  ratio "hello-world" "$hello" 0.2
  ratio "the copy task with gloss::compiled" "$compiled" 0.15
  if [ -n "$toy" ]; then ratio "translate_toy with two jobs" "$toy_jobs" 0.8; fi
else
  echo "torch is not importable by python3: <torch/torch.h> is not measured"
fi
if [ "$check" = 1 ]; then exit "$failed"; fi
