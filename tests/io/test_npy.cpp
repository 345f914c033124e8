// .npy and .npz against files that NumPy made: tests/golden/generate_npy.py
#include <gloss/io/npy.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/views.hpp>

#include "support/catch.hpp"
#include "support/mutate.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace gloss::io;

namespace {

std::string golden(const std::string& name) { return std::string(GLOSS_TEST_DATA "/npy/") + name; }

// The values that the script gives an array of this type.
template <class T>
Tensor<T> made(const Shape& shape, bool is_signed) {
  Tensor<T> x = empty<T>(shape);
  for (Index i = 0; i < x.numel(); ++i) {
    if constexpr (std::same_as<T, bool>)
      x.data()[i] = i % 3 == 1;
    else
      x.data()[i] = static_cast<T>(static_cast<double>((7 * i + 3) % 101 - (is_signed ? 50 : 0)) +
                                   (Real<T> ? static_cast<double>(i) / 4 : 0));
  }
  return x;
}

template <class T>
bool loads(const std::string& name, const Shape& shape, bool is_signed = true) {
  return gloss_test::same_bits(load_npy<T>(golden(name + ".npy")), made<T>(shape, is_signed));
}

std::string npy_with(std::string dict, const std::string& data = "", char major = 1, char minor = 0) {
  std::string out = "\x93NUMPY";
  out += major;
  out += minor;
  out += static_cast<char>(dict.size() & 255);
  out += static_cast<char>(dict.size() >> 8);
  if (major > 1) out += std::string(2, '\0');
  return out + dict + data;
}

void check_refused(const std::string& bytes, const std::string& why) {
  INFO(bytes);
  CHECK_ERROR(NpyArray(bytes, "f"), LoadError, "load_npy: f: " + why);
}

}  // namespace

TEST_CASE("npy: files of NumPy load, whatever their type, byte order, order of axes and version", "[io]") {
  CHECK(loads<bool>("b1", {2, 5}));
  CHECK(loads<std::uint8_t>("u1", {3, 4}, false));
  CHECK(loads<std::int32_t>("i4", {2, 3}));
  CHECK(loads<std::int64_t>("i8", {3, 2}));
  CHECK(loads<float>("f4", {2, 3, 4}));
  CHECK(loads<double>("f8", {2, 3}));
  CHECK(loads<float>("f4_big", {2, 3}));
  CHECK(loads<double>("f8_big", {5}));
  CHECK(loads<std::int32_t>("i4_big", {2, 2}));
  CHECK(loads<std::int64_t>("i8_big", {3}));
  CHECK(loads<double>("scalar", {}));
  CHECK(loads<float>("empty", {0}));
  CHECK(loads<std::int64_t>("empty3", {2, 0, 3}));
  CHECK(loads<float>("eight", {1, 2, 1, 2, 1, 2, 1, 2}));
  CHECK(loads<float>("fortran", {2, 3, 4}));
  CHECK(loads<std::int32_t>("fortran_big", {3, 2}));
  CHECK(loads<float>("version2", {2, 3}));
  CHECK(loads<float>("version3", {2, 3}));
  CHECK(load_npy<float>(golden("fortran.npy")).is_contiguous());
  const NpyArray x = open_npy(golden("f4_big.npy"));
  CHECK(x.descr() == ">f4");
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.dtype() == Dtype::F32);
}

TEST_CASE("npy: types that no tensor has are widened where nothing is lost, else refused", "[io]") {
  CHECK(loads<std::int64_t>("i1", {7}));
  CHECK(loads<std::int32_t>("i2", {2, 3}));
  CHECK(loads<std::int64_t>("u2", {2, 3}, false));
  CHECK(loads<std::int64_t>("u4", {3}, false));
  CHECK(loads<std::int64_t>("i4", {2, 3}));
  CHECK(loads<float>("f2", {2, 3}));
  CHECK(loads<double>("f2_big", {4}));
  CHECK(loads<double>("f4", {2, 3, 4}));
  CHECK(loads<float>("f8", {2, 3}));
  const auto refuse = [](const char* name, auto zero, const std::string& why) {
    CHECK_ERROR(load_npy<decltype(zero)>(golden(name)), LoadError, "load_npy: " + golden(name) + ": " + why);
  };
  refuse("i8.npy", float{}, "stored as <i8, which does not convert to float32 without loss");
  refuse("i8.npy", std::int32_t{}, "stored as <i8, which does not convert to int32 without loss");
  refuse("u8.npy", std::int64_t{}, "stored as <u8, which does not convert to int64 without loss");
  refuse("f4.npy", std::int64_t{}, "stored as <f4, which does not convert to int64 without loss");
  refuse("c8.npy", float{}, "'<c8' is complex, which no tensor is");
  refuse("U2.npy", float{}, "'<U2' is not a dtype that can be read");
  refuse("M8.npy", float{}, "'<M8[s]' is not a dtype that can be read");
  refuse("records.npy", float{}, "structured arrays are not supported");
  refuse("nine.npy", float{}, "its shape has more than 8 axes");
}

