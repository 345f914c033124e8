#include <gloss/data/idx.hpp>

#include "support/mutate.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

namespace {
using namespace std::string_literals;
const std::string bytes = "\0\0\x08\x02\0\0\0\x02\0\0\0\x03\x01\x02\x03\xff\x05\x06"s;  // numpy: 2 x 3 of uint8

template <class T = std::uint8_t>
Tensor<T> parse(const std::string& file) {
  return data::parse_idx<T>(file, "f");
}
}  // namespace

TEST_CASE("parse_idx: bytes, also as wider numbers") {
  CHECK(parse(bytes).shape() == Shape{2, 3});
  CHECK(values(parse(bytes)) == std::vector<std::uint8_t>{1, 2, 3, 255, 5, 6});
  CHECK(values(parse<float>(bytes)) == std::vector<float>{1, 2, 3, 255, 5, 6});
  CHECK(values(parse<std::int64_t>(bytes)) == std::vector<std::int64_t>{1, 2, 3, 255, 5, 6});
  CHECK(parse("\0\0\x08\x02\0\0\0\0\0\0\0\x03"s).shape() == Shape{0, 3});
  CHECK(parse("\0\0\x08\0\x09"s).item() == 9);
  const TempFolder folder;
  CHECK(values(data::read_idx<double>(folder.write("a.idx", bytes))) == std::vector<double>{1, 2, 3, 255, 5, 6});
  CHECK_ERROR(data::read_idx<double>(folder.file("b.idx")), LoadError,
              "read_file: " + folder.file("b.idx") + ": No such file or directory");
}

TEST_CASE("parse_idx: every type of number") {
  CHECK(values(parse<std::int32_t>("\0\0\x09\x01\0\0\0\x02\xff\x7f"s)) == std::vector<std::int32_t>{-1, 127});
  CHECK(values(parse<float>("\0\0\x0b\x01\0\0\0\x02\xff\xfe\x01\x00"s)) == std::vector<float>{-2, 256});
  CHECK(values(parse<std::int64_t>("\0\0\x0c\x01\0\0\0\x01\x80\0\0\0"s)) == std::vector<std::int64_t>{-2147483648});
  CHECK(values(parse<double>("\0\0\x0d\x01\0\0\0\x01\x3f\xc0\0\0"s)) == std::vector<double>{1.5});
  CHECK(values(parse<double>("\0\0\x0e\x01\0\0\0\x01\xbf\xf8\0\0\0\0\0\0"s)) == std::vector<double>{-1.5});
  const std::string whole = "\0\0\x0c\x01\0\0\0\x01\x80\0\0\0"s;
  CHECK_ERROR(parse<float>(whole), LoadError, "read_idx: f: holds int32, which float32 cannot hold");
  CHECK_ERROR(parse(whole), LoadError, "read_idx: f: holds int32, which uint8 cannot hold");
  CHECK_ERROR(parse("\0\0\x09\x01\0\0\0\x01\x01"s), LoadError, "read_idx: f: holds int8, which uint8 cannot hold");
  CHECK_ERROR(parse<float>("\0\0\x0e\x01\0\0\0\x01\xbf\xf8\0\0\0\0\0\0"s), LoadError,
              "read_idx: f: holds float64, which float32 cannot hold");
  CHECK_ERROR(parse<std::int64_t>("\0\0\x0d\x01\0\0\0\x01\x3f\xc0\0\0"s), LoadError,
              "read_idx: f: holds float32, which int64 cannot hold");
}

TEST_CASE("parse_idx: what is no IDX file is refused") {
  CHECK_ERROR(parse("<html>"), LoadError, "read_idx: f: not an IDX file: it looks like HTML or XML");
  CHECK_ERROR(parse(""), LoadError, "read_idx: f: not an IDX file: it is empty");
  CHECK_ERROR(parse("\0\x01\x08\x01"s), LoadError,
              "read_idx: f: not an IDX file: it does not begin with two zero bytes");
  CHECK_ERROR(parse("\0\0\x0a\x01\0\0\0\0"s), LoadError, "read_idx: f: numbers of the unknown type 10");
  CHECK_ERROR(parse("\0\0\x08\x09\0\0\0\0"s), LoadError, "read_idx: f: it has 9 axes, at most 8 are read");
  CHECK_ERROR(parse("\0\0\x08\x01\0\0"s), LoadError, "read_idx: f: it ends within its header");
  CHECK_ERROR(parse(bytes.substr(0, 17)), LoadError,
              "read_idx: f: its shape is [2, 3] of uint8, and there are 5 bytes of numbers");
  CHECK_ERROR(parse(bytes + "x"), LoadError,
              "read_idx: f: its shape is [2, 3] of uint8, and there are 7 bytes of numbers");
  CHECK_ERROR(parse("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s), LoadError,
              "read_idx: f: its shape is [4294967295, 4294967295, 4294967295] of uint8, and there are 0 bytes of "
              "numbers");
  Rng rng(1);
  for (int i = 0; i < 2000; ++i) try {
      static_cast<void>(parse(mutate(bytes, rng)));
    } catch (const LoadError&) {
    }
}

#ifdef GLOSS_ZLIB
TEST_CASE("parse_idx: packed by gzip") {
  const std::string packed =  // the file above
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\xe0\x60\x62\x60\x60\x00\x61\x66"
      "\x46\x26\xe6\xff\xac\x6c\x00\x79\x08\xaf\x5c\x12\x00\x00\x00"s;
  CHECK(values(parse(packed)) == std::vector<std::uint8_t>{1, 2, 3, 255, 5, 6});
  CHECK_ERROR(parse(packed.substr(0, 30)), LoadError, "read_idx: f: the gzip data are cut short");
}
#endif
