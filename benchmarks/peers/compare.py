#!/usr/bin/env python3
"""gloss against PyTorch: every case of every suite, the same work on the same threads, in turn.

    python3 benchmarks/peers/compare.py [--build build] [--threads 1 2] [--rounds 3] [suite or suite/regex ...]

A suite is a program bench_SUITE and a script SUITE.py with the same case names. Each round runs gloss's program and then
PyTorch's script, so that a machine that slows down or is shared slows both. A line is

    case threads gloss_ms torch_ms ratio share_of_peak

of medians over the rounds: ratio above 1 where gloss is faster; the share is that of the multiply-add peak that the same
round measured, `-` where a case has no operations to count. `--markdown` puts the lines into docs/performance.md as well.
Nothing is installed; without PyTorch its columns are `-`.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DOC = HERE.parents[1] / "docs" / "performance.md"
SUITES = ("train_step", "attention", "nn_transformer", "matmul", "ops", "decode", "memory", "positions", "conv", "layers",
          "linalg", "vit", "detection", "swin_timesformer")
UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "MB": 1.0}  # to ms, and memory in MB
HEAD = ("case", "threads", "gloss ms", "PyTorch ms", "ratio", "share of peak")


def find_program(build, name):
    for path in (build / "benchmarks" / name, build / "benchmarks" / "Release" / (name + ".exe"), build / name):
        if path.is_file():
            return path
    return None


def run(command, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "GLOSS_QUIET": "1"}
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"compare.py: {command[0]} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def case_name(name):
    return name.removesuffix("/real_time")


def gloss_results(program, pattern, threads, seconds):
    """{case: (ms, floating-point operations or None)} from a Google Benchmark program; median_s goes before its mean."""
    out = run([program, f"--benchmark_filter={pattern}", f"--benchmark_min_time={seconds}", "--benchmark_format=json"],
              threads)
    found = {}
    for result in json.loads(out)["benchmarks"]:
        if result.get("error_occurred"):
            sys.exit(f"compare.py: {result['name']}: {result['error_message']}")
        if result.get("run_type", "iteration") != "iteration":
            continue
        mean = result["real_time"] * UNITS[result["time_unit"]]
        rate = result.get("FLOP/s", result.get("FLOPS"))
        ms = result["MB"] if "MB" in result else result["median_s"] * 1e3 if "median_s" in result else mean
        found[case_name(result["name"])] = (ms, rate * mean / 1e3 if rate else None)
    return found


def torch_results(suite, cases, threads, seconds):
    """{case: ms} from the lines `case number unit ...` of a peer script."""
    names = [case.removeprefix(suite + "/") for case in cases]
    out = run([sys.executable, HERE / f"{suite}.py", "--threads", threads, "--seconds", seconds, *names], threads)
    lines = [line.split() for line in out.splitlines()]
    return {words[0]: float(words[1]) * UNITS[words[2]] for words in lines if len(words) > 2 and words[2] in UNITS}


def compare(suite, pattern, threads, args):
    """Lines of (case, threads, gloss ms, torch ms, ratio, share) as text."""
    program = find_program(args.build, "bench_" + suite)
    listed = run([program, f"--benchmark_filter={pattern}", "--benchmark_list_tests"], threads).split("\n")
    cases = [case_name(line) for line in listed if line and not line.startswith("math/")]  # those have no peer
    if not cases:
        sys.exit(f"compare.py: {program} has no benchmark {pattern}")
    pattern = "^(" + "|".join(re.escape(case) for case in cases) + ")(/real_time)?$"
    ours, theirs, peaks = [], [], []
    for _ in range(args.rounds):
        peaks.append(float(run([find_program(args.build, "bench_ops"), "--peak"], threads)))
        ours.append(gloss_results(program, pattern, threads, args.seconds))
        theirs.append(torch_results(suite, cases, threads, args.seconds) if args.torch else {})
    for case in cases:
        ms = statistics.median(found[case][0] for found in ours)
        peer = [found[case] for found in theirs if case in found]
        flop = ours[0][case][1]
        yield ((case if case.startswith(suite + "/") else f"{suite}/{case}"), str(threads), f"{ms:.4g}",
               *((f"{statistics.median(peer):.4g}", f"{statistics.median(peer) / ms:.2f}") if peer else "--"),
               f"{flop / ms * 1e3 / statistics.median(peaks):.2f}" if flop else "-")


def write_markdown(lines, script="compare.py", head=HEAD, suites=SUITES):
    """Puts lines into a script's table in docs/performance.md: old lines of the same case and threads go."""
    text = DOC.read_text()
    start, end = (text.index(mark) for mark in (f"<!-- {script} -->\n", f"<!-- end of {script} -->"))
    rows = {}
    for line in text[start:end].splitlines()[3:]:
        row = [cell.strip() for cell in line.strip("|").split("|")]
        rows[row[0], row[1]] = row
    rows.update({(line[0], line[1]): line for line in lines})
    order = {suite: i for i, suite in enumerate(suites)}
    table = sorted(rows.values(), key=lambda row: order[row[0].split("/")[0]])
    written = [f"<!-- {script} -->", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    written += [f"| {' | '.join(row)} |" for row in table]
    DOC.write_text(text[:start] + "\n".join(written) + "\n" + text[end:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", help=f"suites (all by default: {', '.join(SUITES)}), or suite/regex of cases")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build", help="gloss's build folder")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each case of each side in each round")
    parser.add_argument("--markdown", action="store_true", help="write the lines into docs/performance.md too")
    args = parser.parse_args()
    suites = [what.partition("/")[::2] for what in args.what] or [(suite, "") for suite in SUITES]
    for suite, _ in suites:
        if suite not in SUITES:
            parser.error(f"unknown suite {suite}")
    args.torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
    lines = []
    print("case threads gloss_ms torch_ms ratio share_of_peak", flush=True)
    for suite, pattern in suites:
        if not find_program(args.build, "bench_" + suite) or not (HERE / f"{suite}.py").is_file():
            print(f"compare.py: {suite} is left out: build it with `cmake --build {args.build} --target bench_{suite}`",
                  file=sys.stderr)
            continue
        for threads in args.threads:
            for line in compare(suite, pattern or ".", threads, args):
                print(*line, flush=True)
                lines.append(line)
    if args.markdown:
        write_markdown(lines)


if __name__ == "__main__":
    main()
