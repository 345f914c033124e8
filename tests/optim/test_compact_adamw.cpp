// AdamW with moments of two bytes or one, against AdamW with those of floats and bounds that follow from the rounding.
#include <cmath>
#include <limits>

#include <gloss/kernels/compact_adam.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/where.hpp>
#include <gloss/optim/compact_adamw.hpp>
#include <gloss/optim/groups.hpp>
#include <gloss/train/checkpoint.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::values;
using optim::CompactAdamW;
using optim::Moments;

namespace {

/// A parameter, and gradients of the sizes 0.5 to 2 and of any sign, which do not depend on it.
template <class T>
struct Problem {
  Rng rng{3};
  Tensor<T> p;

  explicit Problem(Index n) {
    const RngGuard use(rng);
    p = randn<T>({n}).requires_grad_();
  }
  Tensor<T> gradient(Index step) const {
    Rng of_step(11, static_cast<std::uint64_t>(step));
    const RngGuard use(of_step);
    const Tensor<T> size = exp(rand<T>(p.shape(), T(-0.7), T(0.7)));
    return where(rand<T>(p.shape()) < 0.7, size, -size);
  }
  template <class O>
  void steps(O& optimizer, Index from, Index to) {
    for (Index step = from; step < to; ++step) {
      p.set_grad(gradient(step));
      optimizer.step();
      optimizer.zero_grad();
    }
  }
};

/// By how much a number may move when it is packed.
double step_of(Moments kind, bool is_v, double x, double most) {
  const double size = std::abs(x);
  if (kind == Moments::bfloat16) return size * 0x1p-7;
  const double codes = is_v ? 255 : 127, power = is_v ? 4 : 2;
  const double c = std::floor(codes * std::pow(size / most, 1 / power));
  return most * (std::pow((c + 1) / codes, power) - std::pow(c / codes, power));
}

double largest_of_block(const Tensor<float>& x, Index i) {
  const Index first = i / kernels::moment_block * kernels::moment_block;
  double most = 0;
  for (Index k = first; k < (std::min)(first + kernels::moment_block, x.numel()); ++k)
    most = (std::max)(most, static_cast<double>(std::abs(x.data()[k])));
  return most;
}

}  // namespace

TEST_CASE("CompactAdamW: 60 steps are AdamW's, but for what rounding by chance can do") {
  for (const Moments kind : {Moments::bfloat16, Moments::bytes}) {
    INFO(static_cast<int>(kind));
    constexpr Index n = 1000;
    const optim::AdamWOptions options{.lr = 0.01, .betas = {0.9, 0.95}};
    Problem<float> exact(n), rounded(n);
    optim::AdamW<float> adam({exact.p}, options);
    CompactAdamW<float> compact({rounded.p}, options, kind);
    // Each rounding is off by a step at most and by 0 in the mean, so its deviation is half a step at most; roundings
    // add up as sums of independent numbers do, of which 7 deviations are passed once in 10^10 (Hoeffding).
    std::vector<double> m_variance(n), v_variance(n), bound(n);
    for (Index step = 0; step < 60; ++step) {
      exact.steps(adam, step, step + 1);
      rounded.steps(compact, step, step + 1);
      const auto state = adam.state();
      const Tensor<float>&m = state[0].second, &v = state[1].second;
      const double t = static_cast<double>(step + 1);
      const double c1 = 1 - std::pow(0.9, t), c2 = 1 - std::pow(0.95, t);
      for (Index i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i);
        m_variance[k] *= 0.9 * 0.9, v_variance[k] *= 0.95 * 0.95;  // of what this step began with
        const double m_i = static_cast<double>(m.data()[i]), v_i = static_cast<double>(v.data()[i]);
        const double dm = 7 * std::sqrt(m_variance[k]), dv = 7 * std::sqrt(v_variance[k]);
        REQUIRE(dv < 0.9 * v_i);
        const double at = m_i / c1 / std::sqrt(v_i / c2);
        const double high = (std::abs(m_i) + dm) / c1 / std::sqrt((v_i - dv) / c2);
        const double least = (std::abs(m_i) - dm) / c1;
        const double low = least / std::sqrt((least < 0 ? v_i - dv : v_i + dv) / c2);
        bound[k] += 0.01 * (std::max)(high - std::abs(at), std::abs(at) - low) + 1e-6;
        const double m_step = step_of(kind, false, std::abs(m_i) + dm, largest_of_block(m, i) + dm);
        const double v_step = step_of(kind, true, v_i + dv, largest_of_block(v, i) + dv);
        m_variance[k] += m_step * m_step / 4, v_variance[k] += v_step * v_step / 4;
      }
    }
    double squares = 0, moved = 0, widest = 0;
    const std::vector<float> a = values(exact.p), b = values(rounded.p), begin = values(Problem<float>(n).p);
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double off = static_cast<double>(b[k]) - static_cast<double>(a[k]);
      CHECK(std::abs(off) <= bound[k]);
      squares += off * off;
      moved += std::pow(static_cast<double>(a[k] - begin[k]), 2);
      widest = (std::max)(widest, bound[k]);
    }
    const double part = std::sqrt(squares / moved);
    CHECK(part > 1e-5);  // they are rounded
    CHECK(part < (kind == Moments::bfloat16 ? 0.005 : 0.02));
    CHECK(widest < 0.6);  // which is what 60 steps of 0.01 can do
  }
}