TEST_CASE("npy: what is written is byte for byte what NumPy writes", "[io]") {
  CHECK(to_npy(made<bool>({2, 5}, false)) == read_file(golden("b1.npy")));
  CHECK(to_npy(made<std::uint8_t>({3, 4}, false)) == read_file(golden("u1.npy")));
  CHECK(to_npy(made<std::int32_t>({2, 3}, true)) == read_file(golden("i4.npy")));
  CHECK(to_npy(made<std::int64_t>({3, 2}, true)) == read_file(golden("i8.npy")));
  CHECK(to_npy(made<float>({2, 3, 4}, true)) == read_file(golden("f4.npy")));
  CHECK(to_npy(made<double>({2, 3}, true)) == read_file(golden("f8.npy")));
  CHECK(to_npy(made<double>({}, true)) == read_file(golden("scalar.npy")));
  CHECK(to_npy(made<float>({0}, true)) == read_file(golden("empty.npy")));
  CHECK(to_npy(made<std::int64_t>({2, 0, 3}, true)) == read_file(golden("empty3.npy")));
  CHECK(to_npy(made<float>({1, 2, 1, 2, 1, 2, 1, 2}, true)) == read_file(golden("eight.npy")));
  const auto view = made<double>({2, 3}, true).mT().contiguous().mT();
  CHECK(to_npy(view) == read_file(golden("f8.npy")));
}

TEST_CASE("npy: a file goes to disk and comes back; a file that is not there is named", "[io]") {
  const TempFolder folder;
  const auto x = made<float>({300, 40}, true);
  save_npy(folder.file("x.npy"), x);
  CHECK(gloss_test::same_bits(load_npy<float>(folder.file("x.npy")), x));
  CHECK_ERROR(load_npy<float>(folder.file("y.npy")), LoadError,
              "read_file: " + folder.file("y.npy") + ": No such file or directory");
  const auto half = cast<bfloat16>(x);
  save_npy(folder.file("h.npy"), cast<float>(half));  // bfloat16 itself does not compile
  CHECK(gloss_test::same_bits(load_npy<bfloat16>(folder.file("h.npy")), half));
}

TEST_CASE("npy: files that are not as they say are refused, with the reason", "[io]") {
  const std::string good = read_file(golden("f4.npy"));
  check_refused("", "not a .npy file: it is empty");
  check_refused("\1\2", "not a .npy file: it does not begin with \\x93NUMPY");
  check_refused(to_npz({}) + "x", "not a .npy file: it looks like an empty zip archive");
  check_refused("\x93NUMPY", "the file ends in its header");
  check_refused(good.substr(0, 100), "the file ends in its header");
  check_refused(good.substr(0, good.size() - 1), "shape [2, 3, 4] of '<f4' takes 96 bytes, the file has 95");
  check_refused(good + "x", "shape [2, 3, 4] of '<f4' takes 96 bytes, the file has 97");
  check_refused(npy_with("{}", "", 4), "unknown version 4.0");
  check_refused(npy_with("{}", "", 1, 1), "unknown version 1.1");
  check_refused(npy_with("{}"), "its header lacks descr, fortran_order or shape");
  check_refused(npy_with("(1)"), "its header is not a dict of descr, fortran_order and shape");
  check_refused(npy_with("{'descr' '<f4'}"), "its header has no ':' after 'descr'");
  check_refused(npy_with("{'descr': '<f4' 'shape': ()}"), "its header has no ',' after 'descr'");
  check_refused(npy_with("{'descr': '<f4"), "its header is not a dict of descr, fortran_order and shape");
  check_refused(npy_with("{'descr': '<f4', 'descr': '<f4'}"), "its header has an unexpected or second 'descr'");
  check_refused(npy_with("{'colour': 3}"), "its header has an unexpected or second 'colour'");
  check_refused(npy_with("{'fortran_order': 0}"), "fortran_order is neither True nor False");
  check_refused(npy_with("{'shape': 3}"), "its shape is not a tuple");
  for (const char* shape : {"(-1,)", "(1.5,)", "('1',)", "(1 2)", "(,)", "(99999999999999999999,)"})
    check_refused(npy_with("{'shape': " + std::string(shape) + "}"), "its shape is not a tuple of sizes");
  const auto dict = [](const std::string& shape) {
    return "{\"descr\": \"<f4\", 'fortran_order': False, 'shape': " + shape + "}";
  };
  check_refused(npy_with(dict("(1152921504606846976, 8)")), "its shape [1152921504606846976, 8] is too large");
  check_refused(npy_with(dict("(0, 1152921504606846976, 8)")), "its shape [0, 1152921504606846976, 8] is too large");
  check_refused(npy_with(dict("()") + "x"), "its header has text after the dict");
  check_refused(npy_with("{'descr': '|f4', 'fortran_order': False, 'shape': ()}"),
                "'|f4' is not a dtype that can be read");
  CHECK(NpyArray(npy_with(dict("(2L, 0)")), "f").shape() == Shape{2, 0});  // as Python 2 wrote
  CHECK(NpyArray(npy_with(dict("()"), std::string("\0\0\x80?", 4), 2), "f").tensor<float>().item() == 1);
}

