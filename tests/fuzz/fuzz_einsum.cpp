// einsum's patterns: a pattern, and after a line end a size of each operand's axes ("23 45" is [2, 3] and [4, 5]).
#include <gloss/ops/einsum.hpp>
#include <gloss/tensor/factories.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  const std::size_t line = bytes.find('\n');
  const std::string pattern(bytes.substr(0, line));
  std::vector<Tensor<float>> operands;
  try {
    Shape shape;
    Index all = 1;
    bool open = true;
    for (const char c : line == std::string_view::npos ? std::string_view() : bytes.substr(line + 1)) {
      if (c >= '0' && c <= '4') {
        shape.push_back(c - '0');
        all *= c == '0' ? 1 : c - '0';
        open = true;
      } else if (open || c == ' ') {
        operands.push_back(ones<float>(shape));
        shape = {};
        open = false;
      }
      if (all > 20000 || operands.size() > 9) return;
    }
    if (open) operands.push_back(ones<float>(shape));
    static_cast<void>(einsum(runtime_pattern(pattern), operands));
  } catch (const Error&) {
  }
}
