#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/marian/: a folder as OPUS-MT's are, and what transformers makes of texts.

    python3 tests/golden/generate_marian_tokenizer.py      # after generate_tokenizers.py; needs transformers, sentencepiece
"""

import json
import random
import shutil

import sentencepiece
from generate_tokenizers import OUT, texts
from transformers import MarianTokenizer

folder = OUT / "marian"
folder.mkdir(exist_ok=True)
for side in ("source", "target"):
    shutil.copy(OUT / "unigram.model", folder / f"{side}.spm")
sp = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
pieces = [sp.id_to_piece(i) for i in range(sp.get_piece_size())]
pieces = [p for p in pieces if p not in ("<s>", "</s>", "<unk>")]
random.Random(1).shuffle(pieces)
vocab = {t: i for i, t in enumerate(["</s>", "<unk>", *pieces[:-5], ">>fr<<", "<pad>"])}  # not all of them
(folder / "vocab.json").write_text(json.dumps(vocab) + "\n")
tokenizer = MarianTokenizer.from_pretrained(folder)
cases = []
for text in [">>fr<< the world", ">>de<<world", ">>no end", *texts(3, 60)]:
    text = text.replace("\0", "")
    ids = tokenizer.convert_tokens_to_ids(tokenizer._tokenize(text))
    cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)})
(folder / "cases.json").write_text("[" + ",\n".join(json.dumps(c) for c in cases) + "]\n")
(folder / "target.spm").unlink()
