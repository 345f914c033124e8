// What gloss::compiled holds beside the kernels, which say so themselves: what a program that trains or runs a
// Transformer would otherwise compile again and again. A line costs a header-only program nothing; it costs the
// library, once, what the template takes to compile.
#pragma once

#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/ops/add_layer_norm.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/joint_linear.hpp>
#include <gloss/ops/linear_gelu.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/sgd.hpp>
#include <gloss/tensor/print.hpp>
#include <gloss/tensor/random.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

namespace gloss::inline GLOSS_ABI {

GLOSS_INSTANTIATE(class Tensor<float>)
GLOSS_INSTANTIATE(class Tensor<double>)

// Token ids and masks. Not whole classes: Clang 14 would instantiate the members whose constraints do not hold, too.
#define GLOSS_INSTANTIATE_MEMBERS(T)                                                          \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::uninitialized(const Shape&))                         \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::view(Shape) const)                                   \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::reshape(const Shape&) const)                         \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::transpose(Index, Index) const)                       \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::expand(const Shape&) const)                          \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::select(Index, Index) const)                          \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::slice(Index, Index, Index, Index) const)             \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::narrow(Index, Index, Index) const)                   \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::squeeze(Index) const)                                \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::unsqueeze(Index) const)                              \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::as_strided(const Shape&, const Shape&, Index) const) \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::contiguous() const)                                  \
  GLOSS_INSTANTIATE(Tensor<T> Tensor<T>::clone() const)                                       \
  GLOSS_INSTANTIATE(const Tensor<T>& Tensor<T>::copy_(const Tensor&) const)                   \
  GLOSS_INSTANTIATE(const Tensor<T>& Tensor<T>::fill_(T) const)
GLOSS_INSTANTIATE_MEMBERS(std::int64_t)
GLOSS_INSTANTIATE_MEMBERS(bool)
#undef GLOSS_INSTANTIATE_MEMBERS
GLOSS_INSTANTIATE(Tensor<bool> operator==(const Tensor<std::int64_t>&, const Tensor<std::int64_t>&))
GLOSS_INSTANTIATE(Tensor<bool> operator==(const Tensor<std::int64_t>&, Scalar<std::int64_t>))
GLOSS_INSTANTIATE(Tensor<bool> operator!=(const Tensor<std::int64_t>&, const Tensor<std::int64_t>&))
GLOSS_INSTANTIATE(Tensor<bool> operator!=(const Tensor<std::int64_t>&, Scalar<std::int64_t>))
GLOSS_INSTANTIATE(Tensor<bool> operator&(const Tensor<bool>&, const Tensor<bool>&))
GLOSS_INSTANTIATE(Tensor<std::int64_t> cast(const Tensor<bool>&))
GLOSS_INSTANTIATE(Tensor<std::int64_t> cat(const std::vector<Tensor<std::int64_t>>&, Index))
GLOSS_INSTANTIATE(Tensor<std::int64_t> stack(const std::vector<Tensor<std::int64_t>>&, Index))
GLOSS_INSTANTIATE(Tensor<std::int64_t> gather(const Tensor<std::int64_t>&, Index, const Tensor<std::int64_t>&))
GLOSS_INSTANTIATE(Tensor<std::int64_t> sum(const Tensor<std::int64_t>&, const Axes&, ReduceOptions))
GLOSS_INSTANTIATE(Tensor<std::int64_t> randint(Index, Index, const Shape&))
GLOSS_INSTANTIATE(std::string to_string(const Tensor<std::int64_t>&, const PrintOptions&))
GLOSS_INSTANTIATE(std::string to_string(const Tensor<bool>&, const PrintOptions&))

#define GLOSS_INSTANTIATE_OPS(T)                                                                                       \
  GLOSS_INSTANTIATE(Tensor<T> add(const Tensor<T>&, const Tensor<T>&))                                                 \
  GLOSS_INSTANTIATE(Tensor<T> sub(const Tensor<T>&, const Tensor<T>&))                                                 \
  GLOSS_INSTANTIATE(Tensor<T> mul(const Tensor<T>&, const Tensor<T>&))                                                 \
  GLOSS_INSTANTIATE(Tensor<T> div(const Tensor<T>&, const Tensor<T>&))                                                 \
  GLOSS_INSTANTIATE(Tensor<T> add(const Tensor<T>&, Scalar<T>))                                                        \
  GLOSS_INSTANTIATE(Tensor<T> mul(const Tensor<T>&, Scalar<T>))                                                        \
  GLOSS_INSTANTIATE(Tensor<T> operator/(const Tensor<T>&, Scalar<T>))                                                  \
  GLOSS_INSTANTIATE(Tensor<T> exp(const Tensor<T>&))                                                                   \
  GLOSS_INSTANTIATE(Tensor<T> relu(const Tensor<T>&))                                                                  \
  GLOSS_INSTANTIATE(Tensor<T> gelu(const Tensor<T>&, GeluKind))                                                        \
  GLOSS_INSTANTIATE(Tensor<T> sum(const Tensor<T>&, const Axes&, ReduceOptions))                                       \
  GLOSS_INSTANTIATE(Tensor<T> mean(const Tensor<T>&, const Axes&, ReduceOptions))                                      \
  GLOSS_INSTANTIATE(Tensor<std::int64_t> argmax(const Tensor<T>&, Index, ReduceOptions))                               \
  GLOSS_INSTANTIATE(Tensor<T> matmul(const Tensor<T>&, const Tensor<T>&))                                              \
  GLOSS_INSTANTIATE(Tensor<T> linear(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, kernels::Activation))       \
  GLOSS_INSTANTIATE(Tensor<T> linear_gelu(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, GeluKind))             \
  GLOSS_INSTANTIATE(Tensor<T> add_linear(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Tensor<T>&))      \
  GLOSS_INSTANTIATE(                                                                                                   \
      Tensor<T> joint_linear(const Tensor<T>&, const std::vector<Tensor<T>>&, const std::vector<Tensor<T>>&))          \
  GLOSS_INSTANTIATE(Tensor<T> cat(const std::vector<Tensor<T>>&, Index))                                               \
  GLOSS_INSTANTIATE(Tensor<T> stack(const std::vector<Tensor<T>>&, Index))                                             \
  GLOSS_INSTANTIATE(Tensor<T> softmax(const Tensor<T>&, Index))                                                        \
  GLOSS_INSTANTIATE(Tensor<T> log_softmax(const Tensor<T>&, Index))                                                    \
  GLOSS_INSTANTIATE(Tensor<T> layer_norm(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, double, LayerNormKind)) \
  GLOSS_INSTANTIATE(Tensor<T> add_layer_norm(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,   \
                                             AddLayerNormOptions))                                                     \
  GLOSS_INSTANTIATE(Tensor<T> dropout(const Tensor<T>&, double, bool))                                                 \
  GLOSS_INSTANTIATE(Tensor<T> add_dropout(const Tensor<T>&, const Tensor<T>&, double, bool))                           \
  GLOSS_INSTANTIATE(Tensor<T> relu_dropout(const Tensor<T>&, double, bool))                                            \
  GLOSS_INSTANTIATE(Tensor<T> gelu_dropout(const Tensor<T>&, double, bool, GeluKind))                                  \
  GLOSS_INSTANTIATE(Tensor<T> embedding(const Tensor<std::int64_t>&, const Tensor<T>&, double, EmbeddingGradOptions))  \
  GLOSS_INSTANTIATE(Tensor<T> cross_entropy(const Tensor<T>&, const Tensor<std::int64_t>&, CrossEntropyOptions))       \
  GLOSS_INSTANTIATE(Tensor<T> scaled_dot_product_attention(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,       \
                                                           const AttentionOptions<T>&, Tensor<T>*))                    \
  GLOSS_INSTANTIATE(                                                                                                   \
      Tensor<T> multi_head_attention(const std::vector<Tensor<T>>&, Index, const AttentionOptions<T>&, Tensor<T>*))    \
  GLOSS_INSTANTIATE(std::string to_string(const Tensor<T>&, const PrintOptions&))
GLOSS_INSTANTIATE_OPS(float)
GLOSS_INSTANTIATE_OPS(double)
#undef GLOSS_INSTANTIATE_OPS

#define GLOSS_INSTANTIATE_MODULES(T)                                                                                 \
  GLOSS_INSTANTIATE(class detail::OpNode<T>)                                                                         \
  GLOSS_INSTANTIATE(class detail::LeafNode<T>)                                                                       \
  GLOSS_INSTANTIATE(void Grads::add(int, Tensor<T>))                                                                 \
  GLOSS_INSTANTIATE(class nn::Module<T>)                                                                             \
  GLOSS_INSTANTIATE(struct nn::Linear<T>)                                                                            \
  GLOSS_INSTANTIATE(struct nn::Embedding<T>)                                                                         \
  GLOSS_INSTANTIATE(struct nn::LayerNorm<T>)                                                                         \
  GLOSS_INSTANTIATE(struct nn::Dropout<T>)                                                                           \
  GLOSS_INSTANTIATE(struct nn::MultiheadAttention<T>)                                                                \
  GLOSS_INSTANTIATE(struct nn::TransformerEncoderLayer<T>)                                                           \
  GLOSS_INSTANTIATE(struct nn::TransformerDecoderLayer<T>)                                                           \
  GLOSS_INSTANTIATE(struct nn::TransformerEncoder<T>)                                                                \
  GLOSS_INSTANTIATE(struct nn::TransformerDecoder<T>)                                                                \
  GLOSS_INSTANTIATE(struct nn::Transformer<T>)                                                                       \
  GLOSS_INSTANTIATE(struct transformer::LayerNorm<T>)                                                                \
  GLOSS_INSTANTIATE(struct transformer::MultiHeadedAttention<T>)                                                     \
  GLOSS_INSTANTIATE(struct transformer::PositionwiseFeedForward<T>)                                                  \
  GLOSS_INSTANTIATE(struct transformer::SublayerConnection<T>)                                                       \
  GLOSS_INSTANTIATE(struct transformer::EncoderLayer<T>)                                                             \
  GLOSS_INSTANTIATE(struct transformer::DecoderLayer<T>)                                                             \
  GLOSS_INSTANTIATE(struct transformer::Encoder<T>)                                                                  \
  GLOSS_INSTANTIATE(struct transformer::Decoder<T>)                                                                  \
  GLOSS_INSTANTIATE(struct transformer::Embeddings<T>)                                                               \
  GLOSS_INSTANTIATE(struct transformer::PositionalEncoding<T>)                                                       \
  GLOSS_INSTANTIATE(struct transformer::Generator<T>)                                                                \
  GLOSS_INSTANTIATE(class nn::Sequential<T, transformer::Embeddings<T>, transformer::PositionalEncoding<T>>)         \
  GLOSS_INSTANTIATE(struct transformer::EncoderDecoder<T>)                                                           \
  GLOSS_INSTANTIATE(transformer::EncoderDecoder<T> transformer::make_model(const transformer::ModelOptions&))        \
  GLOSS_INSTANTIATE(struct train::LabelSmoothing<T>)                                                                 \
  GLOSS_INSTANTIATE(class train::SimpleLossCompute<transformer::Generator<T>, train::LabelSmoothing<T>>)             \
  GLOSS_INSTANTIATE(                                                                                                 \
      train::Loss<T> train::SimpleLossCompute<transformer::Generator<T>, train::LabelSmoothing<T>>::operator()(      \
          const Tensor<T>&, const Tensor<std::int64_t>&, RealNumber) const)                                          \
  GLOSS_INSTANTIATE(class optim::Optimizer<T>)                                                                       \
  GLOSS_INSTANTIATE(class optim::Adam<T>)                                                                            \
  GLOSS_INSTANTIATE(class optim::AdamW<T>)                                                                           \
  GLOSS_INSTANTIATE(class optim::SGD<T>)                                                                             \
  GLOSS_INSTANTIATE(struct nn::KeyValueCache<T>)                                                                     \
  GLOSS_INSTANTIATE(class decode::EncoderDecoderStepper<transformer::EncoderDecoder<T>>)                             \
  GLOSS_INSTANTIATE(Tensor<std::int64_t> decode::greedy_decode(                                                      \
      const transformer::EncoderDecoder<T>&, const Tensor<std::int64_t>&, const Tensor<bool>&, Index, std::int64_t)) \
  GLOSS_INSTANTIATE(std::vector<decode::Hypothesis> decode::greedy_search(                                           \
      decode::Stepper<T>&, const Tensor<std::int64_t>&, const decode::GreedyOptions&))                               \
  GLOSS_INSTANTIATE(std::vector<decode::Hypothesis> decode::sample(decode::Stepper<T>&, const Tensor<std::int64_t>&, \
                                                                   const decode::SampleOptions&))                    \
  GLOSS_INSTANTIATE(std::vector<std::vector<decode::Hypothesis>> decode::beam_search(                                \
      decode::Stepper<T>&, const Tensor<std::int64_t>&, const decode::BeamOptions&))
GLOSS_INSTANTIATE_MODULES(float)
GLOSS_INSTANTIATE_MODULES(double)
#undef GLOSS_INSTANTIATE_MODULES

}  // namespace gloss::inline GLOSS_ABI
