// extract_features: what a pretrained model makes of images or videos, layer by layer, as a file for NumPy.
#include <concepts>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/data/images/image_processor.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/dinov2.hpp>
#include <gloss/models/swin.hpp>
#include <gloss/models/timesformer.hpp>
#include <gloss/models/vit.hpp>
#include <gloss/vision.hpp>
#include <nlohmann/json.hpp>

#include "../command_line.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;

struct Settings {
  std::string model, folder, output = "features.npz";
  std::vector<std::string> layers;
  Index batch_size = 8;
  bool list = false, compress = false;
};

std::string model_type(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const auto json = nlohmann::json::parse(read_file(path, std::uint64_t{1} << 26), nullptr, false);
  const auto type = json.is_object() ? json.find("model_type") : json.end();
  if (type == json.end() || !type->is_string()) fail<LoadError>(path, ": it names no model_type");
  return *type;
}

/// What there is to read: images, or for a video model the folders of frames in the folder, or the folder itself.
std::vector<std::string> items_of(const std::string& folder, bool are_videos) {
  if (!are_videos) return data::frame_files(folder);
  std::vector<std::string> videos;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory()) videos.push_back(entry.path().string());
  std::sort(videos.begin(), videos.end(), [](const auto& a, const auto& b) { return data::comes_before(a, b); });
  return videos.empty() ? std::vector<std::string>{folder} : videos;
}

/// An image, or of a video as many frames as the model was trained with, evenly spread.
template <class Config>
F read_item(const std::string& path, const data::ImageProcessor<float>& prepare, const Config& config) {
  const auto read = [&](const std::string& file) {
    return prepare(io::read_image(file, {.channels = static_cast<int>(config.num_channels)}));
  };
  if constexpr (requires { config.num_frames; }) {
    const std::vector<std::string> files = data::frame_files(path);
    std::vector<F> frames;
    for (const Index i : data::segment_centers(static_cast<Index>(files.size()), {.segments = config.num_frames}))
      frames.push_back(read(files[static_cast<std::size_t>(i)]));
    return stack(frames);
  } else {
    return read(path);
  }
}

/// What stands for the whole: with Swin the mean over the last map, else the class token.
F features_of(const models::SwinOutput<float>& y) { return y.pooler_output; }
F features_of(const models::ViTOutput<float>& y) { return y.last_hidden_state.select(1, 0); }
F features_of(const F& y) { return y.select(1, 0); }

/// A row for each of n items: what a layer gives for parts of one, as windows or frames, stands together.
F by_items(const F& y, Index n) { return y.size(0) == n ? y : y.unflatten(0, {n, -1}); }

template <nn::IsModule M>
int extract(const Settings& s) {
  nn::LoadReport report;
  const M model = io::from_pretrained<M>(s.model, {.new_parts = true, .report = &report});
  for (const std::string& name : report.missing)  // a pooler is not asked
    if (name.find("pooler.") == std::string::npos) fail<LoadError>(s.model, ": ", name, " is missing");
  if (s.list) {
    for (const auto& [name, module] : model.named_modules())
      if (!name.empty()) std::printf("%s\n", name.c_str());
    return 0;
  }
  const data::ImageProcessor<float> prepare(data::read_image_processor(s.model));
  const std::vector<std::string> items =
      items_of(s.folder, std::same_as<typename M::Config, models::TimesformerConfig>);
  nn::Taps<float> taps(model, s.layers);
  io::AtomicFile file(s.output);  // now, so that it fails before the work
  const NoGradGuard no_grad;
  std::vector<std::vector<F>> parts(1 + s.layers.size());
  std::string names;
  int status = 0;
  std::vector<F> batch;
  for (std::size_t i = 0; i < items.size(); ++i) {
    try {
      batch.push_back(read_item(items[i], prepare, model.config));
      names += items[i] + "\n";
    } catch (const Error& error) {
      std::fprintf(stderr, "extract_features: %s\n", error.what());
      status = 1;
    }
    const auto n = static_cast<Index>(batch.size());
    if (n == 0 || (n < s.batch_size && i + 1 < items.size())) continue;
    taps.clear();
    parts[0].push_back(by_items(features_of(model(stack(batch))), n));
    for (std::size_t k = 0; k < s.layers.size(); ++k) parts[k + 1].push_back(by_items(taps[s.layers[k]], n));
    batch.clear();
  }
  if (names.empty()) fail<LoadError>(s.folder, ": nothing there could be read");
  std::vector<io::NamedArray> arrays;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const std::string name = k == 0 ? "features" : s.layers[k - 1];
    arrays.emplace_back(name, cat(parts[k]));
    std::printf("%s %s\n", name.c_str(), to_string(cat(parts[k]).shape()).c_str());
  }
  io::write_file_atomically(s.output + ".txt", names);
  const std::string bytes = io::to_npz(arrays, {.compress = s.compress});
  file.write(bytes.data(), bytes.size());
  file.commit();
  std::printf("saved %s, and %s.txt, which names what each row is of\n", s.output.c_str(), s.output.c_str());
  return status;
}

int run(const Settings& s) {
  const std::string type = model_type(s.model);
  if (type == "vit") return extract<models::ViTModel<float>>(s);
  if (type == "dinov2") return extract<models::Dinov2Model<float>>(s);
  if (type == "swin") return extract<models::SwinModel<float>>(s);
  if (type == "timesformer") return extract<models::TimesformerModel<float>>(s);
  fail<LoadError>(s.model, ": model_type '", type, "' is none of vit, dinov2, swin, timesformer");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Runs a pretrained model over a folder of images and saves what its layers give as a .npz file.\n"
      "Start with:  extract_features MODEL --list   and then:  extract_features MODEL photos -l LAYER -o photos.npz");
  Settings s;
  app.add_option("model", s.model, "Folder with config.json, preprocessor_config.json and weights")->required();
  app.add_option("folder", s.folder, "PNG and JPEG files; for TimeSformer frames, or folders of frames");
  app.add_option("-l,--layer", s.layers, "Layers by name, besides 'features', which stands for the whole");
  app.add_option("-o,--output", s.output, "File to write")->capture_default_str();
  command_line::add_number(app, "--batch-size", s.batch_size, "Images that are computed at a time", 1, 65536);
  app.add_flag("--compress", s.compress, "Deflate the file");
  app.add_flag("--list", s.list, "Name the layers of the model, and do nothing else");
  const auto parsed = [&] {
    if (s.list == !s.folder.empty()) throw CLI::ValidationError("folder", s.list ? "is not for --list" : "is missing");
    for (const std::string& name : s.layers)
      if (std::count(s.layers.begin(), s.layers.end(), name) > 1)
        throw CLI::ValidationError("--layer", name + " is named twice");
  };
  return command_line::run("extract_features", app, argc, argv, parsed, [&] { return run(s); });
}
