#include <support/catch.hpp>

#include <gloss/core/file.hpp>
#include <support/temp_folder.hpp>

using namespace gloss;

TEST_CASE("read_file: gives every byte of a file, of any length") {
  const TempFolder folder;
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 200000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    CHECK(read_file(folder.write("bytes", bytes)) == bytes);
  }
}

TEST_CASE("read_file: names the file and the cause") {
  const TempFolder folder;
  const std::string none = folder.file("none"), small = folder.write("small", "12345");
  CHECK_THROWS_WITH(read_file(none), "read_file: " + none + ": No such file or directory");
  CHECK_THROWS_AS(read_file(none), LoadError);
  CHECK(read_file(small, 5) == "12345");
  CHECK_THROWS_WITH(read_file(small, 4), "read_file: " + small + ": the file is larger than the limit of 4 bytes");
#ifndef _WIN32
  CHECK_THROWS_WITH(read_file(folder.path.string()), "read_file: " + folder.path.string() + ": Is a directory");
#endif
}
