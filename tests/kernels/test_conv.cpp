#include <gloss/kernels/conv.hpp>
#include <gloss/kernels/pool.hpp>
#include <gloss/kernels/window.hpp>
#include <gloss/kernels/window_sums.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

class Pick {
 public:
  explicit Pick(unsigned seed) : engine_(seed) {}
  Index operator()(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  k::Window window() {
    for (;;) {
      const Index in = (*this)(0, 1) ? (*this)(1, 40) : (*this)(1, 9);
      k::Window w{in, 1, (*this)(1, 5), (*this)(1, 4), (*this)(0, 3), (*this)(1, 3)};
      const Index room = in + w.before + (*this)(0, 3) - (w.kernel - 1) * w.dilation - 1;
      if (room < 0) continue;
      w.out = room / w.stride + 1;
      return w;
    }
  }
  k::Conv conv() {
    k::Conv c;
    c.batch = (*this)(1, 4);
    c.groups = (*this)(0, 2) == 0 ? (*this)(1, 5) : 1;
    c.ins = (*this)(0, 1) ? (*this)(1, 20) : (*this)(1, 3);
    c.outs = (*this)(0, 1) ? (*this)(1, 150) : (*this)(1, 5);
    c.h = window();
    c.w = window();
    if ((*this)(0, 4) == 0) c.h = k::Window{c.h.in, c.h.in, 1, 1, 0, 1}, c.w = k::Window{c.w.in, c.w.in, 1, 1, 0, 1};
    return c;
  }
  /// 3x3 with stride 1 or 2, of as many channels as winograd's filter takes.
  k::Conv filter() {
    const Index stride = (*this)(1, 2);
    const auto window = [&] {
      const Index in = (*this)(7, 35), before = (*this)(0, 3);
      return k::Window{in, (in + before + (*this)(0, 3) - 3) / stride + 1, 3, stride, before, 1};
    };
    return {(*this)(4, 6), (*this)(1, 2), (*this)(16, 40), (*this)(16, 60), window(), window()};
  }
  /// The same on planes of which several make a unit of work.
  k::Conv small_filter() {
    const Index stride = (*this)(1, 2);
    const auto window = [&] {
      const Index in = (*this)(3, 12), before = (*this)(0, 2), after = (*this)(0, 3);
      return k::Window{in, (in + before + after - 3) / stride + 1, 3, stride, before, 1};
    };
    return {(*this)(48, 60), (*this)(1, 2), (*this)(8, 40), (*this)(8, 80), window(), window()};
  }
  /// Windows of one cell, apart from each other.
  k::Conv skips() {
    const auto window = [&] {
      const Index in = (*this)(1, 35), stride = (*this)(1, 3);
      return k::Window{in, (*this)(1, static_cast<int>((in - 1) / stride + 1)), 1, stride, 0, 1};
    };
    return {(*this)(1, 6), (*this)(1, 3), (*this)(1, 40), (*this)(1, 60), window(), window()};
  }
  /// Windows side by side.
  k::Conv patches() {
    const auto window = [&] {
      const Index out = (*this)(6, 9), kernel = (*this)(4, 7);
      return k::Window{out * kernel + (*this)(0, 1) * (*this)(0, 5), out, kernel, kernel, 0, 1};
    };
    return {(*this)(1, 6), (*this)(1, 2), (*this)(1, 4), (*this)(1, 50), window(), window()};
  }

 private:
  std::mt19937 engine_;
};

template <class T>
struct Passes {
  std::vector<T> y, dx, dw, db;
};

template <class T>
struct Data {
  std::vector<T> x, w, b, dy;
  Data(const k::Conv& c, unsigned seed)
      : x(random_values<T>(c.batch * c.x_image(), seed)),
        w(random_values<T>(c.weights(), seed + 1)),
        b(random_values<T>(c.groups * c.outs, seed + 2)),
        dy(random_values<T>(c.batch * c.y_image(), seed + 3)) {}
};

/// All passes; what a pass does not write is NaN.
template <class T>
Passes<T> run(const k::Conv& c, const Data<T>& d) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  Passes<T> p{std::vector<T>(d.dy.size(), nan), std::vector<T>(d.x.size(), nan), std::vector<T>(d.w.size(), nan),
              std::vector<T>(d.b.size(), nan)};
  const auto scratch = [](Index n) { return std::vector<T>(static_cast<std::size_t>(n)); };
  auto s = scratch(k::conv_scratch<T>(c));
  k::conv_forward(c, d.x.data(), d.w.data(), d.b.data(), p.y.data(), s.data());
  s = scratch(k::conv_input_gradient_scratch<T>(c));
  k::conv_input_gradient(c, d.dy.data(), d.w.data(), p.dx.data(), s.data());
  s = scratch(k::conv_weight_gradient_scratch<T>(c));
  k::conv_weight_gradient(c, d.x.data(), d.dy.data(), p.dw.data(), s.data());
  k::conv_bias_gradient(c, d.dy.data(), p.db.data());
  return p;
}

