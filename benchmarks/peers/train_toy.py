#!/usr/bin/env python3
"""What PyTorch reaches with the model, the data and the minutes of `translate_toy train`.

Trains the Annotated Transformer's architecture on PyTorch's fused kernels (scaled_dot_product_attention, layer_norm,
cross_entropy, fused Adam) on a TSV of sentence pairs, and prints BLEU (sacrebleu's default) on the held-out pairs after
each epoch. The minutes are training alone; scoring is not counted. The defaults are what scored best within minutes.

    python3 benchmarks/peers/train_toy.py --minutes 6 --threads 2
"""

import argparse
import collections
import heapq
import pathlib
import random
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/golden"))

BOS, EOS, PAD = 0, 1, 2
SPECIALS = 4  # <s> </s> <blank> <unk>
WORDS = re.compile(r" ?[^\W\d_]+| ?\d| ?[^\s\w]+|\s|_")


class Bpe:
    """Byte-level byte-pair encoding; every word has its leading space, the first one too, so decoding is a join."""

    def __init__(self, texts, vocabulary):
        words = collections.Counter(w for t in texts for w in WORDS.findall(" " + t))
        parts = [[bytes([b]) for b in w.encode()] for w in words]
        counts = list(words.values())
        pairs, where = collections.Counter(), collections.defaultdict(set)
        for i, p in enumerate(parts):
            for pair in zip(p, p[1:]):
                pairs[pair] += counts[i]
                where[pair].add(i)
        queue = [(-n, pair) for pair, n in pairs.items()]
        heapq.heapify(queue)
        self.ranks = {}
        while len(self.ranks) < vocabulary - SPECIALS - 256 and queue:
            n, best = heapq.heappop(queue)
            if pairs[best] != -n:
                if pairs[best] > 0:
                    heapq.heappush(queue, (-pairs[best], best))
                continue
            self.ranks[best] = len(self.ranks)
            changed = set()
            for i in where.pop(best):
                for pair in zip(parts[i], parts[i][1:]):
                    pairs[pair] -= counts[i]
                parts[i] = self.merge(parts[i], best)
                for pair in zip(parts[i], parts[i][1:]):
                    pairs[pair] += counts[i]
                    where[pair].add(i)
                    changed.add(pair)
            for pair in changed:
                heapq.heappush(queue, (-pairs[pair], pair))
        self.pieces = [bytes([b]) for b in range(256)] + [a + b for a, b in self.ranks]
        self.ids = {p: i + SPECIALS for i, p in enumerate(self.pieces)}
        self.cache = {}

    @staticmethod
    def merge(parts, pair):
        out, i = [], 0
        while i < len(parts):
            if tuple(parts[i:i + 2]) == pair:
                out.append(parts[i] + parts[i + 1])
                i += 2
            else:
                out.append(parts[i])
                i += 1
        return out

    def encode(self, text):
        ids = []
        for word in WORDS.findall(" " + text):
            if word not in self.cache:
                parts = [bytes([b]) for b in word.encode()]
                while len(parts) > 1:
                    best = min(zip(parts, parts[1:]), key=lambda p: self.ranks.get(p, 1 << 30))
                    if best not in self.ranks:
                        break
                    parts = self.merge(parts, best)
                self.cache[word] = [self.ids[p] for p in parts]
            ids += self.cache[word]
        return ids

    def decode(self, ids):
        return b"".join(self.pieces[i - SPECIALS] for i in ids if i >= SPECIALS).decode(errors="replace").removeprefix(" ")


def read_pairs(path, held_out, seed, max_words=8):
    """Training pairs and held-out pairs; no source or target text of the held-out part occurs in the training part."""
    pairs = [tuple(line.rstrip("\n").split("\t")) for line in open(path, encoding="utf-8")]
    random.Random(seed).shuffle(pairs)
    held, sources, targets = [], set(), set()
    for source, target in pairs:
        if len(held) < held_out and len(source.split()) <= max_words and source not in sources and target not in targets:
            held.append((source, target))
            sources.add(source)
            targets.add(target)
    return [p for p in pairs if p[0] not in sources and p[1] not in targets], held


