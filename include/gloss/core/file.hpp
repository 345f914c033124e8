// Reads a whole file; what went wrong is said in the system's own words.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <system_error>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI {

/// The system's text for an errno value: "No such file or directory".
inline std::string system_message(int error_number) { return std::generic_category().message(error_number); }

/// The whole file as bytes.
/// Errors: LoadError naming the file and the cause: it cannot be opened or read, or holds more than max_bytes.
GLOSS_LAZY std::string read_file(const std::string& path, std::uint64_t max_bytes = std::uint64_t{1} << 40) {
  struct File {
    std::FILE* handle;
    ~File() {
      if (handle) std::fclose(handle);
    }
  };
  errno = 0;
  const File file{std::fopen(path.c_str(), "rb")};
  if (!file.handle) fail<LoadError>("read_file: ", path, ": ", system_message(errno));

  std::string bytes;
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) {
      std::size_t more = filled < (std::size_t{1} << 16) ? std::size_t{1} << 16 : filled;
      const std::uint64_t room = max_bytes - filled;  // one byte past the limit tells a longer file apart
      if (room < more) more = static_cast<std::size_t>(room) + 1;
      bytes.resize(filled + more);
    }
    errno = 0;
    const std::size_t got = std::fread(bytes.data() + filled, 1, bytes.size() - filled, file.handle);
    filled += got;
    if (filled > max_bytes)
      fail<LoadError>("read_file: ", path, ": the file is larger than the limit of ", max_bytes, " bytes");
    if (got == 0) {
      if (std::ferror(file.handle)) fail<LoadError>("read_file: ", path, ": ", system_message(errno));
      break;
    }
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace gloss::inline GLOSS_ABI
