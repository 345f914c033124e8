// Small programs over constants that a compiler sees through, of a kind that one is known to fold wrongly: the first
// half of 32 or 64 bytes is one number, the rest is what its sign extends to. Prints what comes out otherwise.
#include <cstdio>
#include <vector>

#include <gloss/ops/add.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/index.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/where.hpp>

using namespace gloss;

namespace {
int wrong = 0;

/// Whether x is `first` in its first half and `second` in the other.
template <class T>
GLOSS_NOINLINE bool holds(const Tensor<T>& x, double first, double second) {
  const volatile T* const numbers = x.data();
  bool right = true;
  for (Index i = 0; i < x.numel(); ++i)
    right = right && static_cast<double>(numbers[i]) == (i < x.numel() / 2 ? first : second);
  return right;
}
template <class T>
GLOSS_NOINLINE void expect(const char* what, const Tensor<T>& x, double first, double second) {
  if (holds(x, first, second)) return;
  ++wrong;
  std::printf("%s of %s is wrong\n", what, dtype_name<T>());
}

#define ONE_ZERO_2 1, 1, 0, 0
#define ONE_ZERO_4 1, 1, 1, 1, 0, 0, 0, 0
#define ONES_16 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
#define ZEROS_16 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

// In macros and not in functions, so that each program has its constants before its eyes.
#define CHECK_MADE(T, n, ...)                                                                                    \
  expect("a list", from_vector<T>({__VA_ARGS__}, {2, n}), 1, 0);                                                 \
  expect("braces", Tensor<T>{__VA_ARGS__}, 1, 0);                                                                \
  expect("!=", from_vector<T>({__VA_ARGS__}, {2, n}) != T(0), 1, 0);                                             \
  if (const std::vector<T> user{__VA_ARGS__}; gloss::detail::copies_constants()) /* else a notice has said it */ \
    expect("a vector", from_vector(user, {2, n}), 1, 0);
#define CHECK_USED(T, n, ...)                                                                    \
  {                                                                                              \
    static constexpr T constants[] = {__VA_ARGS__};                                              \
    const auto numbers = [&] { return from_data(constants, {2, n}); };                           \
    expect("constants", numbers(), 1, 0);                                                        \
    expect("nested braces", Tensor<T>{{__VA_ARGS__}}, 1, 0);                                     \
    expect("== of two", numbers() == from_vector<T>({__VA_ARGS__}, {2, n}), 1, 1);               \
    expect("== of braces", Tensor<T>{__VA_ARGS__} == T(1), 1, 0);                                \
    expect("cast to float", cast<float>(from_vector<T>({__VA_ARGS__}, {2, n})), 1, 0);           \
    expect("cast to bool", cast<bool>(from_vector<T>({__VA_ARGS__}, {2, n})), 1, 0);             \
    const auto mask = from_vector<T>({__VA_ARGS__}, {2, n}) == T(1);                             \
    expect("where", where(mask, from_vector<T>({__VA_ARGS__}, {2, n}), numbers() + T(1)), 1, 1); \
    expect("masked_fill", masked_fill(from_vector<T>({__VA_ARGS__}, {2, n}), mask, T(0)), 0, 0); \
    Tensor<T> looped = empty<T>({2, n}), filled = full<T>({2, n}, T(1));                         \
    for (Index i = 0; i < 2 * n; ++i) looped.data()[i] = T(i < n);                               \
    expect("a loop", looped, 1, 0);                                                              \
    expect("!= of a loop", looped != T(0), 1, 0);                                                \
    filled[1].zero_();                                                                           \
    expect("full", filled, 1, 0);                                                                \
    expect("full != 0", filled != T(0), 1, 0);                                                   \
  }

}  // namespace

int main() {
  CHECK_MADE(std::int64_t, 2, ONE_ZERO_2)
  CHECK_MADE(double, 2, ONE_ZERO_2)
  CHECK_MADE(std::int32_t, 4, ONE_ZERO_4)
  CHECK_MADE(float, 4, ONE_ZERO_4)
  CHECK_MADE(std::uint8_t, 16, ONES_16, ZEROS_16)
  CHECK_USED(std::int64_t, 2, ONE_ZERO_2)
  expect("a list", from_vector<bool>({ONES_16, ZEROS_16}, {2, 16}), 1, 0);
  expect("~", ~from_vector<bool>({ONES_16, ZEROS_16}, {2, 16}), 0, 1);
  expect("a negative list", from_vector<std::int64_t>({-2, -2, -1, -1}), -2, -1);
  expect("a negative list", from_vector<std::int32_t>({-2, -2, -2, -2, -1, -1, -1, -1}), -2, -1);
  expect("arange", arange<std::int64_t>(4) < 2, 1, 0);
  expect("arange", arange<float>(8) < 4, 1, 0);
  const Shape sizes{1, 1, 0, 0};
  expect("sizes", from_data(sizes.begin(), {4}), 1, 0);
  expect("index", index(arange<std::int64_t>(2), {from_vector<std::int64_t>({1, 1, 0, 0})}), 1, 0);
  return wrong;
}
