// PyTorch's .pt, .pth and .bin files, as torch.save writes them: a zip archive of a pickle and the numbers, or, before
// PyTorch 1.6, pickles with the numbers behind. Nothing in a file is ever called. To write one there is
// io/torch_write.hpp.
#pragma once

#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/looks_like.hpp>
#include <gloss/core/mapped_file.hpp>
#include <gloss/io/pickle.hpp>
#include <gloss/io/tensor_file.hpp>
#include <gloss/io/torch_types.hpp>
#include <gloss/io/zip.hpp>

namespace gloss::inline GLOSS_ABI::io {

static_assert(std::endian::native == std::endian::little, "gloss::io: PyTorch's files are read little endian");

struct TorchFileOptions {
  /// Classes and functions that the pickle may name besides PyTorch's own, as "argparse.Namespace". Nothing is called:
  /// what they would have made is left out.
  std::vector<std::string> ignore = {};
};

namespace detail {

GLOSS_COLD inline std::vector<std::string> torch_globals(const TorchFileOptions& options) {
  std::vector<std::string> names = options.ignore;
  for (const TorchType& type : torch_types)
    for (const char* const name : {type.storage, type.name})
      if (*name) names.emplace_back(name);
  for (const TorchFunction& function : torch_functions) names.emplace_back(function.name);
  for (const char* const name :
       {"torch.Size", "torch.device", "torch.serialization._get_layout", "torch.per_tensor_affine",
        "torch.per_channel_affine", "torch.per_tensor_symmetric", "torch.per_channel_symmetric",
        "torch.per_channel_affine_float_qparams", "_codecs.encode", "builtins.bytearray", "builtins.complex",
        "builtins.set", "builtins.frozenset", "builtins.dict", "builtins.list", "builtins.int", "builtins.float"})
    names.emplace_back(name);
  return names;
}

/// Reads what a file's pickle says of its tensors.
class TorchReader {
 public:
  TorchReader(MappedFile mapped, std::string file, const TorchFileOptions& options)
      : memory_(std::make_shared<Memory>(std::move(mapped))),
        file_(std::move(file)),
        bytes_(memory_->file.bytes()),
        globals_(torch_globals(options)) {}

  GLOSS_COLD TensorFile read() {
    if (bytes_.starts_with("PK"))
      read_zip();
    else if (bytes_.starts_with("\x80"))
      read_legacy();
    else if (const std::string kind = looks_like(bytes_); !kind.empty())
      bad("not a PyTorch file: it ", kind);
    else
      bad("not a PyTorch file: it is neither a zip archive nor a pickle");
    return TensorFile(op, std::move(file_), std::move(tensors_), std::move(metadata_), std::move(memory_));
  }

 private:
  using Kind = PickleKind;
  using Number = std::uint32_t;
  static constexpr const char* op = "load_torch_file";
  static constexpr int deepest = 64;
  static constexpr Index most_stretched = Index{1} << 24;  // elements of a tensor that are mostly the same ones

  struct Memory {
    explicit Memory(MappedFile mapped) : file(std::move(mapped)) {}
    MappedFile file;
    std::deque<std::string> inflated;
  };
  /// ('storage', its class, key, place, number of elements, perhaps (key, first element, number of elements)).
  struct StorageName {
    const TorchType* type;
    std::string_view key;
    std::uint64_t skipped = 0;  // elements
  };

  template <class... Parts>
  [[noreturn]] GLOSS_NOINLINE void bad(const Parts&... parts) const {
    fail<LoadError>(op, ": ", file_, ": ", parts...);
  }
  Pickle unpickle(std::string_view bytes) const { return Pickle(op, bytes, file_, globals_); }
  const PickleValue& value(Number number) const { return (*pickle_)[number]; }

