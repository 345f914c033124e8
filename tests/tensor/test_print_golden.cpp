// repr() against what PyTorch prints: tests/golden/generate_print.py
#include <gloss/iostream.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

template <class T>
std::string written(const gloss_test::Golden& golden, const std::string& prefix) {
  const auto o = gloss_test::values(golden.tensor<std::int64_t>(prefix + "options"));
  auto x = golden.tensor<T>(prefix + "x");
  if constexpr (Real<T>)
    if (golden.has(prefix + "grad")) x.requires_grad_();
  return repr(x, {.precision = static_cast<int>(o[0]), .threshold = o[1], .edgeitems = o[2], .linewidth = o[3]});
}

}  // namespace

TEST_CASE("repr: is PyTorch's, letter for letter, but for the case of true and false") {
  const gloss_test::Golden golden("print.safetensors");
  const Index count = golden.integer("count", 0);
  CHECK(count > 250);
  for (Index i = 0; i < count; ++i) {
    const std::string prefix = std::to_string(i) + "/";
    std::string expected;
    for (const std::uint8_t c : gloss_test::values(golden.tensor<std::uint8_t>(prefix + "text")))
      expected += static_cast<char>(c);
    INFO(prefix);
    const io::Dtype dtype = golden.file().find(prefix + "x")->dtype;
    const std::string got = dtype == io::Dtype::F32    ? written<float>(golden, prefix)
                            : dtype == io::Dtype::F64  ? written<double>(golden, prefix)
                            : dtype == io::Dtype::BF16 ? written<bfloat16>(golden, prefix)
                            : dtype == io::Dtype::I64  ? written<std::int64_t>(golden, prefix)
                            : dtype == io::Dtype::I32  ? written<std::int32_t>(golden, prefix)
                            : dtype == io::Dtype::U8   ? written<std::uint8_t>(golden, prefix)
                                                       : written<bool>(golden, prefix);
    expected = replaced(replaced(expected, "True", "true"), "False", "false");
    CHECK(replaced(got, "requires_grad=True", "requires_grad=true") == expected);
  }
}

TEST_CASE("repr: a result names the op that made it, an undefined tensor is undefined") {
  const auto x = Tensor<float>{1, 2}.requires_grad_();
  CHECK(repr(x.transpose(0, 0)) == "tensor([1., 2.], grad_fn=<transpose>)");
  CHECK(repr(Tensor<float>()) == "undefined");
  CHECK(repr(scalar<std::int32_t>(3)) == "tensor(3, dtype=int32)");
}

TEST_CASE("to_string: options for one call") {
  const Tensor<double> x{0.123456, 2};
  CHECK(to_string(x, {.precision = 2}) == "[0.12, 2.00]");
  CHECK(to_string(arange<std::int64_t>(10), {.threshold = 5, .edgeitems = 1}) == "[0,  ..., 9]");
  CHECK(to_string(arange<std::int64_t>(6), {.linewidth = 10}) == "[0, 1, 2,\n 3, 4, 5]");
  CHECK(to_string(arange<std::int64_t>(6), {.threshold = 2, .edgeitems = 0}) == "[...]");
}
