// safetensors files: a length, a JSON header (names, types, shapes, byte ranges), then the numbers. Read with every
// claim of the header checked, written as the reference implementation writes them. Format: 8 bytes header length N,
// little endian; N bytes of JSON; the data that data_offsets [begin, end) refer to.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/looks_like.hpp>
#include <gloss/core/mapped_file.hpp>
#include <gloss/core/sort.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/tensor_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

static_assert(std::endian::native == std::endian::little, "gloss::io: safetensors files are little endian");

namespace detail {

inline constexpr std::uint64_t max_header_bytes = 100'000'000;  // the reference implementation's limit

/// A tensor as the header describes it. [begin, end) counts from the end of the header.
struct SafetensorsEntry {
  StoredTensor tensor;
  std::uint64_t begin = 0, end = 0;
};

/// Receives the header's JSON piece by piece. Any piece out of place throws; nothing is kept that was not asked for.
class HeaderReader {
 public:
  HeaderReader(std::string_view file, std::vector<SafetensorsEntry>& entries, Metadata& metadata)
      : file_(file), entries_(entries), metadata_(metadata) {}

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>("load_safetensors: ", file_, ": ", parts...);
  }

  /// Reads the header's JSON. This is json::parse with a callback and not json::sax_parse, because that one also
  /// compiles readers of five binary formats, which took longer than the rest of a program.
  GLOSS_COLD void read(std::string_view json) {
    using Json = nlohmann::json;
    if (!json.empty() && json.front() != '{') misplaced();
    try {
      const Json unused = Json::parse(json.begin(), json.end(), [this](int, Json::parse_event_t event, Json& value) {
        this->event(event, value);
        return true;
      });
      static_cast<void>(unused);
      const std::size_t end = json.find('\0');  // the parser takes a zero byte for the end of its input
      if (end != std::string_view::npos) bad("header is not valid JSON at byte ", end + 1);
    } catch (const nlohmann::json::parse_error& error) {
      bad("header is not valid JSON at byte ", error.byte);
    } catch (const nlohmann::json::out_of_range&) {  // what its reader says to 1e999
      bad("header holds a number that is out of range");
    }
  }

 private:
  GLOSS_COLD void event(nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    switch (event) {
      case Event::object_start:
        return start_object();
      case Event::object_end:
        return end_object();
      case Event::array_start:
        return start_array();
      case Event::array_end:
        return end_array();
      case Event::key:
        return key(value.get_ref<const std::string&>());
      case Event::value:
        if (value.is_string()) return string(value.get_ref<const std::string&>());
        if (value.is_number_unsigned())
          return number_unsigned(value.get_ref<const nlohmann::json::number_unsigned_t&>());
        misplaced();
    }
  }
  void number_unsigned(std::uint64_t value) {
    if (at_ == At::shape) {
      if (value > (std::uint64_t{1} << 60)) bad(name(), ": size ", value, " in its shape is too large");
      if (tensor().shape.rank() == max_rank) bad(name(), ": its shape has more than ", max_rank, " axes");
      tensor().shape.push_back(static_cast<Index>(value));
    } else if (at_ == At::offsets && n_offsets_ < 2) {
      (n_offsets_++ == 0 ? entries_.back().begin : entries_.back().end) = value;
    } else {
      misplaced();
    }
  }
  void string(const std::string& value) {
    if (at_ == At::metadata) {
      if (!metadata_.emplace(key_, value).second) bad("__metadata__: key '", key_, "' occurs twice");
    } else if (at_ == At::tensor && key_ == "dtype") {
      const DtypeInfo* info = find_dtype(value);
      tensor().dtype = info ? info->dtype : Dtype::OTHER;
      if (!info) tensor().dtype_text = value;
    } else {
      misplaced();
    }
  }
  void start_object() {
    if (at_ == At::start) {
      at_ = At::file;
    } else if (at_ == At::file && key_ == "__metadata__") {
      at_ = At::metadata;
    } else if (at_ == At::file) {
      at_ = At::tensor;
      entries_.push_back({{.name = key_}});
      has_dtype_ = has_shape_ = has_offsets_ = false;
    } else {
      misplaced();
    }
  }
  void key(const std::string& text) {
    key_ = text;
    if (at_ == At::file && text == "__metadata__") {
      if (has_metadata_) bad("__metadata__ occurs twice");
      has_metadata_ = true;
    } else if (at_ == At::tensor) {
      bool* const seen = text == "dtype"          ? &has_dtype_
                         : text == "shape"        ? &has_shape_
                         : text == "data_offsets" ? &has_offsets_
                                                  : nullptr;
      if (!seen) bad(name(), ": unknown field '", text, "'");
      if (*seen) bad(name(), ": field '", text, "' occurs twice");
      *seen = true;
    }
  }
  void end_object() {
    if (at_ == At::tensor)
      if (!has_dtype_ || !has_shape_ || !has_offsets_)
        bad(name(), ": field '", !has_dtype_ ? "dtype" : !has_shape_ ? "shape" : "data_offsets", "' is missing");
    at_ = At::file;
  }
  void start_array() {
    if (at_ == At::tensor && key_ == "shape") {
      at_ = At::shape;
    } else if (at_ == At::tensor && key_ == "data_offsets") {
      at_ = At::offsets;
      n_offsets_ = 0;
    } else {
      misplaced();
    }
  }
  void end_array() {
    if (at_ == At::offsets && n_offsets_ != 2) misplaced();
    at_ = At::tensor;
  }