template <class T>
Passes<double> naive(const k::Conv& c, const Data<T>& d) {
  Passes<double> p{std::vector<double>(d.dy.size()), std::vector<double>(d.x.size()), std::vector<double>(d.w.size()),
                   std::vector<double>(d.b.size())};
  for (std::size_t i = 0; i < d.dy.size(); ++i) {
    const std::size_t o = i / static_cast<std::size_t>(c.places()) % d.b.size();
    p.y[i] = static_cast<double>(d.b[o]);
    p.db[o] += static_cast<double>(d.dy[i]);
  }
  k::conv_naive(c, [&](Index at_x, Index at_w, Index at_y) {
    const auto x = static_cast<std::size_t>(at_x), w = static_cast<std::size_t>(at_w),
               y = static_cast<std::size_t>(at_y);
    p.y[y] += static_cast<double>(d.x[x]) * static_cast<double>(d.w[w]);
    p.dx[x] += static_cast<double>(d.dy[y]) * static_cast<double>(d.w[w]);
    p.dw[w] += static_cast<double>(d.dy[y]) * static_cast<double>(d.x[x]);
  });
  return p;
}

/// Relative to the largest, since small elements are sums of large terms.
template <class T>
double scaled(const std::vector<T>& a, const std::vector<double>& b) {
  double worst = 0, largest = 1;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - b[i]);
    worst = d <= worst ? worst : std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
    largest = std::max(largest, std::fabs(b[i]));
  }
  return worst / largest;
}

template <class T>
void check_random(unsigned seeds, k::Conv (Pick::*kind)()) {
  for (unsigned seed = 0; seed < seeds; ++seed) {
    Pick pick(seed);
    const k::Conv c = (pick.*kind)();
    const Data<T> d(c, seed);
    const Passes<T> have = run(c, d);
    const Passes<double> want = naive(c, d);
    INFO("seed " << seed);
    CHECK(scaled(have.y, want.y) < 3 * tolerance<T>);
    CHECK(scaled(have.dx, want.dx) < 3 * tolerance<T>);
    CHECK(scaled(have.dw, want.dw) < 3 * tolerance<T>);
    CHECK(scaled(have.db, want.db) < 3 * tolerance<T>);
  }
}

}  // namespace

TEST_CASE("convolution: random shapes give what the plain loops give, in all passes", "[kernels]") {
  check_random<float>(80, &Pick::conv);
  check_random<double>(80, &Pick::conv);
}

TEST_CASE("convolution: 3x3 kernels and windows side by side give what the plain loops give, in all passes",
          "[kernels]") {
  check_random<float>(12, &Pick::filter);
  check_random<double>(8, &Pick::filter);
  check_random<float>(12, &Pick::small_filter);
  check_random<double>(8, &Pick::small_filter);
  check_random<float>(12, &Pick::skips);
  check_random<double>(8, &Pick::skips);
  check_random<float>(12, &Pick::patches);
  check_random<double>(8, &Pick::patches);
}

