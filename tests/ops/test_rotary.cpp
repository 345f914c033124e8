// rotary and relative_shift: the ops below the relative positions.
#include <cmath>

#include <gloss/kernels/rotary.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/relative_shift.hpp>
#include <gloss/ops/rotary.hpp>
#include <gloss/ops/sub.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/gradients.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;

namespace {

Tensor<double> leaf(const Shape& shape) {
  auto x = randn<double>(shape);
  x.requires_grad_();
  return x;
}

/// rotary made of ops, pairs side by side or in halves.
template <class T>
Tensor<T> composed(const Tensor<T>& x, const Tensor<T>& c, const Tensor<T>& s, bool interleaved) {
  const Index r = 2 * c.size(-1), d = x.size(-1);
  const auto rest = x.slice(-1, r);
  if (interleaved) {
    const auto a = x.slice(-1, 0, r, 2), b = x.slice(-1, 1, r, 2);
    return cat<T>({stack<T>({a * c - b * s, b * c + a * s}, -1).flatten(-2), rest}, -1);
  }
  const auto a = x.slice(-1, 0, r / 2), b = x.slice(-1, r / 2, r);
  return d == r ? cat<T>({a * c - b * s, b * c + a * s}, -1) : cat<T>({a * c - b * s, b * c + a * s, rest}, -1);
}

template <class T>
void check_against_composed(double tolerance) {
  Rng rng(11);
  RngGuard use(rng);
  for (const bool interleaved : {false, true})
    for (const Index pairs : {1, 2, 3, 8, 16, 17, 33})
      for (const Index rest : {0, 1, 5}) {
        const Index d = 2 * pairs + rest;
        // as a model has it: heads of a projection, rows of a table
        const auto x = randn<T>({2, 3, 4, d}).transpose(1, 2), table = randn<T>({9, pairs});
        const auto c = table.narrow(0, 1, 3), s = table.narrow(0, 5, 3);
        auto in = x.clone();
        in.requires_grad_();
        const auto y = rotary(x, c, s, {.interleaved = interleaved});
        CHECK(difference(y, composed(x, c, s, interleaved)) < tolerance);
        CHECK(y.strides() == x.strides());  // heads can be joined again without a copy
        const auto dy = randn<T>(y.shape());
        rotary(in, c, s, {.interleaved = interleaved}).backward(dy);
        const auto have = in.grad();
        in.zero_grad();
        composed(in, c, s, interleaved).backward(dy);
        CHECK(difference(have, in.grad()) < tolerance);
      }
}

}  // namespace

TEST_CASE("rotary: is what its parts give, in both orders of pairs, at every width") {
  check_against_composed<float>(1e-6);
  check_against_composed<double>(1e-14);
}

TEST_CASE("rotary: angles stretch over leading axes; strided, empty and single rows are rows") {
  Rng rng(12);
  RngGuard use(rng);
  const auto x = randn<float>({2, 3, 5, 8});
  const auto c = randn<float>({2, 1, 5, 4}), s = randn<float>({2, 1, 5, 4});
  const auto y = rotary(x, c, s);
  CHECK(difference(y, composed(x, c, s, false)) < 1e-6);
  CHECK(same_bits(rotary(x[1], c[1], s[1]), y[1]));
  CHECK(same_bits(rotary(x.select(2, 0), c.select(2, 0), s.select(2, 0)), y.select(2, 0)));
  const auto turned = x.transpose(2, 3).contiguous().transpose(2, 3);  // rows are no runs of memory
  CHECK(same_bits(rotary(turned, c, s), y));
  CHECK(same_bits(rotary(x[0][0].narrow(0, 2, 1).expand({3, 8}), c[0][0].narrow(0, 2, 1), s[0][0].narrow(0, 2, 1))[2],
                  y[0][0][2]));
  CHECK(same_bits(rotary(x[0][0][0], c[0][0][0], s[0][0][0]), y[0][0][0]));
  CHECK(same_bits(rotary(x, zeros<float>({0}), zeros<float>({0})), x));
  CHECK(rotary(zeros<float>({0, 5, 8}), c[0][0], s[0][0]).shape() == Shape{0, 5, 8});
  CHECK(rotary(zeros<float>({4, 0}), zeros<float>({4, 0}), zeros<float>({4, 0})).shape() == Shape{4, 0});
}

