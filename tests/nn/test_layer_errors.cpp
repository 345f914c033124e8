// What layers refuse when they are made or called: the texts that the tests of their own do not hold.
#include <gloss/nn/adaptive_avg_pool1d.hpp>
#include <gloss/nn/adaptive_max_pool1d.hpp>
#include <gloss/nn/adaptive_max_pool2d.hpp>
#include <gloss/nn/avg_pool1d.hpp>
#include <gloss/nn/flatten.hpp>
#include <gloss/nn/max_pool1d.hpp>
#include <gloss/nn/softmax.hpp>
#include <gloss/nn/transformer.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using T = float;

namespace {
Tensor<T> of(const Shape& shape) { return zeros<T>(shape); }
}  // namespace

TEST_CASE("pooling layers: windows and inputs that do not fit are named") {
  CHECK_ERROR(nn::AdaptiveAvgPool1d<T>(2)(of({3})), ShapeError,
              "adaptive_avg_pool1d: x [3] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(nn::AdaptiveAvgPool1d<T>(-2)(of({3, 4})), ShapeError,
              "adaptive_avg_pool1d: output size -2 is not positive");
  CHECK_ERROR(nn::AdaptiveMaxPool1d<T>(2)(of({3})), ShapeError,
              "adaptive_max_pool1d: x [3] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(nn::AdaptiveMaxPool1d<T>(2)(of({3, 0})), ShapeError,
              "adaptive_max_pool1d: x [3, 0] has an empty axis besides the batch");
  CHECK_ERROR(nn::AdaptiveMaxPool2d<T>(2)(of({3, 4})), ShapeError,
              "adaptive_max_pool2d: x [3, 4] has neither 4 axes nor, without a batch, 3");
  CHECK_ERROR(nn::AdaptiveMaxPool2d<T>({2, -1})(of({1, 3, 4})), ShapeError,
              "adaptive_max_pool2d: output size -1 is not positive");
  CHECK_ERROR(nn::AvgPool1d<T>(2)(of({3})), ShapeError, "avg_pool1d: x [3] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(nn::AvgPool1d<T>(0)(of({3, 4})), ShapeError, "avg_pool1d: kernel size 0 is not positive");
  CHECK_ERROR(nn::AvgPool1d<T>(2, {.padding = 2})(of({3, 4})), ShapeError,
              "avg_pool1d: padding 2 is more than half of a kernel of 2");
  CHECK_ERROR(nn::AvgPool1d<T>(2, {.stride = -1})(of({3, 4})), ShapeError, "avg_pool1d: stride -1 is not positive");
  CHECK_ERROR(nn::AvgPool1d<T>(7)(of({3, 4})), ShapeError,
              "avg_pool1d: a kernel of 7 is larger than the padded size 4");
  CHECK_ERROR(nn::MaxPool1d<T>(2)(of({3})), ShapeError, "max_pool1d: x [3] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(nn::MaxPool1d<T>(0)(of({3, 4})), ShapeError, "max_pool1d: kernel size 0 is not positive");
  CHECK_ERROR(nn::MaxPool1d<T>(2, {.dilation = 0})(of({3, 4})), ShapeError, "max_pool1d: dilation 0 is not positive");
  CHECK_ERROR(nn::MaxPool1d<T>(7)(of({3, 4})), ShapeError,
              "max_pool1d: a kernel of 7 is larger than the padded size 4");
}

TEST_CASE("Softmin, LogSoftmax, Unflatten: an axis that is not there is named") {
  CHECK_ERROR(nn::Softmin<T>(2)(of({3, 4})), IndexError, "softmax: axis 2 is out of range for 2 axes");
  CHECK_ERROR(nn::LogSoftmax<T>(-3)(of({3, 4})), IndexError, "log_softmax: axis -3 is out of range for 2 axes");
  CHECK_ERROR(nn::Unflatten<T>(2, {1, 2})(of({3, 4})), IndexError, "unflatten: axis 2 is out of range for 2 axes");
}

TEST_CASE("Transformer layers: sizes, inputs and numbers of layers that do not fit are named") {
  CHECK_ERROR(nn::TransformerEncoderLayer<T>(6, 4), ShapeError,
              "MultiheadAttention: embed_dim 6 is not a multiple of num_heads 4");
  CHECK_ERROR(nn::TransformerEncoderLayer<T>(4, 2, {.dim_feedforward = -1}), ShapeError,
              "Linear: negative size: in_features 4, out_features -1");
  CHECK_ERROR(nn::TransformerEncoderLayer<T>(4, 2, {.dropout = 2}), Error,
              "MultiheadAttention: dropout 2 is not in [0, 1]");
  const nn::TransformerEncoderLayer<T> encoder(4, 2);
  CHECK_ERROR(encoder(of({3, 2, 5})), ShapeError, "MultiheadAttention: query [3, 2, 5] does not end in embed_dim 4");
  CHECK_ERROR(encoder(of({3, 2, 2, 4})), ShapeError,
              "MultiheadAttention: query [3, 2, 2, 4] must have 3 axes, or 2 without a batch");
  CHECK_ERROR(nn::TransformerDecoderLayer<T>(6, 4), ShapeError,
              "MultiheadAttention: embed_dim 6 is not a multiple of num_heads 4");
  const nn::TransformerDecoderLayer<T> decoder(4, 2);
  CHECK_ERROR(decoder(of({3, 2, 5}), of({3, 2, 4})), ShapeError,
              "MultiheadAttention: query [3, 2, 5] does not end in embed_dim 4");
  CHECK_ERROR(decoder(of({3, 2, 4}), of({3, 2, 5})), ShapeError,
              "MultiheadAttention: key [3, 2, 5] does not end in kdim 4");
  CHECK_ERROR(decoder(of({3, 2, 4}), of({3, 3, 4})), ShapeError,
              "MultiheadAttention: query [3, 2, 4] and key [3, 3, 4] differ in batch");
  CHECK_ERROR(nn::TransformerDecoder<T>(decoder, -1), Error, "clones: -1 copies asked for");
  CHECK_ERROR(nn::Transformer<T>(6, 4), ShapeError, "MultiheadAttention: embed_dim 6 is not a multiple of num_heads 4");
}