TEST_CASE("convolution: winograd's filter is as exact as plain sums, and keeps infinity and NaN where they belong",
          "[kernels]") {
  for (const Index stride : {1, 2}) {
    const k::Window window{30, 30 / stride, 3, stride, 1, 1};
    const k::Conv c{4, 1, 64, 32, window, window};
    REQUIRE(k::detail::suits_winograd(c));
    Data<float> d(c, 1);
    const Passes<float> have = run(c, d);
    const Passes<double> want = naive(c, d);
    CHECK(scaled(have.y, want.y) < tolerance<float>);
    CHECK(scaled(have.dx, want.dx) < tolerance<float>);
    CHECK(scaled(have.dw, want.dw) < tolerance<float>);
    const Index row = 11, column = 14;
    const auto covers = [&](Index place, Index cell) { return std::abs(place * stride - cell) <= 1; };
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      d.x[static_cast<std::size_t>(5 * c.cells() + row * 30 + column)] = bad;
      const auto y = run(c, d).y;
      bool as_it_should = true;
      for (Index i = 0; i < static_cast<Index>(y.size()); ++i) {
        const bool touched =
            i < c.y_image() && covers(i / window.out % window.out, row) && covers(i % window.out, column);
        as_it_should = as_it_should && std::isfinite(y[static_cast<std::size_t>(i)]) != touched;
      }
      CHECK(as_it_should);
    }
  }
}

TEST_CASE("convolution: any number of threads gives the same bits, in all passes", "[kernels]") {
  const auto window = [](Index in, Index kernel, Index stride, Index pad) {
    return k::Window{in, (in + 2 * pad - kernel) / stride + 1, kernel, stride, pad, 1};
  };
  const k::Conv dense{3, 1, 24, 40, window(20, 3, 1, 1), window(30, 3, 1, 1)};
  const k::Conv strided{3, 2, 12, 20, window(20, 3, 2, 1), window(30, 3, 2, 1)};
  const k::Conv small{40, 2, 12, 70, window(9, 3, 1, 1), window(7, 3, 1, 1)};
  const k::Conv small_strided{60, 1, 24, 70, window(9, 3, 2, 1), window(7, 3, 2, 1)};
  const k::Conv depthwise{3, 24, 1, 1, window(20, 3, 1, 1), window(30, 3, 1, 1)};
  const k::Conv wide{3, 1, 24, 40, window(20, 5, 1, 2), window(30, 5, 1, 2)};
  const k::Conv patches{2, 1, 3, 70, window(64, 8, 8, 0), window(48, 8, 8, 0)};
  const k::Conv pointwise{3, 2, 24, 40, window(20, 1, 1, 0), window(30, 1, 1, 0)};
  for (const k::Conv& c : {dense, wide, strided, small, small_strided, depthwise, patches, pointwise}) {
    const Data<float> d(c, 5);
    CHECK(same_for_any_threads([&] {
      Passes<float> p = run(c, d);
      for (const auto* part : {&p.dx, &p.dw, &p.db}) p.y.insert(p.y.end(), part->begin(), part->end());
      return p.y;
    }));
  }
}

TEST_CASE("pooling: any number of threads gives the same bits", "[kernels]") {
  const k::Pool p{64, {20, 10, 3, 2, 1, 1}, {30, 15, 3, 2, 1, 1}};
  const auto x = random_values<float>(p.planes * p.cells(), 1), dy = random_values<float>(p.planes * p.places(), 2);
  CHECK(same_for_any_threads([&] {
    std::vector<float> y(dy.size()), average(dy.size()), dx(x.size()), d_average(x.size());
    std::vector<std::int64_t> index(dy.size());
    k::max_pool_forward(p, x.data(), y.data(), index.data());
    k::max_pool_backward<float>(p.planes, p.cells(), p.places(), dy.data(), index.data(), dx.data());
    k::avg_pool_forward<float>(p, {}, x.data(), average.data());
    k::avg_pool_backward<float>(p, {}, dy.data(), d_average.data());
    for (const auto* part : {&average, &dx, &d_average}) y.insert(y.end(), part->begin(), part->end());
    return y;
  }));
}