  GLOSS_COLD void read_zip() {
    const ZipReader zip(op, bytes_, file_);
    std::map<std::string_view, const ZipMember*> members;
    std::string_view folder = "/";
    for (const ZipMember& m : zip.members()) {
      members.emplace(m.name, &m);
      const std::string_view name = m.name;
      const std::size_t slash = name.find('/') + 1;  // 0 without one
      if (folder == "/" && name.substr(slash) == "data.pkl") folder = name.substr(0, slash);
    }
    const auto member = [&](const std::string& name) {  // nothing where there is none
      const auto found = members.find(std::string(folder) + name);
      if (found == members.end()) return std::string_view();
      if (found->second->method == 0) return zip.packed(*found->second);
      return zip.read(*found->second, memory_->inflated.emplace_back());
    };
    if (folder == "/") bad("a zip archive without a data.pkl, so not a PyTorch file");
    if (member("byteorder") == "big") bad("its numbers are big endian");
    const Pickle pickle = unpickle(member("data.pkl"));
    pickle_ = &pickle;
    for (const PickleValue& v : pickle.values())
      if (v.kind == Kind::persistent)
        if (const std::string_view key = storage_name(v).key; !storages_.contains(key))
          storages_.emplace(key, member("data/" + std::string(key)));
    gather(pickle.root(), "", 0);
  }

  GLOSS_COLD void read_legacy() {
    std::size_t at = 0;
    const auto next = [&] {
      Pickle pickle = unpickle(bytes_.substr(at));
      at += pickle.end();
      return pickle;
    };
    {
      const Pickle magic = next();
      if (magic[magic.root()].text != "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19")
        bad("not a PyTorch file: a pickle that torch.save has not written");
      next();  // the version, which never changed
      const Pickle system = next();
      const auto& parts = system[system.root()].parts;
      for (std::size_t i = 0; i + 1 < parts.size(); i += 2)
        if (system[parts[i]].text == "little_endian" && system[parts[i + 1]].integer == 0)
          bad("its numbers are big endian");
    }
    const Pickle pickle = next();
    pickle_ = &pickle;
    std::map<std::string_view, const TorchType*> types;
    for (const PickleValue& v : pickle.values())
      if (v.kind == Kind::persistent) types.emplace(storage_name(v).key, storage_name(v).type);
    const Pickle keys = next();
    for (const Number number : keys[keys.root()].parts) {
      const std::string_view key = keys[number].text;
      const auto type = types.find(key);
      if (type == types.end()) bad("storage ", key.substr(0, 200), " belongs to no tensor");
      std::uint64_t elements = 0;
      if (bytes_.size() - at < 8) bad("it ends before storage ", key);
      std::memcpy(&elements, bytes_.data() + at, 8);
      at += 8;
      const auto width = static_cast<std::size_t>(type->second->bytes);
      if (elements > (bytes_.size() - at) / width)
        bad("storage ", key, " has ", elements, " elements of ", width, " bytes, but only ", bytes_.size() - at,
            " bytes follow");
      storages_.emplace(key, bytes_.substr(at, static_cast<std::size_t>(elements) * width));
      at += static_cast<std::size_t>(elements) * width;
    }
    gather(pickle.root(), "", 0);
  }

  GLOSS_COLD StorageName storage_name(const PickleValue& persistent) const {
    const auto& parts = value(persistent.parts[0]).parts;
    if (parts.size() < 5 || value(parts[0]).text != "storage" || value(parts[2]).text.empty())
      bad("its pickle refers to something that is no storage");
    StorageName name{nullptr, value(parts[2]).text};
    for (const TorchType& type : torch_types)
      if (value(parts[1]).text == type.storage) name.type = &type;
    if (!name.type || !*name.type->storage) bad("storage ", name.key.substr(0, 200), " has no class of PyTorch's");
    if (parts.size() > 5 && value(parts[5]).parts.size() > 1)
      name.skipped = static_cast<std::uint64_t>(value(value(parts[5]).parts[1]).integer);
    return name;
  }

