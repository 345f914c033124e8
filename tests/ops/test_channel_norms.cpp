// batch_norm, group_norm and instance_norm: their composed forms, derivatives, edges, errors and threads. PyTorch's
// values are compared in tests/nn/test_norms.cpp.
#include <gloss/kernels/batch_norm.hpp>
#include <gloss/kernels/channel_moments.hpp>
#include <gloss/kernels/columns.hpp>
#include <gloss/kernels/group_norm.hpp>
#include <gloss/kernels/large_moments.hpp>
#include <gloss/ops/abs.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/batch_norm.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/group_norm.hpp>
#include <gloss/ops/instance_norm.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/var.hpp>

#include "support/catch.hpp"
#include "support/gradients.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using V = std::vector<Tensor<double>>;

namespace {

template <class T = double>
Tensor<T> leaf(const Shape& shape, T scale = 1, T shift = 0) {
  Tensor<T> x = randn<T>(shape) * scale + shift;
  return x.detach().requires_grad_();
}
template <class T>
Tensor<T> by_channel(const Tensor<T>& w, int axes) {
  Shape shape = {w.numel()};
  for (int i = 2; i < axes; ++i) shape.push_back(1);
  return w.view(shape);
}
template <class T>
Tensor<T> normal(const Tensor<T>& x, const Axes& axes, double eps) {
  const Tensor<T> d = x - mean(x, axes, {.keepdim = true});
  return d / sqrt(mean(d * d, axes, {.keepdim = true}) + static_cast<T>(eps));
}

/// What the ops are made of, for x of three axes.
template <class T>
Tensor<T> batch_plain(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, double eps) {
  return normal(x, {0, 2}, eps) * by_channel(w, 3) + by_channel(b, 3);
}
template <class T>
Tensor<T> group_plain(const Tensor<T>& x, Index groups, const Tensor<T>& w, const Tensor<T>& b, double eps) {
  return normal(x.reshape({x.size(0), groups, -1}), {2}, eps).view(x.shape()) * by_channel(w, 3) + by_channel(b, 3);
}

/// Values and gradients of both forms, relative to the largest.
template <class T, class Fused, class Plain>
void check_same(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Fused fused, Plain plain, double most) {
  INFO(x.shape().rank() << " axes, " << x.size(0) << " " << x.size(1) << " " << x.size(-1));
  const Tensor<T> have = fused(x, w, b), want = plain(x, w, b), dy = randn<T>(x.shape());
  const auto near = [&](const Tensor<T>& p, const Tensor<T>& q) {
    return difference(p, q) <= most * (1 + static_cast<double>(amax(abs(q)).item()));
  };
  CHECK(near(have.detach(), want.detach()));
  const auto gradients = grad(have, {x, w, b}, {}, dy), wanted = grad(want, {x, w, b}, {}, dy);
  for (std::size_t i = 0; i < 3; ++i) CHECK(near(gradients[i], wanted[i]));
}
template <class T>
void check_composed(const Shape& shape, double most) {
  const Tensor<T> x = leaf<T>(shape, 3, -1), w = leaf<T>({shape[1]}), b = leaf<T>({shape[1]});
  using In = const Tensor<T>&;
  check_same(
      x, w, b, [](In p, In q, In r) { return batch_norm<T>(p, {}, {}, q, r, {.training = true, .eps = 1e-3}); },
      [](In p, In q, In r) { return batch_plain(p, q, r, 1e-3); }, most);
  for (const Index groups : {Index{1}, Index{2}, shape[1]}) {
    if (shape[1] % groups != 0 || shape[1] / groups * shape[2] == 1) continue;
    check_same(
        x, w, b, [&](In p, In q, In r) { return group_norm(p, groups, q, r, 1e-3); },
        [&](In p, In q, In r) { return group_plain(p, groups, q, r, 1e-3); }, most);
  }
}

}  // namespace

TEST_CASE("batch_norm, group_norm: the fused ops equal their composed forms, in short runs and in many blocks") {
  Rng rng(40);
  const RngGuard use(rng);
  for (const Shape& shape : {Shape{5, 4, 3}, Shape{2, 6, 17}, Shape{300, 2, 31}, Shape{3, 2, 4096 + 37},
                             Shape{2, 1, 9001}, Shape{150, 600, 1}, Shape{9, 130, 1}}) {
    check_composed<double>(shape, 1e-12);
    check_composed<float>(shape, 3e-5);
  }
  const auto x = randn<double>({4, 3, 7});
  const auto y = instance_norm<double>(x);
  CHECK(same_bits(y, group_norm(x, 3)));
  CHECK(difference(mean(y, 2), zeros<double>({4, 3})) < 1e-13);
}

