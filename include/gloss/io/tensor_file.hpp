// A file of named tensors, as it is read and as it is to be written: what programs pass around and what every reader
// gives. To read and to write such files there are io/safetensors.hpp and io/npz.hpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/io/dtype.hpp>
#include <gloss/tensor/any_tensor.hpp>
#include <gloss/tensor/from_blob.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Writes the elements of so many blocks.
using BlockDecoder = void(const char* blocks, float* out, Index count);

/// A type whose elements stand in blocks: `elements` of them in `bytes`, with what they have in common.
struct BlockType {
  const char* name;
  int elements, bytes;
  BlockDecoder* decode;
};

/// A tensor as a file holds it.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::U8;
  Shape shape = {};
  std::string_view bytes = {};        // where its elements lie, at any alignment
  Shape strides = {};                 // in elements; none where they are dense and row-major
  std::string dtype_text = {};        // the file's own name of Dtype::OTHER
  const BlockType* blocks = nullptr;  // of Dtype::OTHER, where its elements stand in blocks

  /// The type's name: safetensors', or the file's own.
  std::string_view dtype_name() const {
    if (dtype == Dtype::OTHER) return dtype_text;
    return dtype_info(dtype).name;
  }
};

/// Texts that a file carries beside its tensors.
using Metadata = std::map<std::string, std::string>;

namespace detail {
/// Elements from the first to the last of a stored tensor, or -1 where that is no sane number.
GLOSS_COLD inline Index stored_span(const StoredTensor& t) {
  if (!is_countable(t.shape) || (t.strides.rank() > 0 && t.strides.rank() != t.shape.rank())) return -1;
  const Shape strides = t.strides.rank() > 0 ? t.strides : contiguous_strides(t.shape);
  if (t.shape.numel() == 0) return 0;
  Index last = 0;
  for (int axis = 0; axis < t.shape.rank(); ++axis) {
    const Index steps = t.shape[axis] - 1, room = (Index{1} << 60) - last;
    if (strides[axis] < 0 || (strides[axis] > 0 && steps > room / strides[axis])) return -1;
    last += steps * strides[axis];
  }
  return last + 1;
}
/// The bytes of `span` elements of its type.
GLOSS_COLD inline std::uint64_t stored_bytes(const StoredTensor& t, Index span) {
  const auto elements = static_cast<std::uint64_t>(span);
  if (!t.blocks) return elements * static_cast<std::uint64_t>(dtype_info(t.dtype).bytes);
  return elements / static_cast<std::uint64_t>(t.blocks->elements) * static_cast<std::uint64_t>(t.blocks->bytes);
}
}  // namespace detail

/// Whether a stored tensor's numbers read as T: any floating-point type as any other, integers as wider ones, BOOL and
/// U8 as each other.
template <Element T>
bool reads_as(const StoredTensor& t) {
  if (t.blocks) return Real<T> || std::same_as<T, bfloat16>;
  return convert_elements<T>(t.dtype, nullptr, nullptr, 0);
}

/// Copies a stored tensor's numbers into one of its shape. False when they do not read as T.
template <Element T>
bool read_elements(const StoredTensor& from, const Tensor<T>& to) {
  if (!reads_as<T>(from)) return false;
  if constexpr (Real<T> || std::same_as<T, bfloat16>)
    if (from.blocks) {
      Tensor<float> all;
      if constexpr (std::same_as<T, float>)
        if (from.strides.rank() == 0 && to.is_contiguous()) all = to;
      const bool direct = all.defined();
      if (!direct) all = Tensor<float>::uninitialized({detail::stored_span(from)});
      from.blocks->decode(from.bytes.data(), all.data(), all.numel() / from.blocks->elements);
      all.mark_changed("reading a file");
      if (direct) return true;
      StoredTensor floats = from;
      floats.dtype = Dtype::F32;
      floats.blocks = nullptr;
      floats.bytes = {reinterpret_cast<const char*>(all.data()), sizeof(float) * static_cast<std::size_t>(all.numel())};
      return read_elements(floats, to);
    }
  if (from.strides.rank() == 0 && to.is_contiguous()) {
    convert_elements(from.dtype, from.bytes.data(), to.data(), to.numel());
    to.mark_changed("reading a file");
    return true;
  }
  const Shape strides = from.strides.rank() > 0 ? from.strides : contiguous_strides(from.shape);
  const void* const bytes = from.bytes.data();
  if (from.dtype == stored_dtype<T>() && !std::same_as<T, bool> &&
      reinterpret_cast<std::uintptr_t>(bytes) % alignof(T) == 0) {
    to.copy_(from_blob(static_cast<T*>(const_cast<void*>(bytes)), from.shape, strides));  // which is only read
  } else {
    const Tensor<T> all = Tensor<T>::uninitialized({detail::stored_span(from)});
    convert_elements(from.dtype, from.bytes.data(), all.data(), all.numel());
    to.copy_(all.as_strided(from.shape, strides, 0));
  }
  return true;
}

