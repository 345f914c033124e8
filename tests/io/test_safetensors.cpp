// safetensors: what is written reads back, what the header claims is checked, and no bytes crash the reader.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/io/tensor_file.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace gloss::io;

namespace {

std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  const std::uint64_t n = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &n, 8);
  return bytes + header + std::string(data_bytes, 'x');
}

void check_refused(const std::string& bytes, const std::string& text) {
  CHECK_ERROR(from_safetensors(bytes, "m.safetensors"), LoadError, "load_safetensors: m.safetensors: " + text);
}

std::string entry(const std::string& name, const std::string& shape, int begin, int end,
                  const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

}  // namespace

TEST_CASE("safetensors: every element type comes back with name, shape, order and bits", "[io]") {
  const auto f = Tensor<float>{{1.5f, -2.f, 3e-40f}, {0.f, 1e30f, -0.f}};
  const std::vector<NamedTensor> saved = {
      {"b.bool", Tensor<bool>{true, false, true}},
      {"f32", f},
      {"f32.transposed", f.transpose(0, 1)},
      {"f64", Tensor<double>{0.1, -1e300}},
      {"bf16", Tensor<bfloat16>{bfloat16(1.f), bfloat16(-0.3f)}},
      {"i64", Tensor<std::int64_t>{-5, Index{1} << 60}},
      {"i32", Tensor<std::int32_t>{-5, 7}},
      {"u8", Tensor<std::uint8_t>{0, 255}},
      {"scalar", scalar<float>(2.5f)},
      {"nothing", zeros<float>({3, 0})},
  };
  const Metadata metadata = {{"format", "gloss"}, {"quote \" \\ \n\x01", "ä€"}};
  const std::string bytes = to_safetensors(saved, metadata);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(header % 8 == 0);

  const TensorFile file = from_safetensors(bytes, "memory");
  CHECK(file.metadata() == metadata);
  std::string names;
  for (const StoredTensor& t : file.tensors()) names += t.name + " ";
  CHECK(names == "f64 i64 f32 f32.transposed i32 scalar nothing bf16 b.bool u8 ");
  CHECK(gloss_test::difference(file.tensor<float>("f32"), f) == 0);
  CHECK(gloss_test::difference(file.tensor<float>("f32.transposed"), f.transpose(0, 1)) == 0);
  CHECK(std::signbit(file.tensor<float>("f32").at({1, 2})));
  CHECK(file.tensor<double>("f64").at({0}) == 0.1);
  CHECK(file.tensor<bfloat16>("bf16").at({1}).bits == bfloat16(-0.3f).bits);
  CHECK(file.tensor<std::int64_t>("i64").at({1}) == Index{1} << 60);
  CHECK(file.tensor<std::int32_t>("i32").at({0}) == -5);
  CHECK(file.tensor<std::uint8_t>("u8").at({1}) == 255);
  CHECK(file.tensor<bool>("b.bool").at({2}));
  CHECK(file.tensor<float>("scalar").item() == 2.5f);
  CHECK(file.tensor<float>("nothing").shape() == Shape{3, 0});
  CHECK(file.find("none") == nullptr);
  CHECK_ERROR(file.tensor<float>("none"), LoadError, "load_safetensors: memory: none: there is no tensor of this name");
}

TEST_CASE("safetensors: a type reads as any that holds its values, and as no other", "[io]") {
  const std::vector<NamedTensor> saved = {{"d", Tensor<double>{0.1, 2}},
                                          {"h", Tensor<bfloat16>{bfloat16(1.5f)}},
                                          {"i", Tensor<std::int32_t>{-3}},
                                          {"u", Tensor<std::uint8_t>{0, 7}}};
  const TensorFile file = from_safetensors(to_safetensors(saved), "f");
  CHECK(file.tensor<float>("d").at({0}) == 0.1f);
  CHECK(file.tensor<double>("h").item() == 1.5);
  CHECK(file.tensor<std::int64_t>("i").item() == -3);
  CHECK(file.tensor<std::int64_t>("u").at({1}) == 7);
  CHECK(file.tensor<bool>("u").at({1}));
  CHECK_FALSE(file.tensor<bool>("u").at({0}));
  CHECK_ERROR(file.tensor<float>("i"), LoadError, "load_safetensors: f: i: holds I32, which does not read as float32");
  CHECK_ERROR(file.tensor<std::int64_t>("d"), LoadError,
              "load_safetensors: f: d: holds F64, which does not read as int64");
  CHECK_ERROR(file.tensor<bool>("i"), LoadError, "load_safetensors: f: i: holds I32, which does not read as bool");
}

