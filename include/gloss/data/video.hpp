// Frames of videos, in gloss::data: which of them a model sees, and where they come from. All frames of a clip are
// augmented alike when each is given a copy of the same Rng:
//
//     Rng same;
//     for (auto& frame : clip) frame = augment(frame, same = rng);
//     rng = same;
#pragma once

#include <gloss/data/video/frames.hpp>
#include <gloss/data/video/segments.hpp>
