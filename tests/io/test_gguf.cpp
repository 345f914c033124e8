// GGUF files: those of the gguf package, and those that are damaged or made to do harm.
#include <gloss/core/rng.hpp>
#include <gloss/io/gguf.hpp>
#include <gloss/io/gguf_blocks.hpp>
#include <gloss/ops/cast.hpp>

#include "support/memory.hpp"
#include "support/mutate.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace std::string_literals;
using io::Dtype;
using io::Gguf;
using io::GgufType;
using io::StoredTensor;

namespace {

constexpr const char* blocks_file = GLOSS_TEST_DATA "/gguf/blocks.gguf";

template <class N>
std::string le(N n) {
  std::string s(sizeof n, '\0');
  std::memcpy(s.data(), &n, sizeof n);
  return s;
}
std::string text(const std::string& s) { return le(std::uint64_t{s.size()}) + s; }
std::string head(std::uint64_t tensors, std::uint64_t values, std::uint32_t version = 3) {
  return "GGUF" + le(version) + le(tensors) + le(values);
}
std::string tensor(const std::string& name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                   std::uint64_t offset) {
  std::string s = text(name) + le(static_cast<std::uint32_t>(sizes.size()));
  for (const std::uint64_t size : sizes) s += le(size);
  return s + le(type) + le(offset);
}
/// A header filled up to where the numbers begin, and so many of these.
std::string with_data(std::string header, std::size_t bytes, std::size_t alignment = 32) {
  header.resize((header.size() + alignment - 1) / alignment * alignment);
  return header + std::string(bytes, '\0');
}
void refuse(const std::string& bytes, const std::string& why) {
  CHECK_ERROR(Gguf(bytes, "f"), LoadError, "load_gguf: f: " + why);
}

}  // namespace

TEST_CASE("gguf: blocks of every type are what the gguf package makes of them, to the bit") {
  const io::TensorFile file = io::load_gguf(blocks_file).tensor_file();
  for (const std::string name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"}) {
    INFO(name);
    const StoredTensor& t = file.entry(name);
    CHECK(t.dtype == Dtype::OTHER);
    CHECK(t.dtype_name() == name);
    REQUIRE(t.blocks);
    CHECK(t.shape == file.entry(name + ".expected").shape);
    CHECK(t.bytes.size() == std::size_t(t.shape.numel() / t.blocks->elements * t.blocks->bytes));
    const Tensor<float> x = file.tensor<float>(name);
    CHECK(gloss_test::same_bits(x, file.tensor<float>(name + ".expected")));
    CHECK(gloss_test::same_bits(cast<float>(file.tensor<double>(name)), x));
    CHECK(file.tensor<bfloat16>(name).at({1, 5}) == bfloat16(x.at({1, 5})));
    CHECK_FALSE(io::reads_as<std::int64_t>(t));
    CHECK_ERROR(file.tensor<std::int64_t>(name), LoadError,
                "load_gguf: "s + blocks_file + ": " + name + ": holds " + name + ", which does not read as int64");
  }
}

TEST_CASE("gguf: the other types, and one that is not known") {
  const io::TensorFile file = io::load_gguf(blocks_file).tensor_file();
  for (const char* name : {"f32", "f16", "bf16", "f64"})
    CHECK(gloss_test::values(file.tensor<float>(name)) == std::vector<float>{-7, -4, -1, 2, 5, 8});
  for (const char* name : {"i8", "i16", "i32", "i64"})
    CHECK(gloss_test::values(file.tensor<std::int64_t>(name)) == std::vector<std::int64_t>{-7, -4, -1, 2, 5, 8});
  CHECK(file.entry("i8").shape == Shape{2, 3});
  CHECK(file.entry("other").dtype_name() == "type 10");
  CHECK(file.entry("other").shape == Shape{2, 256});
  CHECK_ERROR(file.tensor<float>("other"), LoadError,
              "load_gguf: "s + blocks_file + ": other: holds type 10, which does not read as float32");
}

