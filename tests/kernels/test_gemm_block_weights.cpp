// Products with weights in blocks of 32: rows of bytes, packing, and sums as plain loops make them, on every
// instruction set, and how far all of it is from the product of the numbers.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gloss/kernels/gemm/block_weights.hpp>
#include <gloss/kernels/gemm/finish.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"
#include "support/kernel_data.hpp"
#include "support/threads.hpp"

using namespace gloss;
using kernels::Activation;
using kernels::Block;
using kernels::block_length;
using kernels::BlockWeights;
using kernels::Epilogue;
using kernels::detail::RowBlock;

namespace {

std::mt19937 engine(7);

Index random_index(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine); }

/// Rows of k numbers, `ld` apart, NaN between them and nothing behind the last.
std::vector<float> random_rows(Index rows, Index k, Index ld) {
  std::vector<float> values(rows > 0 ? std::size_t((rows - 1) * ld + k) : 0, NAN);
  std::normal_distribution<float> normal(0.1f, 1);
  for (Index i = 0; i < rows; ++i)
    for (Index p = 0; p < k; ++p) values[std::size_t(i * ld + p)] = normal(engine);
  return values;
}

/// Weights with their memory.
struct Packed {
  std::vector<std::uint32_t> memory;
  BlockWeights w;

  explicit Packed(const BlockWeights& form) : memory(std::size_t(form.bytes() / 4), 0xFFFFFFFF), w(form) {
    w.place(reinterpret_cast<std::uint8_t*>(memory.data()));
  }
  /// Of numbers, rows ld apart.
  Packed(const BlockWeights& form, const std::vector<float>& weight, Index ld) : Packed(form) {
    kernels::pack_weight(weight.data(), ld, w);
  }
};

/// Blocks of every code.
Packed random_blocks(const BlockWeights& form) {
  Packed p(form);
  std::vector<Block> blocks(std::size_t(form.n * form.blocks()));
  std::normal_distribution<float> normal(0, 1);
  for (Block& block : blocks) {
    block.scale = normal(engine), block.minimum = normal(engine);
    if (form.has_halves) block.scale = float(float16(block.scale)), block.minimum = float(float16(block.minimum));
    for (std::uint8_t& code : block.codes) code = static_cast<std::uint8_t>(random_index(0, (1 << form.bits) - 1));
  }
  kernels::pack_blocks(p.w, [&](Index j, Index b) { return blocks[std::size_t(j * form.blocks() + b)]; });
  return p;
}

/// Rows of blocks as the set in use makes them.
std::vector<RowBlock> row_blocks(const BlockWeights& w, Index rows, const std::vector<float>& x, Index ldx) {
  std::vector<RowBlock> out(std::size_t(rows * w.blocks()));
  kernels::detail::block_kernels_in_use<float>().rows(rows, w.k, x.data(), ldx, w.middle(), out.data());
  return out;
}

/// A product that is rounded before it is added to anything.
float product(float x, float y) {
  volatile float xy = x * y;
  return xy;
}

std::vector<float> naive(const BlockWeights& w, Index rows, const std::vector<float>& x, Index ldx, Index ldy,
                         const std::vector<float>& y, const Epilogue<float>& end) {
  const std::vector<RowBlock> a = row_blocks(w, rows, x, ldx);
  std::vector<float> out = y;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < w.n; ++j) {
      float sum = 0;
      for (Index b = 0; b < w.blocks(); ++b) {
        const RowBlock& row = a[std::size_t(i * w.blocks() + b)];
        const Block block = w.get(j, b);
        std::int32_t dot = 0;
        for (Index p = 0; p < block_length; ++p) dot += row.numbers[p] * (block.codes[p] - w.middle());
        sum += product(static_cast<float>(dot), product(block.scale, row.scale));
        if (w.has_minimum) sum += product(block.minimum, row.total);
      }
      float& to = out[std::size_t(i * ldy + j)];
      to = sum;
      if (end.bias != nullptr) to += end.bias[j];
      if (end.activation == Activation::relu && to < 0) to = 0;
      if (end.finish) end.finish(end.how, i, j, 1, 1, &to, ldy);
    }
  return out;
}

/// Bit by bit; where compilers may fuse a product with a sum, nearly.
void check_same(const std::vector<float>& y, const std::vector<float>& expected) {
#if defined(GLOSS_VECTOR_TYPES) && defined(__x86_64__)
  CHECK(y == expected);
#else
  float largest = 0, off = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    largest = std::max(largest, std::abs(expected[i])), off = std::max(off, std::abs(y[i] - expected[i]));
  CHECK(off <= 1e-5f * largest);
#endif
}

