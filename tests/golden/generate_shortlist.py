"""The likeliest translations of words by NLTK's IBM model 1: tests/golden/decode/shortlist.txt.

    python3 tests/golden/generate_shortlist.py     (needs nltk)

Lines "pair S .. | T ..", and "word S | T ..": its translations after 5 iterations, likeliest first, as far as each is
clearly likelier than the next."""
import pathlib
import random

from nltk.translate import AlignedSent, IBMModel1

random.seed(1)
pairs = []
for _ in range(60):
    source = [random.randrange(12) for _ in range(random.randrange(1, 7))]
    target = []
    for word in source:
        if random.random() < 0.85:
            target.append((word * 5 + 3) % 12 if random.random() < 0.8 else random.randrange(12))
        if random.random() < 0.3:
            target.append(12 + random.randrange(2))  # a word that comes from none
    target = list(dict.fromkeys(target))  # of a word that stands there twice NLTK 3.10 counts half
    random.shuffle(target)
    if target:
        pairs.append((source, target))

model = IBMModel1([AlignedSent([f"t{t}" for t in target], [f"s{s}" for s in source]) for source, target in pairs], 5)
lines = [f"pair {' '.join(map(str, s))} | {' '.join(map(str, t))}" for s, t in pairs]
for word in range(12):
    seen = sorted({t for source, target in pairs if word in source for t in target})  # others keep what they began with
    ranked = sorted(((model.translation_table[f"t{t}"][f"s{word}"], t) for t in seen), reverse=True)
    clear = []
    for (p, t), (following, _) in zip(ranked, ranked[1:]):
        if p - following < 1e-4:
            break
        clear.append(t)
    lines.append(f"word {word} | {' '.join(map(str, clear))}")
path = pathlib.Path(__file__).parent / "decode" / "shortlist.txt"
path.write_text("\n".join(lines) + "\n")