TEST_CASE("gguf: metadata of every type, read as what holds it") {
  const Gguf file = io::load_gguf(blocks_file);
  CHECK(file.value("v.uint8").as<int>() == 200);
  CHECK(file.value("v.int8").as<std::int8_t>() == -100);
  CHECK(file.value("v.uint16").as<int>() == 60000);
  CHECK(file.value("v.int16").as<double>() == -30000);
  CHECK(file.value("v.uint32").as<std::int64_t>() == 4000000000);
  CHECK(file.value("v.int32").as<int>() == -2000000000);
  CHECK(file.value("v.uint64").as<std::uint64_t>() == (std::uint64_t{1} << 63) + 1);
  CHECK(file.value("v.int64").as<std::int64_t>() == -(std::int64_t{1} << 62));
  CHECK(file.value("v.float32").as<float>() == 0.1f);
  CHECK(file.value("v.float64").as<double>() == 0.1);
  CHECK(file.value("v.bool").as<bool>());
  CHECK(file.value("v.text").as<std::string>() == "größe");
  CHECK(file.value("v.texts").list<std::string>() == std::vector<std::string>{"a", "", "größe"});
  CHECK(file.value("v.numbers").list<int>() == std::vector<int>{1, -2, 3});
  CHECK(file.value("v.reals").list<float>() == std::vector<float>{0.5f, -2.0f});
  CHECK(file.value("v.flags").list<bool>() == std::vector<bool>{true, false});
  CHECK(file.value("v.texts").is_list());
  CHECK(file.value("v.texts").type() == GgufType::text);
  CHECK(file.value("v.texts").size() == 3);
  CHECK(file.value("v.text").size() == 1);
  CHECK(file.find("v.none") == nullptr);
  CHECK(file.values().contains("general.architecture"));
  const std::string where = "load_gguf: "s + blocks_file + ": ";
  CHECK_ERROR(file.value("v.none"), LoadError, where + "v.none: there is no value of this key");
  CHECK_ERROR(file.value("v.texts").as<std::string>(), LoadError, where + "v.texts: is a list");
  CHECK_ERROR(file.value("v.text").list<std::string>(), LoadError, where + "v.text: is no list");
  CHECK_ERROR(file.value("v.uint8").as<std::int8_t>(), LoadError, where + "v.uint8: is 200, which is out of range");
  CHECK_ERROR(file.value("v.int64").as<std::uint64_t>(), LoadError,
              where + "v.int64: is -4611686018427387904, which is out of range");
  CHECK_ERROR(file.value("v.uint8").as<bool>(), LoadError,
              where + "v.uint8: is uint8, which does not read as what was asked for");
  CHECK_ERROR(file.value("v.float32").as<int>(), LoadError,
              where + "v.float32: is float32, which does not read as what was asked for");
  CHECK_ERROR(file.value("v.text").as<int>(), LoadError,
              where + "v.text: is text, which does not read as what was asked for");

  const io::Metadata& metadata = file.tensor_file().metadata();
  CHECK(metadata.at("general.architecture") == "toy");
  CHECK(metadata.at("v.uint64") == "9223372036854775809");
  CHECK(metadata.at("v.int8") == "-100");
  CHECK(metadata.at("v.float32") == "0.1");
  CHECK(metadata.at("v.float64") == "0.1");
  CHECK(metadata.at("v.bool") == "true");
  CHECK_FALSE(metadata.contains("v.texts"));
}

TEST_CASE("gguf: tensors begin where alignment and offset say, axes are turned round") {
  const std::string entry = text("general.alignment") + le(4) + le(64);
  std::string bytes = with_data(head(1, 1) + entry + tensor("t", {3, 2}, 0, 64), 64 + 24, 64);
  const float number = 2.5f;
  std::memcpy(bytes.data() + bytes.size() - 4, &number, 4);
  const io::TensorFile file = Gguf(bytes, "f").tensor_file();
  CHECK(file.entry("t").shape == Shape{2, 3});
  CHECK(file.tensor<float>("t").at({1, 2}) == 2.5f);
  CHECK(Gguf(with_data(head(1, 0) + tensor("scalar", {}, 0, 0), 4), "f").tensor_file().tensor<float>("scalar").item() ==
        0);
  CHECK(Gguf(head(0, 0, 2), "f").tensor_file().tensors().empty());
}

