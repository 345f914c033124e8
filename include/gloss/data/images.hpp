// Transforms of images, in gloss::data, as torchvision has them: plain functions on tensors, and the same as steps that
// Compose puts together. What is random draws from the Rng that it is called with and from nothing else.
#pragma once

#include <gloss/data/images/color.hpp>
#include <gloss/data/images/compose.hpp>
#include <gloss/data/images/crop.hpp>
#include <gloss/data/images/crop_box.hpp>
#include <gloss/data/images/erase.hpp>
#include <gloss/data/images/flip.hpp>
#include <gloss/data/images/image.hpp>
#include <gloss/data/images/mix.hpp>
#include <gloss/data/images/normalize.hpp>
#include <gloss/data/images/resize.hpp>
#include <gloss/data/images/rotate.hpp>
