// What text needs beside <gloss/gloss.hpp>: vocabularies and byte-pair encoding, conversations, sentence pairs from
// files, batches by length, BLEU, a progress line, attention maps.
#pragma once

#include <gloss/data/batch_sampler.hpp>
#include <gloss/data/pairs/mo.hpp>
#include <gloss/data/pairs/parallel_text.hpp>
#include <gloss/data/pairs/po.hpp>
#include <gloss/data/pairs/sentence_pair.hpp>
#include <gloss/data/pairs/tsv.hpp>
#include <gloss/data/split.hpp>
#include <gloss/text/bpe.hpp>
#include <gloss/text/bpe_train.hpp>
#include <gloss/text/chat.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/pieces.hpp>
#include <gloss/text/stop_strings.hpp>
#include <gloss/text/stream_decoder.hpp>
#include <gloss/text/tokenizer.hpp>
#include <gloss/text/utf8.hpp>
#include <gloss/text/vocab.hpp>
#include <gloss/train/attention_map.hpp>
#include <gloss/train/bleu.hpp>
#include <gloss/train/progress.hpp>
#include <gloss/train/svg.hpp>
