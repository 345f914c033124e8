// Bare numbers with a list of shapes.
#include <gloss/io/raw_file.hpp>
#include <gloss/tensor/factories.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using io::Dtype;

namespace {
template <class T>
std::string bytes_of(const Tensor<T>& x) {
  return std::string(reinterpret_cast<const char*>(x.data()), std::size_t(x.numel()) * sizeof(T));
}
}  // namespace

TEST_CASE("load_raw: tensors of several types, one behind the other, behind something else") {
  const TempFolder folder;
  const std::string path =
      folder.write("f.bin", "head" + bytes_of(arange<float>(6)) + bytes_of(Tensor<std::int64_t>{7, 8}) +
                                bytes_of(Tensor<bool>{true}));
  const io::TensorFile file = io::load_raw(path,
                                           {{.name = "w", .dtype = Dtype::F32, .shape = {2, 3}},
                                            {.name = "none", .dtype = Dtype::F32, .shape = {0}},
                                            {.name = "ids", .dtype = Dtype::I64, .shape = {2}},
                                            {.name = "flag", .dtype = Dtype::BOOL, .shape = {}}},
                                           4);
  CHECK(file.tensor<float>("w").at({1, 2}) == 5);
  CHECK(file.tensor<double>("w").at({0, 1}) == 1);
  CHECK(file.tensor<std::int64_t>("ids").at({1}) == 8);
  CHECK(file.tensor<bool>("flag").item());
  CHECK(file.tensor<float>("none").shape() == Shape{0});
}

TEST_CASE("load_raw: a file of another size is refused") {
  const TempFolder folder;
  const std::string path = folder.write("f.bin", std::string(24, '\0')), begin = "load_raw: " + path + ": ";
  CHECK_ERROR(io::load_raw(path, {{.name = "w", .dtype = Dtype::F32, .shape = {7}}}), LoadError,
              begin + "w: F32 [7] takes 28 bytes, of 24 there are 24 left");
  CHECK_ERROR(io::load_raw(path, {{.name = "w", .dtype = Dtype::F32, .shape = {5}}}), LoadError,
              begin + "it has 24 bytes, the shapes take 20");
  CHECK_ERROR(io::load_raw(path, {{.name = "w", .dtype = Dtype::F32, .shape = {1}}}, 100), LoadError,
              begin + "w: F32 [1] takes 4 bytes, of 24 there are 0 left");
  CHECK_ERROR(io::load_raw(path, {{.name = "w", .dtype = Dtype::F32, .shape = {Index{1} << 40, Index{1} << 40}}}),
              LoadError, begin + "w: [1099511627776, 1099511627776] is no shape");
  CHECK_ERROR(io::load_raw(path, {{.name = "w", .dtype = Dtype::F64, .shape = {Index{1} << 60}}}), LoadError,
              begin + "w: F64 [1152921504606846976] takes 9223372036854775808 bytes, of 24 there are 24 left");
}
