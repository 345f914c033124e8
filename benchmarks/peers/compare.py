#!/usr/bin/env python3
"""gloss against PyTorch on the same work, the same threads, in turn.

    python3 benchmarks/peers/compare.py --build build [--threads 2] [--rounds 5] [suite or suite/case ...]

Suites: train_step (the default) and attention; matmul.py compares products by itself. Each round times gloss's
benchmark and then PyTorch's, so that a machine that slows down or is shared slows both; the medians over the rounds are
printed as `case threads gloss_ms torch_ms ratio`, ratio above 1 where gloss is faster.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("train_step", "attention")  # gloss's program is bench_SUITE, PyTorch's is SUITE.py, case names are the same
MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


def environment(threads):
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def find_program(build, name):
    for path in (build / "benchmarks" / name, build / "benchmarks" / "Release" / (name + ".exe"), build / name):
        if path.is_file():
            return path
    sys.exit(f"compare.py: no {name} under {build}: build it with `cmake --build {build} --target {name}`")


def run(command, threads):
    done = subprocess.run([str(part) for part in command], env=environment(threads), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"compare.py: {command[0]} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def gloss_times(program, pattern, threads, seconds):
    """{case: ms} from a Google Benchmark program."""
    out = run([program, f"--benchmark_filter=^{pattern}(/|$)", f"--benchmark_min_time={seconds}",
               "--benchmark_format=json"], threads)
    found = {}
    for result in json.loads(out)["benchmarks"]:
        if result.get("error_occurred"):
            sys.exit(f"compare.py: {result['name']}: {result['error_message']}")
        if result.get("run_type", "iteration") == "iteration":
            found[result["name"].removesuffix("/real_time")] = result["real_time"] * MS[result["time_unit"]]
    return found


def torch_times(suite, pattern, threads, seconds):
    """{case: ms} from the lines `case number unit ...` of a peer script."""
    command = [sys.executable, HERE / f"{suite}.py", "--threads", threads, "--seconds", seconds]
    if suite == "train_step" and pattern != suite:
        command.append(pattern.split("/")[1])
    found = {}
    for line in run(command, threads).splitlines():
        words = line.split()
        if len(words) >= 3 and words[0].startswith(pattern) and words[2] in MS:
            found[words[0]] = float(words[1]) * MS[words[2]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", default=["train_step"], help=f"{' or '.join(SUITES)}, or one case of them")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build", help="gloss's build folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="for each case of each side in each round")
    args = parser.parse_args()
    for what in args.what:
        if what.split("/")[0] not in SUITES:
            parser.error(f"unknown suite {what}")
    has_torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
    if not has_torch:
        print("torch is not installed: only gloss's own times follow")

    print("case threads gloss_ms torch_ms ratio")
    for what in args.what:
        suite = what.split("/")[0]
        program = find_program(args.build, "bench_" + suite)
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(gloss_times(program, what, args.threads, args.seconds))
            theirs.append(torch_times(suite, what, args.threads, args.seconds) if has_torch else {})
        if not ours[0]:
            sys.exit(f"compare.py: {program} has no benchmark {what}")
        for case in ours[0]:
            a = statistics.median(r[case] for r in ours)
            b = [r[case] for r in theirs if case in r]
            peer = f"{statistics.median(b):.3f} {statistics.median(b) / a:.2f}" if b else "- -"
            print(case, args.threads, f"{a:.3f}", peer, flush=True)


if __name__ == "__main__":
    main()
