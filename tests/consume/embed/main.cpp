// What gloss_embed_text puts into a program is the file, byte by byte.
#include <cstdio>
#include <string_view>

#include <gloss/core/file.hpp>

namespace embedded {
std::string_view odd();
std::string_view nothing();
std::string_view large();
}  // namespace embedded

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const bool same = embedded::odd() == gloss::read_file(argv[1]) && embedded::nothing() == gloss::read_file(argv[2]) &&
                    embedded::large() == gloss::read_file(argv[3]);
  std::puts(same ? "the same" : "different");
  return same ? 0 : 1;
}
