// Files that are either the old one or the new one, whole, whatever happens while they are written.
#pragma once

#include <string>
#include <string_view>

#include <gloss/core/file.hpp>

#ifdef _WIN32
#include <filesystem>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#endif

namespace gloss::inline GLOSS_ABI::io {

using gloss::read_file;

/// A file that appears under its name only at commit(). Until then the bytes go to a temporary file in the same folder,
/// NAME.gloss.tmp (NAME.1.gloss.tmp and so on while others write the same file); it is flushed to the disk before it
/// takes the name, and the folder after. A kill at any moment leaves the old file, and perhaps the temporary: the next
/// writer of the same file removes it, since nobody holds its lock. An exception, or a destructor without commit(),
/// leaves the old file and no temporary. The new file has the old one's permissions; a symbolic link stays, and what it
/// points to is replaced; what is not a regular file, such as /dev/stdout, is written to directly.
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
    const bool direct = temporary_.empty();
    if (!direct && !flush(file_)) fail_now(errno);
    if (!direct && std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_now(errno);
    temporary_.clear();
    const int closed = ::close(file_);  // after the rename: it gives up the lock; EINTR still closes it
    file_ = -1;
    if (closed != 0 && errno != EINTR) fail_now(errno);
    if (direct) return;
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
    for (int number = 0; number < (file_ < 0 ? 1000 : 8); ++number) {  // more than 8 writers at once are not expected
      const std::string name = target_ + (number > 0 ? "." + std::to_string(number) : "") + ".gloss.tmp";
      remove_left(name);
      if (file_ < 0 && !make_temporary(name) && errno != EEXIST) break;
    }
    if (file_ < 0) fail_now(errno);
    // Some file systems have no permissions to keep: not an error.
    if (exists) static_cast<void>(::fchmod(file_, old.st_mode & 07777));
  }
  /// Removes a temporary that nobody writes any more, if there is one.
  static void remove_left(const std::string& name) {
    const int left = ::open(name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (left < 0) return;
    if (::flock(left, LOCK_EX | LOCK_NB) == 0 && is_still(left, name)) ::unlink(name.c_str());
    ::close(left);
  }
  /// Opens a new temporary and locks it. False, with errno, if it cannot: EEXIST for another writer's.
  bool make_temporary(const std::string& name) {
    const int made = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made < 0) return false;
    const bool locked = ::flock(made, LOCK_EX | LOCK_NB) == 0;
    const bool no_locks = !locked && errno != EWOULDBLOCK;  // on this file system; nothing is removed there either
    if (no_locks || (locked && is_still(made, name))) {
      file_ = made;
      temporary_ = name;
      return true;
    }
    ::close(made);  // another writer took it for a left one before it was locked
    errno = EEXIST;
    return false;
  }
  /// Whether the path still leads to the open file.
  static bool is_still(int handle, const std::string& path) {
    struct stat open {};
    struct stat named {};
    return ::fstat(handle, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
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
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
    if (file_ >= 0) ::close(file_);
    file_ = -1;
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
