// A file that grows at its end, for what is noted while a program runs.
#pragma once

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include <gloss/core/file.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Each write() goes to the system at once, so that what a program noted is in the file when it is killed. The last
/// piece may be cut short by a full disk or a kill of the machine.
/// Errors: Error naming the file and the cause, from every member function.
class AppendFile {
 public:
  /// Makes the file if it is not there.
  explicit AppendFile(std::string path) : path_(std::move(path)) {
    errno = 0;
    file_ = std::fopen(path_.c_str(), "ab");
    if (!file_) fail_now();
  }
  ~AppendFile() {
    if (file_) std::fclose(file_);
  }
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// As it was given.
  const std::string& path() const { return path_; }

  /// More bytes at the end.
  void write(std::string_view bytes) {
    errno = 0;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size() || std::fflush(file_) != 0) fail_now();
  }

 private:
  [[noreturn]] void fail_now() const { fail<Error>("append to a file: ", path_, ": ", system_message(errno)); }

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace gloss::inline GLOSS_ABI::io
