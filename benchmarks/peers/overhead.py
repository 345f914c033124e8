#!/usr/bin/env python3
"""What a small op costs, in gloss and in PyTorch's C++ library, on one thread.

    python3 benchmarks/peers/overhead.py --build build [--rounds 5] [--check]

Builds overhead.cpp, which has the cases of bench_overhead.cpp, against the headers and libraries that come with pip's
torch, and runs the two programs in turn. For each case the fastest of all rounds is printed as `case gloss_ns torch_ns
ratio`, ratio below 1 where gloss is faster. With --check it fails unless a recorded add costs less than a third.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NS = {"ns": 1.0, "us": 1e3, "ms": 1e6}


def build_peer(folder, compiler):
    """The path of PyTorch's program, built if it is older than its source."""
    import torch

    root = pathlib.Path(torch.__file__).parent
    source, program = HERE / "overhead.cpp", folder / "peer_overhead"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        abi = int(torch.compiled_with_cxx11_abi())
        command = [compiler, "-std=c++20", "-O3", "-march=native", "-DNDEBUG", f"-D_GLIBCXX_USE_CXX11_ABI={abi}",
                   "-isystem", root / "include", "-isystem", root / "include/torch/csrc/api/include",
                   source, "-o", program, f"-L{root / 'lib'}", f"-Wl,-rpath,{root / 'lib'}", "-Wl,--no-as-needed",
                   "-ltorch", "-ltorch_cpu", "-lc10", "-lbenchmark", "-lpthread"]
        subprocess.run([str(part) for part in command], check=True)
    return program


def times(program, seconds):
    """{case: ns} of one run."""
    out = subprocess.run([program, f"--benchmark_min_time={seconds}", "--benchmark_format=json"], check=True,
                         capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
    return {b["name"]: b["cpu_time"] * NS[b["time_unit"]] for b in json.loads(out)["benchmarks"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build", help="gloss's build folder")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each case of each side in each round")
    parser.add_argument("--check", action="store_true", help="fail unless a recorded add costs less than a third")
    args = parser.parse_args()
    ours = args.build / "benchmarks" / "bench_overhead"
    if not ours.exists():
        sys.exit(f"overhead.py: no {ours}: build it with `cmake --build {args.build} --target bench_overhead`")
    theirs = build_peer(args.build, args.compiler)
    best = {}
    for _ in range(args.rounds):
        for side, program in (("gloss", ours), ("torch", theirs)):
            for case, ns in times(program, args.seconds).items():
                row = best.setdefault(case, {})
                row[side] = min(ns, row.get(side, ns))
    print("case gloss_ns torch_ns ratio")
    for case, row in best.items():
        print(case, f"{row['gloss']:.0f} {row['torch']:.0f} {row['gloss'] / row['torch']:.2f}")
    if args.check and best["add_recorded"]["gloss"] * 3 >= best["add_recorded"]["torch"]:
        sys.exit("overhead.py: a recorded add costs a third of PyTorch's or more")


if __name__ == "__main__":
    main()
