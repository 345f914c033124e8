// IDX files: the arrays of MNIST and of the data sets made like it, packed by gzip or not.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <gloss/core/file.hpp>
#include <gloss/core/gzip.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {

/// An array of numbers of type File, big endian, as numbers of type T. False when some of them T cannot hold.
template <class File, class T>
bool read_big_endian(const char* from, Tensor<T>& to) {
  if constexpr (std::is_integral_v<T> && (std::is_floating_point_v<File> || sizeof(T) < sizeof(File) ||
                                          (std::is_unsigned_v<T> && !std::is_unsigned_v<File>)))
    return false;
  else if constexpr (std::numeric_limits<T>::digits < std::numeric_limits<File>::digits)
    return false;
  else {
    using Bits =
        std::conditional_t<sizeof(File) == 1, std::uint8_t,
                           std::conditional_t<sizeof(File) == 2, std::uint16_t,
                                              std::conditional_t<sizeof(File) == 4, std::uint32_t, std::uint64_t>>>;
    T* const y = to.data();
    for (Index i = 0; i < to.numel(); ++i) {
      std::uint64_t bits = 0;
      for (std::size_t k = 0; k < sizeof(File); ++k) bits = bits << 8 | static_cast<unsigned char>(*from++);
      y[i] = static_cast<T>(std::bit_cast<File>(static_cast<Bits>(bits)));
    }
    return true;
  }
}

class IdxReader {
 public:
  IdxReader(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  template <Number T>
  Tensor<T> read() {
    read_header();
    Tensor<T> x = empty<T>(shape_);
    const char* const from = bytes_.data() + bytes_.size() - static_cast<std::size_t>(x.numel()) * size_;
    const bool fits = type_ == 0x08   ? read_big_endian<std::uint8_t>(from, x)
                      : type_ == 0x09 ? read_big_endian<std::int8_t>(from, x)
                      : type_ == 0x0B ? read_big_endian<std::int16_t>(from, x)
                      : type_ == 0x0C ? read_big_endian<std::int32_t>(from, x)
                      : type_ == 0x0D ? read_big_endian<float>(from, x)
                                      : read_big_endian<double>(from, x);
    if (!fits) bad("holds ", type_name_, ", which ", dtype_name<T>(), " cannot hold");
    return x;
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>("read_idx: ", name_, ": ", parts...);
  }
  /// Sets the type and the shape, of which the rest of the file has as many numbers.
  GLOSS_COLD void read_header() {
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
    if (bytes_.size() < 4 || byte(0) != 0 || byte(1) != 0) {
      const std::string kind = looks_like(bytes_);
      if (!kind.empty()) bad("not an IDX file: it ", kind);
      bad("not an IDX file: it does not begin with two zero bytes");
    }
    static constexpr struct {
      unsigned char code;
      std::size_t size;
      const char* name;
    } types[] = {{0x08, 1, "uint8"}, {0x09, 1, "int8"},    {0x0B, 2, "int16"},
                 {0x0C, 4, "int32"}, {0x0D, 4, "float32"}, {0x0E, 8, "float64"}};
    for (const auto& t : types)
      if (t.code == byte(2)) type_ = t.code, size_ = t.size, type_name_ = t.name;
    if (size_ == 0) bad("numbers of the unknown type ", int{byte(2)});
    const std::size_t axes = byte(3);
    if (axes > static_cast<std::size_t>(max_rank)) bad("it has ", axes, " axes, at most ", max_rank, " are read");
    if (bytes_.size() < 4 + 4 * axes) bad("it ends within its header");
    for (std::size_t a = 0; a < axes; ++a) {
      Index length = 0;
      for (std::size_t k = 0; k < 4; ++k) length = length << 8 | byte(4 + 4 * a + k);
      shape_.push_back(length);
    }
    const std::uint64_t rest = bytes_.size() - 4 - 4 * axes;
    if (!is_countable(shape_) || rest % size_ != 0 || static_cast<std::uint64_t>(shape_.numel()) != rest / size_)
      bad("its shape is ", shape_, " of ", type_name_, ", and there are ", rest, " bytes of numbers");
  }

  std::string_view bytes_, name_;
  unsigned char type_ = 0;
  std::size_t size_ = 0;
  const char* type_name_ = "";
  Shape shape_;
};

}  // namespace detail

/// The array of an IDX file that is in memory, packed by gzip or not; `name` stands for it in messages. The numbers of
/// the file may be of another type, if T holds all of them exactly: bytes as float or int64, say.
/// Errors: LoadError naming the file and the cause.
template <Number T>
Tensor<T> parse_idx(std::string_view bytes, std::string_view name) {
  if (!is_gzip(bytes)) return detail::IdxReader(bytes, name).read<T>();
  const std::string unpacked = gunzip("read_idx", bytes, name);
  return detail::IdxReader(unpacked, name).read<T>();
}

/// The array of a file; see parse_idx.
/// Errors: LoadError naming the file and the cause.
template <Number T>
Tensor<T> read_idx(const std::string& path) {
  return parse_idx<T>(read_file(path), path);
}

}  // namespace gloss::inline GLOSS_ABI::data
