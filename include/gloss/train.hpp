// Training any model: what a loop tells of itself. Not in <gloss/gloss.hpp>, because many programs do without.
#pragma once

#include <gloss/train/event.hpp>
