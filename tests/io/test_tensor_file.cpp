// What every reader offers.
#include <gloss/io/npz.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/tensor_file.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/views.hpp>
#include <optional>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using io::Dtype;
using io::StoredTensor;
using io::TensorFile;

namespace {

/// Twelve floats 0, 1, ... behind one byte, so that none is aligned, and entries on them.
TensorFile with(std::vector<StoredTensor> tensors, Index lead = 1) {
  auto memory = std::make_shared<std::string>(static_cast<std::size_t>(lead), 'x');
  const Tensor<float> numbers = arange<float>(12);
  memory->append(reinterpret_cast<const char*>(numbers.data()), 48);
  for (StoredTensor& t : tensors)
    if (t.bytes.empty()) t.bytes = std::string_view(*memory).substr(static_cast<std::size_t>(lead));
  return TensorFile("read_it", "f", std::move(tensors), {{"k", "v"}}, memory);
}
/// Two numbers to a byte.
void decode_halves(const char* blocks, float* out, Index count) {
  for (Index i = 0; i < count; ++i) {
    out[2 * i] = static_cast<float>(blocks[i] & 15);
    out[2 * i + 1] = static_cast<float>(blocks[i] >> 4 & 15);
  }
}
constexpr io::BlockType halves{"HALVES", 2, 1, decode_halves};

void refuse(StoredTensor tensor, const std::string& why) {
  CHECK_ERROR(with({tensor}), LoadError, "read_it: f: " + why);
}

}  // namespace

TEST_CASE("TensorFile: copies share what was read and outlive each other; errors name reader and file") {
  std::optional<TensorFile> first = with({{.name = "a", .dtype = Dtype::F32, .shape = {12}}});
  const TensorFile copy = *first;
  CHECK(copy.find("a") == first->find("a"));
  first.reset();
  CHECK(copy.tensor<double>("a").at({11}) == 11);
  CHECK(copy.metadata().at("k") == "v");
  CHECK(copy.file() == "f");
  CHECK(copy.find("b") == nullptr);
  CHECK_ERROR(copy.tensor<float>("b"), LoadError, "read_it: f: b: there is no tensor of this name");
  CHECK_ERROR(copy.tensor<std::int64_t>("a"), LoadError, "read_it: f: a: holds F32, which does not read as int64");
}

TEST_CASE("TensorFile: a tensor read is a copy") {
  const TensorFile file = with({{.name = "a", .dtype = Dtype::F32, .shape = {12}}});
  file.tensor<float>("a").fill_(7);
  CHECK(file.tensor<float>("a").at({3}) == 3);
}

TEST_CASE("TensorFile: strided tensors read as their shape says, at any alignment, converted or not") {
  for (const Index lead : {0, 1, 4}) {
    const TensorFile file = with({{.name = "turned", .dtype = Dtype::F32, .shape = {4, 3}, .strides = {1, 4}},
                                  {.name = "every", .dtype = Dtype::F32, .shape = {2, 2}, .strides = {6, 3}},
                                  {.name = "same", .dtype = Dtype::F32, .shape = {2, 3}, .strides = {0, 1}},
                                  {.name = "none", .dtype = Dtype::F32, .shape = {0, 3}, .strides = {100, 1}},
                                  {.name = "bytes", .dtype = Dtype::BOOL, .shape = {2, 2}, .strides = {1, 2}}},
                                 lead);
    const Tensor<float> turned = arange<float>(12).reshape({3, 4}).transpose(0, 1);
    CHECK(gloss_test::difference(file.tensor<float>("turned"), turned) == 0);
    CHECK(file.tensor<float>("turned").is_contiguous());
    CHECK(file.tensor<double>("turned").at({3, 2}) == 11);
    CHECK(gloss_test::values(file.tensor<float>("every")) == std::vector<float>{0, 3, 6, 9});
    CHECK(gloss_test::values(file.tensor<double>("same")) == std::vector<double>{0, 1, 2, 0, 1, 2});
    CHECK(file.tensor<float>("none").shape() == Shape{0, 3});
    CHECK_FALSE(file.tensor<bool>("bytes").at({0, 0}));  // bytes of the number 0
    const Tensor<float> wide = full<float>({4, 6}, -1);
    CHECK(read_elements(file.entry("turned"), wide.narrow(1, 2, 3)));  // into every other place of rows
    CHECK(wide.at({3, 4}) == 11);
    CHECK(wide.at({3, 5}) == -1);
  }
}

TEST_CASE("TensorFile: an entry that is more than its bytes is refused, whoever has read it") {
  refuse({.name = "a", .dtype = Dtype::F32, .shape = {13}}, "a: F32 [13] takes 52 bytes, there are 48");
  refuse({.name = "a", .dtype = Dtype::F32, .shape = {3, 2}, .strides = {5, 2}},
         "a: F32 [3, 2] takes 52 bytes, there are 48");
  refuse({.name = "a", .dtype = Dtype::F64, .shape = {Index{1} << 60}},
         "a: F64 [1152921504606846976] takes 9223372036854775808 bytes, there are 48");
  refuse({.name = "a", .dtype = Dtype::U8, .shape = {Index{1} << 40, Index{1} << 40}},
         "a: its shape [1099511627776, 1099511627776] is too large");
  refuse({.name = "a", .dtype = Dtype::U8, .shape = {3, 3}, .strides = {Index{1} << 60, 1}},
         "a: its shape [3, 3] does not go with strides [1152921504606846976, 1]");
  refuse({.name = "a", .dtype = Dtype::U8, .shape = {3}, .strides = {-1}},
         "a: its shape [3] does not go with strides [-1]");
  refuse({.name = "a", .dtype = Dtype::U8, .shape = {3, 3}, .strides = {1}},
         "a: its shape [3, 3] does not go with strides [1]");
  const StoredTensor a{.name = "a", .dtype = Dtype::U8, .shape = {3}};
  CHECK_ERROR(with({a, a}), LoadError, "read_it: f: a: occurs twice");
  CHECK(with({{.name = "a", .dtype = Dtype::OTHER, .shape = {99}, .dtype_text = "Q4"}}).entry("a").dtype_name() ==
        "Q4");
}

