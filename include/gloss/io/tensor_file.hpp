// A file of named tensors, as it is read and as it is to be written: what programs pass around. To read and to write
// such files, which takes JSON, there is io/safetensors.hpp.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/dtype.hpp>
#include <gloss/tensor/any_tensor.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// A tensor as the header describes it. [begin, end) counts from the end of the header.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::U8;
  Shape shape = {};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string dtype_text = {};  // the file's own name of Dtype::OTHER

  std::string_view dtype_name() const {
    if (dtype == Dtype::OTHER) return dtype_text;
    return dtype_info(dtype).name;
  }
};

/// Texts that a file carries beside its tensors.
using Metadata = std::map<std::string, std::string>;

namespace detail {
class HeaderReader;
}

/// A safetensors file in memory, checked. Tensors are copied out of it, converted where that loses no meaning.
class Safetensors {
 public:
  /// Checks the bytes of a file; `file` is its name in error texts. Defined in io/safetensors.hpp.
  /// Errors: LoadError naming the file, the key and the cause.
  Safetensors(std::string bytes, std::string file);

  /// All tensors, in the header's order.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }
  const std::string& file() const { return file_; }

  /// The entry of this name, or null.
  const StoredTensor* find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &tensors_[found->second];
  }
  /// Errors: LoadError when there is none.
  const StoredTensor& entry(std::string_view name) const {
    const StoredTensor* const found = find(name);
    if (!found) fail<LoadError>("load_safetensors: ", file_, ": ", name, ": there is no tensor of this name");
    return *found;
  }
  /// The stored bytes, at any alignment.
  std::string_view bytes(const StoredTensor& tensor) const {
    return std::string_view(bytes_).substr(data_begin_ + static_cast<std::size_t>(tensor.begin),
                                           static_cast<std::size_t>(tensor.end - tensor.begin));
  }

  /// The numbers as T: any floating-point type as any other, integers as wider ones, BOOL and U8 as each other.
  /// Errors: LoadError when there is no such tensor or its type does not convert.
  template <Element T>
  Tensor<T> tensor(std::string_view name) const {
    const StoredTensor& stored = entry(name);
    if (!convert_elements<T>(stored.dtype, nullptr, nullptr, 0))  // before memory is taken for a shape of any size
      fail<LoadError>("load_safetensors: ", file_, ": ", name, ": holds ", stored.dtype_name(),
                      ", which does not read as ", dtype_name<T>());
    Tensor<T> x = empty<T>(stored.shape);
    convert_elements(stored.dtype, bytes(stored).data(), x.data(), x.numel());
    return x;
  }

 private:
  void parse();
  void check_ranges(detail::HeaderReader& reader, std::uint64_t data_bytes);

  std::string file_;
  std::string bytes_;
  std::size_t data_begin_ = 0;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  Metadata metadata_;
};

/// A tensor of any type with its name, to be saved.
class NamedTensor {
 public:
  template <Element T>
  NamedTensor(std::string name, const Tensor<T>& x)
      : NamedTensor(std::move(name), stored_dtype<T>(), x.detach().contiguous()) {}
  const StoredTensor& stored() const { return stored_; }
  std::string_view bytes() const { return {static_cast<const char*>(dense_.data()), dense_.bytes()}; }

 private:
  GLOSS_NOINLINE NamedTensor(std::string name, Dtype dtype, AnyTensor dense)
      : stored_{.name = std::move(name), .dtype = dtype, .shape = dense.shape(), .end = dense.bytes()},
        dense_(std::move(dense)) {}

  StoredTensor stored_;
  AnyTensor dense_;
};

}  // namespace gloss::inline GLOSS_ABI::io
