#!/usr/bin/env bash
# How long a user waits for the compiler: GCC at -O2, median of three rounds, in each of which everything is compiled
# once, so that a machine that is faster now than later does not change the ratios. Each program is compiled header-only,
# and as those who link gloss::compiled do it. Times are processor time, which on an idle machine is the time one waits,
# and elsewhere does not depend so much on what else is running. translate_toy has several sources; with two jobs, as
# `cmake --build --parallel 2` compiles them, one waits for whichever of two cores ends last, when each takes the next
# source as soon as it is free.
#   scripts/compile_times.sh [--check]     --check fails when a budget is passed
# Compared: hello-world on gloss (tests/consume/hello.cpp), a program that trains (examples/06_copy_task), one that
# runs a pretrained BERT and one that runs a ViT (benchmarks/compile_times), all of translate_toy, and the same
# hello-world on <torch/torch.h>, a library compiled beforehand, where python3 can import torch. CXX and RUNS, the number
# of rounds, may be set from outside.
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

# Compiles one source and adds the processor time it took to the list of `name`.
compile() { # name, source, flags
  local name=$1 source=$2 took
  shift 2
  local TIMEFORMAT='%U %S'
  if ! took=$({ time "$cxx" "$@" -c "$source" -o "$work/out.o" 2>"$work/errors"; } 2>&1); then
    echo "compile_times: $source did not compile" >&2
    grep -m 5 error "$work/errors" >&2
    exit 1
  fi
  awk '{ print $1 + $2 }' <<<"$took" >>"$work/$name"
}

# Compiles all of translate_toy: adds the time of each source to the list of its name, of all to `name`, and of two jobs
# to `name`_jobs.
compile_toy() { # name, flags
  local name=$1 source
  shift
  for source in "${toy[@]}"; do
    compile "$name-$(basename "$source")" "$source" "$@"
    tail -n 1 "$work/$name-$(basename "$source")"
  done >"$work/sources"
  awk '{ s += $1 } END { print s }' "$work/sources" >>"$work/$name"
  awk '{ if (a <= b) a += $1; else b += $1 } END { print (a > b ? a : b) }' "$work/sources" >>"$work/${name}_jobs"
}

median() { sort -n | awk '{ a[NR] = $1 } END { if (NR == 0) exit 1; print a[int((NR + 1) / 2)] }'; }

failed=0
line() { # what, name of a list, budget or -
  local verdict="" seconds
  seconds=$(median <"$work/$2")
  if [ "$3" != - ]; then
    if awk "BEGIN { exit !($seconds < $3) }"; then verdict="within the budget of $3 s"; else
      verdict="OVER the budget of $3 s"
      failed=1
    fi
  fi
  printf '%-46s %7.2f s   %s\n' "$1" "$seconds" "$verdict"
}
ratio() { # what, name of a list, the most that is wanted or nothing
  local of_torch
  of_torch=$(paste "$work/$2" "$work/torch" | awk '{ print $1 / $2 }' | median)
  printf '%s takes %.2f of that time%s\n' "$1" "$of_torch" "${3:+, $3 wanted}"
}

toy=()
if compgen -G 'examples/translate_toy/*.cpp' >/dev/null; then toy=(examples/translate_toy/*.cpp); fi
torch=$(python3 - 2>/dev/null <<'PYTHON' || true
import os, torch
include = os.path.join(os.path.dirname(torch.__file__), "include")
print(f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)} -isystem {include} "
      f"-isystem {include}/torch/csrc/api/include")
PYTHON
)

for ((round = 0; round < runs; round++)); do
  # shellcheck disable=SC2086  # several flags in one variable
  if [ -n "$torch" ]; then compile torch benchmarks/compile_times/torch_hello.cpp -std=c++20 -O2 $torch; fi
  compile hello tests/consume/hello.cpp "${flags[@]}"
  compile hello_native tests/consume/hello.cpp "${flags[@]}" -march=native
  compile hello_compiled tests/consume/hello.cpp "${flags[@]}" -DGLOSS_COMPILED
  compile copy examples/06_copy_task/main.cpp "${flags[@]}"
  compile copy_compiled examples/06_copy_task/main.cpp "${flags[@]}" -DGLOSS_COMPILED
  compile bert benchmarks/compile_times/bert.cpp "${flags[@]}"
  compile bert_compiled benchmarks/compile_times/bert.cpp "${flags[@]}" -DGLOSS_COMPILED
  compile vit benchmarks/compile_times/vit.cpp "${flags[@]}"
  compile vit_compiled benchmarks/compile_times/vit.cpp "${flags[@]}" -DGLOSS_COMPILED
  if [ ${#toy[@]} -gt 0 ]; then
    compile_toy toy "${flags[@]}"
    compile_toy toy_compiled "${flags[@]}" -DGLOSS_COMPILED
  fi
done

"$cxx" --version | head -n 1
line "gloss, hello-world" hello 4
line "gloss, hello-world, -march=native" hello_native -
line "gloss::compiled, hello-world" hello_compiled 4
line "gloss, the copy task" copy -
line "gloss::compiled, the copy task" copy_compiled 3
line "gloss, a program that runs BERT" bert -
line "gloss::compiled, a program that runs BERT" bert_compiled -
line "gloss, a program that runs a ViT" vit -
line "gloss::compiled, a program that runs a ViT" vit_compiled -
if [ ${#toy[@]} -gt 0 ]; then
  for source in "${toy[@]}"; do line "gloss, translate_toy, $(basename "$source")" "toy-$(basename "$source")" -; done
  line "gloss, translate_toy, in all" toy -
  line "gloss, translate_toy, with two jobs" toy_jobs 15
  line "gloss::compiled, translate_toy, in all" toy_compiled -
  line "gloss::compiled, translate_toy, with two jobs" toy_compiled_jobs 15
fi
if [ -n "$torch" ]; then
  line "<torch/torch.h>, hello-world" torch -
  ratio "hello-world" hello 0.20
  ratio "the same with gloss::compiled" hello_compiled
  ratio "the copy task with gloss::compiled" copy_compiled 0.15
  ratio "the program that runs BERT" bert 0.40
  ratio "the same with gloss::compiled" bert_compiled
  ratio "the program that runs a ViT" vit 0.35
  ratio "the same with gloss::compiled" vit_compiled
  if [ ${#toy[@]} -gt 0 ]; then
    ratio "translate_toy with two jobs" toy_jobs 0.80
    ratio "the same with gloss::compiled" toy_compiled_jobs
  fi
else
  echo "torch is not importable by python3: <torch/torch.h> is not measured"
fi
if [ "$check" = 1 ]; then exit "$failed"; fi
