// Position encodings that are tables or belong to one position: index to sinusoidal, learned, DETR's, rotary.
#include <cmath>

#include <gloss/nn/check.hpp>
#include <gloss/nn/positions/binary.hpp>
#include <gloss/nn/positions/index.hpp>
#include <gloss/nn/positions/learned.hpp>
#include <gloss/nn/positions/periodic.hpp>
#include <gloss/nn/positions/rotary.hpp>
#include <gloss/nn/positions/sine_2d.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/nn/positions/unit_interval.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/positions_golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using gloss_test::positions::each_case;
using gloss_test::positions::golden;
using gloss_test::positions::integer;

namespace {

double real(const std::string& key) { return golden().tensor<double>(key).item(); }

}  // namespace

TEST_CASE("index and unit interval: numbers that stretch over the width") {
  CHECK(same_bits(nn::index_positions<float>(4), Tensor<float>{{0}, {1}, {2}, {3}}));
  CHECK(same_bits(nn::unit_interval_positions<double>(3), Tensor<double>{{0}, {0.5}, {1}}));
  CHECK(same_bits(nn::unit_interval_positions<float>(1), Tensor<float>{{0}}));
  CHECK(nn::index_positions<float>(0).shape() == Shape{0, 1});
  CHECK((zeros<float>({2, 4, 3}) + nn::index_positions<float>(4)).shape() == Shape{2, 4, 3});
  CHECK_ERROR(nn::index_positions<float>(-1), ShapeError, "index_positions: negative size: n -1");
  CHECK_ERROR(nn::unit_interval_positions<float>(-2), ShapeError, "unit_interval_positions: negative size: n -2");
}

TEST_CASE("binary: one digit to a column, the fastest first, and never two positions alike") {
  CHECK(same_bits(nn::binary_positions<float>(5, 3),
                  Tensor<float>{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 1}}));
  CHECK(nn::binary_positions<double>(8, 3).at({7, 2}) == 1);
  CHECK(nn::binary_positions<double>(2, 70).at({1, 69}) == 0);
  CHECK(nn::binary_positions<double>(1, 0).shape() == Shape{1, 0});
  CHECK_ERROR(nn::binary_positions<float>(9, 3), ShapeError,
              "binary_positions: 9 positions do not fit in 3 binary digits");
  CHECK_ERROR(nn::binary_positions<float>(-1, 3), ShapeError, "binary_positions: negative size: n -1, digits 3");
}

TEST_CASE("periodic: as PyTorch's sines, and with ratio 2 back at its start after a turn of the longest wave") {
  CHECK(each_case("periodic", [](const std::string& c) {
          const auto table = nn::periodic_positions<double>(integer(c + "option/n"), integer(c + "option/d"),
                                                            {.ratio = real(c + "option/ratio")});
          CHECK(difference(table, golden().tensor<double>(c + "output")) < 1e-14);
        }) == 3);
  // 2 pi 2^2 positions are 25.13..., of which 710 turns are a whole number of positions, almost
  const auto table = nn::periodic_positions<double>(711 * 8, 3);
  CHECK(difference(table[710 * 4], table[0]) < 1e-3);
  CHECK_ERROR(nn::periodic_positions<float>(2, -1), ShapeError, "periodic_positions: negative size: n 2, d -1");
  CHECK_ERROR(nn::periodic_positions<float>(2, 1, {.ratio = 0}), Error, "periodic_positions: ratio 0 is not positive");
}

TEST_CASE("sinusoidal: any first position, step, base and order of columns, rounded once") {
  CHECK(each_case("sinusoidal", [](const std::string& c) {
          const nn::SinusoidalOptions options = {.base = real(c + "option/base"),
                                                 .interleaved = integer(c + "option/interleaved") != 0,
                                                 .first = integer(c + "option/first"),
                                                 .step = integer(c + "option/step")};
          const Index n = integer(c + "option/n"), d = integer(c + "option/d");
          const auto want = golden().tensor<double>(c + "output");
          CHECK(difference(nn::sinusoidal_positions<double>(n, d, options), want) < 1e-10);
          CHECK(difference(nn::sinusoidal_positions<float>(n, d, options), want) < 6e-8);
        }) == 12);
  CHECK(nn::sinusoidal_positions<float>(0, 4).shape() == Shape{0, 4});
  CHECK(nn::sinusoidal_positions<float>(4, 0).shape() == Shape{4, 0});
  const auto half = nn::sinusoidal_positions<double>(5, 6, {.scaling = 2});
  CHECK(difference(half[4], nn::sinusoidal_positions<double>(5, 6)[2]) < 1e-15);
  CHECK_ERROR(nn::sinusoidal_positions<float>(-1, 4), ShapeError, "sinusoidal_positions: negative size: n -1, d 4");
  CHECK_ERROR(nn::sinusoidal_positions<float>(1, 4, {.base = -2}), Error,
              "sinusoidal_positions: base -2 is not positive");
  CHECK_ERROR(nn::sinusoidal_positions<float>(1, 4, {.scaling = 0}), Error,
              "sinusoidal_positions: scaling 0 is not positive");
}