TEST_CASE("safetensors: half precision widens exactly", "[io]") {
  std::string bytes = file_of("{" + entry("h", "[2]", 0, 4, "F16") + "}");
  bytes += std::string("\x00\x3C\x00\xB8", 4);
  const TensorFile file = from_safetensors(bytes, "f");
  CHECK(file.tensor<float>("h").at({0}) == 1.f);
  CHECK(file.tensor<double>("h").at({1}) == -0.5);
}

TEST_CASE("safetensors: header text may be padded, reordered, escaped, and hold odd names", "[io]") {
  const TensorFile file = from_safetensors(
      file_of("{ \"a\\u00e4\\n\": {\"data_offsets\":[4,8], \"shape\":[1], \"dtype\":\"I32\"}, "
              "\"__metadata__\": {}, \"\": {\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]}}    ",
              8),
      "f");
  CHECK(file.tensors().size() == 2);
  CHECK(file.entry("aä\n").bytes.data() == file.entry("").bytes.data() + 4);
  CHECK(file.tensor<float>("").dim() == 0);
  CHECK(from_safetensors(file_of("{}"), "f").tensors().empty());
}

TEST_CASE("safetensors: each false claim of a file is named", "[io]") {
  check_refused("\1\2\3\4\5\6\7", "too short for a header: 7 bytes");
  check_refused(file_of("{}").substr(0, 9), "header of 2 bytes, but only 1 follow its length");
  check_refused(std::string(8, '\xff') + "{}", "header of 18446744073709551615 bytes, but only 2 follow its length");
  check_refused(file_of("[1]"), "header is not a JSON object");
  check_refused(file_of("7"), "header is not a JSON object");
  check_refused(file_of(""), "header is not valid JSON at byte 1");
  check_refused(file_of("{\"a\":"), "header is not valid JSON at byte 6");
  check_refused(file_of("{} {}"), "header is not valid JSON at byte 4");
  check_refused(file_of(std::string("{}\0 garbage", 11)), "header is not valid JSON at byte 3");
  check_refused(file_of(std::string("{\"a\0\":1}", 9)), "header is not valid JSON at byte 4");
  check_refused(file_of(" {}"), "header is not a JSON object");
  check_refused(file_of("\xEF\xBB\xBF{}"), "header is not a JSON object");
  check_refused(file_of("{\"\xff\":1}"), "header is not valid JSON at byte 3");
  check_refused(file_of("{\"a\":1e999}"), "header holds a number that is out of range");
  check_refused(file_of("{" + entry("a", "[-1e999]", 0, 4) + "}", 4), "header holds a number that is out of range");
  check_refused(file_of("{\"a\":1}"), "a: its header entry is not an object");
  check_refused(file_of("{\"a\":[[[[[[]]]]]]}"), "a: its header entry is not an object");
  check_refused(file_of("{\"__metadata__\":[]}"), "__metadata__: its header entry is not an object");
  check_refused(file_of("{\"__metadata__\":{\"k\":1}}"), "__metadata__: the value of 'k' is not a string");
  check_refused(file_of("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}"), "__metadata__: key 'k' occurs twice");
  check_refused(file_of("{\"__metadata__\":{},\"__metadata__\":{}}"), "__metadata__ occurs twice");
  check_refused(file_of("{\"a\":{}}"), "a: field 'dtype' is missing");
  check_refused(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}"), "a: field 'data_offsets' is missing");
  check_refused(file_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"), "a: field 'dtype' occurs twice");
  check_refused(file_of("{\"a\":{\"colour\":1}}"), "a: unknown field 'colour'");
  check_refused(file_of("{\"a\":{\"dtype\":3}}"), "a: its dtype is not a name");
  for (const char* shape : {"3", "[-1]", "[1.5]", "[\"1\"]", "[[1]]", "{}", "null", "true"})
    check_refused(file_of("{" + entry("a", shape, 0, 4) + "}", 4), "a: its shape is not a list of sizes");
  check_refused(file_of("{" + entry("a", "[1,1,1,1,1,1,1,1,1]", 0, 4) + "}", 4), "a: its shape has more than 8 axes");
  check_refused(file_of("{" + entry("a", "[9223372036854775807]", 0, 4) + "}", 4),
                "a: size 9223372036854775807 in its shape is too large");
  check_refused(file_of("{" + entry("a", "[1152921504606846976,1152921504606846976,0]", 0, 0) + "}"),
                "a: its shape [1152921504606846976, 1152921504606846976, 0] is too large");
  for (const char* offsets : {"[0]", "[0,4,4]", "[-1,4]", "[]", "4"})
    check_refused(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + std::string(offsets) + "}}", 4),
                  "a: its data_offsets are not two positions");
  check_refused(file_of("{" + entry("a", "[1]", 0, 4) + "}", 3),
                "a: data_offsets [0, 4] are not within the 3 bytes of data");
  check_refused(file_of("{" + entry("a", "[1]", 4, 0) + "}", 4),
                "a: data_offsets [4, 0] are not within the 4 bytes of data");
  check_refused(file_of("{" + entry("a", "[2,2]", 0, 12) + "}", 12),
                "a: data_offsets [0, 12] hold 12 bytes, F32 [2, 2] takes 16");
  check_refused(file_of("{" + entry("a", "[2]", 0, 8) + "," + entry("b", "[2]", 4, 12) + "}", 12),
                "b: its bytes overlap those of a");
  check_refused(file_of("{" + entry("a", "[1]", 0, 4) + "," + entry("b", "[1]", 8, 12) + "}", 12),
                "b: bytes 4 to 8 before it belong to no tensor");
  check_refused(file_of("{" + entry("a", "[1]", 0, 4) + "}", 9), "bytes 4 to 9 of the data belong to no tensor");
  check_refused(file_of("{" + entry("a", "[1]", 0, 4) + "," + entry("a", "[1]", 4, 8) + "}", 8), "a: occurs twice");
}

