// Positions that enter attention's scores: Swin's and T5's biases, ALiBi, Transformer-XL.
#include <gloss/nn/check.hpp>
#include <gloss/nn/positions/alibi.hpp>
#include <gloss/nn/positions/swin_bias.hpp>
#include <gloss/nn/positions/t5_bias.hpp>
#include <gloss/nn/positions/transformer_xl.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/positions_golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::relative_to_largest;
using gloss_test::same_bits;
using gloss_test::values;
using gloss_test::positions::each_case;
using gloss_test::positions::golden;
using gloss_test::positions::integer;

namespace {

/// The parameters of a module from CASE/state, after which nothing there is left unread.
template <class T>
void load(nn::Module<T>& m, const std::string& c) {
  for (const auto& [name, tensor] : m.named_parameters())
    tensor.detach().copy_(golden().tensor<T>(c + "state/" + name));
}
/// Within the tolerance, relative to the largest number and at least to 1.
template <class T>
bool agrees(const Tensor<T>& x, const std::string& key, double tolerance) {
  const auto want = golden().tensor<double>(key);
  return relative_to_largest(x, want) < tolerance || difference(x, want) < tolerance;
}
/// Output and the gradient of every parameter agree.
template <class T>
void check_layer(nn::Module<T>& m, const Tensor<T>& y, const std::string& c, double tolerance) {
  CHECK(agrees(y, c + "output", tolerance));
  y.backward(golden().tensor<T>(c + "d_output"));
  for (const auto& [name, tensor] : m.named_parameters()) {
    INFO(name);
    CHECK(agrees(tensor.grad(), c + "d_state/" + name, tolerance));
  }
}

template <class T>
void check_swin(const std::string& c, double tolerance) {
  nn::SwinPositionBias<T> bias(integer(c + "option/h"), integer(c + "option/w"), integer(c + "option/heads"));
  CHECK(same_bits(bias.relative_position_index, golden().tensor<std::int64_t>(c + "state/relative_position_index")));
  load(bias, c);
  check_layer(bias, bias(), c, tolerance);
}
template <class T>
void check_swin_attention(const std::string& c, double tolerance) {
  nn::SwinPositionBias<T> bias(2, 3, 2);
  load(bias, c);
  const auto q = golden().tensor<T>(c + "input/q"), k = golden().tensor<T>(c + "input/k"),
             v = golden().tensor<T>(c + "input/v");
  check_layer(bias, scaled_dot_product_attention(q, k, v, {.bias = bias()}), c, tolerance);
}
template <class T>
void check_t5(const std::string& c, double tolerance) {
  nn::T5PositionBias<T> bias(
      2, {.bidirectional = integer(c + "option/bidirectional") != 0, .num_buckets = 8, .max_distance = 6});
  load(bias, c);
  check_layer(bias, bias(integer(c + "option/n"), integer(c + "option/m"), integer(c + "option/first")), c, tolerance);
}
template <class T>
void check_transformer_xl(const std::string& c, double tolerance) {
  nn::TransformerXLAttention<T> layer(integer(c + "option/heads"), integer(c + "option/d_model"),
                                      integer(c + "option/d_head"),
                                      {.pre_lnorm = integer(c + "option/pre_lnorm") != 0});
  load(layer, c);
  auto w = golden().tensor<T>(c + "input/w");
  w.requires_grad_();
  Tensor<T> mems;
  if (golden().has(c + "input/mems")) mems = golden().tensor<T>(c + "input/mems"), mems.requires_grad_();
  Tensor<bool> mask;
  if (golden().has(c + "input/mask")) mask = golden().tensor<bool>(c + "input/mask");
  const Index keys = w.size(1) + (mems.defined() ? mems.size(1) : 0);
  check_layer(layer, layer(w, nn::distance_sinusoids<T>(keys, w.size(2)), mems, mask), c, tolerance);
  CHECK(agrees(w.grad(), c + "d_input/w", tolerance));
  if (mems.defined()) CHECK(agrees(mems.grad(), c + "d_input/mems", tolerance));
}

}  // namespace

