// NumPy's .npz files: a zip archive of .npy files, one for each name.
#pragma once

#include <functional>
#include <map>

#include <gloss/io/npy.hpp>
#include <gloss/io/zip.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// The arrays of a .npz file. The archive's directory is checked at once, an array when it is asked for.
class Npz {
 public:
  /// `bytes` is a whole .npz file; `name` stands for it in messages.
  /// Errors: LoadError naming the file and the cause.
  Npz(std::string bytes, std::string name) : Npz(MappedFile::of_bytes(std::move(bytes)), std::move(name)) {}
  Npz(MappedFile file, std::string name)
      : file_(std::make_shared<const MappedFile>(std::move(file))),
        name_(std::move(name)),
        zip_("load_npz", file_->bytes(), name_) {
    for (std::size_t i = 0; i < zip_.members().size(); ++i) {
      const std::string_view member = zip_.members()[i].name;
      if (!member.ends_with(".npy")) continue;
      const std::string array(member.substr(0, member.size() - 4));
      if (index_.insert_or_assign(array, i).second) names_.push_back(array);
    }
  }

  /// The names, in the order of the file, without the ".npy" that they end in there. Other members are passed over; of
  /// two that have one name the last counts, as for NumPy.
  const std::vector<std::string>& names() const { return names_; }
  bool has(std::string_view name) const { return find(name) != nullptr; }

  /// Errors: LoadError when the name is not there, or its member is damaged, encrypted, or deflated without zlib.
  NpyArray array(std::string_view name) const {
    const ZipMember* member = find(name);
    if (!member) fail<LoadError>("load_npz: ", name_, ": no array is named ", name);
    const auto inflated = std::make_shared<std::string>();
    const std::string_view bytes = zip_.read(*member, *inflated);
    std::shared_ptr<const void> memory = file_;
    if (bytes.data() == inflated->data()) memory = inflated;
    return NpyArray(bytes, std::move(memory), name_ + ": " + member->name);
  }
  /// Errors: as array, and as NpyArray::tensor.
  template <Element T>
  Tensor<T> tensor(std::string_view name) const {
    return array(name).template tensor<T>();
  }
  /// All arrays, as every reader gives them: those that are stored lie in the file, deflated ones are inflated here.
  /// Errors: as array.
  TensorFile tensor_file() const {
    const auto arrays = std::make_shared<std::vector<NpyArray>>();
    std::vector<StoredTensor> tensors;
    for (const std::string& name : names_) {
      arrays->push_back(array(name));
      tensors.push_back(arrays->back().stored());
      tensors.back().name = name;
    }
    return TensorFile("load_npz", name_, std::move(tensors), {}, arrays);
  }

 private:
  const ZipMember* find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &zip_.members()[found->second];
  }

  std::shared_ptr<const MappedFile> file_;
  std::string name_;
  ZipReader zip_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_;  // of the member that has the name
};

/// Reads a .npz file, as numpy.savez and numpy.savez_compressed write it.
/// Errors: LoadError naming the file and the cause.
/// PyTorch: numpy.load(path)
inline Npz load_npz(const std::string& path) { return Npz(MappedFile(path), path); }

/// A tensor and its name, to be saved: {"weight", w}.
class NamedArray {
 public:
  template <class T>
  NamedArray(std::string name, const Tensor<T>& x) : name_(std::move(name)), npy_(to_npy(x)) {}
  const std::string& name() const { return name_; }
  const std::string& npy() const { return npy_; }

 private:
  std::string name_, npy_;
};

struct NpzOptions {
  bool compress = false;  // deflate, which needs zlib
};

/// The bytes of a .npz file.
/// Errors: Error when a name occurs twice, is empty or holds a zero byte, or when the file passes 4 GiB.
inline std::string to_npz(const std::vector<NamedArray>& arrays, NpzOptions options = {}) {
  ZipWriter zip;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::string& name = arrays[i].name();
    if (name.empty()) fail("save_npz: an array has no name");
    if (name.find('\0') != std::string::npos) fail("save_npz: a name holds a zero byte");
    for (std::size_t j = 0; j < i; ++j)
      if (arrays[j].name() == name) fail("save_npz: two arrays are named ", name);
    zip.add(name + ".npy", arrays[i].npy(), options.compress);
  }
  return std::move(zip).finish();
}
/// Writes a .npz file; at any moment `path` holds either what it held before or the whole new file.
/// Errors: as to_npz, and Error when the file cannot be written.
/// PyTorch: numpy.savez, numpy.savez_compressed
inline void save_npz(const std::string& path, const std::vector<NamedArray>& arrays, NpzOptions options = {}) {
  write_file_atomically(path, to_npz(arrays, options));
}

}  // namespace gloss::inline GLOSS_ABI::io
