#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/*.gguf: the tokenizers beside them as a converter writes them, and llama_spm, a SentencePiece
model of Llama's kind with what sentencepiece makes of texts.

    python3 tests/golden/generate_gguf_tokenizers.py      # after generate_tokenizers.py; needs gguf and sentencepiece
"""

import json

import gguf
import sentencepiece
from generate_tokenizers import OUT, corpus, save_cases, texts

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def write(name, model, tokens, types, extra):
    w = gguf.GGUFWriter(OUT / f"{name}.gguf", "llama")
    w.add_tokenizer_model(model)
    w.add_token_list(tokens)
    w.add_token_types(types)
    extra(w)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def byte_level(name, pre, bos=None):
    file = json.loads((OUT / f"{name}.json").read_text())
    vocab = {**file["model"]["vocab"], **{t["content"]: t["id"] for t in file["added_tokens"]}}
    added = {t["content"]: CONTROL if t["special"] else USER for t in file["added_tokens"]}
    tokens = sorted(vocab, key=vocab.get)

    def extra(w):
        w.add_tokenizer_pre(pre)
        w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in file["model"]["merges"]])
        if bos:
            w.add_bos_token_id(vocab[bos])

    write(name, "gpt2", tokens, [added.get(t, NORMAL) for t in tokens], extra)


def llama_spm():
    path = OUT / "llama_spm"
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=corpus(5, 400), model_prefix=str(path), model_type="bpe", vocab_size=420,
                                             normalization_rule_name="identity", byte_fallback=True, remove_extra_whitespaces=False,
                                             user_defined_symbols=["<sep>"], minloglevel=2, num_threads=1)
    sp = sentencepiece.SentencePieceProcessor(model_file=f"{path}.model")
    for ending in ("vocab", "model"):
        path.with_suffix(f".{ending}").unlink()
    ids = range(sp.get_piece_size())

    def kind(i):
        return (UNKNOWN if sp.is_unknown(i) else CONTROL if sp.is_control(i) else BYTE if sp.is_byte(i)
                else USER if sp.id_to_piece(i) == "<sep>" else NORMAL)

    def extra(w):
        w.add_token_scores([sp.get_score(i) for i in ids])
        w.add_bos_token_id(sp.bos_id())
        w.add_eos_token_id(sp.eos_id())

    write("llama_spm", "llama", [sp.id_to_piece(i) for i in ids], [kind(i) for i in ids], extra)
    cases = []
    for text in texts(6, 60):
        text = text.replace("\0", "").replace("<s>", "").replace("</s>", "")
        encoded = sp.encode(text)
        cases.append({"text": text, "ids": [sp.bos_id(), *encoded], "decoded": sp.decode(encoded)})
    save_cases("llama_spm", cases)


byte_level("gpt2", "gpt-2")
byte_level("smollm", "smollm")
byte_level("llama3", "llama-bpe", "<|begin|>")
byte_level("qwen", "qwen2")
llama_spm()
