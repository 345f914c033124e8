#include <support/catch.hpp>

#include <gloss/core/mapped_file.hpp>
#include <support/temp_folder.hpp>

using namespace gloss;

TEST_CASE("MappedFile: gives every byte of a file, of any length") {
  const TempFolder folder;
  for (const std::size_t size : {0u, 1u, 4096u, 100000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    CHECK(MappedFile(folder.write("bytes", bytes)).bytes() == bytes);
  }
}

TEST_CASE("MappedFile: keeps its bytes when it is moved, and takes those that are in memory already") {
  const TempFolder folder;
  MappedFile file(folder.write("small", "12345"));
  MappedFile moved = std::move(file);
  CHECK(moved.bytes() == "12345");
  file = MappedFile::of_bytes("abc");
  CHECK(file.bytes() == "abc");
  std::swap(file, moved);
  CHECK(file.bytes() == "12345");
  CHECK(moved.bytes() == "abc");
}

TEST_CASE("MappedFile: names the file and the cause") {
  const TempFolder folder;
  const std::string none = folder.file("none");
  CHECK_THROWS_AS(MappedFile(none), LoadError);
  CHECK_THROWS_WITH(MappedFile(none), "read_file: " + none + ": No such file or directory");
#ifndef _WIN32
  CHECK_THROWS_WITH(MappedFile(folder.path.string()), "read_file: " + folder.path.string() + ": Is a directory");
#endif
}