TEST_CASE("safetensors: what is no such file at all is called by its name", "[io]") {
  check_refused("", "not a safetensors file: it is empty");
  check_refused("<!DOCTYPE html><html>", "not a safetensors file: it looks like HTML or XML");
  check_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                "not a safetensors file: it looks like a git-LFS pointer to the file");
  check_refused(std::string("PK\3\4\0\0\10\10\0\0\0\0\0\0archive/data.pkl", 30),
                "not a safetensors file: it looks like a PyTorch checkpoint, which io::load_torch_file reads");
  check_refused("{\"a\": 1}", "not a safetensors file: it looks like JSON");
  check_refused("\x80\4\x95", "not a safetensors file: it looks like a Python pickle");
}

TEST_CASE("safetensors: tensors of other types do not stand in the way of the rest", "[io]") {
  for (const char* dtype : {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F4", "C64", "F31"}) {
    INFO(dtype);
    std::string bytes = file_of("{" + entry("a", "[1]", 0, 4) + "," + entry("b", "[2,2]", 4, 8, dtype) + "," +
                                entry("c", "[1]", 8, 12) + "}");
    bytes += std::string("\0\0\x80?xxxx\0\0\0@", 12);
    const TensorFile file = from_safetensors(bytes, "f");
    CHECK(file.tensors().size() == 3);
    CHECK(file.entry("b").shape == Shape{2, 2});
    CHECK(file.entry("b").dtype_name() == dtype);
    CHECK(file.entry("b").bytes == "xxxx");
    CHECK(file.tensor<float>("a").item() == 1);
    CHECK(file.tensor<float>("c").item() == 2);
    CHECK_ERROR(file.tensor<float>("b"), LoadError,
                "load_safetensors: f: b: holds " + std::string(dtype) + ", which does not read as float32");
  }
  // Their size is not known, but they are bytes of the data like others.
  check_refused(file_of("{" + entry("a", "[9]", 0, 3, "F4") + "}", 2),
                "a: data_offsets [0, 3] are not within the 2 bytes of data");
  check_refused(file_of("{" + entry("a", "[9]", 0, 3, "F4") + "," + entry("b", "[1]", 2, 6) + "}", 6),
                "b: its bytes overlap those of a");
  // Nor is memory taken for what they claim.
  const TensorFile vast = from_safetensors(file_of("{" + entry("a", "[1152921504606846976]", 0, 0, "F4") + "}"), "f");
  CHECK_ERROR(vast.tensor<float>("a"), LoadError, "load_safetensors: f: a: holds F4, which does not read as float32");
}

TEST_CASE("safetensors: names that no reader would take are not written", "[io]") {
  const auto x = ones<float>({1});
  CHECK_ERROR(to_safetensors({{"a", x}, {"a", x}}), Error, "save_safetensors: two tensors are named a");
  CHECK_ERROR(to_safetensors({{"__metadata__", x}}), Error, "save_safetensors: a tensor cannot be named __metadata__");
  CHECK_ERROR(to_safetensors({{"\xff", x}}), Error, "save_safetensors: a name or a metadata text is not UTF-8");
  CHECK_ERROR(to_safetensors({}, {{"k", "\xc3"}}), Error, "save_safetensors: a name or a metadata text is not UTF-8");
}

TEST_CASE("safetensors: a file goes to disk and comes back; a file that is not there is named", "[io]") {
  const std::string path = "gloss_test_safetensors.tmp.safetensors";
  save_safetensors(path, {{"x", arange<float>(100000)}}, {{"epoch", "3"}});
  save_safetensors(path, {{"x", arange<float>(70000)}}, {{"epoch", "4"}});  // replaces
  const TensorFile file = load_safetensors(path);
  CHECK(file.metadata().at("epoch") == "4");
  CHECK(gloss_test::difference(file.tensor<float>("x"), arange<float>(70000)) == 0);
  std::remove(path.c_str());
  CHECK_ERROR(load_safetensors(path), LoadError, "read_file: " + path + ": No such file or directory");
}

TEST_CASE("safetensors: a file of the reference implementation reads", "[io]") {
  const gloss_test::Golden golden("annotated_f64.safetensors");
  CHECK(golden.tensor<std::int64_t>("src").shape() == Shape{3, 9});
  CHECK(golden.tensor<bool>("src_mask").shape() == Shape{3, 1, 9});
  CHECK(golden.tensor<double>("init/encoder.layers.0.self_attn.linears.0.weight").shape() == Shape{32, 32});
  CHECK(
      golden.file().metadata().at("parameters").starts_with("encoder.layers.0.self_attn.linears.0.weight [32, 32]\n"));
}

TEST_CASE("safetensors: 20,000 damaged files are read or refused, never worse", "[io]") {
  const std::string good = to_safetensors({{"a.weight", ones<float>({2, 3})},
                                           {"a.bias", ones<double>({3})},
                                           {"ids", Tensor<std::int64_t>{1, 2}},
                                           {"mask", Tensor<bool>{true, false}}},
                                          {{"format", "pt"}});
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const std::string pieces = "{}[]\",:0123456789-e.\\u ";
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      if (bytes.empty()) break;
      const std::size_t at = round % 2 ? below(bytes.size()) : below(std::min<std::size_t>(bytes.size(), 300));
      switch (below(5)) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 1:
          bytes[at] = static_cast<char>(random());
          break;
        case 2:
          bytes[at] = pieces[below(pieces.size())];
          break;
        case 3:
          bytes.erase(at, 1 + below(9));
          break;
        default:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
          break;
      }
    }
    try {
      const TensorFile file = from_safetensors(bytes, "f");
      for (const StoredTensor& t : file.tensors()) {
        if (t.dtype == Dtype::F32) CHECK(file.tensor<float>(t.name).numel() == t.shape.numel());
        if (t.dtype == Dtype::BOOL) CHECK(file.tensor<bool>(t.name).numel() == t.shape.numel());
      }
    } catch (const LoadError& error) {
      refused += std::string(error.what()).starts_with("load_safetensors: f: ") ? 1 : -1000000;
    }
  }
  CHECK(refused > 10000);
}
