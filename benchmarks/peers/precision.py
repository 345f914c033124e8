#!/usr/bin/env python3
"""Fewer bits beside peers: training in bfloat16, decoding and encoding with weights of 8 bits.

    cmake --build build --target bench_precision bench_models
    python3 benchmarks/peers/precision.py [--build build] [--threads 1 2] [--rounds 7] [case ...]

Every way of every side does the case in turn, so that a machine that slows down or is shared slows all. A line has tokens
a second, medians over the rounds, and last the medians of the rounds' ratios: above 1 where gloss is faster than the peer
with the same numbers ("panels" are weights of float laid out for products). Training: the cases of train_step.py,
PyTorch's bfloat16 being autocast. Decoding: the base model with random weights, a vocabulary of 8,000, sources of 20
tokens, 20 tokens said; CTranslate2's model is made through its specification, of the same sizes. Encoding: MiniLM of
models.py in onnxruntime, quantised dynamically. `--markdown` puts the lines into docs/performance.md as well. Needs torch,
ctranslate2, and what models.py needs; a peer that is missing is left out.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

import compare
import train_step
from timing import Asked, in_turn, milliseconds

NUMBERS = ("float", "bfloat16", "int8")  # of the peers
OURS = {"float": "float", "panels": "float", "bfloat16": "bfloat16", "int8": "int8"}  # gloss's, and whose they meet
HEAD = ("case", "threads", *(f"gloss {n}" for n in OURS), "peer", *(f"peer {n}" for n in NUMBERS),
        *(f"{n} ratio" for n in OURS))
ENCODING = "minilm/32"
DECODING = {"greedy/batch:1": (1, 1), "greedy/batch:16": (16, 1), "greedy/batch:64": (64, 1), "beam/batch:1": (1, 4),
            "beam/batch:16": (16, 4)}  # sentences and beams
VOCAB, SOURCE, TOKENS, LAYERS, HEADS, WIDTH, FEED_FORWARD = 8000, 20, 20, 6, 8, 512, 2048
CASES = [f"train_step/{case}" for case in train_step.CASES] + [f"decode/{case}" for case in DECODING] + [ENCODING]


def tokens_of(case):
    """That one call does."""
    suite, _, name = case.partition("/")
    if case == ENCODING:
        import models

        return sum(models.CASES[case][2])
    if suite == "decode":
        return DECODING[name][0] * TOKENS
    return train_step.CASES[name]["batch"] * train_step.CASES[name]["length"]


def torch_ways(case, threads, _):
    import torch

    torch.set_num_threads(threads)
    return {"float": train_step.step_of(case), "bfloat16": train_step.step_of(case, bfloat16=True)}


def save_base_model(folder):
    """The Annotated Transformer's base model with random weights, for CTranslate2."""
    import ctranslate2
    import numpy

    random = numpy.random.default_rng(1)
    spec = ctranslate2.specs.TransformerSpec.from_config(LAYERS, HEADS, pre_norm=True)

    def linear(part, outputs, inputs):
        part.weight = random.normal(0, inputs**-0.5, (outputs, inputs)).astype(numpy.float32)
        part.bias = numpy.zeros(outputs, numpy.float32)

    def norm(part):
        part.gamma, part.beta = numpy.ones(WIDTH, numpy.float32), numpy.zeros(WIDTH, numpy.float32)

    def attention(part, *outputs):
        norm(part.layer_norm)
        for one, size in zip(part.linear, outputs, strict=True):
            linear(one, size, WIDTH)

    def table(part):
        part.weight = random.normal(0, WIDTH**-0.5, (VOCAB, WIDTH)).astype(numpy.float32)

    table(spec.encoder.embeddings[0]), table(spec.decoder.embeddings)
    linear(spec.decoder.projection, VOCAB, WIDTH)
    for stack in (spec.encoder, spec.decoder):
        norm(stack.layer_norm)
        for layer in stack.layer:
            attention(layer.self_attention, 3 * WIDTH, WIDTH)
            if stack is spec.decoder:
                attention(layer.attention, WIDTH, 2 * WIDTH, WIDTH)
            norm(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, FEED_FORWARD, WIDTH), linear(layer.ffn.linear_1, WIDTH, FEED_FORWARD)
    words = ["<unk>", "<s>", "</s>"] + [f"w{i}" for i in range(3, VOCAB)]
    spec.register_source_vocabulary(words), spec.register_target_vocabulary(words)
    spec.validate()
    spec.save(str(folder))


