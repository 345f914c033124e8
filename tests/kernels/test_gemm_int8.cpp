// Products with weights of 8 bits: rows of bytes and their scales, whole sums bit by bit as plain loops make them, on
// every instruction set, and how far all of it is from the product of the numbers.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gloss/kernels/gemm/finish.hpp>
#include <gloss/kernels/gemm/int8.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"
#include "support/kernel_data.hpp"
#include "support/packed_weights.hpp"

using namespace gloss;
using kernels::Activation;
using kernels::Epilogue;
using kernels::Int8Weights;

namespace {

std::mt19937 engine(7);

std::vector<float> random_values(Index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::normal_distribution<float> normal(0.1f, 1);
  for (float& v : values) v = normal(engine);
  return values;
}
Index random_index(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine); }

using Packed = gloss_test::PackedWeights<Int8Weights>;

/// Rows of bytes as the set in use makes them.
struct Bytes {
  Index k;
  std::vector<std::uint8_t> bytes;
  std::vector<float> scales;
  std::vector<std::int32_t> zeros;

  Bytes(Index rows, Index depth, const float* x, Index ldx)
      : k((depth + 3) / 4 * 4), bytes(std::size_t(rows * k), 99), scales(std::size_t(rows)), zeros(std::size_t(rows)) {
    kernels::detail::int8_kernels_in_use<float>().rows(rows, depth, x, ldx, bytes.data(), k, scales.data(),
                                                       zeros.data());
  }
  Index at(Index i, Index p) const { return bytes[std::size_t(i * k + p)]; }
};

std::vector<float> naive(const Packed& p, Index rows, const std::vector<float>& x, Index ldx, Index ldy,
                         const std::vector<float>& y, const Epilogue<float>& end) {
  const Bytes b(rows, p.w.k, x.data(), ldx);
  std::vector<float> out = y;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < p.w.n; ++j) {
      std::int64_t sum = 0;
      for (Index q = 0; q < p.w.k; ++q) sum += (b.at(i, q) - b.zeros[std::size_t(i)]) * p.w.quads[p.w.at(j, q)];
      float& to = out[std::size_t(i * ldy + j)];
      to = static_cast<float>(sum) * (p.w.scales[j] * b.scales[std::size_t(i)]);
      if (end.bias != nullptr) to += end.bias[j];
      if (end.activation == Activation::relu && to < 0) to = 0;
      if (end.finish) end.finish(end.how, i, j, 1, 1, &to, ldy);
    }
  return out;
}

void check(Index rows, Index n, Index k) {
  const Index ldx = k + random_index(0, 3), ldy = n + random_index(0, 3);
  const std::vector<float> x = random_values(rows * ldx), weight = random_values(n * k), bias = random_values(n),
                           residual = random_values(rows * ldy), before(std::size_t(rows * ldy), -7.0f);
  const Packed p(n, k, weight);
  const kernels::AddFinish<float> add{residual.data(), ldy};
  for (int form = 0; form < 4; ++form) {
    Epilogue<float> end{form & 1 ? bias.data() : nullptr, form == 1 ? Activation::relu : Activation::none};
    if (form > 1) end.finish = add.finish, end.how = &add;
    std::vector<float> y = before;
    kernels::packed_product(p.w, rows, x.data(), ldx, y.data(), ldy, end);
    CAPTURE(rows, n, k, form);
    CHECK(y == naive(p, rows, x, ldx, ldy, before, end));
  }
}

}  // namespace

TEST_CASE("int8_rows: bytes are the nearest of the scale, and 0 is exact") {
  gloss_test::for_each_isa([] {
    for (const Index k : {1, 3, 4, 17, 64, 301}) {
      const std::vector<float> x = random_values(5 * k);
      const Bytes b(5, k, x.data(), k);
      for (Index i = 0; i < 5; ++i) {
        const float scale = b.scales[std::size_t(i)];
        const Index zero = b.zeros[std::size_t(i)];
        CHECK((zero >= 0 && zero <= 255));
        float low = 0, high = 0;
        for (Index p = 0; p < k; ++p) {
          const float v = x[std::size_t(i * k + p)];
          low = std::min(low, v), high = std::max(high, v);
          CHECK(std::abs(scale * static_cast<float>(b.at(i, p) - zero) - v) <= 0.5001f * scale);
        }
        CHECK(scale == Approx((high - low) / 255));
        for (Index p = k; p < b.k; ++p) CHECK(b.at(i, p) == 0);
      }
    }
  });
}

