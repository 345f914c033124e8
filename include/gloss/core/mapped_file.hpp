// A whole file as memory, read from the disk only where somebody looks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <gloss/core/file.hpp>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace gloss::inline GLOSS_ABI {

/// The bytes of a file, mapped into memory; where the system has no such thing, or the path is no regular file, they
/// are read. Nobody may shorten the file meanwhile: what is gone cannot be read (SIGBUS).
class MappedFile {
 public:
  /// Errors: LoadError naming the file and the cause.
  GLOSS_COLD explicit MappedFile(const std::string& path) {
#if !defined(_WIN32)
    struct stat status {};  // asked of the path: a pipe may be opened only once, by who reads it
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) map(path);
#endif
    if (!mapped_) bytes_ = read_file(path);
  }
  /// Bytes that are in memory already.
  static MappedFile of_bytes(std::string bytes) {
    MappedFile file;
    file.bytes_ = std::move(bytes);
    return file;
  }
  MappedFile(MappedFile&& from) noexcept
      : mapped_(std::exchange(from.mapped_, nullptr)), size_(from.size_), bytes_(std::move(from.bytes_)) {}
  MappedFile& operator=(MappedFile&& from) noexcept {
    std::swap(mapped_, from.mapped_);
    std::swap(size_, from.size_);
    std::swap(bytes_, from.bytes_);
    return *this;
  }
  ~MappedFile() {
#if !defined(_WIN32)
    if (mapped_) ::munmap(const_cast<char*>(mapped_), size_);
#endif
  }

  std::string_view bytes() const { return mapped_ ? std::string_view(mapped_, size_) : std::string_view(bytes_); }

 private:
  MappedFile() = default;

#if !defined(_WIN32)
  // Maps what can be mapped: an empty file cannot, nor can one that some systems make up as it is read.
  void map(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0) return;
    if (::fstat(file, &status) == 0 && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
      if (memory != MAP_FAILED) mapped_ = static_cast<const char*>(memory);
    }
    ::close(file);
  }
#endif

  const char* mapped_ = nullptr;
  std::size_t size_ = 0;
  std::string bytes_;
};

}  // namespace gloss::inline GLOSS_ABI
