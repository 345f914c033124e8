// AT's "make_model": a model from its hyper-parameters.
#pragma once

#include <gloss/nn/init.hpp>
#include <gloss/transformer/encoder_decoder.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// The paper's base model by default. src_vocab and tgt_vocab must be given.
struct ModelOptions {
  Index src_vocab = 0;
  Index tgt_vocab = 0;
  Index N = 6;
  Index d_model = 512;
  Index d_ff = 2048;
  Index h = 8;
  double dropout = 0.1;
  double attention_dropout = 0.1;  // AT does not pass dropout on to attention, so there it is always 0.1
  Index max_len = 5000;
  bool share_embeddings = false;  // one matrix for source, target and generator (paper 3.4); needs equal vocabularies
};

/// The encoder-decoder model, every parameter with more than one axis drawn anew by Xavier's uniform rule, embeddings
/// too.
/// Errors: ShapeError when h does not divide d_model, or vocabularies to be shared differ; Error for an empty
/// vocabulary.
/// Source: paper 3.
/// AT: make_model
template <Real T>
GLOSS_COLD EncoderDecoder<T> make_model(const ModelOptions& options) {
  const auto& o = options;
  if (o.src_vocab <= 0 || o.tgt_vocab <= 0)
    fail("make_model: empty vocabulary: src_vocab ", o.src_vocab, ", tgt_vocab ", o.tgt_vocab);
  if (o.d_model <= 0 || o.d_ff <= 0 || o.N < 0 || o.max_len <= 0)
    fail("make_model: sizes must be positive: N ", o.N, ", d_model ", o.d_model, ", d_ff ", o.d_ff, ", max_len ",
         o.max_len);
  const MultiHeadedAttention<T> attn(o.h, o.d_model, o.attention_dropout);
  const PositionwiseFeedForward<T> ff(o.d_model, o.d_ff, o.dropout);
  const PositionalEncoding<T> position(o.d_model, o.dropout, o.max_len);
  using Embedder = typename EncoderDecoder<T>::Embedder;
  // One after the other: each draws, and the order of a call's arguments is the compiler's choice.
  Generator<T> generator(o.d_model, o.tgt_vocab);
  Embedder tgt_embed(Embeddings<T>(o.d_model, o.tgt_vocab), position);
  Embedder src_embed(Embeddings<T>(o.d_model, o.src_vocab), position);
  EncoderDecoder<T> model(Encoder<T>(EncoderLayer<T>(o.d_model, attn, ff, o.dropout), o.N),
                          Decoder<T>(DecoderLayer<T>(o.d_model, attn, attn, ff, o.dropout), o.N), std::move(src_embed),
                          std::move(tgt_embed), std::move(generator));
  if (o.share_embeddings) {
    nn::Parameter<T>& lut = model.src_embed.template get<0>().lut.weight;
    model.tgt_embed.template get<0>().lut.weight.tie(lut);
    model.generator.proj.weight.tie(lut);
  }
  for (const Tensor<T>& p : model.parameters())
    if (p.dim() > 1) nn::init::xavier_uniform_(p);
  return model;
}

GLOSS_INSTANTIATE(EncoderDecoder<float> make_model(const ModelOptions&))
GLOSS_INSTANTIATE(EncoderDecoder<double> make_model(const ModelOptions&))

}  // namespace gloss::inline GLOSS_ABI::transformer
