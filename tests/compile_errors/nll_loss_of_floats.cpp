// Targets of a negative log-likelihood are classes, whole numbers.
// expect gcc: cannot convert 'targets' (type 'const gloss::
// expect clang: no known conversion from 'const Tensor<float>' to 'const Tensor<std::int64_t>' for 2nd argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& logits, const Tensor<float>& targets) {
#ifdef FIXED
  nll_loss(logits, cast<std::int64_t>(targets));
#else
  nll_loss(logits, targets);
#endif
}