TEST_CASE("SwinPositionBias: index, bias and the table's gradient are Swin's, alone and within attention") {
  CHECK(each_case("swin", [](const std::string& c) {
          check_swin<double>(c, 1e-12);
          check_swin<float>(c, 1e-5);
        }) == 5);
  CHECK(each_case("swin_attention", [](const std::string& c) {
          check_swin_attention<double>(c, 1e-10);
          check_swin_attention<float>(c, 1e-5);
        }) == 1);
}

TEST_CASE("SwinPositionBias: pixels that lie to each other in the same way share a number") {
  Rng rng(7);
  RngGuard use(rng);
  nn::SwinPositionBias<double> bias(3, 4, 2);
  const auto b = bias();
  CHECK(b.at({1, 0, 5}) == b.at({1, 6, 11}));  // one down, one to the right
  CHECK(b.at({1, 0, 5}) != b.at({1, 5, 0}));
  CHECK(b.is_contiguous());
  const auto state = bias.state_dict();
  REQUIRE(state.size() == 2);
  CHECK(state.entry(0).first == "relative_position_bias_table");
  CHECK(state.entry(1).first == "relative_position_index");
  CHECK(same_bits(state["relative_position_index"].as<std::int64_t>(), nn::swin_position_index(3, 4)));
  CHECK(bias.relative_position_bias_table.shape() == Shape{35, 2});
  CHECK(gradcheck([&](const auto&) { return bias(); }, {bias.relative_position_bias_table}));
  const nn::SwinPositionBias<float> wide(12, 12, 20);
  double square = 0, most = 0;
  for (const float v : values(wide.relative_position_bias_table.detach())) {
    square += static_cast<double>(v) * static_cast<double>(v) / (23 * 23 * 20);
    most = std::max(most, std::abs(static_cast<double>(v)));
  }
  CHECK(std::sqrt(square) == Approx(0.02).epsilon(0.03));
  CHECK(most < 2);
  CHECK_ERROR(nn::SwinPositionBias<float>(0, 2, 1), ShapeError,
              "SwinPositionBias: window 0 x 2 with 1 heads: all must be positive");
  CHECK_ERROR(nn::swin_position_index(2, -1), ShapeError, "swin_position_index: a window of 2 x -1 has no pixels");
}

TEST_CASE("SwinPositionBias: a smaller window has the bias of as many places of the whole") {
  const nn::SwinPositionBias<double> bias(3, 4, 2);
  const auto part = bias(2, 3);
  CHECK(part.shape() == Shape{2, 6, 6});
  const auto whole = bias();
  for (Index i = 0; i < 6; ++i)
    for (Index j = 0; j < 6; ++j) CHECK(part.at({1, i, j}) == whole.at({1, i / 3 * 4 + i % 3, j / 3 * 4 + j % 3}));
  CHECK(same_bits(bias(3, 4), whole));
  CHECK(gradcheck([&](const auto&) { return bias(2, 3); }, {bias.relative_position_bias_table}));
  CHECK_THROWS_AS(bias(4, 4), IndexError);
  const nn::SwinPositionBias<double> without_index(3, 4, 2, {.persistent_index = false});
  CHECK(without_index.state_dict().size() == 1);
}