TEST_CASE("CompactAdamW: v follows changes that are smaller than half of its rounding step") {
  for (const Moments kind : {Moments::bfloat16, Moments::bytes}) {
    Tensor<float> p = zeros<float>({512}).requires_grad_();
    CompactAdamW<float> adam({p}, {.lr = 0}, kind);
    p.set_grad(ones<float>({512}));
    adam.step();
    for (int step = 1; step < 1000; ++step) {
      p.set_grad(full<float>({512}, step % 2 == 0 ? 1.2f : 0.8f));
      adam.step();
    }
    const double v = static_cast<double>(mean(adam.state()[1].second).item());
    const double expected = 1.04 * (1 - std::pow(0.999, 1000));
    CHECK(std::abs(v - expected) < 0.02 * expected);  // of 512 elements, each off by a twentieth or less
  }
}

TEST_CASE("CompactAdamW: moments take a half and a quarter of the memory of floats") {
  const Tensor<float> p = zeros<float>({1 << 20}).requires_grad_();
  const auto bytes = [&](auto make) {
    const std::size_t before = memory_stats().in_use;
    const auto optimizer = make();
    return memory_stats().in_use - before;
  };
  const std::size_t floats = bytes([&] { return optim::AdamW<float>({p}); });
  const std::size_t halves = bytes([&] { return CompactAdamW<float>({p}); });
  const std::size_t quarters = bytes([&] { return CompactAdamW<float>({p}, {}, Moments::bytes); });
  CHECK(floats >= std::size_t{8} << 20);
  CHECK(static_cast<double>(halves) < 0.505 * static_cast<double>(floats));
  CHECK(static_cast<double>(quarters) < 0.26 * static_cast<double>(floats));
}

TEMPLATE_TEST_CASE("CompactAdamW: the same bits for any number of threads", "", float, double) {
  for (const Moments kind : {Moments::bfloat16, Moments::bytes}) {
    std::vector<TestType> expected;
    for (const int threads : {1, 2, 5}) {
      const gloss_test::Threads use(threads);
      Problem<TestType> problem(100003);
      CompactAdamW<TestType> adam({problem.p}, {}, kind);
      problem.steps(adam, 0, 3);
      if (threads == 1) expected = values(problem.p);
      CHECK(values(problem.p) == expected);
    }
  }
}

TEST_CASE("CompactAdamW: goes on from a saved state with the same bits, and from AdamW's") {
  for (const Moments kind : {Moments::bfloat16, Moments::bytes}) {
    const TempFolder folder;
    Problem<float> whole(1000), first(1000), second(1000);
    CompactAdamW<float> adam({whole.p}, {}, kind), a({first.p}, {}, kind), b({second.p}, {.lr = 7}, kind);
    whole.steps(adam, 0, 20);
    first.steps(a, 0, 12);
    train::Checkpoint saved(folder.file("c.st")), loaded(folder.file("c.st"));
    saved.add("p", first.p), saved.add("optimizer", a);
    saved.save();
    loaded.add("p", second.p), loaded.add("optimizer", b);
    CHECK(loaded.resume());
    second.steps(b, 12, 20);
    CHECK(values(second.p) == values(whole.p));
    CHECK(b.steps() == 20);

    optim::AdamW<float> of_floats({first.p});
    of_floats.load_state(a.state());
    b.load_state(of_floats.state());
    CHECK(values(b.state()[0].second) == values(a.state()[0].second));
    CHECK(values(b.state()[1].second) == values(a.state()[1].second));
    CHECK_ERROR(b.load_state({}), LoadError, "load_state: 0.exp_avg is missing");
  }
}

