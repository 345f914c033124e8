#!/usr/bin/env python3
"""gloss against PyTorch on the same work, the same threads, in turn.

    python3 benchmarks/peers/compare.py --build build [--threads 2] [--rounds 5] [case...]

Each round times gloss's benchmark and then PyTorch's, so that a machine that slows down or is shared slows both; the
medians over the rounds are printed as `case threads gloss_ms torch_ms ratio`, ratio above 1 where gloss is faster.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# case: gloss's program; its benchmark has the same name. PyTorch's side is train_step.py.
CASES = {"train_step/toy": "bench_train_step", "train_step/base": "bench_train_step"}


def environment(threads):
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def find_program(build, name):
    for path in (build / "benchmarks" / name, build / "benchmarks" / "Release" / (name + ".exe"), build / name):
        if path.is_file():
            return path
    sys.exit(f"compare.py: no {name} under {build}: build it with `cmake --build {build} --target {name}`")


def gloss_ms(program, case, threads, seconds):
    command = [program, f"--benchmark_filter=^{case}(/|$)", f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    done = subprocess.run(command, env=environment(threads), capture_output=True, text=True)
    runs = json.loads(done.stdout)["benchmarks"] if done.returncode == 0 and done.stdout else []
    runs = [r for r in runs if r.get("run_type", "iteration") == "iteration" and not r.get("error_occurred")]
    if not runs:
        sys.exit(f"compare.py: {program} gave no result for {case}:\n{done.stderr or done.stdout}")
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    return statistics.median(r["real_time"] * scale[r["time_unit"]] for r in runs)


def torch_ms(case, threads, seconds):
    command = [sys.executable, str(HERE / "train_step.py"), case.split("/")[1], "--threads", str(threads), "--seconds",
               str(seconds), "--json"]
    done = subprocess.run(command, env=environment(threads), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"compare.py: PyTorch's {case} failed:\n{done.stderr}")
    return json.loads(done.stdout)[case]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=f"any of {' '.join(CASES)}; all by default")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build", help="gloss's build folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="for each side of each round")
    args = parser.parse_args()
    unknown = [c for c in args.cases if c not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}")
    has_torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
    if not has_torch:
        print("torch is not installed: only gloss's own times follow")

    print("case threads gloss_ms torch_ms ratio")
    for case in args.cases or CASES:
        program = find_program(args.build, CASES[case])
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(gloss_ms(program, case, args.threads, args.seconds))
            if has_torch:
                theirs.append(torch_ms(case, args.threads, args.seconds))
        a = statistics.median(ours)
        b = statistics.median(theirs) if theirs else None
        print(case, args.threads, f"{a:.2f}", f"{b:.2f} {b / a:.2f}" if b else "- -", flush=True)


if __name__ == "__main__":
    main()
