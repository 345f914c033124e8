// Checksums, base64, Protocol Buffers, TFRecord and files that grow: what event files are made of.
#include <filesystem>
#include <string>

#include <gloss/io/append_file.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/base64.hpp>
#include <gloss/io/crc.hpp>
#include <gloss/io/protobuf.hpp>
#include <gloss/io/tf_record.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"

using namespace gloss;

TEST_CASE("crc32 and crc32c: the check values of their definitions") {
  CHECK(io::crc32("123456789") == 0xCBF43926u);
  CHECK(io::crc32c("123456789") == 0xE3069283u);
  CHECK(io::crc32("") == 0);
  CHECK(io::crc32c("") == 0);
  CHECK(io::crc32c(std::string(32, '\0')) == 0x8A9136AAu);  // RFC 3720, B.4
  CHECK(io::crc32c(std::string(32, '\xff')) == 0x62A8AB43u);
}

TEST_CASE("base64: the test vectors of RFC 4648") {
  const std::string text = "foobar", encoded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= 6; ++n) CHECK(io::base64(text.substr(0, n)) == encoded[n]);
  CHECK(io::base64("\xff\xfe\xfd\xfb") == "//79+w==");
}

TEST_CASE("ProtobufWriter: fields in the wire format") {
  using Bytes = std::string;
  const auto of = [](int field, auto value) {
    io::ProtobufWriter message;
    message.add(field, value);
    return message.bytes();
  };
  CHECK(of(1, std::int64_t{150}) == "\x08\x96\x01");  // the example of its documentation
  CHECK(of(2, std::string_view("testing")) == "\x12\x07testing");
  CHECK(of(3, std::int64_t{-1}) == Bytes("\x18") + Bytes(9, '\xff') + "\x01");
  CHECK(of(1, std::int64_t{0}) == Bytes("\x08\0", 2));
  CHECK(of(16, std::int64_t{127}) == "\x80\x01\x7f");
  CHECK(of(1, 1.0) == Bytes("\x09\0\0\0\0\0\0\xf0\x3f", 9));
  CHECK(of(2, 1.0f) == Bytes("\x15\0\0\x80\x3f", 5));
  CHECK(of(6, std::vector<double>{1, -2}) == Bytes("\x32\x10\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0", 18));
  CHECK(of(6, std::vector<double>{}).empty());
}

TEST_CASE("tf_record: length, bytes and a masked checksum of each") {
  // Of zero bytes, as TensorFlow writes them.
  CHECK(io::tf_record("") == std::string("\0\0\0\0\0\0\0\0\x29\x03\x98\x07\xd8\xea\x82\xa2", 16));
  CHECK(io::tf_record("abc").substr(12, 3) == "abc");
  CHECK(io::tf_record("abc").size() == 19);
}

TEST_CASE("AppendFile: every piece is in the file at once, behind what was there") {
  const TempFolder folder;
  const std::string path = folder.write("log", "old\n");
  io::AppendFile file(path);
  CHECK(file.path() == path);
  file.write("one\n");
  CHECK(io::read_file(path) == "old\none\n");
  file.write("two\n");
  CHECK(io::read_file(path) == "old\none\ntwo\n");
  { io::AppendFile made(folder.file("new")); }
  CHECK(io::read_file(folder.file("new")).empty());
}

TEST_CASE("AppendFile: says which file and why when it cannot") {
  CHECK_THROWS_WITH(io::AppendFile("/no/such/folder/log"),
                    "append to a file: /no/such/folder/log: No such file or directory");
  if (std::filesystem::exists("/dev/full")) {
    io::AppendFile full("/dev/full");
    CHECK_THROWS_WITH(full.write("x"), "append to a file: /dev/full: No space left on device");
  }
}
