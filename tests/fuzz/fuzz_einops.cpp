// einops' patterns: a letter (r rearrange, p repeat, else reduce), a pattern, after a line end the sizes of the axes,
// and after another the sizes of a, b, c, ... by name.
#include <gloss/ops/einops.hpp>
#include <gloss/tensor/factories.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.empty()) return;
  const char op = bytes[0];
  bytes.remove_prefix(1);
  const std::size_t line = bytes.find('\n');
  const std::string pattern(bytes.substr(0, line));
  std::string_view rest = line == std::string_view::npos ? std::string_view() : bytes.substr(line + 1);
  try {
    Shape shape;
    for (; !rest.empty() && rest[0] != '\n'; rest.remove_prefix(1))
      if (rest[0] >= '0' && rest[0] <= '9') shape.push_back(rest[0] - '0');
    static constexpr std::string_view names = "abcdefgh";
    AxisSizes sizes;
    for (std::size_t i = 0; i + 1 < rest.size() && i < names.size(); ++i)
      if (rest[i + 1] >= '0' && rest[i + 1] <= '9') sizes.push_back({names.substr(i, 1), rest[i + 1] - '0'});
    if (shape.numel() > 20000) return;
    // New axes have sizes of their own; what they would make must stay small.
    Index grown = 1;
    for (const char c : pattern)
      if (c >= '0' && c <= '9' && grown <= 1000) grown *= 10;
    if (op == 'p' && grown > 1000) return;
    for (const AxisSize& s : sizes)
      if (grown <= 100000 && s.size > 0) grown *= s.size;
    if (op == 'p' && (grown > 100000 || grown * shape.numel() > 1000000)) return;
    const Tensor<float> x = ones<float>(shape);
    if (op == 'r')
      require(rearrange(x, runtime_pattern(pattern), sizes).numel() == x.numel());
    else if (op == 'p')
      static_cast<void>(repeat(x, runtime_pattern(pattern), sizes));
    else
      for (const char* how : {"sum", "mean", "max", "min", "prod"})
        static_cast<void>(reduce(x, runtime_pattern(pattern), ReduceOp::from_name(how), sizes));
  } catch (const Error&) {
  }
}