TEST_CASE("sinusoidal: one matrix shifts every position, and products depend on the distance alone") {
  const Index n = 60, d = 12, delta = 7;
  const auto pe = nn::sinusoidal_positions<double>(n, d);
  const auto shift = nn::sinusoidal_shift<double>(d, static_cast<double>(delta));
  CHECK(difference(matmul(pe.narrow(0, 0, n - delta), shift.mT()), pe.narrow(0, delta, n - delta)) < 1e-13);
  CHECK(difference(matmul(shift, shift.mT()), eye<double>(d)) < 1e-14);
  CHECK(difference(nn::sinusoidal_shift<double>(d, 0), eye<double>(d)) == 0);
  const auto products = matmul(pe, pe.mT());
  for (const Index distance : {1, 5, 30})
    for (Index p = 0; p + distance < n; ++p)
      CHECK(products.at({p, p + distance}) == Approx(products.at({0, distance})).margin(1e-12));
  CHECK_ERROR(nn::sinusoidal_shift<float>(3, 1), ShapeError, "sinusoidal_shift: d 3 is not made of pairs");
  CHECK_ERROR(nn::sinusoidal_shift<float>(4, 1, 0), Error, "sinusoidal_shift: base 0 is not positive");
}

TEST_CASE("LearnedPositions: rows of the table are added, from any position up to the last") {
  Rng rng(5);
  RngGuard use(rng);
  nn::LearnedPositions<double> positions(6, 4);
  const auto named = positions.named_parameters();
  REQUIRE(named.size() == 1);
  CHECK(named[0].first == "weight");
  CHECK(named[0].second.shape() == Shape{6, 4});
  const auto weight = positions.weight.detach();
  auto x = randn<double>({2, 3, 4});
  CHECK(same_bits(positions(x), x + weight.narrow(0, 0, 3)));
  CHECK(same_bits(positions(x, 3), x + weight.narrow(0, 3, 3)));
  CHECK(same_bits(positions(x, Tensor<std::int64_t>{3, 4, 5}), positions(x, 3)));
  CHECK(same_bits(positions(x, Tensor<std::int64_t>{{0, 0, 1}, {0, 1, 2}})[1], x[1] + weight.narrow(0, 0, 3)));
  CHECK(same_bits(positions.rows(2, 4), weight.narrow(0, 4, 2)));
  CHECK(gradcheck([&](const auto& in) { return positions(in[0], 1); }, {x.requires_grad_(), positions.weight}));
  CHECK_ERROR(positions(zeros<double>({1, 7, 4})), ShapeError,
              "LearnedPositions: 7 positions from 0 go beyond max_positions 6");
  CHECK_ERROR(positions(x, 4), ShapeError, "LearnedPositions: 3 positions from 4 go beyond max_positions 6");
  CHECK_ERROR(positions(x, -1), ShapeError, "LearnedPositions: 3 positions from -1 go beyond max_positions 6");
  CHECK_ERROR(positions(x, INT64_MAX), ShapeError,
              "LearnedPositions: 3 positions from 9223372036854775807 go beyond max_positions 6");
  CHECK_ERROR(positions(zeros<double>({3, 5})), ShapeError, "LearnedPositions: x [3, 5] is not [..., n, 4]");
  CHECK_ERROR(positions(x, Tensor<std::int64_t>{0, 1, 6}), IndexError,
              "embedding: id 6 is out of range for weight [6, 4]");
}

TEST_CASE("PositionEmbeddingSine: DETR's numbers on ragged images, normalised or not") {
  CHECK(each_case("detr", [](const std::string& c) {
          const nn::PositionEmbeddingSineOptions options = {.temperature = real(c + "option/temperature"),
                                                            .normalize = integer(c + "option/normalize") != 0,
                                                            .scale = real(c + "option/scale")};
          const Index features = integer(c + "option/features");
          const auto mask = golden().tensor<bool>(c + "input/mask");
          const auto want = golden().tensor<double>(c + "output");
          CHECK(difference(nn::PositionEmbeddingSine<double>(features, options)(mask), want) < 1e-12);
          CHECK(difference(nn::PositionEmbeddingSine<float>(features, options)(mask.transpose(1, 2)).transpose(2, 3),
                           nn::PositionEmbeddingSine<double>(features, options)(mask.transpose(1, 2)).transpose(2, 3)) <
                1e-7);
        }) == 6);
  CHECK(nn::PositionEmbeddingSine<float>(2)(zeros<bool>({0, 2, 3})).shape() == Shape{0, 4, 2, 3});
  CHECK_ERROR(nn::PositionEmbeddingSine<float>(3), ShapeError,
              "PositionEmbeddingSine: num_pos_feats 3 is not even and positive");
  CHECK_ERROR(nn::PositionEmbeddingSine<float>(2, {.scale = 3}), Error,
              "PositionEmbeddingSine: scale 3 is for normalize, which is off");
  CHECK_ERROR(nn::PositionEmbeddingSine<float>(2, {.temperature = 0}), Error,
              "PositionEmbeddingSine: temperature 0 is not positive");
  CHECK_ERROR(nn::PositionEmbeddingSine<float>(2)(zeros<bool>({2, 3})), ShapeError,
              "PositionEmbeddingSine: mask [2, 3] is not [batch, height, width]");
}

