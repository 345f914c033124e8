// Zip archives by themselves; with arrays in them, and against NumPy's, they are in test_npy.cpp.
#include <gloss/io/zip.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using io::ZipReader;

namespace {

/// An archive of one member "m" of eight bytes, stored.
std::string archive() {
  io::ZipWriter zip;
  zip.add("m", "12345678", false);
  return std::move(zip).finish();
}
constexpr std::size_t directory_bytes = 47, end_bytes = 22;

void refuse(const std::string& bytes, const std::string& why) {
  const auto read = [&] {
    const ZipReader zip("op", bytes, "f");
    std::string room;
    static_cast<void>(zip.read(zip.members()[0], room));
  };
  CHECK_ERROR(read(), LoadError, "op: f: " + why);
}

}  // namespace

TEST_CASE("zip: what is added is read, in order, under its name") {
  io::ZipWriter zip;
  zip.add("a", "first", false);
  zip.add("größe/b", "", false);
  const std::string bytes = std::move(zip).finish();
  const ZipReader reader("op", bytes, "f");
  REQUIRE(reader.members().size() == 2);
  CHECK(reader.members()[1].name == "größe/b");
  std::string room;
  const std::string_view first = reader.read(reader.members()[0], room);
  CHECK(first == "first");
  CHECK(reader.packed(reader.members()[0]).data() == first.data());
  CHECK((first.data() > bytes.data() && first.data() < bytes.data() + bytes.size()));  // where it lies, not copied
  CHECK(reader.read(reader.members()[1], room).empty());
  CHECK(room.empty());
}

TEST_CASE("zip: claims of a directory that its members do not keep") {
  const std::size_t directory = archive().size() - end_bytes - directory_bytes;
  const auto with = [&](std::string bytes, std::size_t at, const std::string& change) {
    return bytes.replace(directory + at, change.size(), change);
  };
  refuse(with(archive(), 42, "\x01"), "m is not where the directory says");
  // A member that begins where the file all but ends: in the archive's comment.
  std::string short_member = with(archive(), 42, std::string(1, static_cast<char>(archive().size()))) + "PK\x03\x04";
  short_member[archive().size() - 2] = 4;
  refuse(short_member, "the file ends too early");
#ifdef GLOSS_ZLIB
  refuse(with(archive(), 10, "\x08"), "m does not inflate");
  refuse(with(with(archive(), 10, "\x08"), 26, "\x01"), "m has 65544 bytes, which 8 cannot hold");
#endif
  // A zip64 locator that leads to the member instead of the zip64 directory.
  std::string wide = archive();
  const std::string locator = std::string("PK\x06\x07") + std::string(12, '\0') + std::string("\x01\0\0\0", 4);
  wide.insert(wide.size() - end_bytes, locator);
  wide.replace(wide.size() - end_bytes + 10, 2, "\xff\xff");
  refuse(wide, "its zip64 directory is not where it says");
}

#ifdef GLOSS_ZLIB
TEST_CASE("zip: members that lie on the same bytes are refused, for they could inflate to any amount") {
  io::ZipWriter zip;
  zip.add("m", std::string(std::size_t{1} << 20, 'x'), true);
  std::string bytes = std::move(zip).finish();
  const std::size_t directory = bytes.size() - end_bytes - directory_bytes;
  CHECK(ZipReader("op", bytes, "f").members().size() == 1);
  const std::string entry = bytes.substr(directory, directory_bytes);
  for (int i = 1; i < 100; ++i) bytes.insert(directory, entry);
  const std::size_t end = bytes.size() - end_bytes;
  bytes[end + 8] = bytes[end + 10] = 100;
  bytes[end + 12] = static_cast<char>(4700 & 255);
  bytes[end + 13] = static_cast<char>(4700 >> 8);
  CHECK_ERROR(ZipReader("op", bytes, "f"), LoadError, "op: f: its members lie on the same bytes");
}
#endif

TEST_CASE("zip: more members than the format counts, and names longer than it holds") {
  io::ZipWriter many;
  for (int i = 0; i < 65534; ++i) many.add("m", "", false);
  CHECK_ERROR(many.add("m", "", false), Error, "zip: more than 65534 members");
  io::ZipWriter longer;
  CHECK_ERROR(longer.add(std::string(65536, 'x'), "", false), Error, "zip: a name of 65536 bytes");
}
