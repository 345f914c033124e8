// An embedding looks up whole numbers.
// expect gcc: no known conversion for argument 1 from 'const gloss::
// expect clang: no known conversion from 'const Tensor<float>' to 'const Tensor<std::int64_t>' for 1st argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const nn::Embedding<float>& table, const Tensor<float>& ids) {
#ifdef FIXED
  table(cast<std::int64_t>(ids));
#else
  table(ids);
#endif
}
