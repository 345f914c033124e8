// PyTorch's files: those that it wrote, those that are damaged, and those that are made to do harm.
#include <gloss/core/rng.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/torch_file.hpp>
#include <gloss/io/torch_types.hpp>
#include <gloss/io/torch_write.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/random.hpp>
#include <gloss/tensor/views.hpp>

#include "support/golden.hpp"
#include "support/memory.hpp"
#include "support/mutate.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace std::string_literals;
using io::Dtype;
using io::StoredTensor;
using io::TensorFile;

namespace {

TensorFile golden(const std::string& name) { return io::load_torch_file(GLOSS_TEST_DATA "/torch/" + name); }

/// Whether two entries read as the same numbers, in the widest type that both are.
bool same(const TensorFile& a, const std::string& name, const TensorFile& b, const std::string& other) {
  const StoredTensor &x = a.entry(name), &y = b.entry(other);
  if (x.dtype != y.dtype || x.shape != y.shape) return false;
  if (io::reads_as<double>(x)) return gloss_test::same_bits(a.tensor<double>(name), b.tensor<double>(other));
  if (io::reads_as<std::int64_t>(x))
    return gloss_test::same_bits(a.tensor<std::int64_t>(name), b.tensor<std::int64_t>(other));
  return x.bytes == y.bytes;
}
/// Compares all with expected.safetensors; returns how many there are.
std::size_t compare(const TensorFile& file, const std::string& prefix) {
  const TensorFile expected = io::load_safetensors(GLOSS_TEST_DATA "/torch/expected.safetensors");
  std::size_t count = 0;
  for (const StoredTensor& t : expected.tensors()) {
    if (!t.name.starts_with(prefix)) continue;
    const std::string name = t.name.substr(prefix.size());
    INFO(name);
    CHECK(same(file, name, expected, t.name));
    ++count;
  }
  return count;
}

std::string le(std::uint64_t n, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(n >> (8 * i) & 255);
  return s;
}
/// A file of this pickle and one storage "0".
std::string archive(const std::string& pickle, const std::string& storage = std::string(24, '\0'),
                    const std::string& order = "little") {
  io::ZipWriter zip;
  zip.add("a/data.pkl", pickle, false);
  zip.add("a/byteorder", order, false);
  zip.add("a/data/0", storage, false);
  return std::move(zip).finish();
}
std::string text(const std::string& s) { return "X" + le(s.size(), 4) + s; }
const std::string storage_id = "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\6tQ";
/// A call that makes a tensor of float.
std::string tensor(const std::string& offset, const std::string& size, const std::string& stride,
                   const std::string& storage = storage_id) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + size + stride + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}
std::string number(std::int64_t n) { return "\x8a\x08" + le(static_cast<std::uint64_t>(n), 8); }
const std::string good = tensor("K\0"s, "K\2K\3\x86", "K\3K\1\x86");
/// A pickle of a dict with this one entry.
std::string entry(const std::string& value, const std::string& key = text("w")) {
  return "\x80\2}" + key + value + "s.";
}

void refuse(const std::string& bytes, const std::string& why) {
  CHECK_ERROR(io::from_torch_file(bytes, "f"), LoadError, "load_torch_file: f: " + why);
}

}  // namespace

TEST_CASE("torch_file: every type, strided, tied, empty and with attributes, as PyTorch has them") {
  for (const char* name : {"state.pt", "legacy.pt"}) {
    INFO(name);
    const TensorFile file = golden(name);
    CHECK(compare(file, "state/") == file.tensors().size());
    CHECK(file.tensors().size() == 27);
    CHECK(file.entry("tied.a").bytes.data() == file.entry("tied.b").bytes.data());
    CHECK(file.entry("turned").strides == Shape{1, 6});
    CHECK(file.entry("turned").bytes.data() == file.entry("base").bytes.data());
    CHECK(file.entry("base").strides == Shape{});
    CHECK(file.entry("expanded").strides == Shape{0, 1});
    CHECK(file.entry("uint64").dtype == Dtype::U64);
    CHECK(file.entry("float8_e5m2").dtype == Dtype::F8_E5M2);
    CHECK(file.tensor<float>("half.limits").at({4}) == 0x1p-24f);
    CHECK(file.metadata().empty());
  }
}

