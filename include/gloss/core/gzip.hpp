// Files that gzip packed; unpacked where zlib is there (GLOSS_ZLIB, which the CMake target gloss::zlib defines).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gloss/core/error.hpp>

#ifdef GLOSS_ZLIB
#include <zlib.h>
#endif

namespace gloss::inline GLOSS_ABI {

/// Whether these are the bytes of a file that gzip packed.
inline bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

/// What gzip packed, one member behind the other; the checksums are compared. `op` and `name` begin messages.
/// Errors: LoadError when the bytes are damaged or cut short, when they unpack to more than max_bytes, or without zlib.
/// Python: gzip.decompress
GLOSS_LAZY std::string gunzip(const char* op, std::string_view bytes, std::string_view name,
                              std::uint64_t max_bytes = std::uint64_t{1} << 33) {
#ifdef GLOSS_ZLIB
  struct Stream : z_stream {
    Stream() : z_stream{} {}
    ~Stream() { inflateEnd(this); }
  } stream;
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) fail("gunzip: zlib does not start");
  std::string out;
  std::size_t made = 0;
  constexpr std::size_t piece = std::size_t{1} << 30;  // zlib counts in 32 bits
  const char* next = bytes.data();
  std::size_t left = bytes.size();
  for (;;) {
    if (made == out.size()) out.resize(made + (made < 65536 ? 65536 : made));
    const std::size_t give = left < piece ? left : piece, room = out.size() - made < piece ? out.size() - made : piece;
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(next));
    stream.avail_in = static_cast<unsigned>(give);
    stream.next_out = reinterpret_cast<unsigned char*>(out.data() + made);
    stream.avail_out = static_cast<unsigned>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    next += give - stream.avail_in;
    left -= give - stream.avail_in;
    made += room - stream.avail_out;
    if (made > max_bytes) fail<LoadError>(op, ": ", name, ": unpacks to more than ", max_bytes, " bytes");
    if (status == Z_STREAM_END) {
      if (left == 0) break;
      if (inflateReset(&stream) != Z_OK) fail("gunzip: zlib does not start");
    } else if (status == Z_BUF_ERROR && left == 0) {
      fail<LoadError>(op, ": ", name, ": the gzip data are cut short");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail<LoadError>(op, ": ", name, ": the gzip data are damaged");
    }
  }
  out.resize(made);
  return out;
#else
  static_cast<void>(bytes), static_cast<void>(max_bytes);
  fail<LoadError>(op, ": ", name, ": it is packed by gzip, and this program was built without zlib");
#endif
}

}  // namespace gloss::inline GLOSS_ABI
