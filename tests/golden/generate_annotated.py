#!/usr/bin/env python3
"""Writes annotated_f64.safetensors: one batch through the Annotated Transformer's architecture, ten Adam steps.

    python3 tests/golden/generate_annotated.py           # needs torch 2.13 and safetensors

N = 2, d_model = 32, h = 4, d_ff = 64, vocabularies 13 and 17, dropout 0, padding id 2 in the batch. Keys:
    init/NAME grad/NAME adam/NAME   parameters at first, their gradients in step 1, the weights after 10 steps
    src tgt_full src_mask tgt tgt_y tgt_mask ntokens pe
    memory output log_probs loss    encoder output, decoder output, generator, smoothed loss (0.1) per target token
    losses rates                    of each of the 10 steps, all on the same batch
The metadata's `parameters` lists "name shape" in order, one a line. Adam: betas (0.9, 0.98), eps 1e-9,
base rate 1; LambdaLR with rate(step, 32, factor 0.0025, warmup 6).

The true gradient of every key bias (linears.1.bias) is zero: softmax does not see what all scores of a row share. So
those gradients are rounding noise, to be compared with the size of the other gradients, and in float32 Adam turns the
noise into whole steps: there the key biases after 10 steps cannot be compared (they change no output). In float64
the noise stays below eps, and all weights agree to 1e-10. Everything else agrees to 2e-6 in PyTorch's own float32.

It also prints how far PyTorch's own float32 run is from the float64 one, tensor by tensor relative to the largest entry.
"""

import pathlib

import torch
from safetensors.torch import save_file

from annotated import PAD, Batch, LabelSmoothing, make_model, rate, smoothed_loss

SIZES = dict(N=2, d_model=32, d_ff=64, h=4)
SRC_VOCAB, TGT_VOCAB, STEPS = 13, 17, 10
FACTOR, WARMUP = 0.0025, 6  # the rate rises and falls within the ten steps


def tokens(lengths, vocab, generator):
    """<s>, random words, </s>, then padding."""
    rows = torch.full((len(lengths), max(lengths)), PAD)
    for row, n in zip(rows, lengths):
        row[:n] = torch.randint(3, vocab, (n,), generator=generator)
        row[0], row[n - 1] = 0, 1
    return rows


def run(dtype, initial, src, tgt_full):
    torch.set_default_dtype(dtype)
    model = make_model(SRC_VOCAB, TGT_VOCAB, **SIZES, dropout=0.0, attention_dropout=0.0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(initial[name])
    batch = Batch(src, tgt_full)
    criterion = LabelSmoothing(TGT_VOCAB, PAD, smoothing=0.1)
    adam = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: rate(step, SIZES["d_model"], FACTOR, WARMUP))

    out = {"init/" + name: p.detach().clone() for name, p in model.named_parameters()}
    losses, rates = [], []
    for step in range(STEPS):
        memory = model.encode(batch.src, batch.src_mask)
        output = model.decode(memory, batch.src_mask, batch.tgt, batch.tgt_mask)
        loss = smoothed_loss(criterion, model, output, batch)
        loss.backward()
        if step == 0:
            out.update(src=batch.src, tgt_full=tgt_full, src_mask=batch.src_mask, tgt=batch.tgt, tgt_y=batch.tgt_y,
                       tgt_mask=batch.tgt_mask, ntokens=torch.tensor(batch.ntokens), memory=memory, output=output,
                       log_probs=model.generator(output), loss=loss, pe=model.src_embed[1].pe[:, :64])
            out.update({"grad/" + name: p.grad.clone() for name, p in model.named_parameters()})
        losses.append(loss.item())
        rates.append(adam.param_groups[0]["lr"])
        adam.step()
        adam.zero_grad()
        schedule.step()
    out.update({"adam/" + name: p for name, p in model.named_parameters()})
    out.update(losses=torch.tensor(losses), rates=torch.tensor(rates))
    parameters = "\n".join(f"{name} {list(p.shape)}" for name, p in model.named_parameters())
    return {k: v.detach().contiguous() for k, v in out.items()}, parameters


def main():
    torch.set_num_threads(1)
    torch.manual_seed(20170612)
    generator = torch.Generator().manual_seed(1)
    src = tokens([9, 6, 4], SRC_VOCAB, generator)
    tgt_full = tokens([7, 8, 5], TGT_VOCAB, generator)
    # Biases and norms get random values too, so that a swapped or forgotten one shows; all are float32 numbers.
    initial = dict(make_model(SRC_VOCAB, TGT_VOCAB, **SIZES).named_parameters())
    for name, p in initial.items():
        if p.dim() == 1:
            centre = 1.0 if name.endswith("a_2") else 0.0
            initial[name] = torch.empty_like(p).uniform_(-0.2, 0.2, generator=generator) + centre

    f64, parameters = run(torch.float64, initial, src, tgt_full)
    f32, _ = run(torch.float32, initial, src, tgt_full)
    off = {k: ((f32[k].double() - v).abs().max() / v.abs().max().clamp_min(1e-300)).item()
           for k, v in f64.items() if v.is_floating_point()}
    for group in ("init/", "grad/", "adam/", ""):
        found = [(o, k) for k, o in off.items() if (k.startswith(group) if group else "/" not in k)]
        for what in (False, True):
            part = sorted((p for p in found if p[1].endswith("linears.1.bias") == what), reverse=True)
            if part:
                print(f"{group or 'others'}{' (key biases)' if what else ''}: float32 is off by {part[0][0]:.1e}, {part[0][1]}")
    path = pathlib.Path(__file__).with_name("annotated_f64.safetensors")
    save_file(f64, path, metadata={"parameters": parameters})
    print(path.name, path.stat().st_size, "bytes, losses", *(f"{x:.4f}" for x in f64["losses"]))


if __name__ == "__main__":
    main()
