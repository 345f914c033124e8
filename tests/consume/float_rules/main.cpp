// Prints nothing, and ends with 0, when numbers follow the rules of IEEE 754: rounding where the formulas count on it,
// NaN, infinities, quotients. Prints what is wrong otherwise.
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/ops/erf.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/isfinite.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/sigmoid.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/tanh.hpp>
#include <gloss/tensor/print.hpp>

using namespace gloss;

int wrong = 0;

/// Compared as text, for the compiler may think that there is no NaN.
void expect(const char* what, const std::string& is, const char* should) {
  if (is == should) return;
  std::printf("%s is %s, not %s\n", what, is.c_str(), should);
  ++wrong;
}
template <class T>
void expect_near(const char* what, const Tensor<T>& is, const std::vector<double>& should) {
  const double tolerance = 16 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < should.size(); ++i) {
    const double got = static_cast<double>(is.data()[i]);
    if (got >= should[i] - tolerance * std::abs(should[i]) && got <= should[i] + tolerance * std::abs(should[i]))
      continue;
    std::printf("%s: %.17g instead of %.17g\n", what, got, should[i]);
    ++wrong;
  }
}

template <Real T>
void check() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> x = {-2, -1, 0.5, 3, 10, -0.3, 1e-3, 7};
  expect_near("exp", exp(x),
              {0.13533528323661270, 0.36787944117144233, 1.6487212707001282, 20.085536923187668, 22026.465794806718,
               std::exp(double(T(-0.3))), std::exp(double(T(1e-3))), 1096.6331584284585});
  expect_near("tanh", tanh(x), {-0.96402758007581688, -0.76159415595576489, 0.46211715726000976, 0.99505475368673045});
  expect_near("erf", erf(x), {-0.99532226501895273, -0.84270079294971487, 0.52049987781304654, 0.99997790950300142});
  expect_near("sigmoid", sigmoid(x),
              {0.11920292202211755, 0.26894142136999512, 0.62245933120185456, 0.95257412682243322});
  expect_near("gelu", gelu(x), {-0.045500263896358417, -0.15865525393145705, 0.34573123063700656, 2.9959503059051097});
  expect_near("log", log(Tensor<T>{0.5, 2, 10, 1.5}),
              {-0.69314718055994531, 0.69314718055994531, 2.3025850929940457, 0.40546510810816438});
  expect_near("softmax", softmax(Tensor<T>{1, 2}, 0), {0.26894142136999512, 0.73105857863000488});
  expect_near("softmax", softmax(Tensor<T>{1, -inf, 2}, 0), {0.26894142136999512, 0, 0.73105857863000488});
  const Tensor<T> q = from_vector<T>({1, 0, 0, 1, 2, 1, 0.5, -1}, {1, 1, 4, 2});
  expect_near("attention", scaled_dot_product_attention(q, q, q),
              {1.2803333428140904, 0.4306973424590044, 0.9555737830961301, 0.6420921802232025, 1.7667458347515634,
               0.8525317738273327, 0.8682504618552033, -0.17371754544430282});
  expect("exp", to_string(exp(Tensor<T>{inf, -inf, nan, 1000, -1000})), "[inf, 0., nan, inf, 0.]");
  expect("log", to_string(log(Tensor<T>{inf, 0, nan, -1})), "[inf, -inf, nan, nan]");
  expect("sigmoid", to_string(sigmoid(Tensor<T>{inf, -inf, nan, 1000, -1000})), "[1., 0., nan, 1., 0.]");
  expect("tanh", to_string(tanh(Tensor<T>{inf, -inf, nan})), "[ 1., -1., nan]");
  expect("isnan", to_string(isnan(Tensor<T>{inf, nan, 1})), "[false,  true, false]");
  expect("isinf", to_string(isinf(Tensor<T>{inf, nan, 1})), "[ true, false, false]");
  expect("1 / x", to_string(T(1) / Tensor<T>{inf, 0, 4, inf, nan}), "[0.0000,    inf, 0.2500, 0.0000,    nan]");
  expect("x / 49", to_string(Tensor<T>{49, 98, inf, 4.9e3} / T(49)), "[  1.,   2.,  inf, 100.]");
  expect("max", to_string(max(Tensor<T>{1, nan, 3})), "nan");
}

int main() {
  try {
    check<float>();
    check<double>();
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
    return 2;
  }
  return wrong == 0 ? 0 : 1;
}