TEST_CASE("batch_norm: numbers far from 0 keep their variance") {
  Rng rng(41);
  const RngGuard use(rng);
  const auto x = randn<double>({8, 2, 2000});
  const auto far = cast<float>(x + 3e3), y = batch_norm<float>(far, {}, {}, {}, {}, {.training = true});
  const auto want = batch_norm<double>(cast<double>(far), {}, {}, {}, {}, {.training = true});
  CHECK(difference(cast<double>(y), want) < 5e-4);  // the mean is rounded to float
  CHECK(difference(cast<double>(group_norm(far, 1)), group_norm(cast<double>(far), 1)) < 5e-4);
}

TEMPLATE_TEST_CASE("batch_norm, group_norm, instance_norm: what has squares that overflow is normalised all the same",
                   "", float, double) {
  using T = TestType;
  const T most = std::numeric_limits<T>::max();
  const Tensor<T> gamma = randn<T>({4}).requires_grad_();
  for (const Shape& shape : {Shape{12, 4}, Shape{3, 4, 7}, Shape{2, 4, 5000}})
    for (const T unit : {std::sqrt(most) * 4, most / 65536}) {
      const Tensor<T> base = randn<T>(shape) + T(0.5), dy = randn<T>(shape);
      const T size = unit / amax(abs(base)).item();
      const auto check = [&](auto f) {
        const auto run = [&](const Tensor<T>& numbers) {
          const Tensor<T> x = numbers.clone().requires_grad_(), y = f(x);
          const auto d = grad(y, {x, gamma}, {}, dy);
          return std::vector<Tensor<T>>{y.detach(), d[0], d[1]};
        };
        const auto large = run(base * size), plain = run(base);
        CHECK(difference(large[0], plain[0]) < 1e-5);
        CHECK(difference(large[1] * size, plain[1]) < 2e-5);
        CHECK(difference(large[2], plain[2]) < 1e-4);
      };
      check([&](const Tensor<T>& x) { return batch_norm(x, {}, {}, gamma, {}, {.training = true, .eps = 1e-12}); });
      check([&](const Tensor<T>& x) { return group_norm(x, 1, gamma, {}, 1e-12); });
      if (shape.rank() > 2)
        check([&](const Tensor<T>& x) { return instance_norm(x, {}, {}, gamma, {}, {.eps = 1e-12}); });
    }
}

TEMPLATE_TEST_CASE("group_norm: a group of one value has no gradient", "", float, double) {
  using T = TestType;
  const Tensor<T> x = randn<T>({9, 6}).requires_grad_(), gamma = randn<T>({6});
  const Tensor<T> y = group_norm(x, 6, gamma);
  CHECK(difference(grad(y, {x}, {}, randn<T>({9, 6}))[0], zeros<T>({9, 6})) == 0);
}

TEST_CASE("batch_norm, group_norm, instance_norm: gradients agree with difference quotients") {
  Rng rng(42);
  const RngGuard use(rng);
  const V inputs = {leaf({3, 4, 5}, 2.0), leaf({4}), leaf({4})};
  const auto running_mean = randn<double>({4}), running_var = rand<double>({4}) + 0.5;
  const auto check = [&](auto f) { CHECK(gradcheck(f, inputs)); };
  check([&](const V& x) { return batch_norm<double>(x[0], {}, {}, x[1], x[2], {.training = true, .eps = 1e-3}); });
  check([&](const V& x) { return batch_norm(x[0], running_mean, running_var, x[1], x[2]); });
  check([&](const V& x) { return batch_norm<double>(x[0].transpose(0, 2), {}, {}, x[1], {}, {.training = true}); });
  check([&](const V& x) { return group_norm(x[0], 2, x[1], x[2]); });
  check([&](const V& x) { return group_norm(x[0].transpose(0, 2), 4, {}, x[2]); });
  check([&](const V& x) { return instance_norm<double>(x[0], {}, {}, x[1], x[2]); });
  check([&](const V& x) {
    return instance_norm<double>(x[0], running_mean, running_var, x[1], {}, {.use_input_stats = false});
  });
  const V flat = {leaf({5, 4}), leaf({4}), leaf({4})};
  CHECK(gradcheck([&](const V& x) { return batch_norm<double>(x[0], {}, {}, x[1], x[2], {.training = true}); }, flat));
  CHECK(gradcheck([&](const V& x) { return batch_norm(x[0], running_mean, running_var, x[1], x[2]); }, flat));
  CHECK(gradcheck([&](const V& x) { return group_norm(x[0], 2, x[1], x[2], 1e-2); }, flat));
}

