"""What transformers' logits processors and warpers make of random scores: tests/golden/decode/logits.json.

    python3 tests/golden/generate_logits.py     (needs torch and transformers)

Each case: the options by gloss's names, the prompt, what was said, the scores, the scores after the processors, and the
probabilities after the warpers (0: cut away)."""
import json
import pathlib
import random

import torch
from transformers import (MinNewTokensLengthLogitsProcessor, MinPLogitsWarper, NoRepeatNGramLogitsProcessor,
                          RepetitionPenaltyLogitsProcessor, SuppressTokensLogitsProcessor, TemperatureLogitsWarper,
                          TopKLogitsWarper, TopPLogitsWarper)

random.seed(1)
torch.manual_seed(1)
cases = []
for number in range(60):
    vocab = random.choice([5, 17, 40])
    prompt = [random.randrange(vocab) for _ in range(random.randrange(1, 6))]
    said = [random.randrange(min(vocab, 6)) for _ in range(random.randrange(0, 12))]
    scores = torch.randn(1, vocab, dtype=torch.float64) * 3
    options = {}
    if number % 2:
        options["repetition_penalty"] = random.choice([0.7, 1.3, 2.0])
    if number % 3 == 1:
        options["no_repeat_ngram_size"] = random.choice([1, 2, 3])
    if number % 4 == 3:
        options["forbidden"] = sorted(random.sample(range(vocab), 2))
    if number % 5 == 2:
        options["min_len"] = random.randrange(0, 12)
    if number % 3 == 0:
        options["temperature"] = random.choice([0.3, 0.8, 1.7])
    if number % 4 == 1:
        options["top_k"] = random.choice([1, 3, vocab, vocab + 5])
    if number % 3 != 1:
        options["top_p"] = random.choice([0.05, 0.5, 0.9, 0.99])
    if number % 5 == 4:
        options["min_p"] = random.choice([0.02, 0.2, 0.9])
    ids = torch.tensor([prompt + said])
    out = scores.clone()
    if "repetition_penalty" in options:
        out = RepetitionPenaltyLogitsProcessor(options["repetition_penalty"])(ids, out)
    if "no_repeat_ngram_size" in options:
        out = NoRepeatNGramLogitsProcessor(options["no_repeat_ngram_size"])(ids, out)
    if "forbidden" in options:
        out = SuppressTokensLogitsProcessor(options["forbidden"])(ids, out)
    if "min_len" in options:
        out = MinNewTokensLengthLogitsProcessor(len(prompt), options["min_len"], 1)(ids, out)
    if torch.isinf(out).all():
        continue
    warped = out.clone()
    if "temperature" in options:
        warped = TemperatureLogitsWarper(options["temperature"])(ids, warped)
    if "top_k" in options:
        warped = TopKLogitsWarper(options["top_k"])(ids, warped)
    if "top_p" in options:
        warped = TopPLogitsWarper(options["top_p"])(ids, warped)
    if "min_p" in options:
        warped = MinPLogitsWarper(options["min_p"])(ids, warped)
    finite = lambda x: None if x == float("-inf") else x
    cases.append({"options": options, "prompt": prompt, "said": said, "scores": scores[0].tolist(),
                  "processed": [finite(x) for x in out[0].tolist()],
                  "probabilities": torch.softmax(warped, -1)[0].tolist()})

path = pathlib.Path(__file__).parent / "decode" / "logits.json"
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