TEST_CASE("npz: files of numpy.savez load", "[io]") {
  const Npz file = load_npz(golden("stored.npz"));
  CHECK(file.names() == std::vector<std::string>{"weight", "ids", "mask"});
  CHECK(gloss_test::same_bits(file.tensor<float>("weight"), made<float>({2, 3}, true)));
  CHECK(gloss_test::same_bits(file.tensor<std::int64_t>("ids"), made<std::int64_t>({5}, true)));
  CHECK(gloss_test::same_bits(file.tensor<bool>("mask"), made<bool>({3, 3}, false)));
  CHECK(file.has("ids"));
  CHECK_FALSE(file.has("id"));
  CHECK_ERROR(file.array("bias"), LoadError, "load_npz: " + golden("stored.npz") + ": no array is named bias");
  CHECK_ERROR(
      file.tensor<float>("ids"), LoadError,
      "load_npy: " + golden("stored.npz") + ": ids.npy: stored as <i8, which does not convert to float32 without loss");
  CHECK(load_npz(golden("none.npz")).names().empty());
}

TEST_CASE("npz: files of numpy.savez_compressed load where zlib is there, else say so", "[io]") {
  const Npz file = load_npz(golden("deflated.npz"));
#ifdef GLOSS_ZLIB
  CHECK(gloss_test::same_bits(file.tensor<float>("weight"), made<float>({2, 3}, true)));
  CHECK(gloss_test::same_bits(file.tensor<double>("zeros"), zeros<double>({40, 50})));
  const std::string again = to_npz({{"x", zeros<double>({100, 100})}}, {.compress = true});
  CHECK(again.size() < 1000);
  CHECK(gloss_test::same_bits(Npz(again, "f").tensor<double>("x"), zeros<double>({100, 100})));
#else
  CHECK_ERROR(
      file.array("weight"), LoadError,
      "load_npz: " + golden("deflated.npz") + ": weight.npy is deflated, and this program was built without zlib");
  CHECK_ERROR(to_npz({{"x", zeros<double>({2})}}, {.compress = true}), Error,
              "zip: cannot deflate x.npy: this program was built without zlib");
#endif
}

TEST_CASE("npz: what is written reads back, and is the same bytes each time", "[io]") {
  const TempFolder folder;
  const auto x = made<float>({2, 3}, true);
  const Tensor<std::int64_t> ids{1, 2, 3};
  save_npz(folder.file("x.npz"), {{"x", x}, {"größe/ids", ids}});
  const Npz file = load_npz(folder.file("x.npz"));
  CHECK(file.names() == std::vector<std::string>{"x", "größe/ids"});
  CHECK(gloss_test::same_bits(file.tensor<float>("x"), x));
  CHECK(gloss_test::same_bits(file.tensor<std::int64_t>("größe/ids"), ids));
  CHECK(read_file(folder.file("x.npz")) == to_npz({{"x", x}, {"größe/ids", ids}}));
  CHECK(Npz(to_npz({}), "f").names().empty());
  CHECK(crc32("123456789") == 0xCBF43926u);
  CHECK_ERROR(to_npz({{"x", x}, {"x", x}}), Error, "save_npz: two arrays are named x");
  CHECK_ERROR(to_npz({{"", x}}), Error, "save_npz: an array has no name");
  CHECK_ERROR(to_npz({{std::string("a\0b", 3), x}}), Error, "save_npz: a name holds a zero byte");
}

