// Element-wise ops, logic and creation: gradients by difference quotients, second derivatives, errors and edges.
#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/kernels/erfinv.hpp>
#include <gloss/ops/isclose.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;
using Unary = Tensor<double> (*)(const Tensor<double>&);

namespace {

struct Function {
  const char* name;
  Unary f;
  double low, high;  // where it is smooth
};
const Function functions[] = {
    {"sin", [](const Tensor<double>& x) { return sin(x); }, -3, 3},
    {"cos", [](const Tensor<double>& x) { return cos(x); }, -3, 3},
    {"tan", [](const Tensor<double>& x) { return tan(x); }, -1, 1},
    {"asin", [](const Tensor<double>& x) { return asin(x); }, -0.8, 0.8},
    {"acos", [](const Tensor<double>& x) { return acos(x); }, -0.8, 0.8},
    {"atan", [](const Tensor<double>& x) { return atan(x); }, -3, 3},
    {"sinh", [](const Tensor<double>& x) { return sinh(x); }, -2, 2},
    {"cosh", [](const Tensor<double>& x) { return cosh(x); }, -2, 2},
    {"asinh", [](const Tensor<double>& x) { return asinh(x); }, -2, 2},
    {"acosh", [](const Tensor<double>& x) { return acosh(x); }, 1.5, 3},
    {"atanh", [](const Tensor<double>& x) { return atanh(x); }, -0.8, 0.8},
    {"exp2", [](const Tensor<double>& x) { return exp2(x); }, -2, 2},
    {"expm1", [](const Tensor<double>& x) { return expm1(x); }, -2, 2},
    {"log2", [](const Tensor<double>& x) { return log2(x); }, 0.5, 3},
    {"log10", [](const Tensor<double>& x) { return log10(x); }, 0.5, 3},
    {"log1p", [](const Tensor<double>& x) { return log1p(x); }, -0.5, 3},
    {"rsqrt", [](const Tensor<double>& x) { return rsqrt(x); }, 0.5, 3},
    {"square", [](const Tensor<double>& x) { return square(x); }, -2, 2},
    {"reciprocal", [](const Tensor<double>& x) { return reciprocal(x); }, 0.5, 3},
    {"erfc", [](const Tensor<double>& x) { return erfc(x); }, -2, 2},
    {"erfinv", [](const Tensor<double>& x) { return erfinv(x); }, -0.8, 0.8},
    {"frac", [](const Tensor<double>& x) { return frac(x) * x; }, 1.1, 1.9},
    {"silu", [](const Tensor<double>& x) { return silu(x); }, -3, 3},
    {"softplus", [](const Tensor<double>& x) { return softplus(x, {.beta = 2}); }, -3, 3},
    {"log_sigmoid", [](const Tensor<double>& x) { return log_sigmoid(x); }, -3, 3},
    {"leaky_relu", [](const Tensor<double>& x) { return leaky_relu(x, 0.3) * x; }, 0.1, 2},
    {"elu", [](const Tensor<double>& x) { return elu(x, 0.7); }, -2, -0.1},
    {"logit", [](const Tensor<double>& x) { return logit(x); }, 0.2, 0.8},
    {"hardtanh", [](const Tensor<double>& x) { return hardtanh(x) * x; }, -0.9, 0.9},
    {"nan_to_num", [](const Tensor<double>& x) { return nan_to_num(x) * x; }, -1, 1},
    {"abs", [](const Tensor<double>& x) { return abs(x) * x; }, -2, -0.1},
    {"clamp", [](const Tensor<double>& x) { return clamp(x, -1, 1) * x; }, -0.9, 0.9},
    {"pow of a number", [](const Tensor<double>& x) { return pow(1.7, x); }, -2, 2},
    {"cube", [](const Tensor<double>& x) { return pow(x, 3); }, -2, 2},
};

Tensor<double> strided(const Tensor<double>& x) { return x.transpose(0, 1).slice(1, 0, 4, 1); }

}  // namespace

TEST_CASE("element-wise functions: first and second derivatives agree with difference quotients") {
  Rng rng(11);
  RngGuard use(rng);
  for (const Function& c : functions) {
    INFO(c.name);
    const auto x = rand<double>({2, 3}, c.low, c.high).requires_grad_();
    CHECK(gradcheck([&](const V& in) { return c.f(in[0].transpose(0, 1)); }, {x}));
    CHECK(gradcheck(
        [&](const V& in) {
          const GradGuard on(true);  // for the difference quotients, too
          return grad(sum(c.f(in[0])), {in[0]}, {.create_graph = true})[0];
        },
        {x}));
  }
}

