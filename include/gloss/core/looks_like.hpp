// What a file is that a reader cannot read: a download that went wrong, or another format.
#pragma once

#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// What the bytes of a file are at a look at their beginning, to end "it ...": "is empty", "looks like HTML". Empty for
/// what is not known. Of tensor files it says who reads them.
GLOSS_LAZY std::string looks_like(std::string_view bytes) {
  if (bytes.empty()) return "is empty";
  struct Known {
    std::string_view begin, name;
  };
  static constexpr Known known[] = {
      {"version https://git-lfs.github.com/spec/", "a git-LFS pointer to the file"},
      {"PK\3\4", "a zip archive"},
      {"PK\5\6", "an empty zip archive"},
      {"\x80\x02\x8a\n\x6c\xfc\x9c\x46\xf9", "a PyTorch checkpoint, which io::load_torch_file reads"},
      {"\x80\x02", "a Python pickle"},
      {"\x80\x03", "a Python pickle"},
      {"\x80\x04", "a Python pickle"},
      {"\x80\x05", "a Python pickle"},
      {"GGUF", "a GGUF model, which io::load_gguf reads"},
      {"\x93NUMPY", "a NumPy array, which io::load_npy reads"},
      {"\x89HDF", "an HDF5 file"},
      {"\x89PNG", "a PNG image"},
      {"\xff\xd8\xff", "a JPEG image"},
      {"GIF8", "a GIF image"},
      {"RIFF", "a RIFF file (WebP, sound or film)"},
      {"%PDF", "a PDF"},
      {"\x1f\x8b", "gzip data"},
      {"BZh", "bzip2 data"},
      {"\xfd"
       "7zXZ",
       "xz data"},
      {"\x28\xb5\x2f\xfd", "zstd data"},
      {"\xde\x12\x04\x95", "a compiled message catalogue (.mo)"},
      {"\x95\x04\x12\xde", "a compiled message catalogue (.mo)"},
      {"\xff\xfe", "UTF-16 text"},
      {"\xfe\xff", "UTF-16 text"}};
  std::string_view name;
  for (const Known& k : known)
    if (name.empty() && bytes.starts_with(k.begin)) name = k.name;
  if (bytes.starts_with("PK\3\4")) {
    const std::string_view begin = bytes.substr(0, 512);
    if (begin.find("data.pkl") != begin.npos) name = "a PyTorch checkpoint, which io::load_torch_file reads";
    if (begin.find(".npy") != begin.npos) name = "arrays of NumPy, which io::load_npz reads";
  }
  if (bytes.size() > 8 && bytes[8] == '{' && bytes.substr(4, 4) == std::string_view("\0\0\0\0", 4))
    name = "a safetensors file, which io::load_safetensors reads";
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") name = "a tar archive";
  if (name.empty()) {
    const std::string_view begin = bytes.substr(0, 512);
    std::size_t controls = 0, beyond_ascii = 0;
    for (const char c : begin) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < ' ' && (byte < '\t' || byte > '\r')) || byte == 0x7F) ++controls;
      if (byte >= 0x80) ++beyond_ascii;
    }
    const std::size_t first = begin.find_first_not_of("\xEF\xBB\xBF \t\n\r");  // behind a byte order mark and blanks
    const char mark = first == std::string_view::npos ? '\0' : begin[first];
    if (controls == 0 && 3 * beyond_ascii <= begin.size())
      name = mark == '<' ? "HTML or XML" : mark == '{' || mark == '[' ? "JSON" : "text";
  }
  return name.empty() ? std::string() : "looks like " + std::string(name);
}

}  // namespace gloss::inline GLOSS_ABI
