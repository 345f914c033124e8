// What is refused with a reason: what the compiler says is in tests/compile_errors, here is that it does not compile.
#include <gloss/gloss.hpp>
#include <gloss/tensor/mistakes.hpp>

#include "support/catch.hpp"

using namespace gloss;
using F = Tensor<float>;
using D = Tensor<double>;
using Ids = Tensor<std::int64_t>;
using Mask = Tensor<bool>;

template <class A, class B>
concept Adds = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Multiplies = requires(A a, B b) {
  a* b;
};
template <class T>
concept HasSoftmax = requires(T x) {
  softmax(x, -1);
};
template <class M>
concept IsMask = requires(F x, M mask) {
  masked_fill(x, mask, 0);
};

TEST_CASE("mistakes: a requires expression tells what compiles from what is refused") {
  STATIC_REQUIRE(Adds<F, F>);
  STATIC_REQUIRE_FALSE(Adds<F, D>);
  STATIC_REQUIRE(Multiplies<Ids, int>);
  STATIC_REQUIRE_FALSE(Multiplies<Ids, double>);
  STATIC_REQUIRE(HasSoftmax<F>);
  STATIC_REQUIRE_FALSE(HasSoftmax<Ids>);
  STATIC_REQUIRE(IsMask<Mask>);
  STATIC_REQUIRE_FALSE(IsMask<Ids>);
}
