// Files as memory.
#include <gloss/core/mapped_file.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("MappedFile: the bytes of a file, which stay when the file is replaced or removed") {
  const TempFolder folder;
  const std::string path = folder.write("f", std::string("one\0two", 7));
  const MappedFile file(path);
  CHECK(file.bytes() == std::string_view("one\0two", 7));
#if !defined(_WIN32)
  std::filesystem::rename(folder.write("g", "other"), path);
  CHECK(file.bytes() == std::string_view("one\0two", 7));
  CHECK(MappedFile(path).bytes() == "other");
  std::filesystem::remove(path);
  CHECK(file.bytes().substr(4) == "two");
#endif
}

TEST_CASE("MappedFile: gives every byte of a file, of any length") {
  const TempFolder folder;
  for (const std::size_t size : {0u, 1u, 4096u, 100000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    CHECK(MappedFile(folder.write("bytes", bytes)).bytes() == bytes);
  }
}

TEST_CASE("MappedFile: an empty file has no bytes; bytes in memory are as good as a file's") {
  const TempFolder folder;
  CHECK(MappedFile(folder.write("empty", "")).bytes().empty());
  CHECK(MappedFile::of_bytes("short").bytes() == "short");
  CHECK(MappedFile::of_bytes("").bytes().empty());
}

TEST_CASE("MappedFile: what is no file is named, with the cause") {
  const TempFolder folder;
  const std::string none = folder.file("none");
  CHECK_ERROR(MappedFile(none), LoadError, "read_file: " + none + ": No such file or directory");
#if !defined(_WIN32)
  const std::string path = folder.path.string();
  CHECK_ERROR(MappedFile(path), LoadError, "read_file: " + path + ": Is a directory");
#endif
}

#if !defined(_WIN32)
TEST_CASE("MappedFile: a pipe is opened once and read to its end; so is a file of the system's that has no size") {
  const TempFolder folder;
  const std::string path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  for (int round = 0; round < 20; ++round) {
    int written = 0;
    std::thread writer([&] {
      std::FILE* const out = std::fopen(path.c_str(), "wb");
      written = std::fputs("through the pipe", out);
      std::fclose(out);
    });
    const std::string read(MappedFile(path).bytes());
    writer.join();
    CHECK(written >= 0);
    CHECK(read == "through the pipe");
  }
#if defined(__linux__)
  CHECK_FALSE(MappedFile("/proc/self/status").bytes().empty());
#endif
}
#endif

TEST_CASE("MappedFile: moved, the bytes have one owner; what was there before is given up") {
  const TempFolder folder;
  MappedFile a(folder.write("a", "mapped"));
  const char* const place = a.bytes().data();
  MappedFile b(std::move(a));
  CHECK(b.bytes() == "mapped");
  CHECK(b.bytes().data() == place);
  CHECK(a.bytes().empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  MappedFile c = MappedFile::of_bytes("in memory");
  c = std::move(b);
  CHECK(c.bytes() == "mapped");
  c = MappedFile::of_bytes("short");
  CHECK(c.bytes() == "short");
  MappedFile d(std::move(c));
  CHECK(d.bytes() == "short");
}
