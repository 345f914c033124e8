// safetensors files: a length, a JSON header (names, types, shapes, byte ranges), then the numbers. Read with every
// claim of the header checked, written as the reference implementation writes them. Format: 8 bytes header length N,
// little endian; N bytes of JSON; the data that data_offsets [begin, end) refer to.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/json_quoted.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/core/mapped_file.hpp>
#include <gloss/core/sort.hpp>
#include <gloss/io/atomic_file.hpp>
#include <gloss/io/json_reader.hpp>
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

/// Reads the header's JSON. Any piece out of place throws; nothing is kept that was not asked for.
class HeaderReader {
 public:
  HeaderReader(std::string_view file, std::vector<SafetensorsEntry>& entries, Metadata& metadata)
      : file_(file), entries_(entries), metadata_(metadata) {}

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>("load_safetensors: ", file_, ": ", parts...);
  }

  GLOSS_COLD void read(std::string_view text) {
    if (!text.empty() && text.front() != '{') bad("header is not a JSON object");
    try {
      JsonReader json(text);
      bool has_metadata = false;
      std::string key;
      for (json.enter(); json.next_key(key);) {
        const bool is_metadata = key == "__metadata__";
        if (is_metadata && std::exchange(has_metadata, true)) bad("__metadata__ occurs twice");
        want(json, JsonReader::Kind::object, key, ": its header entry is not an object");
        is_metadata ? read_metadata(json) : read_entry(json, key);
      }
      json.end();
    } catch (const JsonError& error) {
      bad("header ", error.what());
    }
  }

 private:
  /// Errors: LoadError of these parts when the next value is another one, if it is one at all.
  template <class... Parts>
  void want(JsonReader& json, JsonReader::Kind kind, const Parts&... parts) const {
    if (json.kind() == kind) return;
    json.skip();
    bad(parts...);
  }
  GLOSS_COLD void read_metadata(JsonReader& json) {
    std::string key;
    for (json.enter(); json.next_key(key);) {
      want(json, JsonReader::Kind::string, "__metadata__: the value of '", key, "' is not a string");
      if (!metadata_.emplace(key, json.string()).second) bad("__metadata__: key '", key, "' occurs twice");
    }
  }
  GLOSS_COLD void read_entry(JsonReader& json, const std::string& name) {
    SafetensorsEntry& entry = entries_.emplace_back();
    entry.tensor.name = name;
    static constexpr const char* fields[] = {"dtype", "shape", "data_offsets"};
    bool seen[3] = {};
    std::string key;
    for (json.enter(); json.next_key(key);) {
      const std::size_t field = static_cast<std::size_t>(std::find(fields, fields + 3, key) - fields);
      if (field == 3) bad(name, ": unknown field '", key, "'");
      if (std::exchange(seen[field], true)) bad(name, ": field '", key, "' occurs twice");
      if (field == 0) read_dtype(json, entry.tensor);
      if (field == 1) read_shape(json, entry.tensor);
      if (field == 2) read_offsets(json, entry);
    }
    for (int field = 0; field < 3; ++field)
      if (!seen[field]) bad(name, ": field '", fields[field], "' is missing");
  }
  void read_dtype(JsonReader& json, StoredTensor& tensor) const {
    want(json, JsonReader::Kind::string, tensor.name, ": its dtype is not a name");
    const std::string text = json.string();
    const DtypeInfo* const info = find_dtype(text);
    tensor.dtype = info ? info->dtype : Dtype::OTHER;
    if (!info) tensor.dtype_text = text;
  }
  void read_shape(JsonReader& json, StoredTensor& tensor) const {
    constexpr const char* misplaced = ": its shape is not a list of sizes";
    want(json, JsonReader::Kind::array, tensor.name, misplaced);
    for (json.enter(); json.next_item();) {
      std::uint64_t size = 0;
      if (!read_number(json, size)) bad(tensor.name, misplaced);
      if (size > (std::uint64_t{1} << 60)) bad(tensor.name, ": size ", size, " in its shape is too large");
      if (tensor.shape.rank() == max_rank) bad(tensor.name, ": its shape has more than ", max_rank, " axes");
      tensor.shape.push_back(static_cast<Index>(size));
    }
  }
  void read_offsets(JsonReader& json, SafetensorsEntry& entry) const {
    constexpr const char* misplaced = ": its data_offsets are not two positions";
    want(json, JsonReader::Kind::array, entry.tensor.name, misplaced);
    std::uint64_t more = 0, *const places[] = {&entry.begin, &entry.end, &more};
    int n = 0;
    for (json.enter(); json.next_item() && n < 3; ++n)
      if (!read_number(json, *places[n])) bad(entry.tensor.name, misplaced);
    if (n != 2) bad(entry.tensor.name, misplaced);
  }
  /// False when the next value is no number without a sign and a fraction.
  static bool read_number(JsonReader& json, std::uint64_t& value) {
    const std::string_view text = json.skip();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }

  std::string_view file_;
  std::vector<SafetensorsEntry>& entries_;
  Metadata& metadata_;
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
      out += json_quoted(key);
      out += ':';
      out += json_quoted(value);
      out += ',';
    }
    out.back() = '}';
    out += ',';
  }
  std::uint64_t position = 0;
  for (const std::size_t number : order) {
    const NamedTensor* const t = &tensors[number];
    out += json_quoted(t->stored().name);
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
