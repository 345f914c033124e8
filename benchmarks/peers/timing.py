"""What the peer scripts share: their arguments, PyTorch's threads, the median time of a call, and sides in turn."""

import argparse
import os
import statistics
import subprocess
import sys
import time


def arguments(description):
    """--threads, --seconds and cases, with PyTorch's threads set; options.wants(name) says whether a case is asked for."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help="all by default")
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", 0)) or os.cpu_count())
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each case")
    options = parser.parse_args()
    options.wants = lambda name: not options.cases or name in options.cases
    try:
        import torch
    except ImportError:
        sys.exit(f"{sys.argv[0]}: torch is not installed")
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads", flush=True)
    return options


def median_ms(call, seconds, least=5):
    """Median over as many calls as fit, at least some, after 2 that warm up."""
    call(), call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def milliseconds(work):
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1e3


class Asked:
    """A program of gloss's that says "ready", and then for each line does some work and answers with its milliseconds."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen([str(part) for part in command], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        env={**os.environ, "OMP_NUM_THREADS": str(threads), "GLOSS_QUIET": "1"})
        ready, *self.ways = self.process.stdout.readline().split() or [""]
        if ready != "ready":
            sys.exit(f"{sys.argv[0]}: {command[0]} failed")

    def milliseconds(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def in_turn(sides, rounds, calls):
    """For each side the medians of its calls in each round. A side is a function that does the work once and returns its
    milliseconds; one call more warms up."""
    medians = {side: [] for side in sides}
    for _ in range(rounds):
        for side, measure in sides.items():
            time.sleep(0.05)  # threads that wait awake for more work have gone to sleep
            measure()
            medians[side].append(statistics.median(measure() for _ in range(calls)))
    return medians
