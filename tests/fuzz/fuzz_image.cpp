// PNG and JPEG: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/image_file.hpp>

#include "fuzz/target.hpp"

void gloss_fuzz::run(std::string_view bytes) {
  try {
    const auto image = gloss::io::decode_image(bytes, "f", {.max_pixels = 1 << 16});
    require(image.dim() == 3 && image.size(2) >= 1 && image.size(2) <= 4);
  } catch (const gloss::LoadError&) {
  }
}
