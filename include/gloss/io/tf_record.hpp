// TFRecord: pieces of bytes one after the other in a file, each with its length and checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gloss/io/crc.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {
template <class T>
void append_little_endian(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof number; ++i) out += static_cast<char>(number >> (8 * i) & 255);
}
/// A checksum of bytes that hold checksums themselves.
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}
}  // namespace detail

/// One record: length (64 bits), its checksum, the bytes, theirs.
/// Source: https://www.tensorflow.org/tutorials/load_data/tfrecord
inline std::string tf_record(std::string_view bytes) {
  std::string out;
  detail::append_little_endian(out, std::uint64_t{bytes.size()});
  detail::append_little_endian(out, detail::masked_crc32c(out));
  out += bytes;
  detail::append_little_endian(out, detail::masked_crc32c(bytes));
  return out;
}

}  // namespace gloss::inline GLOSS_ABI::io
