// Messages in Protocol Buffers' wire format, field by field.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Builds one message; a message within it is a ProtobufWriter of its own, whose bytes() are a field:
///   ProtobufWriter event; event.add(1, seconds); event.add(5, summary.bytes());
/// Fields whose value is the default (0, "") are to be left out by who calls, where that matters.
/// Source: https://protobuf.dev/programming-guides/encoding
class ProtobufWriter {
 public:
  const std::string& bytes() const { return bytes_; }

  /// int32, int64, bool and enums.
  void add(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
  }
  void add(int field, double value) {
    key(field, 1);
    fixed(value);
  }
  void add(int field, float value) {
    key(field, 5);
    fixed(value);
  }
  /// string, bytes and messages.
  void add(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
  }
  /// repeated double, packed; nothing where there are none.
  void add(int field, const std::vector<double>& values) {
    if (values.empty()) return;
    key(field, 2);
    varint(8 * values.size());
    for (const double value : values) fixed(value);
  }

 private:
  void key(int field, unsigned wire_type) { varint(static_cast<unsigned>(field) << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value % 128 + 128);
    bytes_ += static_cast<char>(value);
  }
  template <class T>
  void fixed(T value) {  // the least byte first
    std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t> bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t i = 0; i < sizeof bits; ++i) bytes_ += static_cast<char>(bits >> (8 * i) & 255);
  }

  std::string bytes_;
};

}  // namespace gloss::inline GLOSS_ABI::io
