// Element types of files, and the lists that are saved.
#include <gloss/io/dtype.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/nn/linear.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"

using namespace gloss;
using io::Dtype;

TEST_CASE("dtype: each element type has one in files, found by its name") {
  CHECK(io::stored_dtype<float>() == Dtype::F32);
  CHECK(io::stored_dtype<double>() == Dtype::F64);
  CHECK(io::stored_dtype<bfloat16>() == Dtype::BF16);
  CHECK(io::stored_dtype<std::int64_t>() == Dtype::I64);
  CHECK(io::stored_dtype<std::int32_t>() == Dtype::I32);
  CHECK(io::stored_dtype<std::uint8_t>() == Dtype::U8);
  CHECK(io::stored_dtype<bool>() == Dtype::BOOL);
  CHECK(io::find_dtype("F16") == &io::dtype_info(Dtype::F16));
  CHECK(io::find_dtype("F128") == nullptr);
}

TEST_CASE("dtype: elements convert where no meaning is lost") {
  const float stored[] = {1.5f, -2};
  const char* const bytes = reinterpret_cast<const char*>(stored);
  double wide[2] = {};
  CHECK(io::convert_elements(Dtype::F32, bytes, wide, 2));
  CHECK(wide[0] == 1.5);
  CHECK(wide[1] == -2);
  std::int64_t whole[2] = {};
  CHECK_FALSE(io::convert_elements(Dtype::F32, bytes, whole, 2));
  std::int32_t narrow[1] = {};
  CHECK_FALSE(io::convert_elements(Dtype::I64, nullptr, narrow, 0));
  bool truth[2] = {};
  CHECK(io::convert_elements(Dtype::U8, "\x02\x00", truth, 2));
  CHECK(truth[0]);
  CHECK_FALSE(truth[1]);
}

TEST_CASE("io: lists of named arrays and tensors hold what will be written") {
  const Tensor<float> x{1, 2};
  const io::NamedArray array("x", x);
  CHECK(array.name() == "x");
  CHECK(array.npy() == io::to_npy(x));
  const nn::Linear<float> layer(3, 2);
  const auto tensors = io::named_tensors(layer, "part.");
  REQUIRE(tensors.size() == 2);
  CHECK(tensors[0].stored().name == "part.weight");
  CHECK(tensors[1].stored().name == "part.bias");
}

TEST_CASE("AtomicFile: has its name once it is committed") {
  const TempFolder folder;
  io::AtomicFile file(folder.file("a"));
  CHECK(file.path() == folder.file("a"));
  file.write("12", 2);
  file.write("3", 1);
  CHECK_FALSE(std::filesystem::exists(folder.file("a")));
  file.commit();
  CHECK(read_file(folder.file("a")) == "123");
}
