#!/usr/bin/env python3
"""Makes the tiny models that test.sh runs with: story (GPT-2) and talk.gguf (Llama), which know a few sentences by heart, and
numbers (Marian) and numbers_t5, which translate German numbers.

    python3 make_models.py      # needs torch, transformers, tokenizers, sentencepiece and gguf
"""

import json
import pathlib
import random
import shutil

import gguf
import sentencepiece
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MarianConfig, MarianMTModel, T5Config,
                          T5ForConditionalGeneration)

HERE = pathlib.Path(__file__).resolve().parent
STORY = "Once upon a time a gloss lived in the margin of a page. It said what the hard words mean. Größer € than it was, it said no more."
TALKS = [[("user", "Hello"), ("assistant", "Hello, how are you?"), ("user", "Fine"), ("assistant", "I am glad.")],
         [("system", "Be rude."), ("user", "Hello"), ("assistant", "Go away!")]]
TOLD = "Be kind."
CHAT = ("{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system\\n" + TOLD + "<|im_end|>\\n' }}{% endif %}"
        "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
GERMAN, ENGLISH = "eins zwei drei vier fünf".split(), "one two three four five".split()


def byte_level(texts, special):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=len(special) + 270, special_tokens=special, show_progress=False,
                                                     initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return t


def learn(model, batch, steps, lr=1e-2):
    adam = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, lr, total_steps=steps)
    model.train()
    for _ in range(steps):
        loss = model(**batch()).loss
        loss.backward()
        adam.step()
        schedule.step()
        adam.zero_grad()
    print(type(model).__name__, "loss", loss.item())
    return model.eval()


def save(model, name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model.half().save_pretrained(folder)
    return folder


def story():
    tokenizer = byte_level([STORY], ["<|endoftext|>"])
    ids = torch.tensor([tokenizer.encode(STORY).ids + [0]])
    config = GPT2Config(vocab_size=tokenizer.get_vocab_size(), n_positions=128, n_embd=16, n_layer=1, n_head=2, resid_pdrop=0, embd_pdrop=0,
                        attn_pdrop=0, bos_token_id=0, eos_token_id=0)
    model = learn(GPT2LMHeadModel(config), lambda: {"input_ids": ids, "labels": ids}, 400)
    tokenizer.save(str(save(model, "story") / "tokenizer.json"))


def talk():
    tokenizer = byte_level([text for talk in TALKS for _, text in talk], ["<|im_start|>", "<|im_end|>"])
    rows = []
    for talk in TALKS:
        talk = talk if talk[0][0] == "system" else [("system", TOLD), *talk]
        rows.append(tokenizer.encode("".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in talk)).ids)
    n = max(map(len, rows))
    ids = torch.tensor([row + [0] * (n - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (n - len(row)) for row in rows])
    config = LlamaConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                         num_key_value_heads=1, max_position_embeddings=128, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1)
    model = learn(LlamaForCausalLM(config), lambda: {"input_ids": ids, "labels": labels}, 600)
    w = gguf.GGUFWriter(HERE / "talk.gguf", "llama")
    w.add_block_count(config.num_hidden_layers)
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_head_count(config.num_attention_heads)
    w.add_head_count_kv(config.num_key_value_heads)
    w.add_layer_norm_rms_eps(config.rms_norm_eps)
    w.add_rope_freq_base(config.rope_parameters["rope_theta"])
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([3 if i < 2 else 1 for i in range(len(tokens))])
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]])
    w.add_bos_token_id(0)
    w.add_eos_token_id(1)
    w.add_add_bos_token(False)
    w.add_chat_template(CHAT)
    parts = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v",
             "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
    for name, x in model.state_dict().items():
        x = x.numpy()
        if name.endswith(("q_proj.weight", "k_proj.weight")):  # halves to pairs
            width = config.head_dim
            x = x.reshape(-1, 2, width // 2, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
        x = x.astype("float16") if x.ndim == 2 else x
        if name.startswith("model.layers."):
            _, _, layer, *_, part, _ = name.split(".")
            w.add_tensor(f"blk.{layer}.{parts[part]}.weight", x)
        elif name != "lm_head.weight":
            w.add_tensor({"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}[name], x)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def numbers():
    rng = random.Random(1)

    def pairs(n):
        for _ in range(n):
            which = [rng.randrange(5) for _ in range(rng.randint(1, 4))]
            yield " ".join(GERMAN[i] for i in which), " ".join(ENGLISH[i] for i in which)

    spm = HERE / "numbers_spm"
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([text for pair in pairs(200) for text in pair]), model_prefix=str(spm),
                                             model_type="unigram", vocab_size=36, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2, num_threads=1)
    sp = sentencepiece.SentencePieceProcessor(model_file=f"{spm}.model")
    pieces = [sp.id_to_piece(i) for i in range(sp.get_piece_size())]

    def batch(encode, end, padding):
        sources, targets = zip(*pairs(32))
        rows = [[[*encode(text), end] for text in side] for side in (sources, targets)]

        def filled(rows, filler):
            return torch.tensor([row + [filler] * (max(map(len, rows)) - len(row)) for row in rows])

        ids = filled(rows[0], padding)
        return {"input_ids": ids, "attention_mask": (ids != padding).long(), "labels": filled(rows[1], -100)}

    vocab = {t: i for i, t in enumerate(["</s>", "<unk>", *(p for p in pieces if p not in ("<s>", "</s>", "<unk>")), "<pad>"])}
    padding = vocab["<pad>"]
    marian = MarianConfig(vocab_size=len(vocab), d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32,
                          encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=64, pad_token_id=padding, eos_token_id=0,
                          decoder_start_token_id=padding, activation_function="swish", scale_embedding=True, dropout=0)
    model = learn(MarianMTModel(marian), lambda: batch(lambda text: [vocab[p] for p in sp.encode(text, out_type=str)], 0, padding), 700)
    folder = save(model, "numbers")
    shutil.copy(f"{spm}.model", folder / "source.spm")
    (folder / "vocab.json").write_text(json.dumps(vocab) + "\n")

    tokenizer = Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), *((p, sp.get_score(sp.piece_to_id(p))) for p in pieces if p not in ("<s>", "</s>"))], 2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<pad>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    config = T5Config(vocab_size=tokenizer.get_vocab_size(), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0,
                      decoder_start_token_id=0, relative_attention_num_buckets=8)
    model = learn(T5ForConditionalGeneration(config), lambda: batch(lambda text: tokenizer.encode(text, add_special_tokens=False).ids, 1, 0), 700)
    tokenizer.save(str(save(model, "numbers_t5") / "tokenizer.json"))
    for ending in ("model", "vocab"):
        pathlib.Path(f"{spm}.{ending}").unlink()


torch.manual_seed(1)
torch.set_num_threads(1)
story()
talk()
numbers()