  enum class At { start, file, tensor, metadata, shape, offsets };

  StoredTensor& tensor() { return entries_.back().tensor; }
  const std::string& name() const { return entries_.back().tensor.name; }
  [[noreturn]] void misplaced() const {
    if (at_ == At::start) bad("header is not a JSON object");
    if (at_ == At::metadata) bad("__metadata__: the value of '", key_, "' is not a string");
    if (at_ == At::file) bad(key_, ": its header entry is not an object");
    if (key_ == "shape") bad(name(), ": its shape is not a list of sizes");
    if (key_ == "data_offsets") bad(name(), ": its data_offsets are not two positions");
    bad(name(), ": its dtype is not a name");
  }

  std::string_view file_;
  std::vector<SafetensorsEntry>& entries_;
  Metadata& metadata_;
  At at_ = At::start;
  std::string key_;
  int n_offsets_ = 0;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false, has_metadata_ = false;
};

// Together the ranges must be exactly the data: none outside, no overlap, no hole.
GLOSS_COLD inline void check_ranges(const HeaderReader& reader, const std::vector<SafetensorsEntry>& entries,
                                    std::uint64_t data_bytes) {
  for (const auto& [t, begin, end] : entries) {
    if (begin > end || end > data_bytes)
      reader.bad(t.name, ": data_offsets [", begin, ", ", end, "] are not within the ", data_bytes, " bytes of data");
    if (!is_countable(t.shape)) reader.bad(t.name, ": its shape ", t.shape, " is too large");
    if (t.dtype == Dtype::OTHER) continue;
    const std::uint64_t wanted =
        static_cast<std::uint64_t>(t.shape.numel()) * static_cast<std::uint64_t>(dtype_info(t.dtype).bytes);
    if (wanted != end - begin)
      reader.bad(t.name, ": data_offsets [", begin, ", ", end, "] hold ", end - begin, " bytes, ", t.dtype_name(), " ",
                 t.shape, " takes ", wanted);
  }
  const auto by_position = sorted_order(entries.size(), [&](std::size_t a, std::size_t b) {
    const SafetensorsEntry &s = entries[a], &t = entries[b];
    return s.begin != t.begin ? s.begin < t.begin : s.end < t.end;
  });
  std::uint64_t position = 0;
  const std::string* previous = nullptr;
  for (const std::size_t number : by_position) {
    const auto& [t, begin, end] = entries[number];
    if (begin < position) reader.bad(t.name, ": its bytes overlap those of ", *previous);
    if (begin > position) reader.bad(t.name, ": bytes ", position, " to ", begin, " before it belong to no tensor");
    position = end;
    previous = &t.name;
  }
  if (position != data_bytes) reader.bad("bytes ", position, " to ", data_bytes, " of the data belong to no tensor");
}

