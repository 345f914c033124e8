// What vision needs beside <gloss/gloss.hpp>: transforms of images, frames of videos, maps of another size and in
// windows, boxes and their assignment. io/image_file.hpp, which reads and writes PNG and JPEG, is apart because it
// needs stb.
#pragma once

#include <gloss/data/images.hpp>
#include <gloss/data/video.hpp>
#include <gloss/ops/boxes.hpp>
#include <gloss/ops/interpolate.hpp>
#include <gloss/ops/linear_sum_assignment.hpp>
#include <gloss/ops/nms.hpp>
#include <gloss/ops/windows.hpp>