TEST_CASE("rotary: first and second derivatives agree with difference quotients") {
  Rng rng(13);
  RngGuard use(rng);
  const auto c = randn<double>({3, 2}), s = randn<double>({3, 2});
  for (const bool interleaved : {false, true})
    gloss_test::check_gradients([&](const auto& in) { return rotary(in[0], c, s, {.interleaved = interleaved}); },
                                {leaf({2, 3, 5})});
}

TEST_CASE("rotary: the same bits for any number of threads") {
  Rng rng(14);
  RngGuard use(rng);
  const auto x = randn<float>({4, 8, 64, 40}), c = randn<float>({64, 20}), s = randn<float>({64, 20});
  const auto on = [&](int n) {
    const gloss_test::Threads threads(n);
    return rotary(x, c, s);
  };
  const auto one = on(1);
  for (const int n : {2, 3, 8}) CHECK(same_bits(on(n), one));
}

TEST_CASE("rotary: what does not fit is named") {
  const auto x = zeros<float>({2, 3, 4});
  CHECK_ERROR(rotary(x, zeros<float>({3, 3}), zeros<float>({3, 3})), ShapeError,
              "rotary: x [2, 3, 4], cosine [3, 3] and sine [3, 3] do not fit");
  CHECK_ERROR(rotary(x, zeros<float>({3, 2}), zeros<float>({3, 1})), ShapeError,
              "rotary: x [2, 3, 4], cosine [3, 2] and sine [3, 1] do not fit");
  CHECK_ERROR(rotary(x, zeros<float>({2, 2}), zeros<float>({2, 2})), ShapeError,
              "rotary: x [2, 3, 4], cosine [2, 2] and sine [2, 2] do not fit");
  CHECK_ERROR(rotary(x, zeros<float>({1, 2, 3, 2}), zeros<float>({1, 2, 3, 2})), ShapeError,
              "rotary: x [2, 3, 4], cosine [1, 2, 3, 2] and sine [1, 2, 3, 2] do not fit");
  CHECK_ERROR(rotary(scalar<float>(1), zeros<float>({2}), zeros<float>({2})), ShapeError,
              "rotary: x [], cosine [2] and sine [2] do not fit");
  auto angle = zeros<float>({3, 2});
  angle.requires_grad_();
  CHECK_ERROR(rotary(x, angle, zeros<float>({3, 2})), GradError, "rotary: cosine and sine have no gradient");
  const NoGradGuard no_grad;
  CHECK(rotary(x, angle, zeros<float>({3, 2})).shape() == x.shape());
}

TEST_CASE("relative_shift: scores by distance stand at their keys, as Transformer-XL moves them") {
  const gloss_test::Golden golden("positions.safetensors");
  for (const char* number : {"0", "1", "2", "3", "4", "5"}) {
    const std::string c = std::string("relative_shift/") + number + "/";
    INFO(c);
    auto x = golden.tensor<double>(c + "input/x");
    x.requires_grad_();
    const auto y = relative_shift(x);
    CHECK(same_bits(y, golden.tensor<double>(c + "output")));
    y.backward(golden.tensor<double>(c + "d_output"));
    CHECK(same_bits(x.grad(), golden.tensor<double>(c + "d_input/x")));
  }
  // three queries at the end of five positions; each number is the distance that it is the score of
  const Tensor<float> x = Tensor<float>{4, 3, 2, 1, 0}.expand({3, 5});
  CHECK(same_bits(relative_shift(x), Tensor<float>{{2, 1, 0, 0, 4}, {3, 2, 1, 0, 0}, {4, 3, 2, 1, 0}}));
  CHECK(relative_shift(zeros<float>({0, 3, 4})).shape() == Shape{0, 3, 4});
  CHECK(relative_shift(zeros<float>({2, 0, 4})).shape() == Shape{2, 0, 4});
  CHECK(relative_shift(zeros<float>({2, 3, 0})).shape() == Shape{2, 3, 0});
  gloss_test::check_gradients([](const auto& in) { return relative_shift(in[0]); }, {leaf({2, 3, 4})});
  CHECK_ERROR(relative_shift(zeros<float>({3})), ShapeError, "relative_shift: x [3] is not [..., n, m]");
}
