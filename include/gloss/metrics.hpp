// What is measured of a model, in gloss::metrics: each is a value with add(batch), merge(other) and result(), so that
// batches, threads and processes add up. Not in <gloss/gloss.hpp>, because many programs do without.
#pragma once

#include <gloss/metrics/accuracy.hpp>
#include <gloss/metrics/bleu.hpp>
#include <gloss/metrics/box_average_precision.hpp>
#include <gloss/metrics/chrf.hpp>
#include <gloss/metrics/confusion_matrix.hpp>
#include <gloss/metrics/correlation.hpp>
#include <gloss/metrics/perplexity.hpp>
#include <gloss/metrics/roc_auc.hpp>
