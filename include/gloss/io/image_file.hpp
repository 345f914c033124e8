// PNG and JPEG files, read and written through stb_image and stb_image_write. A source that has stb's declarations
// already, from its own include, must compile stb's implementation itself; otherwise it is compiled in here.
#pragma once

#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/image.hpp>

namespace gloss::inline GLOSS_ABI::io::detail {

/// The memory of one decoding. A file of a few bytes may claim, or unpack to, more than memory holds; and stb asserts
/// what a damaged file breaks, which is an exception here, so that nobody else would free what it held.
class StbMemory {
 public:
  StbMemory() : outer_(std::exchange(current(), this)) {}
  ~StbMemory() {
    for (const Block& b : blocks_) std::free(b.start);
    current() = outer_;
  }
  StbMemory(const StbMemory&) = delete;
  StbMemory& operator=(const StbMemory&) = delete;

  static void* resize(void* old, std::size_t bytes) { return current()->resized(old, bytes); }
  static void release(void* old) { current()->released(old); }
  struct Broken {};
  static void check(bool holds) {
    if (!holds) throw Broken{};
  }

 private:
  struct Block {
    void* start;
    std::size_t bytes;
  };
  static constexpr std::size_t most = std::size_t{1} << 31;
  static StbMemory*& current() {
    static thread_local StbMemory* memory = nullptr;
    return memory;
  }
  std::size_t find(const void* start) const {
    std::size_t i = 0;
    while (i < blocks_.size() && blocks_[i].start != start) ++i;
    return i;
  }
  void* resized(void* old, std::size_t bytes) {
    const std::size_t i = find(old), had = i < blocks_.size() ? blocks_[i].bytes : 0;
    if (bytes > most - (used_ - had)) return nullptr;
    if (i == blocks_.size()) blocks_.reserve(i + 1);
    // Zeros, since stb decodes by tables that a damaged file never fills in.
    void* const start = old ? std::realloc(old, bytes > 0 ? bytes : 1) : std::calloc(bytes > 0 ? bytes : 1, 1);
    if (!start) return nullptr;
    used_ += bytes - had;
    if (i == blocks_.size())
      blocks_.push_back({start, bytes});
    else
      blocks_[i] = {start, bytes};
    return start;
  }
  void released(void* old) {
    const std::size_t i = find(old);
    if (i == blocks_.size()) return;
    used_ -= blocks_[i].bytes;
    blocks_[i] = blocks_.back();
    blocks_.pop_back();
    std::free(old);
  }
  StbMemory* outer_;
  std::vector<Block> blocks_;
  std::size_t used_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::io::detail

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#ifndef STBI_INCLUDE_STB_IMAGE_H
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MALLOC(bytes) gloss::io::detail::StbMemory::resize(nullptr, bytes)
#define STBI_REALLOC(old, bytes) gloss::io::detail::StbMemory::resize(old, bytes)
#define STBI_FREE(old) gloss::io::detail::StbMemory::release(old)
#define STBI_ASSERT(holds) gloss::io::detail::StbMemory::check(holds)
#include <stb/stb_image.h>
#endif
#ifndef INCLUDE_STB_IMAGE_WRITE_H
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#endif
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace gloss::inline GLOSS_ABI::io {

struct ReadImageOptions {
  int channels = 0;                   // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; 0: as the file has them
  Index max_pixels = Index{1} << 28;  // a larger image is refused before anything is allocated for it
};

namespace detail {

/// Whether the Huffman tables of the JPEG segment whose length stands at `at` have at most 256 codes each. stb_image
/// up to 2.27 writes beyond its tables otherwise.
inline bool huffman_tables_fit(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) -> std::size_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  const std::size_t end = at + (byte(at) << 8 | byte(at + 1));
  for (std::size_t table = at + 2; table < end && table < bytes.size();) {
    if (byte(table) >> 4 > 1 || (byte(table) & 15) > 3) return true;  // which stb refuses itself
    std::size_t codes = 0;
    for (std::size_t i = 1; i <= 16; ++i) codes += byte(table + i);
    if (codes > 256) return false;
    table += 17 + codes;
  }
  return true;
}
/// The same for all that stb may take for such a segment: those of an orderly header, then whatever looks like one.
inline bool huffman_tables_fit(std::string_view jpeg) {
  std::size_t at = jpeg.starts_with("\xff\xd8") ? 2 : 0;
  while (at + 4 <= jpeg.size() && jpeg[at] == '\xff') {
    const auto kind = static_cast<unsigned char>(jpeg[at + 1]);
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(jpeg[at + 2])) << 8 |
                               static_cast<unsigned char>(jpeg[at + 3]);
    if (kind < 0xC0 || (kind >= 0xD0 && kind <= 0xDA) || kind == 0xFF || length < 2) break;
    if (kind == 0xC4 && !huffman_tables_fit(jpeg, at + 2)) return false;
    at += 2 + length;
  }
  for (; (at = jpeg.find("\xff\xc4", at)) != std::string_view::npos; ++at)
    if (!huffman_tables_fit(jpeg, at + 2)) return false;
  return true;
}

/// Whether a PNG file's first piece of data is empty, which no writer does: stb would copy nothing to a null pointer.
inline bool first_data_is_empty(std::string_view png) {
  for (std::size_t at = 8; at + 8 <= png.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(png[at + i]);
    if (png.substr(at + 4, 4) == "IDAT") return length == 0;
    if (12 + length > png.size() - at) return false;
    at += 12 + length;
  }
  return false;
}

}  // namespace detail

/// The pixels of a PNG or JPEG file that is in memory; `name` stands for it in messages. 16 bits a channel become 8.
/// Shape: [height, width, channels]
/// Errors: LoadError naming the file and the cause: not such a file, damaged, larger than max_pixels.
inline Tensor<std::uint8_t> decode_image(std::string_view bytes, std::string_view name, ReadImageOptions options = {}) {
  if (options.channels < 0 || options.channels > 4) fail("read_image: channels ", options.channels, " is not 0 to 4");
  if (bytes.size() > INT_MAX) fail<LoadError>("read_image: ", name, ": more than 2 GiB");
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  const auto reason = [] {
    const char* text = stbi_failure_reason();
    return std::string_view(text ? text : "damaged");
  };
  int width = 0, height = 0, found = 0;
  const auto check_size = [&](Index w, Index h) {
    if (w <= 0 || h <= 0 || w > options.max_pixels / h)
      fail<LoadError>("read_image: ", name, ": ", w, " x ", h, " pixels, at most ", options.max_pixels, " are read");
  };
  if (bytes.starts_with("\x89PNG") && bytes.size() >= 24) {  // before stb, which finds what is large unknown
    Index sides[2] = {0, 0};
    for (std::size_t i = 0; i < 8; ++i) sides[i / 4] = sides[i / 4] << 8 | data[16 + i];
    check_size(sides[0], sides[1]);
    if (detail::first_data_is_empty(bytes)) fail<LoadError>("read_image: ", name, ": damaged (an empty IDAT chunk)");
  }
  if (bytes.starts_with('\xff') && !detail::huffman_tables_fit(bytes))
    fail<LoadError>("read_image: ", name, ": damaged (a Huffman table of more than 256 codes)");
  const detail::StbMemory memory;
  try {
    if (!stbi_info_from_memory(data, size, &width, &height, &found)) {
      const bool known = bytes.starts_with("\x89PNG") || bytes.starts_with("\xff\xd8");
      if (const std::string kind = known ? "" : looks_like(bytes); !kind.empty())
        fail<LoadError>("read_image: ", name, ": not a PNG or JPEG file: it ", kind);
      fail<LoadError>("read_image: ", name, ": not a PNG or JPEG file that can be read (", reason(), ")");
    }
    check_size(width, height);
    stbi_uc* const pixels = stbi_load_from_memory(data, size, &width, &height, &found, options.channels);
    if (!pixels) fail<LoadError>("read_image: ", name, ": damaged (", reason(), ")");
    struct Release {
      stbi_uc* p;
      ~Release() { stbi_image_free(p); }
    } const release{pixels};
    return from_data<std::uint8_t>(pixels, {height, width, options.channels ? options.channels : found});
  } catch (const detail::StbMemory::Broken&) {
    fail<LoadError>("read_image: ", name, ": damaged");
  }
}

/// Reads a PNG or JPEG file.
/// Errors: LoadError naming the file and the cause.
/// PyTorch: torchvision.io.read_image(path).permute(1, 2, 0)
inline Tensor<std::uint8_t> read_image(const std::string& path, ReadImageOptions options = {}) {
  return decode_image(read_file(path), path, options);
}

namespace detail {
/// [H, W, C] or [H, W], dense, checked.
inline Tensor<std::uint8_t> image_to_write(const char* op, const Tensor<std::uint8_t>& image) {
  const Tensor<std::uint8_t> x = image.dim() == 2 ? image.unsqueeze(2) : image;
  if (x.dim() != 3 || x.size(2) < 1 || x.size(2) > 4 || x.size(0) < 1 || x.size(1) < 1)
    fail<ShapeError>(op, ": an image is [height, width, 1 to 4 channels] or [height, width], not ", image.shape());
  if (x.numel() > Index{1} << 29) fail<ShapeError>(op, ": an image of shape ", image.shape(), " is too large");
  return x.contiguous();
}
inline void append_bytes(void* out, void* bytes, int count) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), static_cast<std::size_t>(count));
}
}  // namespace detail