TEST_CASE("T5: every distance is in T5's bucket, for both directions or one") {
  const auto distance = golden().tensor<std::int64_t>("t5_buckets/distance");
  CHECK(each_case("t5_buckets", [&](const std::string& c) {
          const auto bucket = nn::t5_buckets(distance, {.bidirectional = integer(c + "option/bidirectional") != 0,
                                                        .num_buckets = integer(c + "option/num_buckets"),
                                                        .max_distance = integer(c + "option/max_distance")});
          CHECK(same_bits(bucket, cast<std::int64_t>(golden().tensor<std::uint8_t>(c + "output"))));
        }) == 8);
  const Tensor<std::int64_t> ends = {INT64_MIN, INT64_MAX};
  CHECK(same_bits(nn::t5_buckets(ends), Tensor<std::int64_t>{15, 31}));
  CHECK(same_bits(nn::t5_buckets(ends, {.bidirectional = false}), Tensor<std::int64_t>{31, 0}));
  CHECK(nn::t5_buckets(empty<std::int64_t>({0, 3})).shape() == Shape{0, 3});
  CHECK_ERROR(nn::t5_buckets(ends, {.num_buckets = 3}), Error,
              "t5_buckets: 3 buckets for two directions do not suit max_distance 128");
  CHECK_ERROR(nn::t5_buckets(ends, {.bidirectional = false, .num_buckets = 8, .max_distance = 4}), Error,
              "t5_buckets: 8 buckets for one do not suit max_distance 4");
}

TEST_CASE("T5PositionBias: the bias and the table's gradient are T5's, for a whole sequence and while decoding") {
  CHECK(each_case("t5_bias", [](const std::string& c) {
          check_t5<double>(c, 1e-12);
          check_t5<float>(c, 1e-5);
        }) == 4);
  nn::T5PositionBias<double> bias(3, {.bidirectional = false});
  CHECK(bias.named_parameters()[0].first == "weight");
  CHECK(bias.weight.shape() == Shape{32, 3});
  CHECK(same_bits(bias(1, 9, 8), bias(9, 9).narrow(1, 8, 1)));
  CHECK(gradcheck([&](const auto&) { return bias(3, 4, 1); }, {bias.weight}));
  CHECK_ERROR(bias(-1, 2), ShapeError, "T5PositionBias: negative size: n -1, m 2");
  CHECK_ERROR(nn::T5PositionBias<float>(2, {.num_buckets = 2}), Error,
              "t5_buckets: 2 buckets for two directions do not suit max_distance 128");
}

TEST_CASE("ALiBi: Bloom's slopes for any number of heads, with padding; in full, minus slope times distance") {
  CHECK(each_case("alibi_keys", [](const std::string& c) {  // Bloom computes in float
          const auto mask = golden().tensor<bool>(c + "input/mask");
          const auto bias = nn::alibi_key_bias<double>(integer(c + "option/heads"), mask);
          CHECK(difference(bias, golden().tensor<double>(c + "output")) < 1e-6);
        }) == 10);
  CHECK(each_case("alibi", [](const std::string& c) {
          const auto bias = nn::alibi_bias<float>(integer(c + "option/heads"), 3, 5);
          CHECK(difference(bias, golden().tensor<double>(c + "output")) < 1e-7);
        }) == 5);
  CHECK(same_bits(nn::alibi_slopes<double>(8).slice(0, 0, 3), Tensor<double>{0.5, 0.25, 0.125}));
  CHECK(same_bits(nn::alibi_key_bias<float>(3, 4), nn::alibi_key_bias<float>(3, ones<bool>({2, 4})).select(0, 1)));
}

TEST_CASE("ALiBi: under a causal mask both forms give the same attention") {
  Rng rng(8);
  RngGuard use(rng);
  const auto q = randn<double>({2, 3, 4, 5}), k = randn<double>({2, 3, 7, 5}), v = randn<double>({2, 3, 7, 5});
  const auto full = scaled_dot_product_attention(q, k, v, {.bias = nn::alibi_bias<double>(3, 4, 7), .causal = true});
  const auto keys = scaled_dot_product_attention(q, k, v, {.bias = nn::alibi_key_bias<double>(3, 7), .causal = true});
  CHECK(difference(full, keys) < 1e-14);
  CHECK(difference(full, scaled_dot_product_attention(q, k, v, {.causal = true})) > 0.01);
  CHECK_ERROR(nn::alibi_slopes<float>(0), ShapeError, "alibi_slopes: 0 heads");
  CHECK_ERROR(nn::alibi_bias<float>(2, 4, 3), ShapeError, "alibi_bias: 4 queries do not end 3 keys");
  CHECK_ERROR(nn::alibi_key_bias<float>(2, -1), ShapeError, "alibi_key_bias: negative size: m -1");
  CHECK_ERROR(nn::alibi_key_bias<float>(2, ones<bool>({3})), ShapeError,
              "alibi_key_bias: mask [3] is not [batch, keys]");
}

