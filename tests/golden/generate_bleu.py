#!/usr/bin/env python3
"""Writes bleu.tsv and bleu.txt: hypotheses, references, their 13a tokens, and the scores sacreBLEU gives.

Needs sacrebleu. Usage: generate_bleu.py SENTENCES.tsv  (German in the second column)
Lines of bleu.tsv: case TAB hypothesis TAB reference TAB tokens of the hypothesis, with \\n, \\t, \\r and \\\\ escaped.
Lines of bleu.txt: case, BLEU, four precisions, brevity penalty, lengths, four matches, four totals.
"""
import pathlib
import random
import sys

import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

random.seed(20)
here = pathlib.Path(__file__).parent
german = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[1], encoding="utf-8")]

signs = list(".,;:!?-–…„“\"'’()[]{}<>/\\|&%$#@*+=^~`_«»") + ["...", "&amp;", "&quot;", "&lt;", "&gt;", "&amp;lt;", "<skipped>",
         "-\n", "\n", "\t", "\u00a0", "\u2009", "\u3000", "\x1c", "\x85", " .", "1.5", "3,14", "12-", "-3", "5.", ".5", ",,",
         "1,000.00", "a.b", "ä.ö", "日本。", "😀", "½", "١٢", "²", "\u200b", "I.B.M.", "e.g.", "x-y", "9-x"]


def perturb(text):
    words = text.split(" ")
    for _ in range(random.randrange(0, 4)):
        action = random.randrange(5)
        at = random.randrange(len(words) + 1)
        if action == 0 and words:
            words.pop(min(at, len(words) - 1))
        elif action == 1:
            words.insert(at, random.choice(signs))
        elif action == 2 and words:
            at = min(at, len(words) - 1)
            words[at] += random.choice(signs)
        elif action == 3 and len(words) > 1:
            i, j = random.sample(range(len(words)), 2)
            words[i], words[j] = words[j], words[i]
        elif words:
            at = min(at, len(words) - 1)
            words[at] = words[at][: random.randrange(len(words[at]) + 1)]
    return " ".join(words)


sample = random.sample(german, 300)
cases = {
    "perturbed": [(perturb(s), s) for s in sample],
    "identical": [(s, s) for s in sample[:40]],
    "unrelated": list(zip(sample[:60], sample[60:120])),
    "too_short": [(" ".join(s.split()[:3]), s) for s in sample[120:180]],
    "too_long": [(s + " " + s, s) for s in sample[180:220]],
    "signs": [("".join(random.choice(signs + [" ", "a", "B", "7"]) for _ in range(random.randrange(14))),
               "".join(random.choice(signs + [" ", "a", "B", "7"]) for _ in range(12))) for _ in range(150)],
    "all_empty": [("", s) for s in sample[:5]],
    "some_empty": [("" if i % 3 else s, s) for i, s in enumerate(sample[:30])],
    "empty_references": [(s, "") for s in sample[:3]] + [("Ja.", "Ja.")],
    "one_word": [("Datei", "Datei")],
    "three_words": [("Das ist gut", "Das ist gut")],
    "four_words": [("Das ist gut .", "Das ist schlecht.")],
    "no_match": [("Apfel", "Birne")],
    "nothing": [("", "")],
    "trailing_space": [("Ein Wort- \n", "Ein Wort-"), ("Ende .\u00a0", "Ende.")],
}


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


tokenize = Tokenizer13a()
with open(here / "bleu.tsv", "w", encoding="utf-8", newline="\n") as table, open(here / "bleu.txt", "w") as scores:
    for name, pairs in cases.items():
        for hypothesis, reference in pairs:
            row = [name, hypothesis, reference, tokenize(hypothesis.rstrip())]
            print(*map(escape, row), sep="\t", file=table)
        bleu = sacrebleu.corpus_bleu([h for h, _ in pairs], [[r for _, r in pairs]])
        print(name, repr(bleu.score), *map(repr, bleu.precisions), repr(bleu.bp), bleu.sys_len, bleu.ref_len,
              *bleu.counts, *bleu.totals, file=scores)