GLOSS_COLD inline TensorFile read_safetensors(MappedFile mapped, std::string file) {
  auto memory = std::make_shared<const MappedFile>(std::move(mapped));
  const std::string_view bytes = memory->bytes();
  std::vector<SafetensorsEntry> entries;
  Metadata metadata;
  HeaderReader reader(file, entries, metadata);
  std::uint64_t header_bytes = 0;
  if (bytes.size() >= 8) std::memcpy(&header_bytes, bytes.data(), 8);
  const bool fits = bytes.size() >= 8 && header_bytes <= (std::min)(bytes.size() - 8, max_header_bytes);
  if (!fits && bytes.substr(0, 9).find('{', 8) == std::string_view::npos)
    if (const std::string kind = looks_like(bytes); !kind.empty()) reader.bad("not a safetensors file: it ", kind);
  if (bytes.size() < 8) reader.bad("too short for a header: ", bytes.size(), " bytes");
  if (header_bytes > bytes.size() - 8)
    reader.bad("header of ", header_bytes, " bytes, but only ", bytes.size() - 8, " follow its length");
  if (header_bytes > max_header_bytes) reader.bad("header of ", header_bytes, " bytes is too long");
  reader.read(bytes.substr(8, static_cast<std::size_t>(header_bytes)));
  const std::string_view data = bytes.substr(8 + static_cast<std::size_t>(header_bytes));
  check_ranges(reader, entries, data.size());
  std::vector<StoredTensor> tensors;
  for (auto& [tensor, begin, end] : entries) {
    tensor.bytes = data.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    tensors.push_back(std::move(tensor));
  }
  return TensorFile("load_safetensors", std::move(file), std::move(tensors), std::move(metadata), std::move(memory));
}

}  // namespace detail

/// Checks a whole file and maps it into memory. Tensors of types that no Tensor holds (F4, F8_E8M0, C64) are listed
/// with the others; only to ask for their numbers is an error.
/// Errors: LoadError naming the file, the key and the cause.
inline TensorFile load_safetensors(const std::string& path) { return detail::read_safetensors(MappedFile(path), path); }
/// The same from the bytes of a file; `file` stands for it in error texts.
inline TensorFile from_safetensors(std::string bytes, std::string file) {
  return detail::read_safetensors(MappedFile::of_bytes(std::move(bytes)), std::move(file));
}

namespace detail {
inline void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* hex = "0123456789abcdef";
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}
}  // namespace detail

/// The bytes of a safetensors file. Wide types stand first, so that all are aligned; otherwise the given order is kept.
/// Errors: Error when a name occurs twice, is "__metadata__" or is not UTF-8.
GLOSS_COLD inline std::string to_safetensors(const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
  const auto name = [&](std::size_t i) -> const std::string& { return tensors[i].stored().name; };
  const auto by_name = sorted_order(tensors.size(), [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
  for (std::size_t i = 0; i < by_name.size(); ++i) {
    if (name(by_name[i]) == "__metadata__") fail("save_safetensors: a tensor cannot be named __metadata__");
    if (i > 0 && name(by_name[i]) == name(by_name[i - 1]))
      fail("save_safetensors: two tensors are named ", name(by_name[i]));
  }
  const auto order = sorted_order(tensors.size(), [&](std::size_t a, std::size_t b) {
    return dtype_info(tensors[a].stored().dtype).bytes > dtype_info(tensors[b].stored().dtype).bytes;
  });

  std::string out(8, '\0');
  out += '{';
  if (!metadata.empty()) {
    out += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      detail::append_json_string(out, key);
      out += ':';
      detail::append_json_string(out, value);
      out += ',';
    }
    out.back() = '}';
    out += ',';
  }
  std::uint64_t position = 0;
  for (const std::size_t number : order) {
    const NamedTensor* const t = &tensors[number];
    detail::append_json_string(out, t->stored().name);
    out += ":{\"dtype\":\"";
    out += dtype_info(t->stored().dtype).name;
    out += "\",\"shape\":[";
    for (Index size : t->stored().shape) out += std::to_string(size) + ",";
    if (t->stored().shape.rank() > 0) out.pop_back();
    out += "],\"data_offsets\":[" + std::to_string(position) + ",";
    position += t->stored().bytes.size();
    out += std::to_string(position) + "]},";
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  while (out.size() % 8 != 0) out += ' ';
  const std::uint64_t header_bytes = out.size() - 8;
  std::memcpy(out.data(), &header_bytes, 8);

  std::vector<detail::SafetensorsEntry> checked;  // what a reader would refuse is not written
  Metadata checked_metadata;
  detail::HeaderReader reader("its own header", checked, checked_metadata);
  try {
    reader.read({out.data() + 8, out.size() - 8});
  } catch (const LoadError&) {
    fail("save_safetensors: a name or a metadata text is not UTF-8");
  }

  out.reserve(out.size() + static_cast<std::size_t>(position));
  for (const std::size_t number : order) out += tensors[number].stored().bytes;
  return out;
}

/// Writes a safetensors file; at any moment `path` holds either what it held before or the whole new file.
/// Errors: as to_safetensors, and Error when the file cannot be written.
inline void save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                             const Metadata& metadata = {}) {
  write_file_atomically(path, to_safetensors(tensors, metadata));
}

}  // namespace gloss::inline GLOSS_ABI::io
