// Fails to link if any header defines something that is not inline.
#include <gloss/gloss.hpp>

int same_in_other_unit(const gloss::Shape& shape);

int main() {
  const gloss::Shape shape{2, 3};
  return same_in_other_unit(shape);
}
