// Element types of tensor files, and the conversions that reading one may do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <gloss/core/float16.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// An element type as a file stores it; more than a Tensor can hold. The names are safetensors' names. OTHER is any
/// that has no name here, of unknown size: F4, C64, what is still to come.
enum class Dtype : std::uint8_t {
  BOOL,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  F64,
  I64,
  U64,
  OTHER
};

struct DtypeInfo {
  Dtype dtype;
  const char* name;
  int bytes;
};
inline constexpr DtypeInfo dtypes[] = {
    {Dtype::BOOL, "BOOL", 1},       {Dtype::U8, "U8", 1},   {Dtype::I8, "I8", 1},   {Dtype::F8_E5M2, "F8_E5M2", 1},
    {Dtype::F8_E4M3, "F8_E4M3", 1}, {Dtype::I16, "I16", 2}, {Dtype::U16, "U16", 2}, {Dtype::F16, "F16", 2},
    {Dtype::BF16, "BF16", 2},       {Dtype::I32, "I32", 4}, {Dtype::U32, "U32", 4}, {Dtype::F32, "F32", 4},
    {Dtype::F64, "F64", 8},         {Dtype::I64, "I64", 8}, {Dtype::U64, "U64", 8}, {Dtype::OTHER, "OTHER", 0}};

/// The entry with this name, or null.
constexpr const DtypeInfo* find_dtype(std::string_view name) {
  for (const DtypeInfo& info : dtypes)
    if (name == info.name) return &info;
  return nullptr;
}
/// The entry of this type.
constexpr const DtypeInfo& dtype_info(Dtype dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }
static_assert(dtype_info(Dtype::BF16).dtype == Dtype::BF16 && dtype_info(Dtype::OTHER).dtype == Dtype::OTHER);

/// How a Tensor<T> is stored.
template <Element T>
constexpr Dtype stored_dtype() {
  if constexpr (std::same_as<T, float>)
    return Dtype::F32;
  else if constexpr (std::same_as<T, double>)
    return Dtype::F64;
  else if constexpr (std::same_as<T, bfloat16>)
    return Dtype::BF16;
  else if constexpr (std::same_as<T, std::int64_t>)
    return Dtype::I64;
  else if constexpr (std::same_as<T, std::int32_t>)
    return Dtype::I32;
  else if constexpr (std::same_as<T, std::uint8_t>)
    return Dtype::U8;
  else
    return Dtype::BOOL;
}

namespace detail {
// The bytes may stand at any address, so every element goes through memcpy.
template <class From, class To>
void convert(const char* bytes, To* out, Index n) {
  for (Index i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, bytes + i * static_cast<Index>(sizeof value), sizeof value);
    if constexpr (std::same_as<To, bool>)
      out[i] = value != 0;
    else if constexpr (std::same_as<From, float16> || std::same_as<From, bfloat16>)
      out[i] = static_cast<To>(static_cast<float>(value));
    else if constexpr (std::same_as<To, bfloat16>)
      out[i] = bfloat16(static_cast<float>(value));
    else
      out[i] = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): an int8 is a number
  }
}
}  // namespace detail

/// Reads n stored elements as T: any floating-point type as any other (rounded where T is narrower), an integer as an
/// integer that holds all its values, BOOL and U8 as each other. False when T cannot be read from that type.
template <Element T>
bool convert_elements(Dtype dtype, const char* bytes, T* out, Index n) {
  using detail::convert;
  if constexpr (!std::same_as<T, bool>)  // a bool's byte could be something else than 0 and 1
    if (dtype == stored_dtype<T>()) {
      if (n > 0) std::memcpy(out, bytes, static_cast<std::size_t>(n) * sizeof(T));
      return true;
    }
  if constexpr (Real<T> || std::same_as<T, bfloat16>) {
    if (dtype == Dtype::F32) return convert<float>(bytes, out, n), true;
    if (dtype == Dtype::F64) return convert<double>(bytes, out, n), true;
    if (dtype == Dtype::F16) return convert<float16>(bytes, out, n), true;
    if (dtype == Dtype::BF16) return convert<bfloat16>(bytes, out, n), true;
  } else {
    if (dtype == Dtype::U8 || dtype == Dtype::BOOL) return convert<std::uint8_t>(bytes, out, n), true;
    if constexpr (std::same_as<T, std::int64_t> || std::same_as<T, std::int32_t>) {
      if (dtype == Dtype::I8) return convert<std::int8_t>(bytes, out, n), true;
      if (dtype == Dtype::I16) return convert<std::int16_t>(bytes, out, n), true;
      if (dtype == Dtype::U16) return convert<std::uint16_t>(bytes, out, n), true;
    }
    if constexpr (std::same_as<T, std::int64_t>) {
      if (dtype == Dtype::I32) return convert<std::int32_t>(bytes, out, n), true;
      if (dtype == Dtype::U32) return convert<std::uint32_t>(bytes, out, n), true;
    }
  }
  return false;
}

}  // namespace gloss::inline GLOSS_ABI::io
