// GGUF files, versions 2 and 3: what llama.cpp and its kin run. Metadata of many types, then tensors, most of them in
// blocks. Format: "GGUF", version, two counts, keys with values, names with shapes and types, the numbers.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/looks_like.hpp>
#include <gloss/core/mapped_file.hpp>
#include <gloss/io/gguf_blocks.hpp>

namespace gloss::inline GLOSS_ABI::io {

static_assert(std::endian::native == std::endian::little, "gloss::io: GGUF files are read little endian");

/// The types of metadata, by their numbers in the file.
enum class GgufType : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  text,
  array,
  uint64,
  int64,
  float64
};

namespace detail {
/// Bytes of one value; 0 for what has no fixed size.
constexpr std::uint64_t gguf_bytes(GgufType type) {
  constexpr std::uint64_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return bytes[static_cast<std::size_t>(type)];
}
constexpr const char* gguf_name(GgufType type) {
  constexpr const char* names[] = {"uint8",   "int8", "uint16", "int16",  "uint32", "int32",  "float32",
                                   "boolean", "text", "array",  "uint64", "int64",  "float64"};
  return names[static_cast<std::size_t>(type)];
}
}  // namespace detail

/// A value of a GGUF file's metadata: a number, a boolean, a text, or a list of one of these. It lies in the file.
class GgufValue {
 public:
  GgufValue(std::string where, GgufType type, bool is_list, std::uint64_t size, std::string_view bytes)
      : where_(std::move(where)), type_(type), is_list_(is_list), size_(size), bytes_(bytes) {}

  /// Of the value, or of each in the list.
  GgufType type() const { return type_; }
  bool is_list() const { return is_list_; }
  /// How many there are; 1 where it is no list.
  std::uint64_t size() const { return size_; }

  /// The value as T: a whole number as any type of numbers that holds it, float32 and float64 as float and double, a
  /// boolean as bool, a text as std::string.
  /// Errors: LoadError naming the file, the key and the type when it is none, or is a list.
  template <class T>
  T as() const {
    if (is_list_) fail<LoadError>(where_, "is a list");
    std::string_view rest = bytes_;
    return take<T>(rest);
  }
  /// The list, each as T.
  /// Errors: as as(), when it is no list.
  template <class T>
  std::vector<T> list() const {
    if (!is_list_) fail<LoadError>(where_, "is no list");
    std::vector<T> out;
    std::string_view rest = bytes_;
    for (std::uint64_t i = 0; i < size_; ++i) out.push_back(take<T>(rest));
    return out;
  }

 private:
  template <class N>
  static N number(std::string_view& rest) {
    N n;
    std::memcpy(&n, rest.data(), sizeof n);
    rest.remove_prefix(sizeof n);
    return n;
  }
  template <class T>
  T take(std::string_view& rest) const {
    if constexpr (std::same_as<T, std::string>) {
      if (type_ != GgufType::text) bad();
      const auto length = static_cast<std::size_t>(number<std::uint64_t>(rest));
      const std::string text(rest.substr(0, length));
      rest.remove_prefix(length);
      return text;
    } else if constexpr (std::same_as<T, bool>) {
      if (type_ != GgufType::boolean) bad();
      return number<std::int8_t>(rest) != 0;
    } else {
      switch (type_) {
        case GgufType::uint8:
          return whole<T>(number<std::uint8_t>(rest));
        case GgufType::int8:
          return whole<T>(number<std::int8_t>(rest));
        case GgufType::uint16:
          return whole<T>(number<std::uint16_t>(rest));
        case GgufType::int16:
          return whole<T>(number<std::int16_t>(rest));
        case GgufType::uint32:
          return whole<T>(number<std::uint32_t>(rest));
        case GgufType::int32:
          return whole<T>(number<std::int32_t>(rest));
        case GgufType::uint64:
          return whole<T>(number<std::uint64_t>(rest));
        case GgufType::int64:
          return whole<T>(number<std::int64_t>(rest));
        case GgufType::float32:
          if constexpr (std::floating_point<T>) return static_cast<T>(number<float>(rest));
          break;
        case GgufType::float64:
          if constexpr (std::floating_point<T>) return static_cast<T>(number<double>(rest));
          break;
        default:
          break;
      }
      bad();
    }
  }
  template <class T, class N>
  T whole(N n) const {
    if constexpr (std::integral<T>)
      if (!std::in_range<T>(n)) fail<LoadError>(where_, "is ", n, ", which is out of range");
    return static_cast<T>(n);
  }
  [[noreturn]] GLOSS_COLD void bad() const {
    fail<LoadError>(where_, "is ", detail::gguf_name(type_), ", which does not read as what was asked for");
  }

