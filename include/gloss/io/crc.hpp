// Checksums: crc32 of zip, gzip and PNG, crc32c of TFRecord.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {
/// A cyclic redundancy check of 32 bits, whose polynomial is given with its bits reversed.
template <std::uint32_t polynomial>
std::uint32_t crc(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (c & 1 ? polynomial : 0u);
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const char byte : bytes) c = (c >> 8) ^ table[(c ^ static_cast<unsigned char>(byte)) & 255];
  return ~c;
}
}  // namespace detail

/// The checksum of zip, gzip and PNG.
inline std::uint32_t crc32(std::string_view bytes) { return detail::crc<0xEDB88320u>(bytes); }

/// Castagnoli's checksum, of TFRecord, iSCSI and ext4.
/// Source: RFC 3720, appendix B.4
inline std::uint32_t crc32c(std::string_view bytes) { return detail::crc<0x82F63B78u>(bytes); }

}  // namespace gloss::inline GLOSS_ABI::io