namespace {

template <class T>
void check_rotary(const std::string& c, double tolerance) {
  const nn::RotaryEmbedding<T> rotary(integer(c + "option/dim"), 100,
                                      {.base = real(c + "option/base"),
                                       .interleaved = integer(c + "option/interleaved") != 0,
                                       .scaling = real(c + "option/scaling")});
  const auto ids = golden().tensor<std::int64_t>(c + "input/position_ids");
  auto x = golden().tensor<T>(c + "input/x");
  x.requires_grad_();
  const auto y = rotary(x, ids);
  CHECK(difference(y, golden().tensor<double>(c + "output")) < tolerance);
  y.backward(golden().tensor<T>(c + "d_output"));
  CHECK(difference(x.grad(), golden().tensor<double>(c + "d_input/x")) < tolerance);
  if (ids.dim() == 1) CHECK(same_bits(rotary(x, ids.at({0})), y));
}

}  // namespace

TEST_CASE("RotaryEmbedding: Llama's, GPT-NeoX's and GPT-J's numbers and gradients") {
  CHECK(each_case("rotary", [](const std::string& c) {
          check_rotary<double>(c, 1e-12);
          check_rotary<float>(c, 1e-6);
        }) == 14);
  const nn::RotaryEmbedding<float> llama(16, 64);
  CHECK(difference(llama.cosine, golden().tensor<float>("llama_table/cosine")) < 1e-5);  // which is of float angles
  CHECK(difference(llama.sine, golden().tensor<float>("llama_table/sine")) < 1e-5);
}

TEST_CASE("RotaryEmbedding: lengths stay, and a query's product with a key depends on their distance") {
  Rng rng(6);
  RngGuard use(rng);
  for (const bool interleaved : {false, true}) {
    const nn::RotaryEmbedding<double> rotary(6, 50, {.interleaved = interleaved});
    CHECK(rotary.state_dict().empty());
    const auto q = randn<double>({1, 8}).expand({20, 8}), k = randn<double>({1, 8}).expand({20, 8});
    const auto scores = matmul(rotary(q, 30), rotary(k, 3).mT());
    for (Index i = 0; i + 1 < 20; ++i)
      for (Index j = 0; j + 1 < 20; ++j) CHECK(scores.at({i, j}) == Approx(scores.at({i + 1, j + 1})).margin(1e-12));
    const auto turned = rotary(q);
    CHECK(difference(sum(turned * turned, -1), sum(q * q, -1)) < 1e-14);
    CHECK(same_bits(turned.slice(1, 6), q.slice(1, 6)));
    CHECK(difference(turned[0], q[0]) == 0);
  }
}

TEST_CASE("RotaryEmbedding: what does not fit is named") {
  const nn::RotaryEmbedding<float> rotary(4, 10);
  const auto x = zeros<float>({2, 3, 4});
  CHECK_ERROR(rotary(x, 8), ShapeError, "RotaryEmbedding: 3 positions from 8 go beyond max_positions 10");
  CHECK_ERROR(rotary(x, -1), ShapeError, "RotaryEmbedding: 3 positions from -1 go beyond max_positions 10");
  CHECK_ERROR(rotary(zeros<float>({3, 3})), ShapeError,
              "RotaryEmbedding: x [3, 3] is not [..., n, d] with d of at least 4");
  CHECK_ERROR(rotary(x, Tensor<std::int64_t>{0, 10, 1}), IndexError,
              "embedding: id 10 is out of range for weight [10, 2]");
  CHECK_ERROR(rotary(x, Tensor<std::int64_t>{0, 1}), ShapeError,
              "rotary: x [2, 3, 4], cosine [2, 2] and sine [2, 2] do not fit");
  CHECK_ERROR(nn::RotaryEmbedding<float>(3, 2), ShapeError, "RotaryEmbedding: dim 3 is not even and positive");
  CHECK_ERROR(nn::RotaryEmbedding<float>(2, -1), ShapeError, "RotaryEmbedding: negative size: max_positions -1");
  CHECK_ERROR(nn::RotaryEmbedding<float>(2, 2, {.base = 0}), Error, "RotaryEmbedding: base 0 is not positive");
  CHECK_ERROR(nn::RotaryEmbedding<float>(2, 2, {.scaling = -1}), Error, "RotaryEmbedding: scaling -1 is not positive");
}

TEST_CASE("LearnedPositions: a member that visit names, and sizes") {
  nn::check(nn::LearnedPositions<float>(3, 4));
  CHECK_ERROR(nn::LearnedPositions<float>(-1, 4), ShapeError, "LearnedPositions: negative size: max_positions -1, d 4");
}
