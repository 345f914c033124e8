// interpolate against PyTorch: tests/golden/generate_ops_interpolate.py; its errors, edges and second derivative.
#include <gloss/kernels/resample.hpp>
#include <gloss/ops/interpolate.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;

namespace {

template <class Case, class T>
Tensor<T> call(const Case& c, const Tensor<T>& x) {
  const InterpolateOptions options{.mode = static_cast<InterpolateMode>(c.integer("mode")),
                                   .align_corners = c.integer("align") != 0,
                                   .antialias = c.integer("antialias") != 0};
  if (c.has("factor")) return interpolate(x, c.real("factor"), options);
  return interpolate(x, {c.integer("height"), c.integer("width")}, options);
}

}  // namespace

TEST_CASE("golden: interpolate is PyTorch's, and so is its gradient", "[ops]") {
  CHECK_GOLDEN("interpolate", call(c, c["x"]));
}

TEST_CASE("interpolate: any axes in front, any strides, any number of threads", "[ops]") {
  const Tensor<float> x = randn<float>({3, 2, 40, 30});
  const InterpolateOptions options{.mode = InterpolateMode::bicubic, .antialias = true};
  const Tensor<float> y = interpolate(x, {90, 17}, options);
  CHECK(y.shape() == Shape{3, 2, 90, 17});
  CHECK(same_bits(y[1][1], interpolate(x[1][1], {90, 17}, options)));
  const Tensor<float> turned = x.transpose(2, 3);
  CHECK(same_bits(interpolate(turned, {9, 50}), interpolate(turned.contiguous(), {9, 50})));
  const gloss_test::Threads one(1);
  CHECK(same_bits(interpolate(x, {90, 17}, options), y));
  CHECK(interpolate(zeros<float>({0, 4, 5}), {2, 3}).shape() == Shape{0, 2, 3});
  CHECK(same_bits(interpolate(x, {40, 30}, {.mode = InterpolateMode::bilinear}), x));
}

TEST_CASE("interpolate: its derivative has a derivative", "[ops]") {
  const Tensor<double> x = randn<double>({2, 3, 4}).requires_grad_();
  for (const auto mode : {InterpolateMode::nearest, InterpolateMode::bilinear, InterpolateMode::bicubic}) {
    const auto f = [mode](const std::vector<Tensor<double>>& in) { return interpolate(in[0], {5, 2}, {.mode = mode}); };
    CHECK(gradcheck(f, {x}));
    CHECK(gradgradcheck(f, {x}));
  }
}

TEST_CASE("interpolate: what it refuses", "[ops]") {
  const Tensor<float> x = zeros<float>({2, 3, 4});
  CHECK_ERROR(interpolate(x, {5, 5}, {.align_corners = true}), Error,
              "interpolate: align_corners and antialias are for bilinear and bicubic");
  CHECK_ERROR(interpolate(x, Shape{5}), ShapeError,
              "interpolate: x is [..., height, width] and the size [height, width]: x [2, 3, 4], size [5]");
  CHECK_ERROR(interpolate(zeros<float>({3}), 2.0), ShapeError,
              "interpolate: x is [..., height, width] and the size [height, width]: x [3], size [6]");
  CHECK_ERROR(interpolate(x, {0, 5}), ShapeError, "interpolate: no places: from [2, 3, 4] to [0, 5]");
  CHECK_ERROR(interpolate(zeros<float>({0, 4}), {2, 5}), ShapeError, "interpolate: no places: from [0, 4] to [2, 5]");
  CHECK_ERROR(interpolate(x, 0.1), ShapeError, "interpolate: no places: from [2, 3, 4] to [0, 0]");
  CHECK_ERROR(interpolate(x, -1.0), Error, "interpolate: the factor -1 is not above 0");
}