def ctranslate2_ways(case, threads, folder):
    import random

    import ctranslate2

    if not (folder / "model.bin").exists():
        save_base_model(folder)
    batch, beams = DECODING[case]
    draw = random.Random(2)
    sources = [[f"w{draw.randrange(3, VOCAB)}" for _ in range(SOURCE)] for _ in range(batch)]

    def way(numbers):
        translator = ctranslate2.Translator(str(folder), device="cpu", inter_threads=1, intra_threads=threads,
                                            compute_type=numbers)

        def decode():
            return translator.translate_batch(sources, beam_size=beams, min_decoding_length=TOKENS,
                                              max_decoding_length=TOKENS)

        said = [len(result.hypotheses[0]) for result in decode()]
        if said != [TOKENS] * batch:
            sys.exit(f"precision.py: CTranslate2 says {said} tokens, not {TOKENS}")
        return decode

    return {"float": way("float32"), "int8": way("int8")}


def onnxruntime_ways(_, threads, folder):
    import models

    made = models.make_folder(folder, ENCODING)
    return {"float": models.onnx_work(made, threads), "int8": models.onnx_work(made, threads, int8=True)}


PEERS = {"train_step": ("PyTorch", torch_ways), "decode": ("CTranslate2", ctranslate2_ways),
         "minilm": ("onnxruntime", onnxruntime_ways)}


def ask_gloss(case, threads, build, folder):
    """{numbers: a program of gloss's that does the case}"""
    if case == ENCODING:
        import models

        made = models.make_folder(folder, case)
        cases = {"float": case, "bfloat16": case + "/bfloat16", "int8": case + "/int8"}
        return {way: Asked([build / "bench_models", name, made, folder / "out.safetensors"], threads)
                for way, name in cases.items()}
    asked = Asked([build / "bench_precision", "--ask", case], threads)
    return {way: asked for way in asked.ways if way in OURS}


def line_of(case, threads, args, folder):
    suite, _, name = case.partition("/")
    peer, ways_of = PEERS[suite]
    try:
        works = ways_of(name, threads, folder)
    except ImportError as error:
        print(f"precision.py: {peer} is not compared: {error}", file=sys.stderr)
        works = {}
    gloss = ask_gloss(case, threads, args.build / "benchmarks", folder)
    sides = {("gloss", way): lambda way=way: gloss[way].milliseconds(way) for way in gloss}
    sides |= {("peer", way): lambda work=work: milliseconds(work) for way, work in works.items()}
    times = in_turn(sides, args.rounds, args.calls)
    for program in set(gloss.values()):
        program.end()

    def speed(side, way):
        found = times.get((side, way))
        return f"{1e3 * tokens_of(case) / statistics.median(found):.4g}" if found else "-"

    def ratio(way):
        ours, theirs = times.get(("gloss", way)), times.get(("peer", OURS[way]))
        return f"{statistics.median(b / a for a, b in zip(ours, theirs)):.2f}" if ours and theirs else "-"

    return (case, str(threads), *(speed("gloss", n) for n in OURS), peer, *(speed("peer", n) for n in NUMBERS),
            *(ratio(n) for n in OURS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=f"all by default: {', '.join(CASES)}")
    parser.add_argument("--build", type=pathlib.Path, default=compare.HERE.parents[1] / "build", help="gloss's build folder")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=2, help="of each way in a round, behind one that warms up")
    parser.add_argument("--markdown", action="store_true", help="write the lines into docs/performance.md too")
    args = parser.parse_args()
    for case in args.cases:
        if case not in CASES:
            parser.error(f"unknown case {case}")
    print(*(name.replace(" ", "_") for name in HEAD), flush=True)
    lines = []
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        for case in args.cases or CASES:
            for threads in args.threads:
                lines.append(line_of(case, threads, args, folder))
                print(*lines[-1], flush=True)
    if args.markdown:
        compare.write_markdown(lines, "precision.py", HEAD, tuple(PEERS))


if __name__ == "__main__":
    main()
