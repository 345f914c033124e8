#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/: small tokenizers of each kind, and what the reference makes of awkward texts.

    python3 tests/golden/generate_tokenizers.py      # needs tokenizers 0.23, sentencepiece 0.2 and tiktoken

NAME.json is a tokenizer.json, NAME.model a SentencePiece model, NAME.tiktoken a list of ranks. NAME.cases.json has, for
texts and pairs of texts, ids and what else there is; offsets count bytes.
"""

import base64
import itertools
import json
import pathlib
import random
import sys

import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "tokenizers"
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from compare_tokenizers import ODD, SIGNS, SPACES, WORDS, line  # noqa: E402

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def corpus(seed, n):
    rng = random.Random(seed)
    words = sorted(WORDS)
    for _ in range(n):
        yield " ".join(rng.choice(words[:12] if rng.random() < 0.3 else words) for _ in range(rng.randint(3, 12))) + rng.choice(".,!?")


def texts(seed, n):
    rng = random.Random(seed)
    fixed = ["", " ", "Hello, world! I'm testing 1234567 tokens.", "  two  spaces\tand\ttabs\n\nnewlines ", "Der Vergleich hinkt – übrigens: äöüß €5,00",
             "日本語と中文 mixed 😀👍🏽 emoji", "def f(x):\n    return x**2  # code", "a\u0308\u0323 e\u0301 \u1100\u1161\u11a8 가각 ﬁ ½ ① ㎏",
             "we'LL I'M it's don'T 'S ’s it'ſ", "x [MASK] y<mask> z <mask>  w", "<s>a</s> <|endoftext|>b", "İstanbul ıŞIK ΣΑΣ ẞß", "\u0000\ufffd\u200b\u00ad\ufeff\u0085",
             " \n \n  x\r\n\r\ny \r z\u2028\u3000 ", "a" * 120, "▁▁a ▁b▁ Ġ ##x", "١٢٣ ४५६ Ⅻ 1234 12 1", "\u0430\u0306 \u0301x \U0001d165\U0001d16e \u302e"]
    fixed += ["".join(ODD[i::9]) for i in range(9)] + [" ".join(SIGNS[i::3]) for i in range(3)] + ["x".join(SPACES[40 + i::3]) for i in range(3)]
    lines = (line(rng) for _ in itertools.count())
    return fixed + list(itertools.islice((t for t in lines if 5 < len(t) < 60), n - len(fixed)))


def in_bytes(text, offsets):
    at = [0, *itertools.accumulate(len(c.encode()) for c in text)]
    return [at[i] for pair in offsets for i in pair]


def one(tokenizer, text, pair=None):
    e = tokenizer.encode(text) if pair is None else tokenizer.encode(text, pair)
    offsets = []
    for sequence, (a, b) in zip(e.sequence_ids, e.offsets):
        offsets += in_bytes(pair if sequence == 1 else text, [(a, b)]) if sequence is not None else [0, 0]
    return e, offsets


def save_cases(name, cases):
    rows = ",\n".join(json.dumps(c, ensure_ascii=True, separators=(",", ":")) for c in cases)
    (OUT / f"{name}.cases.json").write_text("[" + rows + "]\n")


def save(name, tokenizer, seed, n=60):
    file = json.loads(tokenizer.to_str())
    (OUT / f"{name}.json").write_text(json.dumps(file, ensure_ascii=True, separators=(",", ":")) + "\n")
    cases = []
    for text in texts(seed, n):
        e, offsets = one(tokenizer, text)
        cases.append({"text": text, "ids": e.ids, "offsets": offsets, "decoded": tokenizer.decode(e.ids)})
    for text, pair in [("Hello world", "die und das nicht!"), ("the of", ""), ("", "of the"), ("the " * 9, "of " * 4), ("a", "in " * 30)]:
        e, offsets = one(tokenizer, text, pair)
        cases.append({"text": text, "pair": pair, "ids": e.ids, "offsets": offsets, "tokens": e.tokens, "type_ids": e.type_ids, "attention_mask": e.attention_mask,
                      "special_tokens_mask": e.special_tokens_mask, "word_ids": [-1 if w is None else w for w in e.word_ids],
                      "sequence_ids": [-1 if s is None else s for s in e.sequence_ids],
                      "decoded": tokenizer.decode(e.ids, skip_special_tokens=False), "keep_special": True})
    save_cases(name, cases)


def bert():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(corpus(1, 300), trainers.WordPieceTrainer(vocab_size=420, special_tokens=special, show_progress=False))
    ids = [(s, t.token_to_id(s)) for s in ("[CLS]", "[SEP]")]
    t.post_processor = processors.TemplateProcessing(single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=ids)
    t.decoder = decoders.WordPiece()
    return t


def padded_bert():
    t = bert()
    t.normalizer = normalizers.BertNormalizer(lowercase=False)
    t.post_processor = processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    t.enable_truncation(16)
    t.enable_padding(length=20, pad_to_multiple_of=8, direction="left")
    return t


def byte_level(split, **bpe):
    t = Tokenizer(models.BPE(**bpe))
    t.pre_tokenizer = split
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=["<|endoftext|>"], show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(corpus(2, 300), trainer)
    return t


def gpt2():
    t = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t


def roberta():
    t = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True))
    t.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")), trim_offsets=True)
    return t


def with_words(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def llama3():
    t = byte_level(with_words(LLAMA3), ignore_merges=True)
    t.add_special_tokens(["<|begin|>"])
    t.add_tokens([AddedToken("[word]", single_word=True), AddedToken("[right]", rstrip=True)])
    begin = [("<|begin|>", t.token_to_id("<|begin|>"))]
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing("<|begin|> $A", "<|begin|> $A <|begin|> $B:1", special_tokens=begin)])
    return t


def qwen():
    t = byte_level(with_words(QWEN))
    t.normalizer = normalizers.NFC()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t


def smollm():
    return byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]))


def llama2():
    t = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(corpus(3, 300), trainers.BpeTrainer(vocab_size=560, special_tokens=special, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    t.model = models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    t.add_special_tokens([AddedToken(s, normalized=False) for s in special[:3]])
    t.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return t


def spm_model(kind, name, **options):
    rules = OUT / "rules.tsv"  # source and target in hexadecimal code points
    pairs = [("A", "a"), ("ﬁ", "fi"), ("①", "1"), ("\t", " "), ("\u3000", " "), ("\u200b", ""), ("㎏", "kg"), ("e\u0301", "é"), ("\u212b", "\u00c5"), ("…", "..."), ("\u0301", "")]
    rules.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in pairs))
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=corpus(4, 400), model_prefix=str(OUT / name), model_type=kind, vocab_size=230 if kind == "unigram" else 420,
                                             normalization_rule_tsv=str(rules), minloglevel=2, num_threads=1, **options)
    (OUT / f"{name}.vocab").unlink()
    rules.unlink()
    return OUT / f"{name}.model"


def save_spm(name, path, n=60):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
    cases = []
    for text in texts(6, n):
        text = text.replace("\0", "")
        ids = sp.encode(text)
        cases.append({"text": text, "ids": ids, "decoded": sp.decode(ids)})
    save_cases(name, cases)


def spm_fields(path):
    """The precompiled normalizer of a .model file, as far as it goes: fields 3, 2."""
    def fields(data):
        at = 0
        def number():
            nonlocal at
            value = shift = 0
            while True:
                value |= (data[at] & 0x7F) << shift
                at += 1
                if data[at - 1] < 0x80:
                    return value
                shift += 7
        while at < len(data):
            tag = number()
            if tag & 7 == 2:
                size = number()
                yield tag >> 3, data[at:at + size]
                at += size
            elif tag & 7 == 0:
                yield tag >> 3, number()
            else:
                size = 4 if tag & 7 == 5 else 8
                yield tag >> 3, data[at:at + size]
                at += size
    return next(v for k, v in fields(next(v for k, v in fields(path.read_bytes()) if k == 3)) if k == 2)


def t5(path):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
    vocab = [(sp.id_to_piece(i), sp.get_score(i)) for i in range(sp.get_piece_size())]
    t = Tokenizer(models.Unigram(vocab, sp.unk_id(), byte_fallback=False))
    charsmap = base64.b64encode(spm_fields(path)).decode()
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(base64.b64decode(charsmap)), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    t.add_special_tokens([AddedToken("</s>", normalized=False)])
    t.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B:1 </s>:1", special_tokens=[("</s>", sp.eos_id())])
    t.decoder = decoders.Metaspace()
    return t


def stages():
    """One small model behind many stages: what the pieces are is seen in word_ids."""
    t = byte_level(pre_tokenizers.ByteLevel())
    characters = sorted(set("".join(texts(7, 40))) | set("▁ abcdefghijklmnopqrstuvwxyz"))[:200]
    base = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(["<unk>", *characters])}, merges=[], unk_token="<unk>", fuse_unk=True))
    n, p, d = normalizers, pre_tokenizers, decoders
    every = [(None, None, None), (n.NFD(), None, None), (n.NFC(), None, None), (n.NFKD(), None, None), (n.NFKC(), None, None),
             (n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase()]), p.Whitespace(), None), (n.Lowercase(), p.WhitespaceSplit(), None),
             (n.StripAccents(), None, None), (n.Strip(), p.Punctuation(), None), (n.Strip(left=False), p.Punctuation("contiguous"), None), (n.Nmt(), p.Digits(), None),
             (n.Replace("e", "ee"), p.Digits(True), None), (n.Replace(Regex(" {2,}"), "▁"), None, None), (n.Prepend("xy"), p.Punctuation("removed"), None),
             (None, p.Punctuation("merged_with_previous"), d.Fuse()), (None, p.Punctuation("merged_with_next"), d.Sequence([d.Strip("e", 0, 1), d.Strip("a", 1, 0)])),
             (None, p.Metaspace(prepend_scheme="first"), d.Metaspace(prepend_scheme="first")), (None, p.Metaspace(prepend_scheme="never"), d.Metaspace(prepend_scheme="never")),
             (None, p.Metaspace(split=False), d.Metaspace()), (None, p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first")]), d.Metaspace()),
             *((None, p.Split(" ", behavior), None) for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")),
             *((None, p.Split("e", behavior, invert=True), None) for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")),
             (n.BertNormalizer(clean_text=False, lowercase=False, strip_accents=True), p.BertPreTokenizer(), d.WordPiece(cleanup=False)),
             (n.BertNormalizer(handle_chinese_chars=False, strip_accents=False), p.BertPreTokenizer(), d.BPEDecoder(suffix="e")), (None, p.BertPreTokenizer(), d.Replace("e", "E"))]
    cases = []
    for normalizer, pre_tokenizer, decoder in every:
        for part, value in (("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer), ("decoder", decoder)):
            if value is not None:
                setattr(base, part, value)
        file = json.loads(base.to_str())
        if not cases:
            (OUT / "stages.json").write_text(json.dumps(file, ensure_ascii=True, separators=(",", ":")) + "\n")
        parts = {k: file[k] if v is not None else None for k, v in (("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer), ("decoder", decoder))}
        plain = Tokenizer.from_str(json.dumps({**file, **parts}))
        for text in texts(7, 40)[1:40:4]:
            e, offsets = one(plain, text)
            cases.append({"text": text, **parts, "ids": e.ids, "offsets": offsets, "word_ids": e.word_ids, "decoded": plain.decode(e.ids)})
    save_cases("stages", cases)


def ranks():
    file = json.loads((OUT / "gpt2.json").read_text())["model"]
    letters = {}
    for b, c in zip([*range(33, 127), *range(161, 173), *range(174, 256)], [*range(33, 127), *range(161, 173), *range(174, 256)]):
        letters[chr(c)] = b
    for i, b in enumerate(b for b in range(256) if b not in letters.values()):
        letters[chr(256 + i)] = b
    tokens = [bytes([b]) for b in range(256)] + [bytes(letters[c] for c in a + b) for a, b in file["merges"]]
    (OUT / "ranks.tiktoken").write_bytes(b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(tokens)))
    import tiktoken
    encoding = tiktoken.Encoding("own", pat_str=r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
                                 mergeable_ranks={t: i for i, t in enumerate(tokens)}, special_tokens={})
    save_cases("ranks", [{"text": t, "ids": encoding.encode_ordinary(t), "decoded": t} for t in texts(8, 60)])


def trained():
    """What a trainer learns from a few texts."""
    lines = [*corpus(9, 60), *texts(9, 40)[20:]]
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=420, min_frequency=2, special_tokens=["<|end|>"], show_progress=False,
                                                     initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(t.to_str())["model"]
    (OUT / "trained.json").write_text(json.dumps({"texts": lines, "vocab": model["vocab"], "merges": model["merges"]}, ensure_ascii=True, separators=(",", ":")) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    for i, make in enumerate((bert, padded_bert, gpt2, roberta, llama3, qwen, smollm, llama2)):
        save(make.__name__, make(), 10 + i)
    unigram = spm_model("unigram", "unigram", user_defined_symbols=["<sep>", "==>"])
    save_spm("unigram", unigram)
    save("t5", t5(unigram), 20)
    save_spm("spm_bpe", spm_model("bpe", "spm_bpe", byte_fallback=True, remove_extra_whitespaces=False, user_defined_symbols=["<sep>"]))
    ranks()
    stages()
    trained()


if __name__ == "__main__":
    main()
