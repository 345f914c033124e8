"""Makes tests/golden/models/transfo_xl*: python3 generate_models_transfo_xl.py. Needs torch 2.13 and transformers
4.30.2; 4.35 was the last with this model."""

import functools

import torch
from models_support import FOLDER, dump
from safetensors.torch import load_file, save_file
from transformers import TransfoXLConfig, TransfoXLLMHeadModel

small = dict(vocab_size=20, cutoffs=[4, 10], d_model=8, d_embed=8, n_head=2, d_head=3, d_inner=12, div_val=2, n_layer=2,
             mem_len=5, clamp_len=6)
before = torch.tensor([[2, 7, 5, 19, 3, 8, 3], [2, 11, 4, 3, 9, 6, 0]])  # the segment that is remembered
ids = torch.tensor([[1, 4, 15, 9, 2, 10], [12, 3, 0, 5, 18, 6]])
labels = torch.tensor([[1, 4, 15, 9, 2, 10], [12, 3, 0, 5, -100, -100]])


class Outputs(dict):
    __getattr__ = dict.__getitem__


def exact(model):
    """In double: the rates of the sinusoids, which are computed in float, and the scores, which are cast to float."""
    d = model.config.d_model
    rates = 1 / 10000 ** (torch.arange(0, d, 2, dtype=torch.float64) / d)
    model.transformer.pos_emb.register_buffer("inv_freq", rates, persistent=False)


def transfo_xl(name, say=0, **options):
    model = TransfoXLLMHeadModel(TransfoXLConfig(**{**small, **options}))
    exact(model)
    model.save_pretrained = functools.partial(model.save_pretrained, safe_serialization=True)
    original = model.forward

    def forward(input_ids, before, labels):
        mems = original(before).mems
        out = original(input_ids, mems=mems)
        golden = {"loss": original(input_ids, mems=mems, labels=labels.clone()).loss, "logits": out.prediction_scores}
        golden |= {f"mems.{i}": m.transpose(0, 1) for i, m in enumerate(out.mems or [])}
        return Outputs(golden)

    model.forward = forward
    outputs = ["logits"] + [f"mems.{i}" for i in range(2) if model.config.mem_len > 0]
    dump(name, model, {"input_ids": ids, "before": before}, {"labels": labels}, outputs)
    if not say:
        return
    model = TransfoXLLMHeadModel.from_pretrained(FOLDER / name).double()
    exact(model)
    path = FOLDER / name / "golden.safetensors"
    said = [model.generate(row[None], max_new_tokens=say, do_sample=False, eos_token_id=None, pad_token_id=0)[0, 7:]
            for row in before]
    save_file(load_file(path) | {"out/said": torch.stack(said)}, path)


torch.Tensor.float = lambda self: self
torch.manual_seed(1)
transfo_xl("transfo_xl", say=12)
transfo_xl("transfo_xl_one_table", say=12, div_val=1, d_embed=6, untie_r=False, same_length=False, clamp_len=-1)
transfo_xl("transfo_xl_untied", pre_lnorm=True, tie_word_embeddings=False, proj_share_all_but_first=False,
           layer_norm_epsilon=1e-3, mem_len=9, n_layer=2)
transfo_xl("transfo_xl_plain", cutoffs=[], div_val=1, same_length=False, mem_len=0, n_layer=1)
