// Zip archives in memory: members stored as they are, or deflated where zlib is there (GLOSS_ZLIB, which the CMake
// target gloss::zlib defines). Read with every length checked before it is used; written without zip64.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/io/crc.hpp>

#ifdef GLOSS_ZLIB
#include <zlib.h>
#endif

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

#ifdef GLOSS_ZLIB
/// Inflates raw deflate data to exactly `size` bytes; false when they are not that.
inline bool inflate_bytes(std::string_view in, std::size_t size, std::string& out) {
  out.resize(size);
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return false;
  unsigned char none = 0;
  std::size_t taken = 0, made = 0;
  int status = Z_OK;
  constexpr std::size_t piece = std::size_t{1} << 30;  // zlib counts in 32 bits
  while (status == Z_OK) {
    const std::size_t give = in.size() - taken < piece ? in.size() - taken : piece;
    const std::size_t room = size - made < piece ? size - made : piece;
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(in.data() + taken));
    stream.avail_in = static_cast<unsigned>(give);
    stream.next_out = room > 0 ? reinterpret_cast<unsigned char*>(out.data() + made) : &none;
    stream.avail_out = static_cast<unsigned>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    taken += give - stream.avail_in;
    made += room - stream.avail_out;
    if (status == Z_OK && give - stream.avail_in == 0 && room - stream.avail_out == 0) break;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && made == size && taken == in.size();
}
inline std::string deflate_bytes(std::string_view in) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    fail("zip: zlib does not start");
  std::string out(deflateBound(&stream, static_cast<uLong>(in.size())), '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) fail("zip: zlib cannot deflate");
  return out;
}
#endif

}  // namespace detail

/// A member of an archive, as the archive's directory describes it.
struct ZipMember {
  std::string name;
  int method = 0;  // 0 stored, 8 deflated
  bool encrypted = false;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0, size = 0, offset = 0;
};

/// The directory of a zip archive that is in memory, zip64 included.
/// Errors: LoadError with `op`, the file and the cause, from every function.
class ZipReader {
 public:
  GLOSS_COLD ZipReader(const char* op, std::string_view bytes, std::string file)
      : op_(op), bytes_(bytes), file_(std::move(file)) {
    read_directory();
  }
  const std::vector<ZipMember>& members() const { return members_; }

  /// The bytes of a member where they lie in the archive, packed if its method says so.
  GLOSS_COLD std::string_view packed(const ZipMember& m) const {
    if (m.encrypted) bad(m.name, " is encrypted");
    if (m.offset > bytes_.size() || number(m.offset, 4) != 0x04034B50) bad(m.name, " is not where the directory says");
    const std::uint64_t start = m.offset + 30 + number(m.offset + 26, 2) + number(m.offset + 28, 2);
    if (start > bytes_.size() || m.packed > bytes_.size() - start) bad(m.name, " goes beyond the end of the file");
    if (m.method == 0 && m.packed != m.size) bad(m.name, " is stored in ", m.packed, " bytes and has ", m.size);
    return bytes_.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(m.packed));
  }
  /// The bytes of a member, compared with their checksum: where they lie in the archive, or inflated into `room`.
  GLOSS_COLD std::string_view read(const ZipMember& m, [[maybe_unused]] std::string& room) const {
    std::string_view out = packed(m);
    if (m.method == 8) {
#ifdef GLOSS_ZLIB
      if (m.size / 1032 > m.packed) bad(m.name, " has ", m.size, " bytes, which ", m.packed, " cannot hold");
      if (!detail::inflate_bytes(out, static_cast<std::size_t>(m.size), room)) bad(m.name, " does not inflate");
      out = room;
#else
      bad(m.name, " is deflated, and this program was built without zlib");
#endif
    } else if (m.method != 0) {
      bad(m.name, " is packed by method ", m.method, ", stored and deflated are known");
    }
    if (crc32(out) != m.crc) bad(m.name, " has a wrong checksum");
    return out;
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>(op_, ": ", file_, ": ", parts...);
  }
  [[noreturn]] void not_an_archive() const {
    const std::string kind = bytes_.starts_with("PK") ? std::string() : looks_like(bytes_);
    if (!kind.empty()) bad("not a zip archive: it ", kind);
    bad("not a zip archive, or cut short: it has no directory");
  }
  /// `count` bytes, little endian.
  GLOSS_COLD std::uint64_t number(std::uint64_t at, int count) const {
    if (at > bytes_.size() || bytes_.size() - at < static_cast<std::uint64_t>(count)) bad("the file ends too early");
    std::uint64_t n = 0;
    for (int i = count; i-- > 0;)
      n = n << 8 | static_cast<unsigned char>(bytes_[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)]);
    return n;
  }

  GLOSS_COLD void read_directory() {
    if (bytes_.size() < 22) not_an_archive();
    std::uint64_t end = bytes_.size() - 22;
    const std::uint64_t last = end > 65535 ? end - 65535 : 0;  // the longest comment
    while (number(end, 4) != 0x06054B50 || end + 22 + number(end + 20, 2) != bytes_.size()) {
      if (end == last) not_an_archive();
      --end;
    }
    std::uint64_t count = number(end + 10, 2), size = number(end + 12, 4), offset = number(end + 16, 4);
    if ((count == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF) && end >= 20 &&
        number(end - 20, 4) == 0x07064B50) {
      const std::uint64_t wide = number(end - 12, 8);
      if (wide > bytes_.size() || number(wide, 4) != 0x06064B50) bad("its zip64 directory is not where it says");
      count = number(wide + 32, 8);
      size = number(wide + 40, 8);
      offset = number(wide + 48, 8);
    }
    if (offset > end || size > end - offset) bad("its directory goes beyond the end of the file");
    if (count > size / 46) bad("its directory is too short for ", count, " members");
    std::uint64_t at = offset;
    for (std::uint64_t i = 0; i < count; ++i) at = read_entry(at, offset + size);
    // Members that lie on the same bytes could inflate to any amount of memory.
    std::uint64_t deflated = 0;
    for (const ZipMember& m : members_)
      if (m.method == 8 && m.packed <= bytes_.size()) deflated += m.packed;
    if (deflated > bytes_.size()) bad("its members lie on the same bytes");
  }

  GLOSS_COLD std::uint64_t read_entry(std::uint64_t at, std::uint64_t end) {
    if (end - at < 46 || number(at, 4) != 0x02014B50) bad("its directory is damaged");
    ZipMember m;
    m.encrypted = number(at + 8, 2) & 1;
    m.method = static_cast<int>(number(at + 10, 2));
    m.crc = static_cast<std::uint32_t>(number(at + 16, 4));
    m.packed = number(at + 20, 4);
    m.size = number(at + 24, 4);
    m.offset = number(at + 42, 4);
    const std::uint64_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
    const std::uint64_t next = at + 46 + name + extra + comment;
    if (next > end) bad("its directory is damaged");
    m.name = bytes_.substr(static_cast<std::size_t>(at) + 46, static_cast<std::size_t>(name));
    std::uint64_t field = at + 46 + name;
    const std::uint64_t extra_end = field + extra;
    while (extra_end - field >= 4) {
      const std::uint64_t id = number(field, 2), length = number(field + 2, 2);
      if (length > extra_end - field - 4) break;
      if (id == 1) {  // zip64: those of the numbers that did not fit
        std::uint64_t value = field + 4;
        for (std::uint64_t* wide : {&m.size, &m.packed, &m.offset})
          if (*wide == 0xFFFFFFFF) {
            if (field + 4 + length - value < 8) bad("its directory is damaged");
            *wide = number(value, 8);
            value += 8;
          }
      }
      field += 4 + length;
    }
    members_.push_back(std::move(m));
    return next;
  }

  const char* op_;
  std::string_view bytes_;
  std::string file_;
  std::vector<ZipMember> members_;
};

