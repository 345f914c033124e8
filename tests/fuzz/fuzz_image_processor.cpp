// preprocessor_config.json: what is read prepares an image.
#include <gloss/data/images/image_processor.hpp>
#include <gloss/gloss.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  try {
    const data::ImageProcessorOptions o = data::parse_image_processor(std::string(bytes), "f");
    for (const Index side : {o.size.height, o.size.width, o.crop_size.height, o.crop_size.width}) require(side > 0);
    for (const Index side : {o.size.height, o.size.width, o.shortest_edge, o.crop_size.height, o.crop_size.width})
      if (side > 300) return;
    const Tensor<float> y = data::ImageProcessor<float>(o)(full<std::uint8_t>({5, 7, 3}, 100));
    require(y.dim() == 3 && y.size(0) == 3 && y.numel() > 0);
  } catch (const Error&) {
  }
}
