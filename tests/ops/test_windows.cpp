// Windows of maps against transformers': tests/golden/generate_ops_windows.py; their errors, edges, second derivative.
#include <gloss/ops/any.hpp>
#include <gloss/ops/windows.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;

TEST_CASE("golden: windows apart and together are transformers', and so are their gradients", "[ops]") {
  CHECK_GOLDEN("window_partition", window_partition(c["x"], c.integer("window"), c.integer("shift")));
  CHECK_GOLDEN("window_reverse", window_reverse(c["x"], {c.integer("height"), c.integer("width")}, c.integer("window"),
                                                c.integer("shift")));
}

TEST_CASE("golden: who may look at whom in a shifted window is transformers'", "[ops]") {
  const Index count = gloss_test::golden_cases("shifted_window_mask");
  CHECK(count > 5);
  for (Index i = 0; i < count; ++i) {
    const gloss_test::CaseData c("shifted_window_mask", i);
    INFO(c.prefix());
    CHECK(same_bits(
        shifted_window_mask({c.integer("height"), c.integer("width")}, c.integer("window"), c.integer("shift")),
        c.mask("y")));
  }
  CHECK(all(shifted_window_mask({5, 7}, 3, 0)).item());
}

TEST_CASE("windows: any strides, any number of threads, nothing at all", "[ops]") {
  const Tensor<float> x = randn<float>({3, 5, 40, 31});
  const Tensor<float> y = window_partition(x, 4, 3);
  CHECK(y.shape() == Shape{3 * 2 * 10, 16, 31});
  CHECK(same_bits(window_reverse(y, {5, 40}, 4, 3), x));
  CHECK(same_bits(window_partition(x.transpose(1, 3), 7), window_partition(x.transpose(1, 3).contiguous(), 7)));
  const Tensor<float> turned = randn<float>({31, 16, 60}).permute({2, 1, 0});
  CHECK(same_bits(window_reverse(turned, {5, 40}, 4), window_reverse(turned.contiguous(), {5, 40}, 4)));
  {
    const gloss_test::Threads one(1);
    CHECK(same_bits(window_partition(x, 4, 3), y));
  }
  CHECK(window_partition(zeros<float>({0, 5, 7, 2}), 3).shape() == Shape{0, 9, 2});
  CHECK(window_partition(zeros<float>({2, 0, 7, 2}), 3).shape() == Shape{0, 9, 2});
  CHECK(window_partition(zeros<float>({2, 5, 7, 0}), 3).shape() == Shape{12, 9, 0});
  CHECK(window_reverse(zeros<float>({0, 9, 2}), {5, 7}, 3).shape() == Shape{0, 5, 7, 2});
}

TEST_CASE("windows: their derivatives have derivatives", "[ops]") {
  const auto apart = [](const std::vector<Tensor<double>>& in) { return window_partition(in[0], 2, 1); };
  const auto joined = [](const std::vector<Tensor<double>>& in) { return window_reverse(in[0], {3, 5}, 2, 1); };
  const Tensor<double> maps = randn<double>({2, 3, 5, 2}).requires_grad_();
  const Tensor<double> pieces = randn<double>({12, 4, 2}).requires_grad_();
  CHECK(gradcheck(apart, {maps}));
  CHECK(gradgradcheck(apart, {maps}));
  CHECK(gradcheck(joined, {pieces}));
  CHECK(gradgradcheck(joined, {pieces}));
}

TEST_CASE("windows: what they refuse", "[ops]") {
  const Tensor<float> x = zeros<float>({2, 5, 7, 3});
  CHECK_ERROR(window_partition(x[0], 3), ShapeError, "window_partition: x [5, 7, 3] is not [batch, height, width, d]");
  CHECK_ERROR(window_partition(x, 0), ShapeError, "window_partition: a window of 0 has no places");
  CHECK_ERROR(window_partition(x, Index{1} << 40), ShapeError,
              "window_partition: maps of 5 x 7 in windows of 1099511627776 are too large");
  CHECK_ERROR(window_partition(x, 3, 3), ShapeError, "window_partition: a shift of 3 is not in [0, 3)");
  CHECK_ERROR(window_partition(x, 3, -1), ShapeError, "window_partition: a shift of -1 is not in [0, 3)");
  CHECK_ERROR(shifted_window_mask({5, 7}, 3, 4), ShapeError, "shifted_window_mask: a shift of 4 is not in [0, 3)");
  const Tensor<float> y = window_partition(x, 3);
  CHECK_ERROR(window_reverse(y, {5, 11}, 3), ShapeError,
              "window_reverse: [12, 9, 3] are not windows of 3 x 3 places of maps of 5 x 11");
  CHECK_ERROR(window_reverse(y, {5, 7}, 2), ShapeError,
              "window_reverse: [12, 9, 3] are not windows of 2 x 2 places of maps of 5 x 7");
  CHECK_ERROR(window_reverse(y, {0, 7}, 3), ShapeError,
              "window_reverse: [12, 9, 3] are not windows of 3 x 3 places of maps of 0 x 7");
  CHECK_ERROR(window_reverse(y[0], {5, 7}, 3), ShapeError,
              "window_reverse: [9, 3] are not windows of 3 x 3 places of maps of 5 x 7");
}
