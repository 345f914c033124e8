#include <gloss/tensor/any_tensor.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("AnyTensor: gives back the tensor it was made from, and names both types when another is asked for") {
  const Tensor<std::int64_t> x{1, 2, 3};
  const AnyTensor any = x;
  CHECK(any.is<std::int64_t>());
  CHECK_FALSE(any.is<float>());
  CHECK(any.as<std::int64_t>().is_same(x));
  CHECK(any.dtype() == "int64");
  CHECK(any.shape() == Shape{3});
  CHECK(any.numel() == 3);
  CHECK(any.bytes() == 24);
  CHECK(any.data() == x.data());
  CHECK_FALSE(any.requires_grad());
  CHECK_ERROR(any.as<float>(), Error, "AnyTensor: the elements are int64, not float32");
  const AnyTensor none;
  CHECK_FALSE(none.defined());
  CHECK_ERROR(none.shape(), Error, "AnyTensor: the tensor is undefined");
  CHECK_ERROR(none.as<bool>(), Error, "AnyTensor: the elements are undefined, not bool");
}