TEST_CASE("CompactAdamW: groups, a step without a gradient, edges") {
  for (const Moments kind : {Moments::bfloat16, Moments::bytes}) {
    Tensor<float> a = ones<float>({300}).requires_grad_(), b = ones<float>({2, 3}).requires_grad_(),
                  none = ones<float>({0}).requires_grad_(), one = ones<float>({}).requires_grad_();
    const std::vector<CompactAdamW<float>::Group> groups = {{{a, none}, {.lr = 0.5, .weight_decay = 0}},
                                                            {{b, one}, {.lr = 0.25, .weight_decay = 0.2}}};
    CompactAdamW<float> adam(groups, kind);
    a.set_grad(full<float>({300}, 3)), none.set_grad(zeros<float>({0})), one.set_grad(full<float>({}, -2));
    adam.step();
    CHECK(gloss_test::difference(a, full<float>({300}, 0.5)) < 1e-6);  // the first step is lr, whatever the gradient
    CHECK(values(b) == std::vector<float>(6, 1));
    CHECK(std::abs(one.item() - (0.95f + 0.25f)) < 1e-6f);
    adam.set_momentum(0);
    a.set_grad(full<float>({300}, -1));
    adam.step();
    CHECK(a.data()[7] > 0.5f);
    // zeros stay zeros, and infinity and NaN show
    Tensor<float> p = ones<float>({600}).requires_grad_();
    CompactAdamW<float> other({p}, {.weight_decay = 0}, kind);
    p.set_grad(zeros<float>({600}));
    other.step();
    CHECK(values(p) == std::vector<float>(600, 1));
    Tensor<float> g = zeros<float>({600});
    g.data()[3] = std::numeric_limits<float>::quiet_NaN();
    g.data()[400] = std::numeric_limits<float>::infinity();
    p.set_grad(g);
    other.step();
    CHECK(std::isnan(p.data()[3]));
    const auto state = other.state();
    CHECK_FALSE(std::isfinite(state[0].second.data()[3]));
    CHECK_FALSE(std::isfinite(state[1].second.data()[400]));
    CHECK(state[1].second.data()[599] == 0);
  }
  const Tensor<float> p = ones<float>({2}).requires_grad_();
  CHECK_ERROR(CompactAdamW<float>({p}, {.amsgrad = true}), Error,
              "CompactAdamW: amsgrad wants moments that are not rounded: AdamW has it");
  CHECK_ERROR(CompactAdamW<float>({p}, {.betas = {1, 0.9}}), Error, "CompactAdamW: beta 1 is not in [0, 1)");
  CHECK_ERROR(CompactAdamW<float>({p}, {.eps = -1}), Error,
              "CompactAdamW: eps -1 is not a finite number of at least 0");
  CHECK_ERROR(CompactAdamW<float>({p}, {.weight_decay = -1}), Error,
              "CompactAdamW: weight_decay -1 is not a finite number of at least 0");
  CompactAdamW<float> adam({p});
  CHECK_ERROR(adam.set_momentum(1), Error, "CompactAdamW: beta 1 is not in [0, 1)");
}

TEST_CASE("CompactAdamW: a v that is small in its block does not become 0, by which m would be divided") {
  Tensor<float> p = zeros<float>({256}).requires_grad_();
  CompactAdamW<float> adam({p}, {.lr = 0.1, .weight_decay = 0}, Moments::bytes);
  Tensor<float> g = full<float>({256}, 1e-3f);
  g.data()[0] = 1e4f;
  for (int step = 0; step < 20; ++step) {
    p.set_grad(step < 10 ? g : zeros<float>({256}));
    adam.step();
  }
  for (const float x : values(p)) CHECK(std::abs(x) < 20 * 0.1f);
}