/// The bytes of a PNG file.
/// Errors: ShapeError when the shape is no image's.
inline std::string encode_png(const Tensor<std::uint8_t>& image) {
  const Tensor<std::uint8_t> x = detail::image_to_write("encode_png", image);
  const int height = static_cast<int>(x.size(0)), width = static_cast<int>(x.size(1)), c = static_cast<int>(x.size(2));
  std::string out;
  if (!stbi_write_png_to_func(detail::append_bytes, &out, width, height, c, x.data(), width * c))
    fail("encode_png: out of memory");
  return out;
}
/// The bytes of a JPEG file, of quality 1 to 100; grey is written as RGB, alpha is left out.
/// Errors: ShapeError when the shape is no image's, or a side is longer than 65535; Error for another quality.
inline std::string encode_jpeg(const Tensor<std::uint8_t>& image, int quality = 90) {
  const Tensor<std::uint8_t> x = detail::image_to_write("encode_jpeg", image);
  if (quality < 1 || quality > 100) fail("encode_jpeg: quality ", quality, " is not in [1, 100]");
  if (x.size(0) > 65535 || x.size(1) > 65535)
    fail<ShapeError>("encode_jpeg: an image of shape ", image.shape(), " is too large");
  std::string out;
  if (!stbi_write_jpg_to_func(detail::append_bytes, &out, static_cast<int>(x.size(1)), static_cast<int>(x.size(0)),
                              static_cast<int>(x.size(2)), x.data(), quality))
    fail("encode_jpeg: out of memory");
  return out;
}

/// Writes .png, .jpg or .jpeg, as the path ends; at any moment it holds either the old file or the whole new one.
/// Errors: Error for another ending, or when the file cannot be written; else as encode_png, encode_jpeg.
inline void write_image(const std::string& path, const Tensor<std::uint8_t>& image, int quality = 90) {
  std::string ending = path.substr(path.rfind('.') == std::string::npos ? path.size() : path.rfind('.'));
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (ending == ".png") return write_file_atomically(path, encode_png(image));
  if (ending == ".jpg" || ending == ".jpeg") return write_file_atomically(path, encode_jpeg(image, quality));
  fail("write_image: ", path, ": the name ends neither in .png nor in .jpg");
}

}  // namespace gloss::inline GLOSS_ABI::io
