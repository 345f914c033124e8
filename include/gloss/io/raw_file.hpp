// Files of bare numbers, one tensor behind the other, whose names and shapes the program knows.
#pragma once

#include <bit>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/mapped_file.hpp>
#include <gloss/io/tensor_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

static_assert(std::endian::native == std::endian::little, "gloss::io: raw files are read little endian");

namespace detail {
GLOSS_COLD inline TensorFile read_raw(MappedFile mapped, std::string file, std::vector<StoredTensor> layout,
                                      std::uint64_t skip) {
  auto memory = std::make_shared<const MappedFile>(std::move(mapped));
  const std::string_view bytes = memory->bytes();
  std::uint64_t at = skip;
  for (StoredTensor& t : layout) {
    const Index elements = stored_span(t);
    if (elements < 0) fail<LoadError>("load_raw: ", file, ": ", t.name, ": ", t.shape, " is no shape");
    const std::uint64_t size = stored_bytes(t, elements), room = at < bytes.size() ? bytes.size() - at : 0;
    if (size > room)
      fail<LoadError>("load_raw: ", file, ": ", t.name, ": ", t.dtype_name(), " ", t.shape, " takes ", size,
                      " bytes, of ", bytes.size(), " there are ", room, " left");
    t.bytes = bytes.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
    at += size;
  }
  if (at != bytes.size())
    fail<LoadError>("load_raw: ", file, ": it has ", bytes.size(), " bytes, the shapes take ", at);
  return TensorFile("load_raw", std::move(file), std::move(layout), {}, std::move(memory));
}
}  // namespace detail

/// Opens a file of little-endian numbers without names and shapes; the layout has them, in the order of the file, which
/// begins with `skip` bytes of something else:
///   io::load_raw("gpt2.bin", {{.name = "wte", .dtype = io::Dtype::F32, .shape = {50257, 768}}, ...}, 1024)
/// Errors: LoadError naming the file when its size is not that of the shapes.
inline TensorFile load_raw(const std::string& path, std::vector<StoredTensor> layout, std::uint64_t skip = 0) {
  return detail::read_raw(MappedFile(path), path, std::move(layout), skip);
}

}  // namespace gloss::inline GLOSS_ABI::io
