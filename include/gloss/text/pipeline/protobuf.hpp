// Reads messages of Protocol Buffers, field by field, every length checked.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// A field of a message: its number and, by its type, a number or bytes.
struct ProtobufField {
  std::uint64_t number = 0;
  int type = 0;             // 0 a number, 1 eight bytes, 2 bytes, 5 four bytes
  std::uint64_t value = 0;  // of types 0, 1 and 5
  std::string_view bytes;   // of type 2

  float real() const { return type == 5 ? std::bit_cast<float>(static_cast<std::uint32_t>(value)) : 0; }
};

/// Calls f(field) for each field of a message.
/// Errors: LoadError "name: cause" for a message that ends early, or has a type that is none.
template <class F>
void for_each_field(std::string_view message, std::string_view name, F&& f) {
  const auto bad = [&](const char* cause) { fail<LoadError>(name, ": ", cause); };
  const auto take = [&](std::uint64_t n) {
    if (n > message.size()) bad("the file ends within a field");
    const std::string_view taken = message.substr(0, static_cast<std::size_t>(n));
    message.remove_prefix(static_cast<std::size_t>(n));
    return taken;
  };
  const auto take_number = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    bad("a number of more than ten bytes");
    return value;
  };
  const auto take_fixed = [&](std::size_t n) {
    const std::string_view bytes = take(n);
    std::uint64_t value = 0;
    for (std::size_t i = n; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  while (!message.empty()) {
    const std::uint64_t tag = take_number();
    ProtobufField field{.number = tag >> 3, .type = static_cast<int>(tag & 7), .value = 0, .bytes = {}};
    switch (field.type) {
      case 0:
        field.value = take_number();
        break;
      case 1:
        field.value = take_fixed(8);
        break;
      case 2:
        field.bytes = take(take_number());
        break;
      case 5:
        field.value = take_fixed(4);
        break;
      default:
        bad("a field of a type that is none");
    }
    if (field.number == 0) bad("a field without a number");
    f(field);
  }
}

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