TEST_CASE("NamedTensor: floating point is stored in the width that is asked for") {
  const Tensor<double> x = Tensor<double>{{1.0 / 3, -2.5, 1e6}, {0, 1e-7, 1}}.transpose(0, 1);
  for (const Dtype as : {Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64}) {
    const TensorFile file = io::from_safetensors(io::to_safetensors({{"x", x, as}}), "f");
    CHECK(file.entry("x").dtype == as);
    CHECK(file.entry("x").shape == Shape{3, 2});
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < 2; ++j) {
        const double value = x.at({i, j});
        const auto narrow = static_cast<float>(value);
        const double wanted = as == Dtype::F16    ? double(float(float16(narrow)))
                              : as == Dtype::BF16 ? double(float(bfloat16(narrow)))
                              : as == Dtype::F32  ? double(narrow)
                                                  : value;
        CHECK(file.tensor<double>("x").at({i, j}) == wanted);
      }
  }
  CHECK(io::from_safetensors(io::to_safetensors({{"x", zeros<float>({0}), Dtype::F16}}), "f").entry("x").bytes.empty());
  CHECK_ERROR(io::NamedTensor("x", x, Dtype::I32), Error, "NamedTensor: x cannot be stored as I32");
}

TEST_CASE("TensorFile: numbers in blocks read as floating point, whole or strided") {
  const StoredTensor stored{.name = "a",
                            .dtype = Dtype::OTHER,
                            .shape = {2, 4},
                            .bytes = {"\x10\x32\x54\x76", 4},
                            .dtype_text = "HALVES",
                            .blocks = &halves};
  const TensorFile file = with({stored});
  const Tensor<float> x = arange<float>(8).reshape({2, 4});
  CHECK(gloss_test::same_bits(file.tensor<float>("a"), x));
  CHECK(gloss_test::same_bits(file.tensor<double>("a"), cast<double>(x)));
  CHECK(file.tensor<bfloat16>("a").at({1, 3}) == bfloat16(7.0f));
  StoredTensor turned = stored;
  turned.shape = {4, 2};
  turned.strides = {1, 4};
  CHECK(gloss_test::same_bits(with({turned}).tensor<float>("a"), x.transpose(0, 1).contiguous()));
  const Tensor<float> wide = full<float>({2, 6}, -1);
  CHECK(read_elements(file.entry("a"), wide.narrow(1, 1, 4)));
  CHECK(gloss_test::values(wide) == std::vector<float>{-1, 0, 1, 2, 3, -1, -1, 4, 5, 6, 7, -1});
  CHECK_FALSE(io::reads_as<std::int64_t>(stored));
  CHECK_FALSE(read_elements(stored, zeros<std::int64_t>({2, 4})));
  CHECK(io::reads_as<double>({.name = "b", .dtype = Dtype::F16}));
  CHECK_ERROR(file.tensor<bool>("a"), LoadError, "read_it: f: a: holds HALVES, which does not read as bool");
  StoredTensor odd = stored;
  odd.shape = {3};
  refuse(odd, "a: its shape [3] is not of whole blocks of 2");
  odd.shape = {10};
  refuse(odd, "a: HALVES [10] takes 5 bytes, there are 4");
}

#if !defined(_WIN32)
TEST_CASE("TensorFile: a safetensors file that is replaced while it is open stays what it was") {
  const TempFolder folder;
  const std::string path = folder.file("f.safetensors");
  io::save_safetensors(path, {{"x", arange<float>(100000)}});
  const TensorFile file = io::load_safetensors(path);
  io::save_safetensors(path, {{"y", zeros<float>({3})}});
  CHECK(file.tensor<float>("x").at({99999}) == 99999);
}
#endif

TEST_CASE("TensorFile: of a .npz file, deflated or not, in any order of bytes and axes") {
  for (const std::string name : {"stored.npz", "deflated.npz"}) {
    const io::Npz arrays = io::load_npz(GLOSS_TEST_DATA "/npy/" + name);
    const TensorFile file = arrays.tensor_file();
    std::vector<std::string> names;
    for (const StoredTensor& t : file.tensors()) {
      names.push_back(t.name);
      if (t.dtype == Dtype::F32 || t.dtype == Dtype::F64)
        CHECK(gloss_test::same_bits(file.tensor<double>(t.name), arrays.tensor<double>(t.name)));
    }
    CHECK(names == arrays.names());
  }
  const std::string fortran = read_file(GLOSS_TEST_DATA "/npy/fortran_big.npy");
  io::ZipWriter zip;
  zip.add("a.npy", fortran, false);
  zip.add("read.me", "text", false);
  const std::string bytes = std::move(zip).finish();
  const TensorFile file = io::Npz(bytes, "f").tensor_file();
  REQUIRE(file.tensors().size() == 1);
  const io::NpyArray same(fortran, "a");
  CHECK(file.entry("a").shape == same.shape());
  CHECK(file.entry("a").strides.rank() == same.shape().rank());
  CHECK(gloss_test::same_bits(file.tensor<std::int64_t>("a"), same.tensor<std::int64_t>()));
  CHECK_ERROR(file.tensor<float>("b"), LoadError, "load_npz: f: b: there is no tensor of this name");
}
