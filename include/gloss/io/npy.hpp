// NumPy's .npy files: one array, read and written. Format: "\x93NUMPY", version, length, a Python dict as text with
// descr, fortran_order and shape, then the numbers.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/looks_like.hpp>
#include <gloss/core/mapped_file.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/tensor_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

static_assert(std::endian::native == std::endian::little, "gloss::io: .npy files are written little endian");

namespace detail {

/// What the header of a .npy file says.
struct NpyHeader {
  std::string descr;  // "<f4"
  Dtype dtype = Dtype::U8;
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape = {};
  std::size_t data = 0;  // where the numbers begin
};

class NpyReader {
 public:
  NpyReader(std::string_view bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  NpyHeader read() {
    if (!bytes_.starts_with("\x93NUMPY")) {
      const std::string kind = looks_like(bytes_);
      bad("not a .npy file: it ", kind.empty() ? "does not begin with \\x93NUMPY" : kind);
    }
    if (bytes_.size() < 8) bad("the file ends in its header");
    const int version = static_cast<unsigned char>(bytes_[6]), revision = static_cast<unsigned char>(bytes_[7]);
    if (version < 1 || version > 3 || revision != 0) bad("unknown version ", version, ".", revision);
    const std::size_t start = version == 1 ? 10 : 12;
    if (bytes_.size() < start) bad("the file ends in its header");
    std::size_t length = 0;
    for (std::size_t i = 8; i < start; ++i)
      length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes_[i])) << (8 * (i - 8));
    if (length > bytes_.size() - start) bad("the file ends in its header");
    rest_ = bytes_.substr(start, length);
    header_.data = start + length;
    read_dict();
    read_descr();
    if (!is_countable(header_.shape)) bad("its shape ", header_.shape, " is too large");
    const std::size_t wanted =
        static_cast<std::size_t>(header_.shape.numel()) * static_cast<std::size_t>(dtype_info(header_.dtype).bytes);
    if (bytes_.size() - header_.data != wanted)
      bad("shape ", header_.shape, " of '", header_.descr, "' takes ", wanted, " bytes, the file has ",
          bytes_.size() - header_.data);
    return std::move(header_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>("load_npy: ", file_, ": ", parts...);
  }
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || (rest_.front() >= '\t' && rest_.front() <= '\r')))
      rest_.remove_prefix(1);
  }
  bool take(std::string_view word) {
    skip_blanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string_view take_string() {
    skip_blanks();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const std::size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) bad("its header is not a dict of descr, fortran_order and shape");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  void read_dict() {
    bool has_descr = false, has_order = false, has_shape = false;
    if (!take("{")) bad("its header is not a dict of descr, fortran_order and shape");
    while (!take("}")) {
      const std::string_view key = take_string();
      if (!take(":")) bad("its header has no ':' after '", key, "'");
      if (key == "descr" && !std::exchange(has_descr, true)) {
        skip_blanks();
        if (rest_.starts_with("[")) bad("structured arrays are not supported");
        header_.descr = take_string();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header_.fortran_order = take("True");
        if (!header_.fortran_order && !take("False")) bad("fortran_order is neither True nor False");
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        read_shape();
      } else {
        bad("its header has an unexpected or second '", key, "'");
      }
      if (!take(",")) {
        if (!take("}")) bad("its header has no ',' after '", key, "'");
        break;
      }
    }
    skip_blanks();
    if (!rest_.empty()) bad("its header has text after the dict");
    if (!has_descr || !has_order || !has_shape) bad("its header lacks descr, fortran_order or shape");
  }
  void read_shape() {
    if (!take("(")) bad("its shape is not a tuple");
    while (!take(")")) {
      skip_blanks();
      Index size = -1;
      const auto parsed = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (parsed.ec != std::errc() || size < 0) bad("its shape is not a tuple of sizes");
      rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
      if (rest_.starts_with("L")) rest_.remove_prefix(1);  // Python 2 wrote so
      if (header_.shape.rank() == max_rank) bad("its shape has more than 8 axes");
      header_.shape.push_back(size);
      if (!take(",")) {
        if (!take(")")) bad("its shape is not a tuple of sizes");
        break;
      }
    }
  }
  void read_descr() {
    struct Known {
      std::string_view code;
      Dtype dtype;
    };
    static constexpr Known known[] = {{"b1", Dtype::BOOL}, {"u1", Dtype::U8},  {"i1", Dtype::I8},  {"i2", Dtype::I16},
                                      {"u2", Dtype::U16},  {"f2", Dtype::F16}, {"i4", Dtype::I32}, {"u4", Dtype::U32},
                                      {"f4", Dtype::F32},  {"f8", Dtype::F64}, {"i8", Dtype::I64}, {"u8", Dtype::U64}};
    const std::string_view descr = header_.descr;
    if (descr.size() == 3 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos)
      for (const Known& k : known)
        if (descr.substr(1) == k.code) {
          const bool wide = dtype_info(k.dtype).bytes > 1;
          if (wide && descr[0] == '|') break;
          header_.dtype = k.dtype;
          header_.big_endian = wide && descr[0] == '>';
          return;
        }
    if (descr.size() > 1 && descr[1] == 'c') bad("'", descr, "' is complex, which no tensor is");
    bad("'", descr, "' is not a dtype that can be read");
  }

  std::string_view bytes_, file_, rest_;
  NpyHeader header_;
};

}  // namespace detail