TEST_CASE(
    "TransformerXLAttention: outputs and gradients, with and without memory, as each distance looked up by itself") {
  CHECK(each_case("transformer_xl", [](const std::string& c) {
          check_transformer_xl<double>(c, 1e-10);
          check_transformer_xl<float>(c, 1e-5);
        }) == 5);
}

TEST_CASE("TransformerXLAttention: keys and shapes are Transformer-XL's, and what does not fit is named") {
  Rng rng(9);
  RngGuard use(rng);
  nn::TransformerXLAttention<float> layer(2, 6, 4, {.dropout = 0.1, .dropatt = 0.1});
  std::string keys;
  for (const auto& [name, tensor] : layer.state_dict()) keys += name + " " + to_string(tensor.shape()) + "; ";
  CHECK(keys ==
        "r_r_bias [2, 4]; r_w_bias [2, 4]; qkv_net.weight [24, 6]; o_net.weight [6, 8]; layer_norm.weight [6]; "
        "layer_norm.bias [6]; r_net.weight [8, 6]; ");
  const auto w = randn<float>({2, 3, 6}), r = nn::distance_sinusoids<float>(5, 6), mems = randn<float>({2, 2, 6});
  layer.eval();
  CHECK(same_bits(layer(w, r, mems), layer(w, r, mems)));
  layer.train();
  CHECK_FALSE(same_bits(layer(w, r, mems), layer(w, r, mems)));
  CHECK_ERROR(layer(w, r), ShapeError,
              "TransformerXLAttention: w [2, 3, 6], r [5, 6] and mems [] do not fit d_model 6");
  CHECK_ERROR(layer(w, r, mems[0]), ShapeError,
              "TransformerXLAttention: w [2, 3, 6], r [5, 6] and mems [2, 6] do not fit d_model 6");
  CHECK_ERROR(layer(w[0], r), ShapeError,
              "TransformerXLAttention: w [3, 6], r [5, 6] and mems [] do not fit d_model 6");
  CHECK_ERROR(layer(w, r, mems, ones<bool>({2, 3, 5})), ShapeError,
              "TransformerXLAttention: mask [2, 3, 5] has three axes: unsqueeze(1) makes it one for each of the batch, "
              "unsqueeze(0) one for each head");
  CHECK_ERROR(nn::TransformerXLAttention<float>(0, 6, 4), ShapeError,
              "TransformerXLAttention: n_head 0, d_model 6, d_head 4: all must be positive");
  CHECK_ERROR(nn::TransformerXLAttention<float>(1, 6, 4, {.dropatt = 2}), Error, "Dropout: p 2 is not in [0, 1]");
}

TEST_CASE("TransformerXLAttention: its gradients agree with difference quotients") {
  Rng rng(10);
  RngGuard use(rng);
  nn::TransformerXLAttention<double> layer(2, 4, 2);
  const auto r = nn::distance_sinusoids<double>(5, 4);
  auto w = randn<double>({1, 3, 4}), mems = randn<double>({1, 2, 4});
  CHECK(gradcheck([&](const auto& in) { return layer(in[0], r, in[1]); },
                  {w.requires_grad_(), mems.requires_grad_(), layer.r_r_bias, layer.r_w_bias, layer.r_net.weight,
                   layer.qkv_net.weight}));
}

TEST_CASE("T5PositionBias: a member that visit names, and sizes") {
  nn::check(nn::T5PositionBias<float>(3));
  CHECK_ERROR(nn::T5PositionBias<float>(-1), ShapeError, "T5PositionBias: negative size: num_heads -1");
}
