#!/usr/bin/env python3
"""The ways to build gloss, one beside the other: the same cases, the same threads, in turn.

    python3 benchmarks/backends.py [--ways native eigen openmp] [--threads 1 2] [--neighbours 0 1 2] [suite or suite/regex ...]

native is the default build, eigen has GLOSS_BACKEND=eigen, openmp has GLOSS_THREADS=openmp. Each way gets a build folder of
its own, build-backends/WAY, where the suites' programs are built first; each round then runs them in turn, so that a machine
that slows down or is shared slows all. A line is

    case threads neighbours native_ms eigen_ms native/eigen ...

of medians over the rounds: a ratio above 1 where the first way is slower. Neighbours are other processes that do nothing but
spin. `--markdown` puts the lines into docs/performance.md as well. See peers/compare.py for the comparison with PyTorch.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
import compare  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
WAYS = {"native": [], "eigen": ["-DGLOSS_BACKEND=eigen"], "openmp": ["-DGLOSS_THREADS=openmp"]}
START, END = "<!-- backends.py -->\n", "<!-- end of backends.py -->"


def build(folder, options, suites, jobs):
    """Configures one way and builds the suites' programs."""
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-DGLOSS_BUILD_TESTS=OFF", "-DGLOSS_BUILD_EXAMPLES=OFF", *options],
                   check=True, stdout=subprocess.DEVNULL)
    targets = ["bench_" + suite for suite in suites]
    subprocess.run(["cmake", "--build", folder, "-j", str(jobs), "--target", *targets], check=True, stdout=subprocess.DEVNULL)


class Neighbours:
    """So many processes that spin while the block runs."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]

    def __exit__(self, *_):
        for process in self.spinning:
            process.kill()
            process.wait()


def cases_of(program, suite, pattern):
    listed = compare.run([program, f"--benchmark_filter={pattern}", "--benchmark_list_tests"], 1).split("\n")
    cases = [compare.case_name(line) for line in listed if line and not line.startswith("math/")]
    if not cases:
        sys.exit(f"backends.py: {suite} has no case {pattern}")
    return cases


def lines_of(suite, pattern, threads, neighbours, args):
    """Lines of (case, threads, neighbours, ms of each way, ratio of the first way's to each other's) as text."""
    programs = {way: compare.find_program(args.folder / way, "bench_" + suite) for way in args.ways}
    cases = cases_of(programs[args.ways[0]], suite, pattern)
    pattern = "^(" + "|".join(re.escape(case) for case in cases) + ")(/real_time)?$"
    found = {way: [] for way in args.ways}
    with Neighbours(neighbours):
        for _ in range(args.rounds):
            for way in args.ways:
                found[way].append(compare.gloss_results(programs[way], pattern, threads, args.seconds))
    for case in cases:
        ms = [statistics.median(result[case][0] for result in found[way]) for way in args.ways]
        yield ((case if case.startswith(suite + "/") else f"{suite}/{case}"), str(threads), str(neighbours),
               *(f"{x:.4g}" for x in ms), *(f"{ms[0] / x:.2f}" for x in ms[1:]))


def head_of(ways):
    return ("case", "threads", "neighbours", *(way + " ms" for way in ways),
            *(f"{ways[0]} / {way}" for way in ways[1:]))


def write_markdown(ways, lines):
    """The table of docs/performance.md anew."""
    text = compare.DOC.read_text()
    start, end = text.index(START), text.index(END)
    head = head_of(ways)
    table = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(line)} |" for line in lines)]
    compare.DOC.write_text(text[:start] + START + "\n".join(table) + "\n" + text[end:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", help=f"suites (all by default: {', '.join(compare.SUITES)}), or suite/regex of cases")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["native", "eigen"], help="the first is compared with the others")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build-backends")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each case of each way in each round")
    parser.add_argument("--jobs", type=int, default=2, help="for building")
    parser.add_argument("--markdown", action="store_true", help="write the lines into docs/performance.md too")
    args = parser.parse_args()
    what = [item.partition("/")[::2] for item in args.what] or [(suite, "") for suite in compare.SUITES]
    suites = list(dict.fromkeys(suite for suite, _ in what))
    for suite in suites:
        if suite not in compare.SUITES:
            parser.error(f"unknown suite {suite}")
    for way in args.ways:
        build(args.folder / way, WAYS[way], suites, args.jobs)
    print(*(name.replace(" ", "_") for name in head_of(args.ways)), flush=True)
    lines = []
    for suite, pattern in what:
        for threads in args.threads:
            for neighbours in args.neighbours:
                for line in lines_of(suite, pattern or ".", threads, neighbours, args):
                    print(*line, flush=True)
                    lines.append(line)
    if args.markdown:
        write_markdown(args.ways, lines)


if __name__ == "__main__":
    main()
