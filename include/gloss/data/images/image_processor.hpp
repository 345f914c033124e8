// The images of a pretrained model, prepared as its preprocessor_config.json says. Needs nlohmann-json.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/data/images/normalize.hpp>
#include <gloss/data/images/resize.hpp>
#include <gloss/io/atomic_file.hpp>
#include <nlohmann/json.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// What is done to an image, in this order. The defaults are those of transformers' ViTImageProcessor.
struct ImageProcessorOptions {
  bool do_convert_rgb = false;  ///< grey images get three channels, and an alpha channel goes
  bool do_resize = true;
  ImageSize size = 224;
  Index shortest_edge = 0;  ///< above 0: in place of size, so long becomes the shorter side
  Index longest_edge = 0;   ///< above 0, beside shortest_edge: and the longer one no longer than this
  Filter resample = Filter::bilinear;
  bool do_center_crop = false;
  ImageSize crop_size = 224;
  bool do_rescale = true;
  double rescale_factor = 1.0 / 255;
  bool do_normalize = true;
  std::vector<double> image_mean = {0.5, 0.5, 0.5}, image_std = {0.5, 0.5, 0.5};
};

/// Images of bytes as numbers for a model: resized as Pillow does it, the middle cut out, multiplied, and brought to
/// zero mean and unit deviation.
///     const data::ImageProcessor prepare(data::read_image_processor("vit-base-patch16-224"));
///     const Tensor<float> x = prepare(io::read_image("cat.jpg")).unsqueeze(0);
/// Shape: [height, width, channels] or [height, width] -> [channels, height, width]
/// Errors: as resize, crop and normalize.
/// transformers: AutoImageProcessor, by Pillow
template <Real T = float>
class ImageProcessor {
 public:
  explicit ImageProcessor(ImageProcessorOptions options = {}) : options_(std::move(options)) {}

  Tensor<T> operator()(const Tensor<std::uint8_t>& given) const {
    const ImageProcessorOptions& o = options_;
    Tensor<std::uint8_t> image = given.dim() == 2 ? given.unsqueeze(2) : given;
    const ImageSize whole = image_size(image);
    if (o.do_convert_rgb)
      image = image.size(2) < 3 ? image.narrow(2, 0, 1).expand({whole.height, whole.width, 3}) : image.narrow(2, 0, 3);
    if (o.do_resize) image = resize(image, resized_size(whole), o.resample);
    if (o.do_center_crop) {
      const ImageSize now = image_size(image);
      const auto before = [](Index side, Index part) { return (side - part) / 2 - ((side - part) % 2 < 0 ? 1 : 0); };
      image = crop(image, before(now.height, o.crop_size.height), before(now.width, o.crop_size.width), o.crop_size);
    }
    const double factor = o.do_rescale ? o.rescale_factor : 1;
    const Tensor<T> x = map_unary<T>(
        image.permute({2, 0, 1}), [factor](std::uint8_t v) { return static_cast<T>(static_cast<double>(v) * factor); });
    return o.do_normalize ? normalize(x, o.image_mean, o.image_std) : x;
  }

 private:
  ImageSize resized_size(ImageSize image) const {
    if (options_.shortest_edge == 0) return options_.size;
    if (options_.longest_edge == 0) return shorter_side_size(image, options_.shortest_edge);
    const auto shorter = static_cast<double>((std::min)(image.height, image.width));
    const auto longer = static_cast<double>((std::max)(image.height, image.width));
    double exact = static_cast<double>(options_.shortest_edge);
    if (longer / shorter * exact > static_cast<double>(options_.longest_edge))
      exact = static_cast<double>(options_.longest_edge) * shorter / longer;
    const Index side = detail::rounded(exact);
    if (static_cast<Index>(shorter) == side) return image;
    const auto other = static_cast<Index>(exact * longer / shorter);
    return image.width < image.height ? ImageSize{other, side} : ImageSize{side, other};
  }

  ImageProcessorOptions options_;
};

namespace detail {

/// Reads preprocessor_config.json's text, whose errors name the file.
class ImageProcessorReader {
 public:
  ImageProcessorReader(const std::string& text, std::string file)
      : file_(std::move(file)), json_(nlohmann::json::parse(text, nullptr, false)) {
    if (!json_.is_object()) bad("it is not a JSON object");
  }