TEST_CASE("torch_file: a whole checkpoint is flattened, keys and places joined by dots; its numbers and texts too") {
  const TensorFile file = golden("checkpoint.pt");
  CHECK(compare(file, "checkpoint/") == file.tensors().size());
  CHECK(file.find("model.0.weight"));
  CHECK(file.entry("optimizer.state.0.exp_avg").shape == Shape{4, 3});
  CHECK(file.tensor<std::int64_t>("best.1.0").item() == 3);
  const io::Metadata& metadata = file.metadata();
  CHECK(metadata.at("epoch") == "3");
  CHECK(metadata.at("args.lr") == "0.1");
  CHECK(metadata.at("args.name") == "toy");
  CHECK(metadata.at("args.amp") == "false");
  CHECK(metadata.at("args.steps") == "1099511627776");
  CHECK(metadata.at("optimizer.param_groups.0.lr") == "0.01");
  CHECK_FALSE(metadata.contains("args.note"));
  CHECK_FALSE(metadata.contains("losses.0"));
}

TEST_CASE("torch_file: other protocols, deflated members, a file of one tensor") {
  for (const char* name : {"protocol4.pt", "legacy4.pt",
#ifdef GLOSS_ZLIB
                           "deflated.pt",
#endif
                           "others.pt"}) {
    INFO(name);
    const TensorFile file = golden(name);
    CHECK(file.tensor<float>("w").at({1, 2}) == -50 + 38 + 1.25f);
    if (file.find("ids")) CHECK(file.tensor<std::int64_t>("ids").at({3}) == -50 + 24);
  }
  const TensorFile single = golden("single.pt");
  REQUIRE(single.tensors().size() == 1);
  CHECK(single.tensor<float>("").shape() == Shape{2, 3});
}

TEST_CASE("torch_file: what no tensor holds is listed, and does not stand in the way of the rest") {
  const TensorFile file = golden("others.pt");
  CHECK(file.entry("sparse").dtype_name() == "a sparse tensor");
  CHECK(file.entry("meta").dtype_name() == "a meta tensor");
  CHECK(file.entry("quantised").dtype_name() == "qint8");
  CHECK(file.entry("complex").dtype_name() == "C64");
  CHECK(file.entry("complex").shape == Shape{2, 3});
  CHECK_ERROR(file.tensor<float>("complex"), LoadError,
              "load_torch_file: " + file.file() + ": complex: holds C64, which does not read as float32");
}

