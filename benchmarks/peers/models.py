#!/usr/bin/env python3
"""Pretrained architectures against transformers' own forward, and MiniLM against onnxruntime too, in turn, on the same
weights and inputs, with the results compared first.

    cmake --build build --target bench_models
    python3 benchmarks/peers/models.py [--build build] [--threads 1 2] [--rounds 9] [case ...]

Models of random weights in the sizes of the real ones are saved once by transformers, into --folder (1.3 GB), and
loaded by gloss through io::from_pretrained. In each round every side does the case `calls` times; a line has the
medians of the calls and of the rounds' ratios: above 1 where gloss is faster. Decoding is greedy with a key-value cache
on both sides; that of transformers is written out, without the machinery of generate(). Needs torch 2.13 and
transformers 5.24; onnxruntime, onnx and onnxscript where they are to be compared.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

from timing import Asked, in_turn, milliseconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def bert(**sizes):
    return lambda: BertModel(BertConfig(**sizes))


def rows_of_words(lengths, vocabulary):
    """Random words, the shorter rows padded with 0."""
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for row, length in zip(ids, lengths):
        row[:length] = torch.randint(1000, vocabulary, (length,))
    return ids


# The model, the class that reads it, the lengths of the texts, the words, and how many are said.
CASES = {
    "bert/8x128": (bert(), BertModel, [128] * 8, 30522, 0),
    "bert/1x16": (bert(), BertModel, [16], 30522, 0),
    "minilm/32": (bert(hidden_size=384, num_hidden_layers=6, intermediate_size=1536), BertModel,
                  [8 + (7 * i) % 25 for i in range(32)], 30522, 0),
    "gpt2/256+64": (lambda: GPT2LMHeadModel(GPT2Config()), GPT2LMHeadModel, [256], 50257, 64),
    "t5/32+32": (lambda: T5ForConditionalGeneration(T5Config(num_layers=6, num_heads=8)), T5ForConditionalGeneration,
                 [32], 32128, 32),
}


def make_folder(root, case):
    """Model and inputs of a case, made once."""
    make, _, lengths, vocabulary, _ = CASES[case]
    folder = root / case.replace("/", "_")
    if not (folder / "inputs.safetensors").exists():
        torch.manual_seed(1)
        make().save_pretrained(folder)
        ids = rows_of_words(lengths, vocabulary)
        save_file({"input_ids": ids, "attention_mask": (ids != 0).long()}, folder / "inputs.safetensors")
    return folder


def torch_work(case, folder):
    """What is to be done, by transformers."""
    _, kind, _, _, tokens = CASES[case]
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    inputs = load_file(folder / "inputs.safetensors")

    @torch.inference_mode()
    def encode():
        return model(**inputs).last_hidden_state

    @torch.inference_mode()
    def decode():
        said, past = [], None
        if kind is GPT2LMHeadModel:
            step = {"input_ids": inputs["input_ids"]}
        else:
            step = {"encoder_outputs": model.get_encoder()(inputs["input_ids"]),
                    "decoder_input_ids": torch.zeros(1, 1).long()}
        for _ in range(tokens):
            out = model(**step, past_key_values=past, use_cache=True)
            past = out.past_key_values
            said.append(out.logits[:, -1].argmax(-1, keepdim=True))
            step["input_ids" if kind is GPT2LMHeadModel else "decoder_input_ids"] = said[-1]
        return torch.cat(said, 1)[0]

    return decode if tokens else encode


def onnx_model(folder, int8):
    """The case's BERT for onnxruntime, its attention fused by onnxruntime's own optimizer, then with weights of 8 bits if
    asked; made once."""
    plain, fused, small = (folder / name for name in ("model.onnx", "fused.onnx", "int8.onnx"))
    if not fused.exists():
        from onnxruntime.transformers.optimizer import optimize_model

        class Encoder(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.bert = BertModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False)

            def forward(self, input_ids, attention_mask):
                return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

        model, inputs = Encoder().eval(), load_file(folder / "inputs.safetensors")
        torch.onnx.export(model, (inputs["input_ids"], inputs["attention_mask"]), plain, dynamo=True, opset_version=18,
                          input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state"], verbose=False)
        config = model.bert.config
        optimize_model(str(plain), model_type="bert", num_heads=config.num_attention_heads,
                       hidden_size=config.hidden_size).save_model_to_file(str(fused))
    if int8 and not small.exists():
        from onnxruntime.quantization import quantize_dynamic

        quantize_dynamic(fused, small)
    return small if int8 else fused


def onnx_work(folder, threads, int8=False):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(onnx_model(folder, int8)), options, providers=["CPUExecutionProvider"])
    inputs = {key: x.numpy() for key, x in load_file(folder / "inputs.safetensors").items()}
    return lambda: torch.from_numpy(session.run(["last_hidden_state"], inputs)[0])


def check(case, peer, ours, theirs, mask):
    """Hidden states to 1e-4 of the largest, where there are words; and the tokens that are said."""
    if theirs.dtype == torch.long:
        same = (ours == theirs).sum().item()
        print(f"  {case}: {same} of {len(theirs)} tokens are those of {peer}", flush=True)
        good = same == len(theirs)
    else:
        apart = ((ours - theirs) * mask[..., None]).abs().max().item() / theirs.abs().max().item()
        print(f"  {case}: {apart:.1e} apart from {peer}", flush=True)
        good = apart < 1e-4
    if not good:
        sys.exit(f"models.py: {case}: another result than that of {peer}")


def compare(case, args, threads):
    folder = make_folder(args.folder, case)
    torch.set_num_threads(threads)
    out = folder / "out.safetensors"
    gloss = Asked([args.build / "benchmarks" / "bench_models", case, folder, out], threads)
    result = load_file(out)["out"]
    mask = load_file(folder / "inputs.safetensors")["attention_mask"]
    peers = {"transformers": torch_work(case, folder)}
    if case.startswith("minilm") and args.onnx:
        peers["onnxruntime"] = onnx_work(folder, threads)
    for peer, work in peers.items():
        check(case, peer, result, work(), mask)
    sides = {"gloss": gloss.milliseconds,
             **{peer: lambda work=work: milliseconds(work) for peer, work in peers.items()}}
    times = in_turn(sides, args.rounds, args.calls)
    gloss.end()
    for peer in peers:
        ratio = statistics.median(b / a for a, b in zip(times["gloss"], times[peer]))
        print(case, threads, f"{statistics.median(times['gloss']):.4g}", peer, f"{statistics.median(times[peer]):.4g}",
              f"{ratio:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=f"all by default: {', '.join(CASES)}")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="gloss's build folder")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp/gloss_models"))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=3, help="of each side in a round, behind one that warms up")
    args = parser.parse_args()
    args.onnx = subprocess.run([sys.executable, "-c", "import onnxruntime"], capture_output=True).returncode == 0
    if not args.onnx:
        print("models.py: onnxruntime is not installed and not compared", file=sys.stderr)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    print("case threads gloss_ms peer peer_ms ratio")
    for case in args.cases or CASES:
        for threads in args.threads:
            compare(case, args, threads)


if __name__ == "__main__":
    main()
