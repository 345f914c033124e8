#include <gloss/gloss.hpp>

int same_in_other_unit(const gloss::Shape& shape);

int same_in_other_unit(const gloss::Shape& shape) { return shape == gloss::Shape{2, 3} ? 0 : 1; }