  /// Appends the tensors in a value, `name` before their keys and places; to the metadata the numbers and texts that
  /// stand in dicts.
  GLOSS_COLD void gather(Number number, const std::string& name, int depth) {
    const PickleValue& v = value(number);
    const auto& parts = v.parts;
    spend(64 + name.size() + parts.size());
    if (depth > deepest) bad(name.substr(0, 200), ": it is nested more than ", deepest, " deep");
    if (v.kind == Kind::list || v.kind == Kind::tuple) {
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (!is_plain(value(parts[i]))) gather(parts[i], joined(name, std::to_string(i)), depth + 1);
    } else if (v.kind == Kind::dict) {
      for (std::size_t i = 0; i + 1 < parts.size(); i += 2) gather_entry(parts[i], parts[i + 1], name, depth);
    } else if (v.kind == Kind::call && value(parts[0]).text == "collections.OrderedDict") {  // of Python 2
      for (const Number pairs : value(parts[1]).parts)
        for (const Number pair : value(pairs).parts)
          if (value(pair).parts.size() == 2) gather_entry(value(pair).parts[0], value(pair).parts[1], name, depth);
    } else if (v.kind == Kind::call) {
      StoredTensor tensor{.name = name};
      if (make_tensor(v, tensor)) tensors_.push_back(std::move(tensor));
    }
  }
  GLOSS_COLD void gather_entry(Number key, Number entry, const std::string& name, int depth) {
    const PickleValue& k = value(key);
    const bool whole = k.kind == Kind::integer || k.kind == Kind::boolean;
    if (!whole && k.kind != Kind::text && k.kind != Kind::bytes)
      bad("a key in its dict '", name.substr(0, 200), "' is neither a text nor a whole number");
    const std::string full = joined(name, whole ? std::to_string(k.integer) : std::string(k.text));
    if (is_plain(value(entry)))
      add_metadata(full, value(entry));
    else
      gather(entry, full, depth + 1);
  }
  GLOSS_COLD static std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }
  static bool is_plain(const PickleValue& v) { return v.kind <= Kind::bytes; }
  GLOSS_COLD void add_metadata(const std::string& name, const PickleValue& v) {
    std::string text;
    if (v.kind == Kind::boolean)
      append_part(text, v.integer != 0);
    else if (v.kind == Kind::integer)
      append_part(text, v.integer);
    else if (v.kind == Kind::real)
      append_part(text, v.real);
    else if (v.kind == Kind::text || v.kind == Kind::bytes)
      text = v.text;
    else
      return;
    spend(64 + name.size() + text.size());
    metadata_.emplace(name, std::move(text));
  }
  /// A few bytes of a pickle can say that a value is part of another many times; what is read of it must stay in
  /// proportion to the file.
  GLOSS_COLD void spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ > 16 * bytes_.size() + (std::size_t{1} << 24)) bad("its pickle unfolds to too much");
  }

  /// The tensor that a call makes; false for a call that makes none.
  GLOSS_COLD bool make_tensor(const PickleValue& call, StoredTensor& out) const {
    const PickleValue* v = &call;
    for (int depth = 0; depth < deepest && v->kind == Kind::call; ++depth) {
      const TorchFunction* function = function_of(v->parts[0]);
      const std::vector<Number>* arguments = &value(v->parts[1]).parts;
      if (function && function->maker == TorchMaker::subclass && arguments->size() > 2) {
        function = function_of((*arguments)[0]);
        arguments = &value((*arguments)[2]).parts;
      }
      if (!function) return false;
      if (function->maker == TorchMaker::strided) return make_strided(*arguments, out), true;
      if (function->maker == TorchMaker::other) {
        out.dtype = Dtype::OTHER;
        out.dtype_text = function->what;
        return true;
      }
      if (arguments->empty()) break;
      v = &value((*arguments)[0]);
    }
    bad(out.name, ": its tensor is made of something that is no tensor");
  }
  /// Null for what makes no tensors.
  GLOSS_COLD const TorchFunction* function_of(Number number) const {
    for (const TorchFunction& function : torch_functions)
      if (value(number).text == function.name) return &function;
    return nullptr;
  }

  GLOSS_COLD void make_strided(const std::vector<Number>& arguments, StoredTensor& out) const {
    if (arguments.size() < 4 || value(arguments[0]).kind != Kind::persistent)
      bad(out.name, ": its tensor has no storage, offset, size and stride");
    const StorageName storage = storage_name(value(arguments[0]));
    const TorchType* type = storage.type;
    if (arguments.size() > 6 && value(arguments[6]).kind == Kind::global)
      for (const TorchType& known : torch_types)
        if (value(arguments[6]).text == known.name) type = &known;
    out.dtype = type->dtype;
    out.dtype_text = type->other;
    out.shape = sizes(arguments[2], out);
    const Shape strides = sizes(arguments[3], out);
    if (!is_countable(out.shape) || (out.shape.numel() > 0 && strides != contiguous_strides(out.shape)))
      out.strides = strides;
    const auto found = storages_.find(storage.key);
    if (found == storages_.end() || !found->second.data())
      bad(out.name, ": its storage ", storage.key, " is not there");
    std::string_view bytes = found->second;
    for (const auto& [skipped, width] :
         {std::pair{storage.skipped, storage.type->bytes},
          std::pair{static_cast<std::uint64_t>(value(arguments[1]).integer), type->bytes}}) {
      const auto size = static_cast<std::uint64_t>(width);
      if (skipped > bytes.size() / size) bad(out.name, ": it begins at element ", skipped, " of ", bytes.size() / size);
      bytes.remove_prefix(static_cast<std::size_t>(skipped * size));
    }
    out.bytes = bytes;
    const Index span = stored_span(out), stored = static_cast<Index>(bytes.size()) / type->bytes;
    if (span >= 0 && span <= stored && out.shape.numel() > most_stretched && out.shape.numel() / 1024 > stored)
      bad(out.name, ": its shape ", out.shape, " is stretched from ", stored, " elements");
  }
  /// A tuple of whole numbers, or the torch.Size of one.
  GLOSS_COLD Shape sizes(Number number, const StoredTensor& of) const {
    const PickleValue* v = &value(number);
    if (v->kind == Kind::call && value(v->parts[0]).text == "torch.Size" && !value(v->parts[1]).parts.empty())
      v = &value(value(v->parts[1]).parts[0]);
    Shape out;
    for (const Number part : v->parts) {
      if (out.rank() == max_rank) bad(of.name, ": it has more than ", max_rank, " axes");
      if (value(part).kind != Kind::integer) bad(of.name, ": its sizes and strides are not whole numbers");
      out.push_back(value(part).integer);
    }
    return out;
  }

  std::shared_ptr<Memory> memory_;
  std::string file_;
  std::string_view bytes_;
  std::vector<std::string> globals_;
  const Pickle* pickle_ = nullptr;
  std::map<std::string_view, std::string_view> storages_;
  std::vector<StoredTensor> tensors_;
  Metadata metadata_;
  std::size_t spent_ = 0;
};

}  // namespace detail

/// Opens a file that torch.save has written, of a state dict or of anything that holds tensors: in dicts, lists and
/// tuples they are named by their keys and places with dots between, "model.encoder.weight", "optimizer.state.0.step";
/// a single tensor has the name "". Numbers, booleans and texts in dicts are the metadata. Tensors of one storage share
/// its bytes, and strides are kept. What no Tensor holds (complex, quantised, sparse) is listed; only to ask for its
/// numbers is an error.
/// Errors: LoadError naming the file and the cause; for a class that is not data, as in a whole model, its name.
/// PyTorch: torch.load(path, weights_only=True)
inline TensorFile load_torch_file(const std::string& path, const TorchFileOptions& options = {}) {
  return detail::TorchReader(MappedFile(path), path, options).read();
}
/// The same from the bytes of a file; `file` stands for it in error texts.
inline TensorFile from_torch_file(std::string bytes, std::string file, const TorchFileOptions& options = {}) {
  return detail::TorchReader(MappedFile::of_bytes(std::move(bytes)), std::move(file), options).read();
}

}  // namespace gloss::inline GLOSS_ABI::io