/// Named tensors of a file, checked. What a reader gives lies in the file itself where the system maps files into
/// memory, and is read from the disk when it is asked for; nobody may shorten the file meanwhile. Copies share all.
class TensorFile {
 public:
  /// What a reader has found: `reader` and `file` stand in error texts, and the bytes of the tensors are part of
  /// `memory`.
  /// Errors: LoadError when two have one name, or one has too few bytes for its shape.
  TensorFile(std::string reader, std::string file, std::vector<StoredTensor> tensors, Metadata metadata,
             std::shared_ptr<const void> memory)
      : contents_(new Contents{std::move(reader), std::move(file), std::move(tensors), std::move(metadata),
                               std::move(memory)}) {
    check();
  }

  /// All tensors, in the file's order.
  const std::vector<StoredTensor>& tensors() const { return contents_->tensors; }
  const Metadata& metadata() const { return contents_->metadata; }
  const std::string& file() const { return contents_->file; }

  /// The entry of this name, or null.
  const StoredTensor* find(std::string_view name) const {
    const auto found = contents_->index.find(name);
    return found == contents_->index.end() ? nullptr : &tensors()[found->second];
  }
  /// Errors: LoadError when there is none.
  const StoredTensor& entry(std::string_view name) const {
    const StoredTensor* const found = find(name);
    if (!found) bad(name, ": there is no tensor of this name");
    return *found;
  }
  /// The numbers as T, as read_elements converts them.
  /// Errors: LoadError when there is no such tensor or its type does not convert.
  template <Element T>
  Tensor<T> tensor(std::string_view name) const {
    const StoredTensor& stored = entry(name);
    if (!reads_as<T>(stored))  // before memory is taken for a shape of any size
      bad(name, ": holds ", stored.dtype_name(), ", which does not read as ", dtype_name<T>());
    const Tensor<T> x = empty<T>(stored.shape);
    read_elements(stored, x);
    return x;
  }

 private:
  struct Contents {
    std::string reader, file;
    std::vector<StoredTensor> tensors;
    Metadata metadata;
    std::shared_ptr<const void> memory;
    std::map<std::string_view, std::size_t> index = {};
  };

  template <class... Parts>
  [[noreturn]] GLOSS_NOINLINE void bad(const Parts&... parts) const {
    fail<LoadError>(contents_->reader, ": ", contents_->file, ": ", parts...);
  }
  GLOSS_COLD void check() {
    for (std::size_t i = 0; i < tensors().size(); ++i) {
      const StoredTensor& t = tensors()[i];
      if (!contents_->index.emplace(t.name, i).second) bad(t.name, ": occurs twice");
      if (t.dtype == Dtype::OTHER && !t.blocks) continue;
      const Index span = detail::stored_span(t);
      if (span < 0 && t.strides.rank() > 0)
        bad(t.name, ": its shape ", t.shape, " does not go with strides ", t.strides);
      if (span < 0) bad(t.name, ": its shape ", t.shape, " is too large");
      if (t.blocks && span % t.blocks->elements != 0)
        bad(t.name, ": its shape ", t.shape, " is not of whole blocks of ", t.blocks->elements);
      const std::uint64_t wanted = detail::stored_bytes(t, span);
      if (wanted > t.bytes.size())
        bad(t.name, ": ", t.dtype_name(), " ", t.shape, " takes ", wanted, " bytes, there are ", t.bytes.size());
    }
  }

  std::shared_ptr<Contents> contents_;
};

/// A tensor of any type with its name, to be saved.
class NamedTensor {
 public:
  template <Element T>
  NamedTensor(std::string name, const Tensor<T>& x)
      : NamedTensor(std::move(name), stored_dtype<T>(), x.detach().contiguous()) {}
  /// The numbers as floating point of another width: F16, BF16, F32 or F64, rounded to nearest where it is narrower.
  /// Errors: Error when `as` is another type.
  template <Real T>
  NamedTensor(std::string name, const Tensor<T>& x, Dtype as);
  const StoredTensor& stored() const { return stored_; }

 private:
  GLOSS_NOINLINE NamedTensor(std::string name, Dtype dtype, AnyTensor dense)
      : stored_{.name = std::move(name),
                .dtype = dtype,
                .shape = dense.shape(),
                .bytes = {static_cast<const char*>(dense.data()), dense.bytes()}},
        dense_(std::move(dense)) {}

  StoredTensor stored_;
  AnyTensor dense_;
};

template <Real T>
NamedTensor::NamedTensor(std::string name, const Tensor<T>& x, Dtype as) {
  const Tensor<T> dense = x.detach().contiguous();
  const Tensor<std::uint8_t> bytes = Tensor<std::uint8_t>::uninitialized({dense.numel() * dtype_info(as).bytes});
  const auto fill = [&]<class To>(To) {
    for (Index i = 0; i < dense.numel(); ++i) {
      using By = std::conditional_t<sizeof(To) == 2, float, To>;
      const To number{static_cast<By>(dense.data()[i])};
      std::memcpy(bytes.data() + i * Index{sizeof number}, &number, sizeof number);
    }
  };
  if (as == Dtype::F16)
    fill(float16());
  else if (as == Dtype::BF16)
    fill(bfloat16());
  else if (as == Dtype::F32)
    fill(float());
  else if (as == Dtype::F64)
    fill(double());
  else
    fail("NamedTensor: ", name, " cannot be stored as ", dtype_info(as).name);
  *this = NamedTensor(std::move(name), as, bytes);
  stored_.shape = dense.shape();
}

}  // namespace gloss::inline GLOSS_ABI::io
