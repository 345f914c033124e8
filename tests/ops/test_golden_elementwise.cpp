// Element-wise functions against PyTorch, special values included: tests/golden/generate_ops_elementwise.py
#include <gloss/kernels/rectifiers.hpp>
#include <gloss/ops/addcmul.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/erf.hpp>
#include <gloss/ops/hyperbolic.hpp>
#include <gloss/ops/hypot.hpp>
#include <gloss/ops/isfinite.hpp>
#include <gloss/ops/leaky_relu.hpp>
#include <gloss/ops/lerp.hpp>
#include <gloss/ops/logaddexp.hpp>
#include <gloss/ops/logit.hpp>
#include <gloss/ops/maximum.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/remainder.hpp>
#include <gloss/ops/round.hpp>
#include <gloss/ops/sign.hpp>
#include <gloss/ops/silu.hpp>
#include <gloss/ops/softplus.hpp>
#include <gloss/ops/trig.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("golden: trigonometric and hyperbolic functions are PyTorch's", "[ops]") {
  CHECK_GOLDEN("sin", sin(c["x"]));
  CHECK_GOLDEN("cos", cos(c["x"]));
  CHECK_GOLDEN("tan", tan(c["x"]));
  CHECK_GOLDEN("asin", asin(c["x"]));
  CHECK_GOLDEN("acos", acos(c["x"]));
  CHECK_GOLDEN("atan", atan(c["x"]));
  CHECK_GOLDEN("atan2", atan2(c["a"], c["b"]));
  CHECK_GOLDEN("sinh", sinh(c["x"]));
  CHECK_GOLDEN("cosh", cosh(c["x"]));
  CHECK_GOLDEN("asinh", asinh(c["x"]));
  CHECK_GOLDEN("acosh", acosh(c["x"]));
  CHECK_GOLDEN("atanh", atanh(c["x"]));
  CHECK_GOLDEN("hypot", hypot(c["a"], c["b"]));
}

TEST_CASE("golden: exponentials, logarithms and powers are PyTorch's", "[ops]") {
  CHECK_GOLDEN("exp2", exp2(c["x"]));
  CHECK_GOLDEN("expm1", expm1(c["x"]));
  CHECK_GOLDEN("log2", log2(c["x"]));
  CHECK_GOLDEN("log10", log10(c["x"]));
  CHECK_GOLDEN("log1p", log1p(c["x"]));
  CHECK_GOLDEN("logaddexp", logaddexp(c["a"], c["b"]));
  CHECK_GOLDEN("rsqrt", rsqrt(c["x"]));
  CHECK_GOLDEN("square", square(c["x"]));
  CHECK_GOLDEN("reciprocal", reciprocal(c["x"]));
  CHECK_GOLDEN("pow_special", pow(c["x"], c.real("exponent")));
  CHECK_GOLDEN("pow_of_number", pow(c.real("base"), c["x"]));
  CHECK_GOLDEN("pow_tensors", pow(c["a"], c["b"]));
  CHECK_GOLDEN("erfc", erfc(c["x"]));
  CHECK_GOLDEN("erfinv", erfinv(c["x"]));
  CHECK_GOLDEN_EXACT("erfinv_edges", Doubles, erfinv(c["x"]));
}

TEST_CASE("golden: rounding and signs are PyTorch's, to the sign of zero", "[ops]") {
  CHECK_GOLDEN("floor", floor(c["x"]));
  CHECK_GOLDEN("ceil", ceil(c["x"]));
  CHECK_GOLDEN("trunc", trunc(c["x"]));
  CHECK_GOLDEN("round", round(c["x"]));
  CHECK_GOLDEN("round_decimals", round(c["x"], static_cast<int>(c.integer("decimals"))));
  CHECK_GOLDEN("frac", frac(c["x"]));
  CHECK_GOLDEN("sign", sign(c["x"]));
  CHECK_GOLDEN_EXACT("ceil", Doubles, ceil(c["x"]));
  CHECK_GOLDEN_EXACT("trunc", Doubles, trunc(c["x"]));
  CHECK_GOLDEN_EXACT("round", Doubles, round(c["x"]));
}

TEST_CASE("golden: what two numbers give is PyTorch's, for every pair of special values", "[ops]") {
  CHECK_GOLDEN("maximum", maximum(c["a"], c["b"]));
  CHECK_GOLDEN("minimum", minimum(c["a"], c["b"]));
  CHECK_GOLDEN("fmax", fmax(c["a"], c["b"]));
  CHECK_GOLDEN("fmin", fmin(c["a"], c["b"]));
  CHECK_GOLDEN("fmod", fmod(c["a"], c["b"]));
  CHECK_GOLDEN("remainder", c["a"] % c["b"]);
  CHECK_GOLDEN("floor_divide", floor_divide(c["a"], c["b"]));
  CHECK_GOLDEN("trunc_divide", trunc_divide(c["a"], c["b"]));
  CHECK_GOLDEN("lerp", lerp(c["a"], c["b"], c.real("weight")));
  CHECK_GOLDEN("lerp_tensor", lerp(c["a"], c["b"], c["weight"]));
  CHECK_GOLDEN("addcmul", addcmul(c["x"], c["a"], c["b"], c.real("value")));
  CHECK_GOLDEN("addcdiv", addcdiv(c["x"], c["a"], c["b"], c.real("value")));
}

TEST_CASE("golden: bounds and replacements are PyTorch's", "[ops]") {
  CHECK_GOLDEN("clamp_special", clamp(c["x"], c.real("low"), c.real("high")));
  CHECK_GOLDEN("clamp_min", clamp_min(c["x"], c.real("low")));
  CHECK_GOLDEN("clamp_max", clamp_max(c["x"], c.real("high")));
  CHECK_GOLDEN("clamp_tensors", clamp(c["x"], c["low"], c["high"]));
  CHECK_GOLDEN("nan_to_num", [&] {
    using T = typename std::remove_cvref_t<decltype(c["x"])>::value_type;
    if (!c.has("nan")) return nan_to_num(c["x"]);
    return nan_to_num(c["x"], {.nan = static_cast<T>(c.real("nan")),
                               .posinf = static_cast<T>(c.real("posinf")),
                               .neginf = static_cast<T>(c.real("neginf"))});
  }());
}

TEST_CASE("golden: activations are PyTorch's", "[ops]") {
  CHECK_GOLDEN("silu", silu(c["x"]));
  CHECK_GOLDEN("softplus", softplus(c["x"]));
  CHECK_GOLDEN("softplus_options", softplus(c["x"], {.beta = c.real("beta"), .threshold = c.real("threshold")}));
  CHECK_GOLDEN("log_sigmoid", log_sigmoid(c["x"]));
  CHECK_GOLDEN("leaky_relu", leaky_relu(c["x"], c.has("slope") ? c.real("slope") : 0.01));
  CHECK_GOLDEN("elu", elu(c["x"], c.has("alpha") ? c.real("alpha") : 1));
  CHECK_GOLDEN("hardtanh", hardtanh(c["x"]));
  CHECK_GOLDEN("logit", c.has("eps") ? logit(c["x"], c.real("eps")) : logit(c["x"]));
}