TEST_CASE("npz: damaged archives are refused, with the reason", "[io]") {
  const std::string good = to_npz({{"x", Tensor<float>{1, 2}}});
  const auto refuse = [&](const std::string& bytes, const std::string& why) {
    CHECK_ERROR(Npz(bytes, "f").array("x"), LoadError, "load_npz: f: " + why);
  };
  const auto with = [&](std::size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  const std::size_t directory = good.size() - 22 - 51;
  refuse("", "not a zip archive: it is empty");
  refuse("PK\3\4", "not a zip archive, or cut short: it has no directory");
  refuse(std::string(100000, '\1'), "not a zip archive, or cut short: it has no directory");
  refuse("<html>" + std::string(100000, ' '), "not a zip archive: it looks like HTML or XML");
  refuse(to_npy(ones<float>({2})), "not a zip archive: it looks like a NumPy array, which io::load_npy reads");
  refuse(good.substr(0, good.size() - 1), "not a zip archive, or cut short: it has no directory");
  refuse(with(60, 'x'), "x.npy has a wrong checksum");
  refuse(with(0, 'x'), "x.npy is not where the directory says");
  refuse(with(directory, 'x'), "its directory is damaged");
  refuse(with(directory + 8, 1), "x.npy is encrypted");
  refuse(with(directory + 10, 9), "x.npy is packed by method 9, stored and deflated are known");
  refuse(with(directory + 20, 9), "x.npy is stored in 9 bytes and has 136");
  refuse(with(directory + 23, 9), "x.npy goes beyond the end of the file");
  refuse(with(directory + 28, 99), "its directory is damaged");
  refuse(with(good.size() - 22 + 10, 9), "its directory is too short for 9 members");
  refuse(with(good.size() - 22 + 15, 9), "its directory goes beyond the end of the file");
  std::string commented = good + "end";
  commented[good.size() - 2] = 3;
  CHECK(Npz(commented, "f").has("x"));
}

TEST_CASE("npz: of two members of one name the last counts, as for NumPy", "[io]") {
  ZipWriter zip;
  zip.add("x.npy", to_npy(Tensor<float>{1}), false);
  zip.add("y.npy", to_npy(Tensor<float>{2}), false);
  zip.add("x.npy", to_npy(Tensor<float>{3}), false);
  const Npz file(std::move(zip).finish(), "f");
  CHECK(file.names() == std::vector<std::string>{"x", "y"});
  CHECK(file.tensor<float>("x").item() == 3);
  CHECK(file.tensor<float>("y").item() == 2);
}

TEST_CASE("npz: zip64 directories are read", "[io]") {
  // The same archive with every number of the directory in zip64's places.
  std::string bytes = to_npz({{"x", Tensor<float>{1, 2}}});
  const std::size_t directory = bytes.size() - 22 - 51;
  const auto put = [](std::string& out, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 255));
  };
  std::string entry = bytes.substr(directory, 51);
  bytes.resize(directory);
  for (std::size_t i = 20; i < 28; ++i) entry[i] = '\xff';
  for (std::size_t i = 42; i < 46; ++i) entry[i] = '\xff';
  entry[30] = 28;
  put(entry, 1, 2);
  put(entry, 24, 2);
  put(entry, 136, 8);
  put(entry, 136, 8);
  put(entry, 0, 8);
  bytes += entry;
  std::string tail;
  put(tail, 0x06064B50, 4);
  put(tail, 44, 8);
  put(tail, 45, 2);
  put(tail, 45, 2);
  put(tail, 0, 8);
  put(tail, 1, 8);
  put(tail, 1, 8);
  put(tail, entry.size(), 8);
  put(tail, directory, 8);
  const std::size_t wide = bytes.size();
  put(tail, 0x07064B50, 4);
  put(tail, 0, 4);
  put(tail, wide, 8);
  put(tail, 1, 4);
  put(tail, 0x06054B50, 4);
  put(tail, 0, 4);
  put(tail, 0xFFFFFFFF, 4);
  put(tail, 0xFFFFFFFFFFFFFFFF, 8);
  put(tail, 0, 2);
  bytes += tail;
  CHECK(gloss_test::values(Npz(bytes, "f").tensor<float>("x")) == std::vector<float>{1, 2});
}

TEST_CASE("npy, npz: 20,000 damaged files are read or refused, never worse", "[io]") {
  Rng rng(11);
  const std::string good[] = {read_file(golden("fortran_big.npy")), read_file(golden("version2.npy")),
                              read_file(golden("stored.npz")), read_file(golden("deflated.npz"))};
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string bytes = mutate(good[round % 4], rng);
    try {
      if (round % 4 < 2) {
        static_cast<void>(NpyArray(bytes, "f").tensor<double>());
      } else {
        const Npz file(bytes, "f");
        for (const std::string& name : file.names()) static_cast<void>(file.tensor<double>(name));
      }
    } catch (const LoadError&) {
      ++refused;
    }
  }
  CHECK(refused > 10000);
}