  GLOSS_COLD ImageProcessorOptions read() const {
    ImageProcessorOptions o;
    const bool by_edge = begin_as_type(o);
    get("do_convert_rgb", o.do_convert_rgb), get("do_resize", o.do_resize);
    get("do_center_crop", o.do_center_crop), get("do_rescale", o.do_rescale);
    get("rescale_factor", o.rescale_factor), get("do_normalize", o.do_normalize);
    get("image_mean", o.image_mean), get("image_std", o.image_std);
    if (Index kind = -1; get("resample", kind)) {
      static constexpr Filter by_number[] = {Filter::nearest, Filter::lanczos, Filter::bilinear, Filter::bicubic,
                                             Filter::box};
      if (kind < 0 || kind > 4) bad("resample is ", kind, ", which is none of 0 to 4");
      o.resample = by_number[kind];
    }
    if (const auto* size = find("size")) read_size(*size, by_edge, o);
    if (const auto* size = find("crop_size")) o.crop_size = sides("crop_size", *size);
    if (bool pads = false; get("do_pad", pads) && pads) bad("do_pad is not known");
    return o;
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<LoadError>("read_image_processor: ", file_, ": ", parts...);
  }
  const nlohmann::json* find(const char* name) const {
    const auto at = json_.find(name);
    return at == json_.end() || at->is_null() ? nullptr : &*at;
  }
  /// Errors: LoadError for a value of another type.
  template <class V>
  bool get(const char* name, V& value) const {
    const nlohmann::json* const found = find(name);
    if (found) try {
        found->get_to(value);
      } catch (const nlohmann::json::exception&) {
        bad(name, " is ", found->dump().substr(0, 100));
      }
    return found != nullptr;
  }

  /// The defaults of the class that the file is of; whether a size that is one number is the shorter side.
  bool begin_as_type(ImageProcessorOptions& o) const {
    std::string type;
    if (!get("image_processor_type", type) && !get("feature_extractor_type", type)) return false;
    std::string_view name = type;
    for (const std::string_view end : {"Fast", "Pil", "ImageProcessor", "FeatureExtractor"})
      if (name.ends_with(end)) name.remove_suffix(end.size());
    if (name == "ViT") return false;
    o.do_center_crop = true;
    if (name != "VideoMAE") o.resample = Filter::bicubic;
    if (name == "DeiT") return o.size = 256, false;
    o.shortest_edge = 224;
    if (name == "VideoMAE") return true;
    if (name != "CLIP" && name != "Bit") bad("images of ", type, " are prepared in a way that is not known");
    o.do_convert_rgb = true;
    o.image_mean = {0.48145466, 0.4578275, 0.40821073}, o.image_std = {0.26862954, 0.26130258, 0.27577711};
    return true;
  }
  void read_size(const nlohmann::json& size, bool by_edge, ImageProcessorOptions& o) const {
    o.shortest_edge = 0;
    if (size.is_object() && size.contains("shortest_edge")) {
      o.shortest_edge = side("size", size["shortest_edge"]);
      if (size.contains("longest_edge")) o.longest_edge = side("size", size["longest_edge"]);
    } else if (by_edge && size.is_number_integer()) {
      o.shortest_edge = side("size", size);
    } else {
      o.size = sides("size", size);
    }
  }
  ImageSize sides(const char* name, const nlohmann::json& size) const {
    if (size.is_number_integer()) return side(name, size);
    if (size.is_array() && size.size() == 2) return {side(name, size[0]), side(name, size[1])};
    if (!size.is_object() || !size.contains("height") || !size.contains("width"))
      bad(name, " is ", size.dump().substr(0, 100));
    return {side(name, size["height"]), side(name, size["width"])};
  }
  Index side(const char* name, const nlohmann::json& value) const {
    if (!value.is_number_integer() || value.get<Index>() < 1 || value.get<Index>() > (Index{1} << 20))
      bad(name, " is ", value.dump().substr(0, 100));
    return value.get<Index>();
  }

  std::string file_;
  nlohmann::json json_;
};

}  // namespace detail

/// What a preprocessor_config.json says, of the types ViT, DeiT, Bit, CLIP and VideoMAE: those of ViT, Swin, DINOv2,
/// MAE, TimeSformer and others. What it does not say is as that type has it.
/// Errors: LoadError naming the file for what is no JSON, values that make no sense, and images that are prepared in
/// another way.
/// transformers: AutoImageProcessor.from_pretrained
GLOSS_COLD inline ImageProcessorOptions parse_image_processor(const std::string& text,
                                                              const std::string& file = "preprocessor_config.json") {
  return detail::ImageProcessorReader(text, file).read();
}
/// The same of a model's folder. Errors: Error when the file cannot be read, and as parse_image_processor.
GLOSS_COLD inline ImageProcessorOptions read_image_processor(const std::string& folder) {
  const std::string path = folder + "/preprocessor_config.json";
  return parse_image_processor(io::read_file(path, std::uint64_t{1} << 24), path);
}

}  // namespace gloss::inline GLOSS_ABI::data
