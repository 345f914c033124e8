// Runs a fuzz target on every file of the folders that are named, with any compiler.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/target.hpp"

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      std::printf("%s\n", entry.path().string().c_str());
      std::fflush(stdout);  // the last line names the file that did it
      gloss_fuzz::run(bytes);
      ++files;
    }
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