/// Builds an archive. Nothing in it depends on the time, so that the same members give the same bytes.
/// Errors: Error when the archive passes 4 GiB or 65,534 members, or when asked to deflate without zlib.
class ZipWriter {
 public:
  /// The bytes begin at a multiple of `alignment` in the archive.
  GLOSS_COLD void add(std::string_view name, std::string_view bytes, bool deflated, std::size_t alignment = 1) {
    std::string_view packed = bytes;
#ifdef GLOSS_ZLIB
    std::string held;
    if (bytes.size() >= limit) fail("zip: ", name, " has ", bytes.size(), " bytes, 4 GiB are too many");
    if (deflated) packed = held = detail::deflate_bytes(bytes);
#else
    if (deflated) fail("zip: cannot deflate ", name, ": this program was built without zlib");
#endif
    if (++count_ > 65534) fail("zip: more than 65534 members");
    if (name.size() > 65535) fail("zip: a name of ", name.size(), " bytes");
    if (out_.size() + packed.size() + name.size() + 30 + directory_.size() + name.size() + 46 + 2 * alignment >= limit)
      fail("zip: the archive passes 4 GiB");
    bool ascii = true;
    for (const char c : name) ascii = ascii && static_cast<unsigned char>(c) < 128;
    std::string common;
    put(common, 20, 2);
    put(common, ascii ? 0 : 0x800, 2);  // the name is UTF-8
    put(common, deflated ? 8 : 0, 2);
    put(common, 0, 2);
    put(common, 0x21, 2);  // the first of January 1980, the first day that zip knows
    put(common, crc32(bytes), 4);
    put(common, packed.size(), 4);
    put(common, bytes.size(), 4);
    put(common, name.size(), 2);
    const std::size_t offset = out_.size();
    std::size_t fill = (alignment - (offset + 30 + name.size()) % alignment) % alignment;
    while (fill > 0 && fill < 4) fill += alignment;  // a field of its own, of four bytes at least
    put(out_, 0x04034B50, 4);
    out_ += common;
    put(out_, fill, 2);
    out_ += name;
    if (fill > 0) {
      put(out_, 0x4246, 2);  // as PyTorch names it
      put(out_, fill - 4, 2);
      out_.append(fill - 4, 'Z');
    }
    out_ += packed;
    put(directory_, 0x02014B50, 4);
    put(directory_, 20, 2);
    directory_ += common;
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 4);
    put(directory_, offset, 4);
    directory_ += name;
  }
  std::string finish() && {
    const std::size_t offset = out_.size();
    out_ += directory_;
    put(out_, 0x06054B50, 4);
    put(out_, 0, 4);
    put(out_, count_, 2);
    put(out_, count_, 2);
    put(out_, directory_.size(), 4);
    put(out_, offset, 4);
    put(out_, 0, 2);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t limit = 0xFFFFFFFF;
  GLOSS_COLD static void put(std::string& out, std::size_t value, int count) {
    for (int i = 0; i < count; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 255));
  }
  std::string out_, directory_;
  std::size_t count_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::io