TEST_CASE("batch_norm, instance_norm: running statistics move towards the mean and the unbiased variance") {
  const auto x = randn<double>({5, 2, 3});
  const auto running_mean = full<double>({2}, 4), running_var = full<double>({4}, 8).slice(0, 0, 4, 2);  // with gaps
  static_cast<void>(batch_norm(x, running_mean, running_var, {}, {}, {.training = true, .momentum = 0.25}));
  CHECK(difference(running_mean, mean(x, {0, 2}) * 0.25 + 3) < 1e-13);
  CHECK(difference(running_var, var(x, {0, 2}) * 0.25 + 6) < 1e-13);
  const auto m = zeros<double>({2}), v = zeros<double>({2});
  static_cast<void>(instance_norm(x, m, v, {}, {}, {.momentum = 1}));
  CHECK(difference(m, mean(x, {0, 2})) < 1e-13);
  CHECK(difference(v, mean(var(x, 2), 0)) < 1e-13);
  // what an evaluation read is noticed when a training step has moved it before the backward
  const auto w = leaf({2});
  const auto y = batch_norm(x, m, v, w);
  static_cast<void>(batch_norm(x, m, v, {}, {}, {.training = true}));
  CHECK_THROWS_AS(sum(y).backward(), GradError);
}

TEST_CASE("batch_norm, group_norm, instance_norm: an empty batch gives an empty result, and gradients of 0") {
  const auto x = leaf({0, 2, 3}), w = leaf({2}), b = leaf({2});
  const auto m = zeros<double>({2}), v = ones<double>({2});
  for (const auto& y : {batch_norm(x, m, v, w, b, {.training = true}), batch_norm(x, m, v, w, b),
                        group_norm(x, 2, w, b), instance_norm(x, m, v, w, b)}) {
    CHECK(y.shape() == x.shape());
    const auto gradients = grad(y, {w, b}, {}, zeros<double>(x.shape()));
    CHECK(values(gradients[0]) == std::vector<double>{0, 0});
    CHECK(values(gradients[1]) == std::vector<double>{0, 0});
  }
  CHECK(values(m) == std::vector<double>{0, 0});  // nothing was seen
  CHECK(values(v) == std::vector<double>{1, 1});
  CHECK(batch_norm<double>(zeros<double>({2, 3, 0}), {}, {}, {}, {}, {.training = true}).shape() == Shape{2, 3, 0});
  CHECK(group_norm(zeros<double>({2, 0, 3}), 2).shape() == Shape{2, 0, 3});
  CHECK(values(group_norm(full<double>({2, 2}, 7), 2, {}, Tensor<double>{1, 2})) == std::vector<double>{1, 2, 1, 2});
}

TEST_CASE("batch_norm, group_norm: one thread and two give the same bits") {
  Rng rng(43);
  const RngGuard use(rng);
  for (const Shape& shape : {Shape{8, 16, 700}, Shape{400, 70, 1}, Shape{64, 600, 1}, Shape{3, 4, 9000}}) {
    const auto x = leaf<float>(shape), w = leaf<float>({shape[1]}), b = leaf<float>({shape[1]});
    const auto dy = randn<float>(shape);
    const auto run = [&](int threads) {
      const gloss_test::Threads use_threads(threads);
      const auto y = batch_norm<float>(x, {}, {}, w, b, {.training = true}), z = group_norm(x, 2, w, b);
      std::vector<Tensor<float>> all = {y.detach(), z.detach()};
      for (const auto& g : grad(y, {x, w, b}, {}, dy)) all.push_back(g);
      for (const auto& g : grad(z, {x, w, b}, {}, dy)) all.push_back(g);
      return all;
    };
    const auto one = run(1), two = run(2);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
  }
}

