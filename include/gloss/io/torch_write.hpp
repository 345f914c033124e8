// Writes PyTorch's .pt files, in the form that torch.load(path, weights_only=True) takes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/tensor_file.hpp>
#include <gloss/io/torch_types.hpp>
#include <gloss/io/zip.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

/// Writes down operations of a pickle, protocol 2.
class PickleWriter {
 public:
  void put(std::string_view operations) { out_ += operations; }
  void text(std::string_view text) {
    out_ += 'X';
    little_endian(text.size(), 4);
    out_ += text;
  }
  void global(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    out_.append("c").append(name.substr(0, dot)).append("\n").append(name.substr(dot + 1)).append("\n");
  }
  void whole(Index n) {
    const bool one_byte = n >= 0 && n < 256;
    out_ += one_byte ? "K" : "\x8A\x08";
    little_endian(static_cast<std::uint64_t>(n), one_byte ? 1 : 8);
  }
  void tuple(const Shape& sizes) {
    out_ += '(';
    for (const Index size : sizes) whole(size);
    out_ += 't';
  }
  std::string finish() && { return std::move(out_) + "."; }

 private:
  void little_endian(std::uint64_t n, int count) {
    for (int i = 0; i < count; ++i) out_ += static_cast<char>(static_cast<unsigned char>(n >> (8 * i) & 255));
  }
  std::string out_ = "\x80\x02";
};

}  // namespace detail

/// The bytes of a file that torch.load gives as a dict of tensors. Tensors that are one here are one there.
/// Errors: Error when a name occurs twice, or when the file passes 4 GiB.
GLOSS_COLD inline std::string to_torch_file(const std::vector<NamedTensor>& tensors) {
  const auto name = [&](std::size_t i) -> const std::string& { return tensors[i].stored().name; };
  const auto by_name = sorted_order(tensors.size(), [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
  for (std::size_t i = 1; i < by_name.size(); ++i)
    if (name(by_name[i]) == name(by_name[i - 1])) fail("save_torch_file: two tensors are named ", name(by_name[i]));

  detail::PickleWriter pickle;
  std::vector<std::string_view> storages;
  std::map<std::tuple<const char*, std::size_t, Dtype>, std::size_t> numbers;  // of storages
  pickle.put("}(");
  for (const NamedTensor& tensor : tensors) {
    const StoredTensor& t = tensor.stored();
    const auto [number, is_new] = numbers.emplace(std::tuple(t.bytes.data(), t.bytes.size(), t.dtype), storages.size());
    if (is_new) storages.push_back(t.bytes);
    pickle.text(t.name);
    pickle.global("torch._utils._rebuild_tensor_v2");
    pickle.put("((");
    pickle.text("storage");
    for (const detail::TorchType& type : detail::torch_types)
      if (type.dtype == t.dtype && *type.storage && *type.name) pickle.global(type.storage);
    pickle.text(std::to_string(number->second));
    pickle.text("cpu");
    pickle.whole(t.shape.numel());
    pickle.put("tQ");
    pickle.whole(0);
    pickle.tuple(t.shape);
    pickle.tuple(contiguous_strides(t.shape));
    pickle.put("\x89");  // false: needs no gradient
    pickle.global("collections.OrderedDict");
    pickle.put(")RtR");
  }
  pickle.put("u");

  ZipWriter zip;
  zip.add("archive/data.pkl", std::move(pickle).finish(), false, 64);
  zip.add("archive/byteorder", "little", false, 64);
  for (std::size_t i = 0; i < storages.size(); ++i)
    zip.add("archive/data/" + std::to_string(i), storages[i], false, 64);
  zip.add("archive/version", "3\n", false, 64);
  return std::move(zip).finish();
}

/// Writes such a file; at any moment `path` holds either what it held before or the whole new file.
/// Errors: as to_torch_file, and Error when the file cannot be written.
/// PyTorch: torch.save(model.state_dict(), path)
inline void save_torch_file(const std::string& path, const std::vector<NamedTensor>& tensors) {
  write_file_atomically(path, to_torch_file(tensors));
}

}  // namespace gloss::inline GLOSS_ABI::io
