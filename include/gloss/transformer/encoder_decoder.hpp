// AT's "EncoderDecoder": the whole model (paper 3).
#pragma once

#include <utility>

#include <gloss/nn/sequential.hpp>
#include <gloss/transformer/decoder.hpp>
#include <gloss/transformer/embeddings.hpp>
#include <gloss/transformer/encoder.hpp>
#include <gloss/transformer/generator.hpp>
#include <gloss/transformer/positional_encoding.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// Encoder and decoder with their embeddings. The generator belongs to the model but, as in AT, is applied by the
/// caller.
/// Shape: src [batch, m], tgt [batch, n], src_mask [batch or 1, 1, m], tgt_mask [batch or 1, n, n] -> [batch, n,
/// d_model]
/// Errors: IndexError for ids outside the vocabularies, ShapeError from its parts.
/// Source: paper 3.
/// AT: EncoderDecoder
/// Keys: encoder., decoder., src_embed.0.lut., src_embed.1.pe, tgt_embed.0.lut., tgt_embed.1.pe, generator.proj.
template <Real T>
struct EncoderDecoder final : nn::Module<T> {
  using Embedder = nn::Sequential<T, Embeddings<T>, PositionalEncoding<T>>;
  using Cache = typename Decoder<T>::Cache;

  Encoder<T> encoder;
  Decoder<T> decoder;
  Embedder src_embed, tgt_embed;
  Generator<T> generator;

  GLOSS_COLD EncoderDecoder(Encoder<T> the_encoder, Decoder<T> the_decoder, Embedder source, Embedder target,
                            Generator<T> the_generator)
      : encoder(std::move(the_encoder)),
        decoder(std::move(the_decoder)),
        src_embed(std::move(source)),
        tgt_embed(std::move(target)),
        generator(std::move(the_generator)) {}

  Tensor<T> operator()(const Tensor<std::int64_t>& src, const Tensor<std::int64_t>& tgt, const Tensor<bool>& src_mask,
                       const Tensor<bool>& tgt_mask) const {
    return this->output(decode(encode(src, src_mask), src_mask, tgt, tgt_mask));
  }
  Tensor<T> encode(const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask) const {
    return encoder(src_embed(src), src_mask);
  }
  /// With a cache tgt has only the tokens that are new, which see those before them; tgt_mask may then be left
  /// undefined, and so may memory, after the first call. src_weights as the decoder's.
  Tensor<T> decode(const Tensor<T>& memory, const Tensor<bool>& src_mask, const Tensor<std::int64_t>& tgt,
                   const Tensor<bool>& tgt_mask, Cache* cache = nullptr, Tensor<T>* src_weights = nullptr) const {
    const Index start = cache ? cache->length : 0;
    return decoder(tgt_embed(tgt, start), memory, src_mask, tgt_mask, cache, src_weights);
  }
  void visit(nn::Visitor<T>& v) override {
    v("encoder", encoder);
    v("decoder", decoder);
    v("src_embed", src_embed);
    v("tgt_embed", tgt_embed);
    v("generator", generator);
  }
};

GLOSS_INSTANTIATE(struct EncoderDecoder<float>)
GLOSS_INSTANTIATE(struct EncoderDecoder<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer

namespace gloss::inline GLOSS_ABI::nn {
GLOSS_INSTANTIATE(class Sequential<float, transformer::Embeddings<float>, transformer::PositionalEncoding<float>>)
GLOSS_INSTANTIATE(class Sequential<double, transformer::Embeddings<double>, transformer::PositionalEncoding<double>>)
}  // namespace gloss::inline GLOSS_ABI::nn
