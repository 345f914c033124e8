#!/usr/bin/env python3
"""Compares gloss's tokenizers with the reference's on many lines of many scripts: ids, offsets, decoded texts, speed.

    python3 scripts/compare_tokenizers.py KIND FILE [--lines 200000] [--text FILE]... [--seed 1] [--time]

KIND FILE: json tokenizer.json (reference: tokenizers), sentencepiece x.model (sentencepiece), tiktoken:gpt2 x.tiktoken
(tiktoken; also tiktoken:cl100k_base), bert vocab.txt (transformers). Lines are made from words, signs and characters of
many scripts; --text adds lines of files, half of all. It needs g++, utf8proc, nlohmann-json and the reference's package.
"""

import argparse
import itertools
import pathlib
import random
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent

# First and last characters of blocks: Latin, its extensions, IPA, Greek, Cyrillic, Armenian, Hebrew, Arabic, Devanagari,
# Bengali, Tamil, Telugu, Malayalam, Thai, Lao, Tibetan, Burmese, Georgian, Hangul letters, Ethiopic, Cherokee, Khmer,
# Mongolian, Latin with two accents, Greek with accents, kana, CJK, Hangul, halfwidth, mathematical letters, CJK beyond.
BLOCKS = [(0x41, 0x7A), (0xC0, 0x17F), (0x180, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x587),
          (0x5D0, 0x5EA), (0x620, 0x64A), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xC00, 0xC7F), (0xD00, 0xD7F),
          (0xE01, 0xE4F), (0xE80, 0xEDF), (0xF00, 0xFBC), (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF),
          (0x1200, 0x137F), (0x13A0, 0x13F5), (0x1780, 0x17E9), (0x1800, 0x18AA), (0x1E00, 0x1EFF), (0x1F00, 0x1FFE),
          (0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF01, 0xFFDC), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF)]
SIGNS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿«»“”‘’„–—…•·§©®™°±×÷€£¥₹→←↔≤≥≠∞√∑،؛؟।॥。、，！？：；「」『』（）〜～・")
SPACES = [" "] * 40 + ["  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n", "\n ", "\u00a0", "\u3000", "\u2003", "\u200b", "\x0b", "\x0c",
                       "\x85", "\u2028", "\u202f", "\ufeff", "\x1f", "\u180e", "     ", "\n\n\n"]
ODD = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "❤️", "e\u0301", "a\u0308\u0323", "\u0323\u0301", "\u1100\u1161\u11a8", "ﬁ", "ﬀ", "Ǆ", "İ", "ı", "ſ", "ß",
       "ẞ", "Σς", "K", "Å", "½", "²", "①", "Ⅻ", "٣", "३", "㎏", "\u0000", "\ufffd", "\u200d", "\u200e", "\u00ad", "\u0301", "\ue000",
       "\U000e0001", "\u0378", "▁", "Ġ", "##", "<s>", "</s>", "[MASK]", "[CLS]", " [SEP] ", "<|endoftext|>", "<unk>", "<0x41>",
       "don't", "I'M", "we'LL", "'s", "'S", "’s", "it'ſ", "x'y", "''", "``", "123456789", "3.14", "1,000", "http://a.b/c?d=e#f",
       "a@b.co", "snake_case", "CamelCase", "def f(x):\n    return x**2\n", "\u0430\u0306", "\u302e", "\U0001d165\U0001d16e"]
WORDS = ("the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you "
         "were all her she there would their we him been has when who will no more if out so said what up its about than into "
         "der die und das ist nicht ein zu von mit sich auf für les des est dans que une pour qui pas plus el los las por con "
         "para как что это не на все его для привет мир γεια κόσμε שלום עולם مرحبا بالعالم नमस्ते दुनिया 你好世界 こんにちは 안녕하세요 "
         "xin chào thế giới สวัสดีชาวโลก Übung Straße naïve café São Łódź žlutý kůň İstanbul").split()


def word(rng):
    kind = rng.random()
    if kind < 0.5:
        w = rng.choice(WORDS)
    elif kind < 0.6:
        w = "".join(rng.choice("etaoinshrdlucmfwypvbgkjqxz") for _ in range(rng.randint(1, 12)))
    elif kind < 0.66:
        w = str(rng.randrange(10 ** rng.randint(1, 12)))
    elif kind < 0.9:
        first, last = rng.choice(BLOCKS)
        w = "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 9)))
    elif kind < 0.97:
        w = rng.choice(ODD)
    elif kind < 0.995:
        w = "".join(chr(rng.randint(1, 0x2FFF)) for _ in range(rng.randint(1, 4)))
    else:
        w = "".join(chr(c) for c in (rng.randint(0x3000, 0x323AF) for _ in range(rng.randint(1, 3)))
                    if not 0xD800 <= c < 0xE000)
    case = rng.random()
    return w.upper() if case < 0.05 else w.capitalize() if case < 0.2 else w