TEST_CASE("batch_norm, group_norm, instance_norm: what does not fit is named, and so is a second derivative") {
  const auto x = zeros<float>({2, 3, 4}), three = zeros<float>({3}), four = zeros<float>({4}), none = x.only_if(false);
  CHECK_ERROR(batch_norm(four, three, three), ShapeError, "batch_norm: x [4] has fewer than 2 axes");
  CHECK_ERROR(batch_norm(x, four, three), ShapeError,
              "batch_norm: running_mean [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(batch_norm(x, three, four), ShapeError,
              "batch_norm: running_var [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(batch_norm(x, three, three, four), ShapeError,
              "batch_norm: weight [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(batch_norm(x, three, three, none, four), ShapeError,
              "batch_norm: bias [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(batch_norm(x, none, none), ShapeError,
              "batch_norm: running_mean and running_var are wanted outside of training");
  CHECK_ERROR(batch_norm(x, three, none), ShapeError,
              "batch_norm: one of running_mean and running_var is given without the other");
  CHECK_ERROR(batch_norm(zeros<float>({1, 3, 1}), none, none, none, none, {.training = true}), ShapeError,
              "batch_norm: training wants more than one value per channel, got x [1, 3, 1]");
  CHECK_ERROR(group_norm(four, 2), ShapeError, "group_norm: x [4] has fewer than 2 axes");
  CHECK_ERROR(group_norm(x, 0), ShapeError, "group_norm: num_groups 0 is not positive");
  CHECK_ERROR(group_norm(x, 2), ShapeError, "group_norm: num_groups 2 does not divide the channels of x [2, 3, 4]");
  CHECK_ERROR(group_norm(x, 3, four), ShapeError, "group_norm: weight [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(group_norm(x, 3, none, four), ShapeError,
              "group_norm: bias [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(group_norm(zeros<float>({1, 3}), 3), ShapeError,
              "group_norm: groups want more than one value, got x [1, 3] in 3 groups");
  CHECK_ERROR(instance_norm(four), ShapeError, "instance_norm: x [4] has fewer than 2 axes");
  CHECK_ERROR(instance_norm(x, four, three), ShapeError,
              "instance_norm: running_mean [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(instance_norm(x, three, four), ShapeError,
              "instance_norm: running_var [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(instance_norm(x, none, none, four), ShapeError,
              "instance_norm: weight [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(instance_norm(x, none, none, none, four), ShapeError,
              "instance_norm: bias [4] does not match the channels of x [2, 3, 4]");
  CHECK_ERROR(instance_norm(x, none, three), ShapeError,
              "instance_norm: one of running_mean and running_var is given without the other");
  CHECK_ERROR(instance_norm(x, none, none, none, none, {.use_input_stats = false}), ShapeError,
              "instance_norm: running_mean and running_var are wanted without use_input_stats");
  CHECK_ERROR(instance_norm(zeros<float>({2, 3})), ShapeError,
              "instance_norm: more than one element per channel is wanted, got x [2, 3]");
}

TEST_CASE("batch_norm: floats far from 0 are centred as in double") {
  Rng rng(33);
  RngGuard use(rng);
  const auto x = cast<float>(randn<double>({16, 40}) * 1e-3 + 1);
  const auto y = batch_norm(x, {}, {}, {}, {}, {.training = true, .eps = 1e-12});
  const auto expected = batch_norm(cast<double>(x), {}, {}, {}, {}, {.training = true, .eps = 1e-12});
  CHECK(gloss_test::relative_to_largest(y, expected) < 1e-6);
}

TEST_CASE("batch_norm: an eps that would make NaN is refused") {
  const auto x = ones<float>({2, 3}), one = ones<float>({3});
  CHECK_ERROR(batch_norm(x, {}, {}, {}, {}, {.training = true, .eps = 0}), Error, "batch_norm: eps 0 is not positive");
  CHECK_ERROR(batch_norm(x, one, one, {}, {}, {.eps = -1}), Error, "batch_norm: eps -1 is negative");
  CHECK(batch_norm(x, one, one, {}, {}, {.eps = 0}).at({0, 0}) == 0);
}
