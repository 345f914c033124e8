// Data sets, samplers, the loader that makes batches on threads, and readers of files, in gloss::data. Not in
// <gloss/gloss.hpp>, because many programs do without; sentence pairs are in <gloss/text.hpp>.
#pragma once

#include <gloss/core/gzip.hpp>
#include <gloss/data/cifar.hpp>
#include <gloss/data/class_folder.hpp>
#include <gloss/data/csv.hpp>
#include <gloss/data/dataset.hpp>
#include <gloss/data/default_collate.hpp>
#include <gloss/data/hold_out.hpp>
#include <gloss/data/idx.hpp>
#include <gloss/data/loader.hpp>
#include <gloss/data/samplers.hpp>
#include <gloss/data/token_blocks.hpp>
