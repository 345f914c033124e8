// bench_load FOLDER: what it costs to load a GPT-2 that transformers has saved (benchmarks/peers/models.py makes one of
// 498 MB), in seconds of processor time, and how much memory it takes beside the weights. The file's own pages, which
// the system holds once for all, are not counted.
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <string>

#include <gloss/core/clock.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/gpt2.hpp>

using namespace gloss;

namespace {

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// MB = 10^6 bytes that a line of /proc/self/status names; 0 elsewhere.
double status_mb(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return 1024e-6 * std::stod(line.substr(name.size() + 1));
  return 0;
}

template <class F>
auto measured(const char* what, F f) {
  const double begin = monotonic_seconds(), processor = processor_seconds();
  auto result = f();
  std::printf("%-28s %.3f s of processor time, %.3f s\n", what, processor_seconds() - processor,
              monotonic_seconds() - begin);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "bench_load FOLDER\n");
    return 2;
  }
  try {
    const std::string folder = argv[1];
    using Model = models::Gpt2LMHeadModel<float>;
    measured("the file into the cache", [&] { return read_file(folder + "/model.safetensors").size(); });
    const double before = status_mb("RssAnon");
    const Model model = measured("from_pretrained", [&] { return io::from_pretrained<Model>(folder); });
    std::printf("weights %.1f MB, memory %.1f MB more than before, at most %.1f MB in tensors\n",
                4e-6 * static_cast<double>(model.num_parameters()), status_mb("RssAnon") - before,
                1e-6 * static_cast<double>(memory_stats().peak));
    Model other = measured("a model with its first weights", [&] { return Model(model.config); });
    measured("load_state_dict into it", [&] {
      return io::load_state_dict(other, io::open_tensor_file(folder), {.keys = Model::keys(), .strict = false});
    });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
  return 0;
}
