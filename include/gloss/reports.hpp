// What people look at of a training and of a model: progress, logs, TensorBoard, pictures, reports. Not in
// <gloss/gloss.hpp>, because many programs do without.
#pragma once

#include <gloss/nn/summary.hpp>
#include <gloss/tensor/graph_dot.hpp>
#include <gloss/tensor/profile.hpp>
#include <gloss/train/attention_map.hpp>
#include <gloss/train/attention_overlay.hpp>
#include <gloss/train/box_picture.hpp>
#include <gloss/train/confusion_map.hpp>
#include <gloss/train/curves.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/history.hpp>
#include <gloss/train/image_grid.hpp>
#include <gloss/train/log_files.hpp>
#include <gloss/train/number_text.hpp>
#include <gloss/train/progress.hpp>
#include <gloss/train/progress_log.hpp>
#include <gloss/train/report.hpp>
#include <gloss/train/svg.hpp>
#include <gloss/train/tensorboard.hpp>
