// Training any model: a loop, checkpoints that go on with the same bits, and what stands around them, in gloss::train.
// Not in <gloss/gloss.hpp>, because many programs do without.
#pragma once

#include <gloss/train/average_checkpoints.hpp>
#include <gloss/train/batch_loss.hpp>
#include <gloss/train/checkpoint.hpp>
#include <gloss/train/early_stopping.hpp>
#include <gloss/train/evaluate.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/fit_options.hpp>
#include <gloss/train/fit_report.hpp>
#include <gloss/train/gradient_stats.hpp>
#include <gloss/train/lr_finder.hpp>
#include <gloss/train/read_events.hpp>
#include <gloss/train/stop_flag.hpp>
#include <gloss/train/weight_average.hpp>