  std::string where_;  // "load_gguf: FILE: KEY: "
  GgufType type_;
  bool is_list_;
  std::uint64_t size_;
  std::string_view bytes_;  // all that values of this size and type take
};

/// A GGUF file: its metadata and its tensors.
class Gguf {
 public:
  /// `bytes` is a whole file; `name` stands for it in error texts.
  /// Errors: LoadError naming the file and the cause.
  Gguf(std::string bytes, std::string name) : Gguf(MappedFile::of_bytes(std::move(bytes)), std::move(name)) {}
  Gguf(MappedFile file, std::string name)
      : memory_(std::make_shared<const MappedFile>(std::move(file))),
        name_(std::move(name)),
        bytes_(memory_->bytes()),
        tensors_(read()) {}

  /// The tensors, shapes as in PyTorch (the file has them reversed), with the metadata's numbers and texts.
  /// Tensors in blocks read as floats; the blocks as they are lie at StoredTensor::bytes, and StoredTensor::blocks says
  /// how they read. Block types that are not known here are listed, and only to ask for their numbers is an error.
  const TensorFile& tensor_file() const { return tensors_; }
  /// The metadata by keys, but for lists of lists.
  const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }
  /// The value of this key, or null.
  const GgufValue* find(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  /// Errors: LoadError when there is none.
  const GgufValue& value(std::string_view key) const {
    const GgufValue* const found = find(key);
    if (!found) bad(key, ": there is no value of this key");
    return *found;
  }

 private:
  template <class... Parts>
  [[noreturn]] GLOSS_NOINLINE void bad(const Parts&... parts) const {
    fail<LoadError>("load_gguf: ", name_, ": ", parts...);
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) bad("it ends too early");
    const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += taken.size();
    return taken;
  }
  template <class N>
  N number() {
    N n;
    std::memcpy(&n, take(sizeof n).data(), sizeof n);
    return n;
  }
  std::string_view text() { return take(number<std::uint64_t>()); }
  /// A count of things that take so many bytes each at least.
  std::uint64_t count(const char* things, std::uint64_t bytes) {
    const auto n = number<std::uint64_t>();
    if (n > (bytes_.size() - at_) / bytes) bad("it cannot hold ", n, " ", things);
    return n;
  }
  GgufType type() {
    const auto n = number<std::uint32_t>();
    if (n > static_cast<std::uint32_t>(GgufType::float64)) bad("its metadata has a value of unknown type ", n);
    return static_cast<GgufType>(n);
  }
  /// Passes over one value, or the `n` of a list.
  void pass(GgufType type, std::uint64_t n, int depth) {
    if (detail::gguf_bytes(type) > 0) {
      take(n * detail::gguf_bytes(type));
    } else if (type == GgufType::text) {
      for (std::uint64_t i = 0; i < n; ++i) text();
    } else {
      if (depth == 8) bad("its metadata has lists in lists, more than 8 deep");
      for (std::uint64_t i = 0; i < n; ++i) {
        const GgufType inner = this->type();
        pass(inner, list_size(inner), depth + 1);
      }
    }
  }
  std::uint64_t list_size(GgufType type) {
    const std::uint64_t bytes = detail::gguf_bytes(type);
    return count("values", bytes > 0 ? bytes : type == GgufType::text ? 8 : 12);
  }

  GLOSS_COLD TensorFile read() {
    if (!bytes_.starts_with("GGUF")) {
      const std::string kind = looks_like(bytes_);
      bad("not a GGUF file: it ", kind.empty() ? "does not begin with GGUF" : kind);
    }
    at_ = 4;
    const auto version = number<std::uint32_t>();
    if ((version & 0xFFFF) == 0) bad("its numbers are big endian");
    if (version != 2 && version != 3) bad("it is of version ", version, ", only 2 and 3 are known");
    const auto n_tensors = count("tensors", 24);
    const auto n_values = count("values", 13);
    Metadata metadata;
    for (std::uint64_t i = 0; i < n_values; ++i) read_value(metadata);
    std::vector<StoredTensor> tensors;
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i < n_tensors; ++i) offsets.push_back(read_tensor(tensors.emplace_back()));

    const GgufValue* const given = find("general.alignment");
    const std::uint64_t alignment = given ? given->as<std::uint32_t>() : 32;
    if (!std::has_single_bit(alignment)) bad("its general.alignment is ", alignment, ", which is no power of two");
    const std::uint64_t start = (at_ + alignment - 1) / alignment * alignment;
    const std::string_view data = start < bytes_.size() ? bytes_.substr(static_cast<std::size_t>(start)) : "";
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      StoredTensor& t = tensors[i];
      if (offsets[i] % alignment != 0) bad(t.name, ": its offset ", offsets[i], " is no multiple of ", alignment);
      if (offsets[i] > data.size()) bad(t.name, ": its offset ", offsets[i], " is beyond the end of the file");
      t.bytes = data.substr(static_cast<std::size_t>(offsets[i]));
      const Index elements = detail::stored_span(t);
      if (elements >= 0 && (t.dtype != Dtype::OTHER || t.blocks))
        t.bytes = t.bytes.substr(0, detail::stored_bytes(t, elements));
    }
    return TensorFile("load_gguf", name_, std::move(tensors), std::move(metadata), memory_);
  }
  void read_value(Metadata& metadata) {
    const std::string key(text());
    GgufType kind = type();
    const bool is_list = kind == GgufType::array;
    std::uint64_t n = 1;
    if (is_list) {
      kind = type();
      n = list_size(kind);
    }
    const std::size_t start = at_;
    pass(kind, n, 0);
    if (kind == GgufType::array) return;
    const GgufValue value("load_gguf: " + name_ + ": " + key + ": ", kind, is_list, n,
                          bytes_.substr(start, at_ - start));
    if (!values_.emplace(key, value).second) bad(key, ": occurs twice");
    if (is_list) return;
    std::string& shown = metadata[key];
    if (kind == GgufType::text)
      shown = value.as<std::string>();
    else if (kind == GgufType::boolean)
      append_part(shown, value.as<bool>());
    else if (kind == GgufType::float32)
      append_part(shown, value.as<float>());
    else if (kind == GgufType::float64)
      append_part(shown, value.as<double>());
    else if (kind == GgufType::uint64)
      append_part(shown, value.as<std::uint64_t>());
    else
      append_part(shown, value.as<std::int64_t>());
  }
  /// All but where its bytes are; that is returned.
  std::uint64_t read_tensor(StoredTensor& t) {
    t.name = text();
    const auto rank = number<std::uint32_t>();
    if (rank > max_rank) bad(t.name, ": it has ", rank, " axes, more than ", max_rank);
    for (std::uint32_t axis = 0; axis < rank; ++axis) {
      const auto size = number<std::uint64_t>();
      if (size > (std::uint64_t{1} << 60)) bad(t.name, ": size ", size, " in its shape is too large");
      t.shape.insert(0, static_cast<Index>(size));
    }
    const auto id = number<std::uint32_t>();
    t.dtype = Dtype::OTHER;
    t.dtype_text = "type " + std::to_string(id);
    for (const GgufElement& element : gguf_elements)
      if (element.id == id) {
        t.dtype = element.dtype;
        if (element.dtype != Dtype::OTHER) break;
        t.dtype_text = element.blocks.name;
        t.blocks = &element.blocks;
        if (rank == 0 || t.shape.back() % t.blocks->elements != 0)
          bad(t.name, ": its rows in ", t.shape, " are not of whole blocks of ", t.blocks->elements);
      }
    return number<std::uint64_t>();
  }

  std::shared_ptr<const MappedFile> memory_;
  std::string name_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::map<std::string, GgufValue, std::less<>> values_;
  TensorFile tensors_;
};

/// Opens a GGUF file; the tensors are read from the disk where they are asked for.
/// Errors: LoadError naming the file and the cause.
inline Gguf load_gguf(const std::string& path) { return Gguf(MappedFile(path), path); }

}  // namespace gloss::inline GLOSS_ABI::io
