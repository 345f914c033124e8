// Files that are either the old one or the new one, whole, whatever happens while they are written.
#pragma once

#include <string>
#include <string_view>

#include <gloss/core/file.hpp>

#ifdef _WIN32
#include <filesystem>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#endif

namespace gloss::inline GLOSS_ABI::io {

using gloss::read_file;

/// A file that appears under its name only at commit(). Until then the bytes go to a temporary file in the same folder,
/// NAME.<number>.gloss.tmp; it is flushed to the disk before it takes the name, and the folder after. A kill at any
/// moment leaves the old file (and perhaps the temporary). An exception, or a destructor without commit(), leaves the
/// old file and no temporary. The new file has the old one's permissions; a symbolic link stays, and the file it points
/// to is replaced; what is not a regular file, such as /dev/stdout, is written to directly.
/// Errors: Error naming the file and the cause, from every member function.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path) : path_(std::move(path)), target_(path_) { open(); }
  ~AtomicFile() { discard(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// As it was given.
  const std::string& path() const { return path_; }

#ifdef _WIN32
  /// More bytes, behind those written so far.
  void write(const void* bytes, std::size_t size) {
    errno = 0;
    if (std::fwrite(bytes, 1, size, file_) != size) fail_now(errno);
  }
  /// The file takes its name.
  GLOSS_COLD void commit() {
    errno = 0;
    const bool flushed = std::fflush(file_) == 0;
    const int flush_error = errno;
    const bool closed = std::fclose(file_) == 0;
    file_ = nullptr;
    if (!flushed || !closed) fail_now(flushed ? errno : flush_error);
    std::error_code error;
    std::filesystem::rename(temporary_, target_, error);
    if (error) {
      discard();
      fail<Error>("write_file_atomically: ", path_, ": ", error.message());
    }
    temporary_.clear();
  }

 private:
  GLOSS_COLD void open() {
    temporary_ = target_ + ".gloss.tmp";
    errno = 0;
    file_ = std::fopen(temporary_.c_str(), "wb");
    if (!file_) {
      temporary_.clear();
      fail_now(errno);
    }
  }
  void discard() noexcept {
    if (file_) std::fclose(file_);
    file_ = nullptr;
    if (!temporary_.empty()) std::remove(temporary_.c_str());
    temporary_.clear();
  }
  std::FILE* file_ = nullptr;
#else
  void write(const void* bytes, std::size_t size) {
    const char* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const std::size_t most = std::size_t{1} << 30;  // some systems refuse 2 GiB at once
      const ssize_t written = ::write(file_, next, size < most ? size : most);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_now(errno);
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }
  GLOSS_COLD void commit() {
    if (!temporary_.empty() && !flush(file_)) fail_now(errno);
    const int closed = ::close(file_);  // EINTR still closes it
    file_ = -1;
    if (closed != 0 && errno != EINTR) fail_now(errno);
    if (temporary_.empty()) return;
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_now(errno);
    temporary_.clear();
    // The name must outlive a power cut too. The new file is in place already, so this cannot fail the commit.
    const std::size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : target_.substr(0, slash);
    const int handle = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0) return;
    flush(handle);
    ::close(handle);
  }

 private:
  GLOSS_COLD void open() {
    struct stat old {};
    const bool exists = ::stat(target_.c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode)) {
      file_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
      if (file_ < 0) fail_now(errno);
      return;
    }
    if (exists) {
      if (char* real = ::realpath(target_.c_str(), nullptr)) {
        target_ = real;
        std::free(real);
      }
    }
    const long process = static_cast<long>(::getpid());
    for (int attempt = 0; attempt < 100 && file_ < 0; ++attempt) {
      temporary_ = target_ + "." + std::to_string(process + 1000000000L * attempt) + ".gloss.tmp";
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file_ < 0 && errno != EEXIST) break;
    }
    if (file_ < 0) {
      temporary_.clear();
      fail_now(errno);
    }
    // Some file systems have no permissions to keep: not an error.
    if (exists) static_cast<void>(::fchmod(file_, old.st_mode & 07777));
  }
  /// To the disk itself, not only to the system's memory.
  static bool flush(int handle) {
#ifdef F_FULLFSYNC
    if (::fcntl(handle, F_FULLFSYNC) == 0) return true;
#endif
    int result = 0;
    do result = ::fsync(handle);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL || errno == ENOSYS;  // a file system that has nothing to flush
  }
  void discard() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }
  int file_ = -1;
#endif

  [[noreturn]] void fail_now(int error_number) {
    discard();
    fail<Error>("write_file_atomically: ", path_, ": ", system_message(error_number));
  }

  std::string path_;       // as the caller named it
  std::string target_;     // what it is in the end
  std::string temporary_;  // empty: none
};

/// Replaces the file by these bytes, all or nothing; see AtomicFile.
/// Errors: Error naming the file and the cause: no such folder, no permission, no space left.
inline void write_file_atomically(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace gloss::inline GLOSS_ABI::io