TEST_CASE("functions of two tensors: derivatives agree with difference quotients, broadcast and strided") {
  Rng rng(12);
  RngGuard use(rng);
  auto leaf = [](const Shape& s, double low, double high) { return rand<double>(s, low, high).requires_grad_(); };
  auto check = [&](auto f, double low, double high) {
    const V in = {leaf({2, 1, 3}, low, high), leaf({4, 1}, low + 0.05, high + 0.05)};
    CHECK(gradcheck([&](const V& x) { return f(x[0].transpose(0, 2), x[1].transpose(0, 1)); },
                    {leaf({2, 1, 3}, low, high), leaf({1, 4}, low + 0.05, high + 0.05)}));
    CHECK(gradcheck(
        [&](const V& x) {
          const GradGuard on(true);
          const auto g = grad(sum(f(x[0], x[1])), {x[0], x[1]}, {.create_graph = true});
          return g[0] * sum(g[1]);
        },
        in));
  };
  check([](auto a, auto b) { return atan2(a, b); }, 0.5, 2);
  check([](auto a, auto b) { return hypot(a, b); }, 0.5, 2);
  check([](auto a, auto b) { return logaddexp(a, b); }, -1, 1);
  check([](auto a, auto b) { return maximum(a, b) * a; }, -1, 1);
  check([](auto a, auto b) { return minimum(a, b) * a; }, -1, 1);
  check([](auto a, auto b) { return fmax(a, b) * fmin(a, b); }, -1, 1);
  check([](auto a, auto b) { return lerp(a, b, 0.3) * a; }, -1, 1);
  check([](auto a, auto b) { return lerp(a, b, a * b); }, 0.1, 0.6);
  check([](auto a, auto b) { return addcmul(a, a, b, 2) + addcdiv(a, a, b, -1); }, 0.5, 2);
  check([](auto a, auto b) { return pow(a, b); }, 0.5, 2);
  check([](auto a, auto b) { return clamp(a * 3, b, b + 1) * a; }, -1, 1);
  CHECK(gradcheck([](const V& x) { return fmod(x[0], x[1]) + remainder(x[0], -x[1]); },
                  {leaf({2, 3}, 5.1, 5.9), leaf({3}, 1.51, 1.69)}));
}

TEST_CASE("element-wise functions: views, one element and none give what dense ones give") {
  Rng rng(13);
  RngGuard use(rng);
  for (const Function& c : functions) {
    INFO(c.name);
    const auto x = rand<double>({4, 3}, c.low, c.high);
    CHECK(gloss_test::same_bits(c.f(strided(x)), strided(c.f(x)).contiguous()));
    CHECK(c.f(x.select(0, 1).select(0, 2)).shape() == Shape{});
    CHECK(c.f(zeros<double>({2, 0})).shape() == Shape{2, 0});
  }
}

