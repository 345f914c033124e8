// What text needs beside <gloss/gloss.hpp>: vocabularies and byte-pair encoding, sentence pairs from files, batches by
// length, BLEU, a progress line, attention maps.
#pragma once

#include <gloss/data/batch_sampler.hpp>
#include <gloss/data/bpe.hpp>
#include <gloss/data/bpe_train.hpp>
#include <gloss/data/mo.hpp>
#include <gloss/data/parallel_text.hpp>
#include <gloss/data/pieces.hpp>
#include <gloss/data/po.hpp>
#include <gloss/data/sentence_pair.hpp>
#include <gloss/data/split.hpp>
#include <gloss/data/tsv.hpp>
#include <gloss/data/utf8.hpp>
#include <gloss/data/vocab.hpp>
#include <gloss/train/attention_map.hpp>
#include <gloss/train/bleu.hpp>
#include <gloss/train/progress.hpp>
#include <gloss/train/svg.hpp>