TEST_CASE("int8_rows: zeros, numbers of one sign, huge and tiny ones, NaN and infinity") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  gloss_test::for_each_isa([&] {
    const std::vector<float> zeros(40, 0.0f), ones(40, 1.0f), tiny(40, 1e-44f);
    const Bytes z(1, 40, zeros.data(), 40), o(1, 40, ones.data(), 40), t(1, 40, tiny.data(), 40);
    CHECK(z.zeros[0] == 0);
    CHECK(z.at(0, 39) == 0);
    CHECK(z.scales[0] == 0);
    CHECK(o.at(0, 7) == 255);
    CHECK(o.scales[0] * 255 == Approx(1));
    CHECK(t.scales[0] * static_cast<float>(t.at(0, 0) - t.zeros[0]) == Approx(0).margin(1e-40));
    std::vector<float> wide = {-3.4e38f, 0, 3.4e38f};
    const Bytes w(1, 3, wide.data(), 3);
    CHECK(w.scales[0] == Approx(2 * (3.4e38f / 255)));
    CHECK(w.at(0, 0) == 0);
    CHECK(w.at(0, 2) == 255);
    for (const float wrong : {nan, infinity, -infinity}) {
      std::vector<float> x = random_values(2 * 30);
      x[13] = wrong;
      const Bytes b(2, 30, x.data(), 30);
      CHECK(std::isnan(b.scales[0]));
      CHECK(std::isfinite(b.scales[1]));
    }
  });
}

TEST_CASE("pack_weight to int8: bytes are the nearest of each row's scale") {
  const Index n = 70, k = 21;
  std::vector<float> weight = random_values(n * k);
  for (Index p = 0; p < k; ++p) weight[std::size_t(3 * k + p)] = 0;
  const Packed packed(n, k, weight);
  for (Index j = 0; j < n; ++j) {
    float largest = 0;
    std::int32_t sum = 0;
    for (Index p = 0; p < k; ++p) {
      const float v = weight[std::size_t(j * k + p)], scale = packed.w.scales[j];
      const std::int8_t byte = packed.w.quads[packed.w.at(j, p)];
      largest = std::max(largest, std::abs(v));
      sum += byte;
      CHECK(std::abs(scale * byte - v) <= 0.5001f * scale);
    }
    CHECK(packed.w.scales[j] == Approx(largest / 127).epsilon(0x1p-14));
    CHECK(packed.w.sums[j] == sum);
    std::vector<float> row(21);
    kernels::unpack_row(packed.w, j, 2, row.data());
    CHECK(row[20] == 2 * packed.w.scales[j] * packed.w.quads[packed.w.at(j, 20)]);
  }
}

TEST_CASE("packed_product of int8: random shapes and epilogues are what plain loops make, bit by bit") {
  gloss_test::for_each_isa([] {
    for (Index rows = 1; rows <= 20; ++rows) check(rows, random_index(1, 200), random_index(1, 300));
    for (int round = 0; round < 30; ++round) check(random_index(1, 250), random_index(1, 200), random_index(1, 150));
    check(5, 64, 64);
    check(97, 128, 4);
    check(2, 1, 1);
    const Packed nothing(5, 0, {});
    std::vector<float> y(5, 7.0f);
    kernels::packed_product(nothing.w, 1, nullptr, 0, y.data(), 5, {});
    CHECK(y == std::vector<float>(5, 0.0f));
  });
}

TEST_CASE("packed_product of int8: the largest sums do not overflow") {
  gloss_test::for_each_isa([] {
    const Index k = Int8Weights::most_depth;
    std::vector<float> weight(std::size_t(2 * k), 1.0f), x(std::size_t(k), 1.0f), y(2);
    for (Index p = 0; p < k; ++p) weight[std::size_t(k + p)] = -1;
    const Packed p(2, k, weight);
    kernels::packed_product(p.w, 1, x.data(), k, y.data(), 2, {});
    CHECK(y[0] == Approx(65536));
    CHECK(y[1] == Approx(-65536));
    for (Index q = 0; q < k; q += 2) x[std::size_t(q)] = -1;
    kernels::packed_product(p.w, 1, x.data(), k, y.data(), 2, {});
    CHECK(std::abs(y[0]) <= 300);  // half a scale, 32768 times
  });
}

TEST_CASE("packed_product of int8: it is near the product of the numbers, and NaN stays in its row") {
  gloss_test::for_each_isa([] {
    const Index rows = 9, n = 100, k = 512;
    std::vector<float> x = random_values(rows * k), y(std::size_t(rows * n));
    const std::vector<float> weight = random_values(n * k);
    const Packed p(n, k, weight);
    kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
    const double error = test::share_of_error(y, x, weight, rows, n, k);
    CHECK(error < 0.015);
    CHECK(error > 0);
    x[std::size_t(3 * k + 5)] = NAN;
    kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
    for (Index i = 0; i < rows * n; ++i) CHECK(std::isnan(y[std::size_t(i)]) == (i / n == 3));
  });
}

TEST_CASE("packed_product of int8: any number of threads gives the same bits") {
  gloss_test::check_threads<Int8Weights>(random_values);
}