void check(const BlockWeights& form, Index rows) {
  const Index n = form.n, k = form.k, ldx = k + random_index(0, 3), ldy = n + random_index(0, 3);
  const std::vector<float> x = random_rows(rows, k, ldx), bias = random_rows(1, n, n),
                           residual = random_rows(1, rows * ldy, 0), before(std::size_t(rows * ldy), -7.0f);
  const Packed p = random_blocks(form);
  const kernels::AddFinish<float> add{residual.data(), ldy};
  for (int way = 0; way < 4; ++way) {
    Epilogue<float> end{way & 1 ? bias.data() : nullptr, way == 1 ? Activation::relu : Activation::none};
    if (way > 1) end.finish = add.finish, end.how = &add;
    std::vector<float> y = before;
    kernels::packed_product(p.w, rows, x.data(), ldx, y.data(), ldy, end);
    CAPTURE(rows, n, k, form.bits, form.has_minimum, form.has_halves, way);
    check_same(y, naive(p.w, rows, x, ldx, ldy, before, end));
  }
}

template <class F>
void for_each_form(F f) {
  for (const int bits : {8, 4})
    for (const bool has_minimum : {false, true})
      for (const bool has_halves : {false, true})
        f(BlockWeights{.bits = bits, .has_minimum = has_minimum, .has_halves = has_halves});
}
BlockWeights sized(BlockWeights form, Index n, Index k) {
  form.n = n, form.k = k;
  return form;
}

}  // namespace

TEST_CASE("block_rows: bytes are the nearest of each block's scale, and the same on every instruction set") {
  std::vector<RowBlock> first;
  const Index rows = 5, k = 77, ldx = 80;
  const std::vector<float> x = random_rows(rows, k, ldx);
  const BlockWeights w{.n = 1, .k = k};
  gloss_test::for_each_isa([&] {
    const std::vector<RowBlock> blocks = row_blocks(w, rows, x, ldx);
    if (first.empty()) first = blocks;
    for (Index i = 0; i < rows; ++i)
      for (Index b = 0; b < 3; ++b) {
        const RowBlock& block = blocks[std::size_t(i * 3 + b)];
        float largest = 0;
        std::int32_t sum = 0;
        for (Index p = 0; p < block_length; ++p) {
          sum += block.numbers[p];
          if (b * block_length + p >= k) {
            CHECK(block.numbers[p] == 0);
            continue;
          }
          const float v = x[std::size_t(i * ldx + b * block_length + p)];
          largest = std::max(largest, std::abs(v));
          CHECK(std::abs(block.scale * block.numbers[p] - v) <= 0.5001f * block.scale);
        }
        CHECK(block.scale == largest / 127);
        CHECK(block.total == block.scale * static_cast<float>(sum));
        CHECK(block.offset == -128 * sum);
        CHECK(std::equal(block.numbers, block.numbers + block_length, first[std::size_t(i * 3 + b)].numbers));
      }
  });
}

TEST_CASE("block_rows: zeros, huge and tiny numbers, NaN and infinity") {
  gloss_test::for_each_isa([] {
    std::vector<float> x(6 * 32, 0.0f);
    x[32] = 3.4e38f, x[33] = -3.4e38f;
    x[64] = 1e-44f;
    x[3 * 32 + 5] = NAN, x[4 * 32 + 31] = INFINITY, x[4 * 32] = 1, x[5 * 32 + 7] = -INFINITY;
    const BlockWeights w{.n = 1, .k = 6 * 32};
    const std::vector<RowBlock> blocks = row_blocks(w, 1, x, 0);
    CHECK(blocks[0].scale == 0);
    CHECK(blocks[0].numbers[31] == 0);
    CHECK(blocks[1].numbers[0] == 127);
    CHECK(blocks[1].numbers[1] == -127);
    CHECK(blocks[1].scale == 3.4e38f / 127);
    CHECK(blocks[2].numbers[0] == 0);
    for (std::size_t b = 3; b < 6; ++b) {
      CHECK(std::isnan(blocks[b].scale));
      CHECK(std::isnan(blocks[b].total));
    }
  });
}

TEST_CASE("pack_weight into blocks: codes are the nearest, the furthest number of 4 bits is -8 scales") {
  const Index n = 70, k = 45, ld = 47;
  std::vector<float> weight = random_rows(n, k, ld);
  for (Index p = 0; p < k; ++p) weight[std::size_t(3 * ld + p)] = 0;
  weight[std::size_t(5 * ld + 40)] = NAN, weight[std::size_t(6 * ld + 1)] = INFINITY;
  for (const int bits : {8, 4}) {
    const Packed packed({.bits = bits, .n = n, .k = k}, weight, ld);
    for (Index j = 0; j < n; ++j) {
      std::vector<float> row(std::size_t(k), 99.0f);
      kernels::unpack_row(packed.w, j, 2, row.data());
      for (Index b = 0; b < 2; ++b) {
        const Block block = packed.w.get(j, b);
        const float* const x = weight.data() + j * ld + b * block_length;
        float furthest = 0;
        for (Index p = 0; p < (b == 0 ? 32 : 13); ++p) {
          if (std::abs(x[p]) > std::abs(furthest)) furthest = x[p];
          const float v = block.scale * static_cast<float>(block.codes[p] - packed.w.middle());
          const float got = row[std::size_t(b * block_length + p)];
          CHECK((got == 2 * v || (std::isnan(got) && std::isnan(v))));
          const float limit = (bits == 8 || block.codes[p] != 15 ? 0.5001f : 1.0001f) * std::abs(block.scale);
          CHECK((std::abs(v - x[p]) <= limit || std::isnan(block.scale)));
        }
        const bool wrong = (j == 5 && b == 1) || (j == 6 && b == 0);
        CHECK(
            (wrong ? std::isnan(block.scale) : block.scale == (bits == 8 ? std::abs(furthest) / 127 : furthest / -8)));
      }
    }
  }
}