def line(rng):
    parts = []
    for _ in range(rng.randint(0, 14)):
        parts.append(word(rng))
        if rng.random() < 0.25:
            parts.append("".join(rng.choice(SIGNS) for _ in range(rng.choice((1, 1, 1, 2, 3)))))
        if rng.random() < 0.85:
            parts.append(rng.choice(SPACES))
    return "".join(parts)


def reference(kind, path):
    """encode(text) -> (ids, offsets in characters or None), decode(ids)"""
    if kind in ("json", "bert"):
        if kind == "json":
            from tokenizers import Tokenizer
            tokenizer = Tokenizer.from_file(path)
        else:
            from transformers import BertTokenizerFast
            tokenizer = BertTokenizerFast(path)._tokenizer
        def encode(text):
            e = tokenizer.encode(text)
            return e.ids, e.offsets
        return encode, lambda ids: tokenizer.decode(ids)
    if kind == "sentencepiece":
        import sentencepiece
        model = sentencepiece.SentencePieceProcessor(model_file=path)
        return (lambda text: (model.encode(text), None)), lambda ids: model.decode(ids)
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    encoding = tiktoken.Encoding("own", pat_str=tiktoken_pattern(kind), mergeable_ranks=load_tiktoken_bpe(path), special_tokens={})
    return (lambda text: (encoding.encode_ordinary(text), None)), lambda ids: encoding.decode(ids)


def tiktoken_pattern(kind):
    import tiktoken_ext.openai_public as known
    if kind.endswith(":cl100k_base"):
        return (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|"
                r"\s+(?!\S)|\s")
    return known.r50k_pat_str


def byte_offsets(text, offsets):
    at = [0, *itertools.accumulate(len(c.encode()) for c in text)]
    return [at[i] for pair in offsets for i in pair]


def short(value):
    """Without the zeros of padding."""
    if isinstance(value, list):
        while value and value[-1] == 0:
            value.pop()
    return repr(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind")
    parser.add_argument("file")
    parser.add_argument("--lines", type=int, default=200000)
    parser.add_argument("--text", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time", action="store_true", help="compare speed, on one thread")
    parser.add_argument("--program", help="compare_tokenizers.cpp, compiled")
    args = parser.parse_args()

    rng = random.Random(args.seed)
    from_files = [l for path in args.text for l in pathlib.Path(path).read_text(errors="ignore").splitlines() if l.strip()]
    texts = rng.sample(from_files, min(len(from_files), args.lines // 2))
    texts += ["", *ODD, *SPACES, *SIGNS] if not args.time else []
    texts += [line(rng) for _ in range(args.lines - len(texts))]
    sent = b"".join(b"%d\n%s" % (len(t), t) for t in (t.encode() for t in texts))

    with tempfile.TemporaryDirectory() as folder:
        program = args.program or f"{folder}/compare_tokenizers"
        if not args.program:
            subprocess.run(["g++", "-std=c++20", "-O2", f"-I{TREE}/include", "-isystem", "/usr/include/eigen3",
                            f"{TREE}/scripts/compare_tokenizers.cpp", "-lutf8proc", "-o", program], check=True)
        mode = "time" if args.time else "encode"
        out = subprocess.run([program, args.kind, args.file, mode], input=sent, stdout=subprocess.PIPE, check=True).stdout
    encode, decode = reference(args.kind, args.file)

    if args.time:
        ids, whole, _ = map(float, out.split())
        start = time.process_time()
        for t in texts:
            encode(t)
        theirs = time.process_time() - start
        size = sum(len(t.encode()) for t in texts) / 1e6
        print(f"{size:.1f} MB: reference {size / theirs:.2f} MB/s, gloss {size / whole:.2f} MB/s, its ids alone {size / ids:.2f} MB/s")
        return

    at, differ = 0, {"ids": [], "offsets": [], "decoded": []}
    def take_line():
        nonlocal at
        end = out.index(b"\n", at)
        found, at = out[at:end], end + 1
        return found
    tokens = 0
    for t in texts:
        ids, offsets = [int(x) for x in take_line().split()], [int(x) for x in take_line().split()]
        size = int(take_line())
        decoded, at = out[at:at + size].decode(), at + size + 1
        their_ids, their_offsets = encode(t)
        tokens += len(their_ids)
        if ids != their_ids:
            differ["ids"].append((t, ids, their_ids))
        else:
            if their_offsets is not None and offsets != byte_offsets(t, their_offsets):
                differ["offsets"].append((t, offsets, byte_offsets(t, their_offsets)))
            if decoded != decode(their_ids):
                differ["decoded"].append((t, decoded, decode(their_ids)))
    for what, cases in differ.items():
        for case in sorted(cases, key=lambda c: len(c[0]))[:5]:
            print(f"{what} differ: {case[0]!r}\n  gloss     {short(case[1])}\n  reference {short(case[2])}")
    print(f"{args.kind} {args.file}: {len(texts)} lines, {tokens} tokens; lines that differ: "
          + ", ".join(f"{what} {len(cases)}" for what, cases in differ.items()))
    sys.exit(any(differ.values()))


if __name__ == "__main__":
    main()