/// An array of a .npy or .npz file whose header has been checked; the numbers are converted when asked for.
class NpyArray {
 public:
  /// `bytes` is a whole .npy file, part of `memory`; `name` stands for it in messages.
  /// Errors: LoadError naming the file and the cause.
  GLOSS_COLD NpyArray(std::string_view bytes, std::shared_ptr<const void> memory, std::string name)
      : memory_(std::move(memory)), name_(std::move(name)) {
    const detail::NpyHeader header = detail::NpyReader(bytes, name_).read();
    descr_ = header.descr;
    stored_ = {.name = name_, .dtype = header.dtype, .shape = header.shape, .bytes = bytes.substr(header.data)};
    if (header.fortran_order && stored_.shape.rank() > 1) {  // the reversed axes, row by row
      Shape reversed = stored_.shape;
      std::reverse(reversed.begin(), reversed.end());
      stored_.strides = contiguous_strides(reversed);
      std::reverse(stored_.strides.begin(), stored_.strides.end());
    }
    if (header.big_endian) {
      const auto swapped = std::make_shared<std::string>(stored_.bytes);
      const auto width = static_cast<std::size_t>(dtype_info(header.dtype).bytes);
      for (std::size_t i = 0; i < swapped->size(); i += width)
        std::reverse(swapped->data() + i, swapped->data() + i + width);
      stored_.bytes = *swapped;
      memory_ = swapped;
    }
  }
  NpyArray(std::string bytes, std::string name)
      : NpyArray(std::make_shared<const std::string>(std::move(bytes)), std::move(name)) {}

  /// Of the array as it is stored.
  const Shape& shape() const { return stored_.shape; }
  Dtype dtype() const { return stored_.dtype; }
  /// NumPy's name of the element type, with its byte order: "<f4".
  const std::string& descr() const { return descr_; }
  /// As an entry of a TensorFile, in the processor's byte order. Its bytes live as long as the array or a copy of it.
  const StoredTensor& stored() const { return stored_; }

  /// As a Tensor<T>, dense and row-major whatever the file's order. Floating point numbers of any width, float16
  /// included, convert to each other; integers and truth values to integers that hold them all; nothing else does.
  /// Errors: LoadError naming the file and both types.
  template <Element T>
  Tensor<T> tensor() const {
    const Tensor<T> x = Tensor<T>::uninitialized(shape());
    if (!read_elements(stored_, x))
      fail<LoadError>("load_npy: ", name_, ": stored as ", descr_, ", which does not convert to ", dtype_name<T>(),
                      " without loss");
    return x;
  }

 private:
  NpyArray(std::shared_ptr<const std::string> bytes, std::string name)
      : NpyArray(std::string_view(*bytes), bytes, std::move(name)) {}

  std::shared_ptr<const void> memory_;
  std::string name_, descr_;
  StoredTensor stored_;
};

/// Reads a .npy file of version 1, 2 or 3, of either byte order.
/// Errors: LoadError naming the file and the cause: not such a file, cut short, longer than it says, a dtype that no
/// tensor has (complex, text, dates, records).
/// PyTorch: torch.from_numpy(numpy.load(path))
inline NpyArray open_npy(const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  return NpyArray(file->bytes(), file, path);
}
template <Element T>
Tensor<T> load_npy(const std::string& path) {
  return open_npy(path).tensor<T>();
}

namespace detail {
template <class T>
constexpr const char* npy_descr() {
  if constexpr (std::same_as<T, float>)
    return "<f4";
  else if constexpr (std::same_as<T, double>)
    return "<f8";
  else if constexpr (std::same_as<T, std::int64_t>)
    return "<i8";
  else if constexpr (std::same_as<T, std::int32_t>)
    return "<i4";
  else if constexpr (std::same_as<T, std::uint8_t>)
    return "|u1";
  else
    return "|b1";
}
inline std::string npy_header(const char* descr, const Shape& shape) {
  std::string dict = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (";
  for (int axis = 0; axis < shape.rank(); ++axis) dict += (axis ? ", " : "") + std::to_string(shape[axis]);
  dict += shape.rank() == 1 ? ",), }" : "), }";
  // As NumPy: room to rewrite the longest axis in place, and the numbers begin at a multiple of 64.
  if (shape.rank() > 0) dict.append(21 - std::to_string(shape[0]).size(), ' ');
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string out = "\x93NUMPY";
  for (const std::size_t byte : {std::size_t{1}, std::size_t{0}, dict.size() & 255, dict.size() >> 8})
    out += static_cast<char>(static_cast<unsigned char>(byte));
  return out + dict;
}
}  // namespace detail

/// The bytes of a .npy file, version 1.0, as NumPy writes it for a row-major array. bfloat16, which NumPy has not, does
/// not compile: cast it to float.
template <Element T>
  requires(!std::same_as<T, bfloat16>)
std::string to_npy(const Tensor<T>& x) {
  const Tensor<T> dense = x.detach().contiguous();
  std::string out = detail::npy_header(detail::npy_descr<T>(), dense.shape());
  if (dense.numel() > 0)
    out.append(reinterpret_cast<const char*>(dense.data()), static_cast<std::size_t>(dense.numel()) * sizeof(T));
  return out;
}
/// Writes a .npy file; at any moment `path` holds either what it held before or the whole new file.
/// Errors: Error when the file cannot be written.
template <Element T>
  requires(!std::same_as<T, bfloat16>)
void save_npy(const std::string& path, const Tensor<T>& x) { write_file_atomically(path, to_npy(x)); }

}  // namespace gloss::inline GLOSS_ABI::io