TEST_CASE("gguf: what is no such file, and claims that a file does not keep") {
  constexpr std::uint64_t vast = std::uint64_t{1} << 60;
  refuse("", "not a GGUF file: it is empty");
  refuse("PK\3\4....", "not a GGUF file: it looks like a zip archive");
  refuse("ggml\1\2\3", "not a GGUF file: it does not begin with GGUF");
  refuse("GGUF\3", "it ends too early");
  refuse("GGUF\0\0\0\3"s + std::string(16, '\0'), "its numbers are big endian");
  refuse(head(0, 0, 1), "it is of version 1, only 2 and 3 are known");
  refuse(head(vast, 0), "it cannot hold 1152921504606846976 tensors");
  refuse(head(0, vast), "it cannot hold 1152921504606846976 values");
  refuse(head(0, 1) + le(vast) + "key and more", "it ends too early");
  refuse(head(0, 1) + text("key") + le(13) + le(0), "its metadata has a value of unknown type 13");
  refuse(head(0, 1) + text("key") + le(8) + le(vast) + "text", "it ends too early");
  refuse(head(0, 1) + text("key") + le(9) + le(4) + le(vast) + "1234", "it cannot hold 1152921504606846976 values");
  refuse(head(0, 1) + text("key") + le(9) + le(8) + le(std::uint64_t{2}) + text("a") + le(std::uint64_t{5}),
         "it ends too early");
  refuse(head(0, 2) + text("k") + le(4) + le(1) + text("k") + le(4) + le(1), "k: occurs twice");
  refuse(head(0, 1) + text("general.alignment") + le(4) + le(24),
         "its general.alignment is 24, which is no power of two");
  refuse(head(0, 1) + text("general.alignment") + le(4) + le(0),
         "its general.alignment is 0, which is no power of two");
  refuse(head(1, 0) + tensor("t", std::vector<std::uint64_t>(9, 1), 0, 0), "t: it has 9 axes, more than 8");
  refuse(head(1, 0) + tensor("t", {vast + 1}, 0, 0), "t: size 1152921504606846977 in its shape is too large");
  refuse(with_data(head(1, 0) + tensor("t", {vast, vast}, 0, 0), 8),
         "t: its shape [1152921504606846976, 1152921504606846976] is too large");
  refuse(with_data(head(1, 0) + tensor("t", {vast}, 0, 0), 8),
         "t: F32 [1152921504606846976] takes 4611686018427387904 bytes, there are 8");
  refuse(with_data(head(1, 0) + tensor("t", {vast}, 12, 0), 8),
         "t: Q4_K [1152921504606846976] takes 648518346341351424 bytes, there are 8");
  refuse(with_data(head(1, 0) + tensor("t", {2}, 0, 8), 16), "t: its offset 8 is no multiple of 32");
  refuse(with_data(head(1, 0) + tensor("t", {2}, 0, 32), 16), "t: its offset 32 is beyond the end of the file");
  refuse(with_data(head(1, 0) + tensor("t", {16, 2}, 2, 0), 36),
         "t: its rows in [2, 16] are not of whole blocks of 32");
  refuse(with_data(head(1, 0) + tensor("t", {}, 8, 0), 36), "t: its rows in [] are not of whole blocks of 32");
  refuse(with_data(head(2, 0) + tensor("t", {1}, 0, 0) + tensor("t", {1}, 0, 0), 36), "t: occurs twice");
  std::string deep = head(0, 1) + text("key") + le(9);
  for (int i = 0; i < 9; ++i) deep += le(9) + le(std::uint64_t{1});
  refuse(deep + std::string(99, '\0'), "its metadata has lists in lists, more than 8 deep");
}

TEST_CASE("gguf: 2,000 damaged files are read or refused, never worse, and take no more memory than they should") {
  const std::string whole = read_file(blocks_file);
  Rng rng(4);
  int refused = 0;
  const std::size_t before = gloss_test::peak_memory();
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = i % 2 ? mutate(whole, rng) : mutate(whole.substr(0, 2000), rng) + whole.substr(2000);
    try {
      const Gguf file(bytes, "f");
      for (const StoredTensor& t : file.tensor_file().tensors())
        if (t.shape.numel() < 1 << 20 && io::reads_as<float>(t))
          static_cast<void>(file.tensor_file().tensor<float>(t.name));
      for (const auto& [key, value] : file.values())
        if (value.is_list() && value.type() == GgufType::text) static_cast<void>(value.list<std::string>());
    } catch (const LoadError&) {
      ++refused;
    }
  }
  CHECK(refused > 500);
  CHECK(gloss_test::peak_memory() - before < (std::size_t{1} << 28));
}
