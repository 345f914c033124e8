// BLEU, of train/bleu.hpp
#pragma once

#include <gloss/train/bleu.hpp>

namespace gloss::inline GLOSS_ABI::metrics {
/// Corpus BLEU, gathered sentence by sentence, with the counts behind it in score().
/// PyTorch: sacrebleu.corpus_bleu
using Bleu = train::Bleu;
/// What Bleu::score() gives.
using BleuScore = train::BleuScore;
}  // namespace gloss::inline GLOSS_ABI::metrics