TEST_CASE("torch_file: a class that is not data is named, and may be passed over where the caller says so") {
  const std::string path = GLOSS_TEST_DATA "/torch/module.pt", other = GLOSS_TEST_DATA "/torch/namespace.pt";
  const auto message = [](const std::string& file) {
    try {
      io::load_torch_file(file);
    } catch (const LoadError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(path).find("its pickle names torch.nn.modules.linear.Linear, which is not data, at byte ") !=
        std::string::npos);
  CHECK(message(other).find("its pickle names argparse.Namespace, which is not data, at byte ") != std::string::npos);
  const TensorFile file = io::load_torch_file(other, {.ignore = {"argparse.Namespace"}});
  CHECK(file.tensors().size() == 2);
  CHECK(file.metadata().empty());
  refuse(archive("cos\nsystem\n" + text("true") + "\x85R."),
         "its pickle names os.system, which is not data, at byte 0");
}

TEST_CASE("torch_file: what is written is read again, tied where it was, and lies at multiples of 64") {
  const Tensor<float> x = rand<float>({3, 4});
  const std::string bytes = io::to_torch_file({{"x", x},
                                               {"again", x},
                                               {"turned", x.transpose(0, 1)},
                                               {"half", cast<bfloat16>(x)},
                                               {"ids", arange<std::int64_t>(300)},
                                               {"mask", Tensor<bool>{true, false}},
                                               {"bytes", Tensor<std::uint8_t>{1, 2}},
                                               {"wide", ones<double>({})},
                                               {"ints", Tensor<std::int32_t>{-1}},
                                               {"none", zeros<float>({0, 3})},
                                               {"no ids", zeros<std::int64_t>({0})}});
  const TensorFile file = io::from_torch_file(bytes, "f");
  CHECK(file.tensors().size() == 11);
  CHECK(gloss_test::same_bits(file.tensor<float>("x"), x));
  CHECK(file.entry("x").bytes.data() == file.entry("again").bytes.data());
  CHECK(gloss_test::same_bits(file.tensor<float>("turned"), x.transpose(0, 1).contiguous()));
  CHECK(file.tensor<bfloat16>("half").at({2, 3}) == bfloat16(x.at({2, 3})));
  CHECK(file.tensor<std::int64_t>("ids").at({299}) == 299);
  CHECK(file.tensor<bool>("mask").at({0}));
  CHECK(file.tensor<std::uint8_t>("bytes").at({1}) == 2);
  CHECK(file.tensor<double>("wide").item() == 1);
  CHECK(file.tensor<std::int32_t>("ints").item() == -1);
  CHECK(file.entry("none").shape == Shape{0, 3});
  CHECK(file.entry("no ids").dtype == Dtype::I64);
  const io::ZipReader zip("op", bytes, "f");
  for (const io::ZipMember& m : zip.members()) CHECK((zip.packed(m).data() - bytes.data()) % 64 == 0);
  CHECK_ERROR(io::to_torch_file({{"x", x}, {"x", x}}), Error, "save_torch_file: two tensors are named x");

  const TempFolder folder;
  io::save_torch_file(folder.file("x.pt"), {{"x", x}});
  CHECK(gloss_test::same_bits(io::load_torch_file(folder.file("x.pt")).tensor<float>("x"), x));
}

TEST_CASE("torch_file: what is no such file is called by its name") {
  refuse("", "not a PyTorch file: it is empty");
  refuse("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
         "not a PyTorch file: it looks like a git-LFS pointer to the file");
  refuse(io::to_safetensors({{"x", ones<float>({1})}}),
         "not a PyTorch file: it looks like a safetensors file, which io::load_safetensors reads");
  refuse(std::string(9, '\1'), "not a PyTorch file: it is neither a zip archive nor a pickle");
  refuse("\x80\2}.", "not a PyTorch file: a pickle that torch.save has not written");
  io::ZipWriter zip;
  zip.add("model/weights.bin", "1234", false);
  refuse(std::move(zip).finish(), "a zip archive without a data.pkl, so not a PyTorch file");
  refuse(archive(entry(good)).substr(0, 300), "not a zip archive, or cut short: it has no directory");
  refuse(archive(entry(good), "", "big"), "its numbers are big endian");
  CHECK_ERROR(io::load_torch_file("none.pt"), LoadError, "read_file: none.pt: No such file or directory");
}

TEST_CASE("torch_file: claims that the file does not keep") {
  CHECK(io::from_torch_file(archive(entry(good)), "f").entry("w").shape == Shape{2, 3});
  const std::string vast = number(std::int64_t{1} << 60);
  refuse(archive(entry(tensor("K\0"s, "K\2K\4\x86", "K\4K\1\x86"))), "w: F32 [2, 4] takes 32 bytes, there are 24");
  refuse(archive(entry(tensor("K\0"s, "K\2K\3\x86", "K\7K\1\x86"))), "w: F32 [2, 3] takes 40 bytes, there are 24");
  refuse(archive(entry(tensor("K\7", "K\1\x85", "K\1\x85"))), "w: it begins at element 7 of 6");
  refuse(archive(entry(tensor(number(-1), "K\1\x85", "K\1\x85"))), "w: it begins at element 18446744073709551615 of 6");
  refuse(archive(entry(tensor("K\0"s, vast + "\x85", "K\1\x85"))),
         "w: F32 [1152921504606846976] takes 4611686018427387904 bytes, there are 24");
  refuse(archive(entry(tensor("K\0"s, vast + vast + "\x86", "K\1K\1\x86"))),
         "w: its shape [1152921504606846976, 1152921504606846976] does not go with strides [1, 1]");
  refuse(archive(entry(tensor("K\0"s, number(-2) + "\x85", "K\1\x85"))),
         "w: its shape [-2] does not go with strides [1]");
  refuse(archive(entry(tensor("K\0"s, "K\2\x85", vast + "\x85"))),
         "w: F32 [2] takes 4611686018427387908 bytes, there are 24");
  refuse(archive(entry(tensor("K\0"s, "K\2\x85", number(-1) + "\x85"))),
         "w: its shape [2] does not go with strides [-1]");
  refuse(archive(entry(tensor("K\0"s, "(" + std::string("K\1K\1K\1K\1K\1K\1K\1K\1K\1") + "t", ")"))),
         "w: it has more than 8 axes");
  refuse(archive(entry(tensor("K\0"s, number(1 << 25) + "\x85", "K\0\x85"s))),
         "w: its shape [33554432] is stretched from 6 elements");
  refuse(archive(entry(tensor("K\0"s, "N\x85", "K\1\x85"))), "w: its sizes and strides are not whole numbers");
  refuse(archive(entry(tensor("K\0"s, "K\1\x85", "K\1\x85", "N"))),
         "w: its tensor has no storage, offset, size and stride");
  refuse(archive(entry("ctorch._utils\n_rebuild_parameter\n)R")),
         "w: its tensor is made of something that is no tensor");
  refuse(archive(entry("ctorch._utils\n_rebuild_parameter\nN\x85R")),
         "w: its tensor is made of something that is no tensor");
  refuse(archive(entry("N\x85Q")), "its pickle refers to something that is no storage");
  refuse(archive(entry(tensor("K\0"s, "K\1\x85", "K\1\x85",
                              "(" + text("storage") + "ctorch\nfloat32\n" + text("0") + text("cpu") + "K\6tQ"))),
         "storage 0 has no class of PyTorch's");
  refuse(archive(entry(tensor("K\0"s, "K\1\x85", "K\1\x85",
                              "(" + text("storage") + "ctorch\nFloatStorage\n" + text("5") + text("cpu") + "K\6tQ"))),
         "w: its storage 5 is not there");
  refuse(archive(entry("}N" + good + "s")), "a key in its dict 'w' is neither a text nor a whole number");
  refuse(archive("\x80\2}" + text("w") + good + "s" + text("w") + good + "s."), "w: occurs twice");
}

TEST_CASE("torch_file: the old format ends where it says") {
  const std::string bytes = read_file(GLOSS_TEST_DATA "/torch/legacy4.pt");
  REQUIRE(io::from_torch_file(bytes, "f").tensors().size() == 2);
  const std::size_t last = bytes.size() - 32 - 8;  // int64 [4] or float [2, 3], whichever comes last
  const bool floats = bytes.substr(bytes.size() - 24 - 8, 8) == "\6\0\0\0\0\0\0\0"s;
  const std::size_t at = floats ? bytes.size() - 24 - 8 : last;
  const auto error = [](const std::string& damaged) {
    try {
      io::from_torch_file(damaged, "f");
    } catch (const LoadError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto has = [&](const std::string& damaged, const std::string& why) {
    const std::string got = error(damaged);
    INFO(got);
    CHECK(got.find(why) != std::string::npos);
  };
  has(bytes.substr(0, bytes.size() - 1), floats ? " has 6 elements of 4 bytes, but only 23 bytes follow"
                                                : " has 4 elements of 8 bytes, but only 31 bytes follow");
  has(bytes.substr(0, at + 7), "it ends before storage ");
  std::string vast = bytes;
  vast.replace(at, 8, le(std::uint64_t{1} << 62, 8));
  has(vast, " has 4611686018427387904 elements of ");
  has("\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}"s + text("little_endian") + "\x89s.",
      "its numbers are big endian");
  has("\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}.\x80\2}.\x80\2]" + text("7") + "a.",
      "storage 7 belongs to no tensor");
}

TEST_CASE("torch_file: references in a circle, and values that are part of each other many times, end in an error") {
  refuse(archive("\x80\2}q\0"s + text("a") + "h\0s."s, ""), [] {
    std::string name = "a";
    for (int i = 0; i < 64; ++i) name += ".a";
    return name;
  }() + ": it is nested more than 64 deep");
  std::string chain = "\x80\2]";
  for (int i = 0; i < 100; ++i) chain += "ctorch._utils\n_rebuild_parameter\n";
  chain += good;
  for (int i = 0; i < 100; ++i) chain += "\x85R";
  refuse(archive(chain + "a."), "0: its tensor is made of something that is no tensor");
  // 2^40 tensors in 400 bytes: each dict has the one before it twice.
  std::string bomb = "\x80\2}" + text("w") + good + "s";
  for (int i = 0; i < 40; ++i) {
    const std::string put = "q" + le(static_cast<std::uint64_t>(i), 1),
                      get = "h" + le(static_cast<std::uint64_t>(i), 1);
    bomb += put + "0}(" + text("a") + get + text("b") + get + "u";
  }
  const std::size_t before = gloss_test::peak_memory();
  refuse(archive(bomb + "."), "its pickle unfolds to too much");
  // A long key at each of 60 levels, before 50,000 tensors.
  std::string names = "\x80\2" + text(std::string(50000, 'k')) +
                      "q\0"
                      "0"s +
                      good +
                      "q\1"
                      "0](";
  for (int i = 0; i < 50000; ++i) names += "h\1";
  names += "e";
  for (int i = 0; i < 60; ++i)
    names +=
        "q\2"
        "0}h\0h\2s"s;
  refuse(archive(names + "."), "its pickle unfolds to too much");
  CHECK(gloss_test::peak_memory() - before < (std::size_t{1} << 28));
}

TEST_CASE(
    "torch_file: 4,000 damaged files are read or refused, never worse, and take no more memory than they should") {
  Rng rng(3);
  int refused = 0, rounds = 0;
  const std::size_t before = gloss_test::peak_memory();
  for (const char* name : {"state.pt", "legacy.pt", "checkpoint.pt", "legacy4.pt"}) {
    const std::string whole = read_file(GLOSS_TEST_DATA "/torch/"s + name);
    for (int i = 0; i < 1000; ++i, ++rounds) {
      try {
        const TensorFile file = io::from_torch_file(mutate(whole, rng), "f");
        for (const StoredTensor& t : file.tensors())
          if (t.shape.numel() < 1 << 20 && io::reads_as<float>(t)) static_cast<void>(file.tensor<float>(t.name));
      } catch (const LoadError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > rounds / 2);
  CHECK(gloss_test::peak_memory() - before < (std::size_t{1} << 28));
}
