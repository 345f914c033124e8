// What PyTorch recorded for the tests is compared: no golden case lies unread.
#include <filesystem>
#include <set>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/source_files.hpp"

TEST_CASE("golden: every recorded op is named by a comparison in tests/ops, tests/tensor or tests/linalg", "[meta]") {
  std::string tests;
  for (const char* folder : {"/tests/ops", "/tests/tensor", "/tests/linalg"})
    for (const auto& file : gloss_test::read_sources(std::string(GLOSS_SOURCE_DIR) + folder, {".cpp"}))
      for (const std::string& line : file.lines) tests += line + "\n";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GLOSS_TEST_DATA)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("ops_") || !name.ends_with(".safetensors")) continue;
    ++files;
    const gloss_test::Golden golden(name);
    for (const auto& stored : golden.file().tensors()) {
      if (!stored.name.starts_with("count/")) continue;
      const std::string op = stored.name.substr(6);
      INFO(name << ": " << op);
      const std::string named = "(\"" + op + "\"";
      const bool is_compared =
          tests.find("CHECK_GOLDEN" + named) != std::string::npos ||
          tests.find("CHECK_GOLDEN_WITHIN" + named) != std::string::npos ||
          tests.find("CHECK_GOLDEN_EVERY" + named) != std::string::npos ||
          tests.find("CHECK_GOLDEN_VALUES" + named) != std::string::npos ||
          tests.find("CHECK_GOLDEN_EXACT(\"" + op.substr(0, op.rfind('_')) + "\"") != std::string::npos ||
          tests.find("check_golden<double>" + named) != std::string::npos ||
          tests.find("golden_cases" + named) != std::string::npos ||
          tests.find("each_case" + named) != std::string::npos;
      CHECK(is_compared);
    }
  }
  CHECK(files > 0);
}

TEST_CASE("golden: every layer of nn_layers.safetensors is named by a comparison in tests/nn", "[meta]") {
  std::string tests;
  for (const auto& file : gloss_test::read_sources(GLOSS_SOURCE_DIR "/tests/nn", {".cpp"}))
    for (const std::string& line : file.lines) tests += line + "\n";
  const gloss_test::Golden golden("nn_layers.safetensors");
  std::set<std::string> layers;
  for (const auto& stored : golden.file().tensors()) layers.insert(stored.name.substr(0, stored.name.find('/')));
  for (const std::string& layer : layers) {
    INFO(layer);
    const bool is_compared = tests.find('"' + layer + "/\"") != std::string::npos ||
                             tests.find("(" + layer + ");") != std::string::npos ||
                             tests.find("(" + layer + ", ") != std::string::npos;
    CHECK(is_compared);
  }
  CHECK(layers.size() >= 40);
}