TEST_CASE("block_widen: every float16 is the float it stands for") {
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  gloss_test::for_each_isa([&] {
    std::vector<float> wide(halves.size());
    kernels::detail::block_kernels_in_use<float>().widen(65536, halves.data(), wide.data());
    Index wrong = 0;
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const auto expected = float(float16::from_bits(halves[i]));
      const bool same = std::bit_cast<std::uint32_t>(wide[i]) == std::bit_cast<std::uint32_t>(expected);
      wrong += !(same || (std::isnan(wide[i]) && std::isnan(expected)));
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("suits_halves: the scales of all blocks have room in float16") {
  std::vector<float> x(2 * 40, 0.0f);
  CHECK(kernels::suits_halves(x.data(), 2, 40, 8));
  x[79] = 127 * 0x1p-14f, x[3] = -127 * 65000.0f;
  CHECK(kernels::suits_halves(x.data(), 2, 40, 8));
  x[79] = 127 * 0x1p-15f;
  CHECK_FALSE(kernels::suits_halves(x.data(), 2, 40, 8));
  CHECK(kernels::suits_halves(x.data(), 1, 40, 8));
  CHECK_FALSE(kernels::suits_halves(x.data(), 1, 40, 4));
  x[3] = INFINITY;
  CHECK_FALSE(kernels::suits_halves(x.data(), 1, 40, 8));
}

TEST_CASE("packed_product of blocks: random shapes and epilogues are what plain loops make") {
  gloss_test::for_each_isa([] {
    for_each_form([](const BlockWeights& form) {
      for (Index rows = 1; rows <= 14; ++rows) check(sized(form, random_index(1, 100), random_index(1, 200)), rows);
      for (int round = 0; round < 4; ++round)
        check(sized(form, random_index(1, 150), random_index(1, 150)), random_index(15, 250));
      check(sized(form, 64, 64), 5);
      check(sized(form, 32, 32), 97);
      check(sized(form, 1, 1), 2);
      check(sized(form, 33, 31), 3);
      check(sized(form, 5, 0), 1);
    });
  });
}

TEST_CASE("packed_product of blocks: the largest sums of a block are exact") {
  gloss_test::for_each_isa([] {
    for_each_form([](const BlockWeights& form) {
      const int top = (1 << form.bits) - 1;
      Packed p(sized(form, 2, 64));
      kernels::pack_blocks(p.w, [&](Index j, Index) {
        Block block{.scale = 1, .minimum = 0};
        std::fill(block.codes, block.codes + block_length, static_cast<std::uint8_t>(j == 0 ? top : 0));
        return block;
      });
      const std::vector<float> x(64, 127.0f);
      std::vector<float> y(2);
      kernels::packed_product(p.w, 1, x.data(), 64, y.data(), 2, {});
      CHECK(y[0] == 64 * 127.0f * static_cast<float>(top - p.w.middle()));
      CHECK(y[1] == 64 * 127.0f * static_cast<float>(-p.w.middle()));
    });
  });
}

TEST_CASE("packed_product of blocks: it is near the product of the numbers, and NaN stays in its row") {
  gloss_test::for_each_isa([] {
    const Index rows = 9, n = 100, k = 512;
    const std::vector<float> weight = random_rows(n, k, k);
    for (const int bits : {8, 4}) {
      std::vector<float> x = random_rows(rows, k, k), y(std::size_t(rows * n));
      const Packed p({.bits = bits, .n = n, .k = k}, weight, k);
      kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
      const double error = test::share_of_error(y, x, weight, rows, n, k);
      CHECK(error < (bits == 8 ? 0.01 : 0.12));
      CHECK(error > 0);
      x[std::size_t(3 * k + 5)] = NAN;
      kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
      for (Index i = 0; i < rows * n; ++i) CHECK(std::isnan(y[std::size_t(i)]) == (i / n == 3));
    }
  });
}

TEST_CASE("packed_product of blocks: any number of threads gives the same bits") {
  const Index sizes[][3] = {{1, 900, 700}, {300, 100, 256}, {40, 64, 1000}, {16, 500, 64}};
  for_each_form([&](const BlockWeights& form) {
    for (const auto& size : sizes) {
      const Index rows = size[0], n = size[1], k = size[2];
      const std::vector<float> x = random_rows(rows, k, k);
      const Packed p = random_blocks(sized(form, n, k));
      const auto result = [&](int threads) {
        const gloss_test::Threads used(threads);
        std::vector<float> y(std::size_t(rows * n));
        kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
        return y;
      };
      const std::vector<float> expected = result(1);
      for (const int threads : {2, 3, 8}) CHECK(result(threads) == expected);
    }
  });
}
