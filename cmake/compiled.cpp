// gloss::compiled: the one place where the templates listed by GLOSS_INSTANTIATE are defined for float and double.
#define GLOSS_COMPILED_IMPLEMENTATION
#include <gloss/gloss.hpp>
#include <gloss_every_header.hpp>  // written by CMake: all that stand in include/gloss and need no further library