TEST_CASE("element-wise functions: a large tensor is cut over threads without a seam") {
  const auto x = linspace<double>(-3, 3, 100'003);
  const auto y = atan2(sin(x), cos(x));
  double worst = 0;
  for (Index i = 0; i < x.numel(); ++i) worst = std::max(worst, std::abs(y.data()[i] - x.data()[i]));
  CHECK(worst < 1e-15);
}

TEST_CASE("relu: NaN lets the gradient through, as in PyTorch") {
  const auto x = Tensor<double>{NAN, -1, 0, 2}.requires_grad_();
  sum(relu(x)).backward();
  CHECK(gloss_test::values(x.grad()) == std::vector<double>{1, 0, 0, 1});
}

TEST_CASE(
    "clamp, maximum, amax, relu and their kin: what was not chosen has no part in a gradient of NaN or infinity") {
  const auto x = Tensor<double>{-2, 3, 0.5}.requires_grad_(), other = Tensor<double>{1, 1, 1};
  for (const bool recorded : {false, true})
    for (const double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      const auto dy = Tensor<double>{bad, bad, 1};
      const auto slope = [&](const Tensor<double>& y, const Tensor<double>& g) {
        return gloss_test::values(grad(y, {x}, {.create_graph = recorded}, g)[0]);
      };
      CHECK(slope(clamp(x, 0, 1), dy) == std::vector<double>{0, 0, 1});
      CHECK(slope(clamp(x, Tensor<double>{0, 0, 0}, other), dy) == std::vector<double>{0, 0, 1});
      CHECK(slope(maximum(x, other), dy)[0] == 0);
      CHECK(slope(minimum(x, other), dy)[1] == 0);
      CHECK(slope(fmax(x, other), dy)[0] == 0);
      CHECK(slope(fmin(x, other), dy)[1] == 0);
      CHECK(slope(where(x > 0, x, other), dy)[0] == 0);
      CHECK(slope(relu(x), dy)[0] == 0);
      CHECK(slope(linear(x.unsqueeze(1), ones<double>({1, 1}), {}, Activation::relu), dy.unsqueeze(1))[0] == 0);
      CHECK(slope(relu_dropout(x, 1e-9), dy)[0] == 0);
      CHECK(slope(amax(x, 0), scalar<double>(bad))[0] == 0);
      CHECK(slope((max)(x, 0).values, scalar<double>(bad))[2] == 0);
    }
}

TEST_CASE("functions of two tensors: shapes that do not broadcast are named with the function") {
  const auto a = zeros<float>({2, 3}), b = zeros<float>({4});
  const std::string tail = ": shapes do not broadcast: a [2, 3], b [4] differ at axis -1";
  CHECK_ERROR(atan2(a, b), ShapeError, "atan2" + tail);
  CHECK_ERROR(hypot(a, b), ShapeError, "hypot" + tail);
  CHECK_ERROR(maximum(a, b), ShapeError, "maximum" + tail);
  CHECK_ERROR(minimum(a, b), ShapeError, "minimum" + tail);
  CHECK_ERROR(fmax(a, b), ShapeError, "fmax" + tail);
  CHECK_ERROR(fmin(a, b), ShapeError, "fmin" + tail);
  CHECK_ERROR(fmod(a, b), ShapeError, "fmod" + tail);
  CHECK_ERROR(remainder(a, b), ShapeError, "remainder" + tail);
  CHECK_ERROR(floor_divide(a, b), ShapeError, "floor_divide" + tail);
  CHECK_ERROR(trunc_divide(a, b), ShapeError, "trunc_divide" + tail);
  CHECK_ERROR(logaddexp(a, b), ShapeError, "logaddexp" + tail);
  CHECK_ERROR(isclose(a, b), ShapeError, "isclose" + tail);
  CHECK_ERROR(pow(a, b), ShapeError, "pow" + tail);
  CHECK_ERROR(clamp(a, b, b), ShapeError, "clamp" + tail);
  CHECK_ERROR(a == b, ShapeError, "eq" + tail);
  CHECK_ERROR(a != b, ShapeError, "ne" + tail);
  CHECK_ERROR(a < b, ShapeError, "lt" + tail);
  CHECK_ERROR(a <= b, ShapeError, "le" + tail);
  CHECK_ERROR(a > b, ShapeError, "gt" + tail);
  CHECK_ERROR(a >= b, ShapeError, "ge" + tail);
  CHECK_ERROR(logical_and(a, b), ShapeError, "logical_and" + tail);
  CHECK_ERROR(logical_or(a, b), ShapeError, "logical_or" + tail);
  CHECK_ERROR(logical_xor(a, b), ShapeError, "logical_xor" + tail);
  CHECK_ERROR((a > 0) & (b > 0), ShapeError, "bitwise_and" + tail);
  CHECK_ERROR((a > 0) | (b > 0), ShapeError, "bitwise_or" + tail);
  CHECK_ERROR((a > 0) ^ (b > 0), ShapeError, "bitwise_xor" + tail);
  CHECK_ERROR(lerp(a, b, 0.5), ShapeError, "lerp" + tail);
  CHECK_ERROR(addcmul(a, a, b), ShapeError, "addcmul" + tail);
  CHECK_ERROR(addcdiv(a, a, b), ShapeError, "addcdiv" + tail);
}

TEST_CASE("whole numbers: division by zero throws, and the smallest number over -1 wraps") {
  const Tensor<std::int64_t> a = {5, -5}, zero = {1, 0};
  CHECK_ERROR(a % zero, Error, "remainder: division by zero");
  CHECK_ERROR(fmod(a, 0), Error, "fmod: division by zero");
  CHECK_ERROR(floor_divide(a, 0), Error, "floor_divide: division by zero");
  CHECK_ERROR(trunc_divide(a, zero), Error, "trunc_divide: division by zero");
  CHECK(floor_divide(zeros<std::int64_t>({0}), 0).numel() == 0);
  const Tensor<std::int64_t> low = {INT64_MIN}, minus = {-1};
  CHECK(floor_divide(low, minus).item() == INT64_MIN);
  CHECK(trunc_divide(low, minus).item() == INT64_MIN);
  CHECK((low % minus).item() == 0);
  CHECK(fmod(low, minus).item() == 0);
  CHECK((low - 1).item() == INT64_MAX);
  CHECK((-low).item() == INT64_MIN);
  CHECK(gloss_test::values(a % 3) == std::vector<std::int64_t>{2, 1});
  CHECK(gloss_test::values(fmod(a, 3)) == std::vector<std::int64_t>{2, -2});
  CHECK_ERROR(pow(a, -1), Error, "pow: whole numbers to the power -1");
  CHECK(gloss_test::values(3 - Tensor<std::uint8_t>{1, 5}) == std::vector<std::uint8_t>{2, 254});
}

TEST_CASE("whole numbers: a floating-point number beside them does not compile") {
  auto times_half = [](auto x) {
    return requires { x * 0.5; };
  };
  auto times_two = [](auto x) {
    return requires { x * 2; };
  };
  CHECK(times_half(Tensor<float>()));
  CHECK_FALSE(times_half(Tensor<std::int64_t>()));
  CHECK(times_two(Tensor<std::int64_t>()));
  auto over = [](auto a, auto b) {
    return requires { a / b; };
  };
  CHECK(over(Tensor<float>(), Tensor<float>()));
  CHECK_FALSE(over(Tensor<std::int64_t>(), Tensor<std::int64_t>()));
  auto plus = [](auto a, auto b) {
    return requires { a + b; };
  };
  CHECK_FALSE(plus(Tensor<float>(), Tensor<double>()));
  CHECK_FALSE(plus(Tensor<std::int64_t>(), Tensor<std::int32_t>()));
  auto minus = [](auto a, auto b) {
    return requires { a - b; };
  };
  CHECK_FALSE(minus(Tensor<bool>(), Tensor<bool>()));
  CHECK_FALSE(plus(Tensor<bfloat16>(), Tensor<bfloat16>()));
}

TEST_CASE("comparisons: a number may stand on either side") {
  const Tensor<float> x = {1, 2, 3};
  using B = std::vector<bool>;
  CHECK(gloss_test::values(2 < x) == B{false, false, true});
  CHECK(gloss_test::values(2 <= x) == B{false, true, true});
  CHECK(gloss_test::values(2 > x) == B{true, false, false});
  CHECK(gloss_test::values(2 >= x) == B{true, true, false});
  CHECK(gloss_test::values(2 == x) == B{false, true, false});
  CHECK(gloss_test::values(2 != x) == B{true, false, true});
  CHECK(gloss_test::values(x > 2.5) == B{false, false, true});
  CHECK(gloss_test::values(cast<bfloat16>(x) >= 2) == B{false, true, true});
}

TEST_CASE("equal, allclose: of shapes, NaN and tolerances") {
  const Tensor<double> a = {1, 2}, b = {1, 2 + 1e-6}, n = {1, NAN};
  CHECK(equal(a, a));
  CHECK_FALSE(equal(a, b));
  CHECK_FALSE(equal(a, a.unsqueeze(0)));
  CHECK_FALSE(equal(n, n));
  CHECK(equal(zeros<float>({0}), zeros<float>({0})));
  CHECK(allclose(a, b));
  CHECK_FALSE(allclose(a, b, {.rtol = 1e-8}));
  CHECK_FALSE(allclose(n, n));
  CHECK(allclose(n, n, {.equal_nan = true}));
  CHECK(allclose(zeros<float>({0}), ones<float>({1})));
  CHECK_FALSE(allclose(Tensor<double>{INFINITY}, Tensor<double>{1e300}, {.rtol = INFINITY}));
}

TEST_CASE("isclose: a difference of large whole numbers is not lost in double") {
  const Tensor<std::int64_t> a = {INT64_MAX}, b = {INT64_MAX - 1};
  CHECK(isclose(a, a).item());
  CHECK_FALSE(isclose(a, b, {.rtol = 0, .atol = 0}).item());
}

TEST_CASE("logaddexp: the gradient of the smaller one keeps its digits") {
  for (const float gap : {10.0f, 30.0f, 80.0f}) {
    const auto a = scalar<float>(gap).requires_grad_(), b = scalar<float>(0).requires_grad_();
    logaddexp(a, b).backward();
    const auto share = 1 / (1 + std::exp(static_cast<double>(gap)));
    CHECK(static_cast<double>(b.grad().item()) == Approx(share).epsilon(1e-6));
    CHECK(a.grad().item() == Approx(1 - share));
    a.zero_grad();
    b.zero_grad();
    logaddexp(b, a).backward();
    CHECK(static_cast<double>(b.grad().item()) == Approx(share).epsilon(1e-6));
  }
}

TEST_CASE("isclose, hardtanh: bounds that are none are refused") {
  const auto x = ones<float>({2});
  CHECK_ERROR(isclose(x, x, {.rtol = -1}), Error, "isclose: rtol -1 is not at least 0");
  CHECK_ERROR(isclose(x, x, {.atol = -0.5}), Error, "isclose: atol -0.5 is not at least 0");
  CHECK_ERROR(allclose(x, x, {.atol = NAN}), Error, "isclose: atol nan is not at least 0");
  CHECK(allclose(x, x + 1, {.rtol = INFINITY}));
  CHECK_ERROR(hardtanh(x, 2, 1), Error, "hardtanh: from 2 to 1 is no range");
  CHECK_ERROR(hardtanh(x, NAN, 1), Error, "hardtanh: from nan to 1 is no range");
  CHECK(hardtanh(x, 3, 3).at({0}) == 3);
}