def batches(data, tokens, rng):
    """Pairs of like length together, at most `tokens` padded positions a side, in random order."""
    order = sorted(data, key=lambda p: (max(len(p[0]), len(p[1])) + rng.random() * 2))
    out, batch, longest = [], [], 0
    for pair in order:
        length = max(len(pair[0]), len(pair[1]))
        if batch and max(longest, length) * (len(batch) + 1) > tokens:
            out.append(batch)
            batch, longest = [], 0
        batch.append(pair)
        longest = max(longest, length)
    out.append(batch)
    rng.shuffle(out)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=str(ROOT / "examples/translate_toy/data/libreoffice-ui.en-de.tsv"))
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=3000)
    parser.add_argument("--d-model", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--d-ff", type=int, default=512)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--attention-dropout", type=float, default=0.0)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--factor", type=float, default=0.5)
    parser.add_argument("--warmup", type=int, default=400)
    parser.add_argument("--decay", choices=["noam", "linear"], default="linear", help="after the warm-up")
    parser.add_argument("--steps", type=int, default=0, help="where a linear decay ends; 0: with the minutes")
    parser.add_argument("--ema", type=float, default=0.0, help="decay of the averaged weights that are scored")
    parser.add_argument("--max-length", type=int, default=40, help="leave out longer pairs (subwords)")
    parser.add_argument("--beam", type=int, default=0, help="score with a beam of this width at the end, too")
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    try:
        import sacrebleu
        import torch
        import torch.nn.functional as F
        from annotated import fused_attention, make_model, rate, subsequent_mask
    except ImportError as error:
        sys.exit(f"train_toy.py needs torch and sacrebleu: {error}")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    begin = time.time()

    training, held = read_pairs(args.data, args.held_out, seed=1)
    bpe = Bpe((t for pair in training for t in pair), args.vocabulary)
    data = [(bpe.encode(s) + [EOS], [BOS] + bpe.encode(t) + [EOS]) for s, t in training]
    data = [p for p in data if max(map(len, p)) <= args.max_length]
    model = make_model(args.vocabulary, args.vocabulary, args.layers, args.d_model, args.d_ff, args.heads, args.dropout,
                       args.attention_dropout, fused_attention, torch.nn.LayerNorm)
    shared = model.src_embed[0].lut.weight
    model.tgt_embed[0].lut.weight = model.generator.proj.weight = shared
    averaged = make_model(args.vocabulary, args.vocabulary, args.layers, args.d_model, args.d_ff, args.heads, 0, 0,
                          fused_attention, torch.nn.LayerNorm) if args.ema else None
    if averaged:
        averaged.tgt_embed[0].lut.weight = averaged.generator.proj.weight = averaged.src_embed[0].lut.weight
        averaged.load_state_dict(model.state_dict())
    parameters = list(model.parameters())
    print(f"{sum(p.numel() for p in parameters)} parameters, {len(data)} pairs, {args.threads} threads, "
          f"prepared in {time.time() - begin:.1f} s", flush=True)
    adam = torch.optim.Adam(parameters, lr=0, betas=(0.9, 0.98), eps=1e-9, fused=True)

    def padded(rows):
        width = max(map(len, rows))
        return torch.tensor([r + [PAD] * (width - len(r)) for r in rows])

    def masks(src, tgt):
        return (src != PAD).unsqueeze(1), subsequent_mask(tgt.size(1)) & (tgt != PAD).unsqueeze(1)

    def learning_rate(step):
        if args.decay == "linear" and step > args.warmup:
            peak = rate(args.warmup, args.d_model, args.factor, args.warmup)
            if args.steps:
                return peak * max(0.0, (args.steps - step) / (args.steps - args.warmup))
            return peak * max(0.0, (args.minutes * 60 - seconds) / (args.minutes * 60 - warm_at))
        return rate(step, args.d_model, args.factor, args.warmup)

    @torch.no_grad()
    def greedy(net, src):
        src_mask = (src != PAD).unsqueeze(1)
        memory = net.encode(src, src_mask)
        ids = torch.full((len(src), 1), BOS)
        done = torch.zeros(len(src), dtype=torch.bool)
        for _ in range(src.size(1) * 2 + 10):
            hidden = net.decode(memory, src_mask, ids, subsequent_mask(ids.size(1)))
            best = net.generator.proj(hidden[:, -1]).argmax(-1).masked_fill(done, PAD)
            ids = torch.cat([ids, best.unsqueeze(1)], 1)
            done |= best == EOS
            if done.all():
                break
        return ids[:, 1:].tolist()

    @torch.no_grad()
    def beam_search(net, src, width, alpha=0.6):
        src_mask = (src != PAD).unsqueeze(1).repeat_interleave(width, 0)
        memory = net.encode(src, (src != PAD).unsqueeze(1)).repeat_interleave(width, 0)
        n = len(src)
        ids = torch.full((n * width, 1), BOS)
        scores = torch.tensor([0.0] + [-1e9] * (width - 1)).repeat(n, 1)
        best = [(-1e9, [])] * n
        for step in range(src.size(1) * 2 + 10):
            logp = net.generator(net.decode(memory, src_mask, ids, subsequent_mask(ids.size(1)))[:, -1])
            total = (scores.view(-1, 1) + logp).view(n, -1)
            top, index = total.topk(2 * width, -1)
            beam_of, token = index // args.vocabulary, index % args.vocabulary
            penalty = ((5 + step + 1) / 6) ** alpha
            keep_rows, keep_tokens, keep_scores = [], [], []
            for i in range(n):
                kept = 0
                for s, b, t in zip(top[i].tolist(), beam_of[i].tolist(), token[i].tolist()):
                    if t == EOS:
                        if s / penalty > best[i][0]:
                            best[i] = (s / penalty, ids[i * width + b, 1:].tolist())
                    elif kept < width:
                        keep_rows.append(i * width + b)
                        keep_tokens.append(t)
                        keep_scores.append(s)
                        kept += 1
            ids = torch.cat([ids[keep_rows], torch.tensor(keep_tokens).unsqueeze(1)], 1)
            scores = torch.tensor(keep_scores).view(n, width)
            if all(best[i][0] > scores[i].max().item() / penalty for i in range(n)):
                break
        return [b[1] for b in best]

    def bleu(net, decode=greedy):
        net.eval()
        order = sorted(range(len(held)), key=lambda i: len(held[i][0]))
        out = [""] * len(held)
        for i in range(0, len(held), 125):
            part = order[i:i + 125]
            for j, ids in zip(part, decode(net, padded([bpe.encode(held[j][0]) + [EOS] for j in part]))):
                out[j] = bpe.decode(ids[:ids.index(EOS)] if EOS in ids else ids)
        net.train()
        return sacrebleu.corpus_bleu(out, [[t for _, t in held]]).score, out

    step = tokens = 0
    seconds = warm_at = 0.0  # seconds of training so far, and when the warm-up was over
    out, finished = [], False
    for epoch in range(1, args.epochs + 1):
        total = count = 0.0
        for batch in batches(data, args.batch_tokens, rng):
            step_begin = time.perf_counter()
            src, tgt = padded([s for s, _ in batch]), padded([t for _, t in batch])
            tgt, tgt_y = tgt[:, :-1], tgt[:, 1:]
            step += 1
            for group in adam.param_groups:
                group["lr"] = learning_rate(step)
            hidden = model(src, tgt, *masks(src, tgt))
            keep = tgt_y != PAD
            loss = F.cross_entropy(model.generator.proj(hidden[keep]), tgt_y[keep], label_smoothing=args.smoothing)
            loss.backward()
            adam.step()
            adam.zero_grad()
            if averaged:
                with torch.no_grad():
                    decay = min(args.ema, (1 + step) / (10 + step))
                    torch._foreach_lerp_(list(averaged.parameters()), parameters, 1 - decay)
            n = int(keep.sum())
            total += loss.item() * n
            count += n
            tokens += n
            seconds += time.perf_counter() - step_begin
            if step == args.warmup:
                warm_at = seconds
            finished = seconds > args.minutes * 60 or (args.steps and step >= args.steps)
            if finished:
                break
        score, out = bleu(averaged or model)
        print(f"epoch {epoch} step {step} tokens {tokens} loss {total / count:.3f} BLEU {score:.2f} "
              f"training {seconds:.0f} s, wall {time.time() - begin:.0f} s", flush=True)
        if finished:
            break
    for i in range(6):
        print(" | ".join((*held[i], out[i])))
    if args.beam:
        score, out = bleu(averaged or model, lambda net, src: beam_search(net, src, args.beam))
        print(f"beam {args.beam}: BLEU {score:.2f}")
        for i in range(6):
            print(" | ".join((*held[i], out[i])))


if __name__ == "__main__":
    main()
