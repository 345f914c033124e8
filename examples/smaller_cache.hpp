// What --cache does.
#pragma once

#include <string>

#include <gloss/nn/cache_precision.hpp>

/// Keeps the keys and values of what is read in what --cache says.
inline void keep_caches(const std::string& word) {
  using gloss::nn::CachePrecision;
  gloss::nn::set_cache_precision(word == "bfloat16" ? CachePrecision::bfloat16 : CachePrecision::float32);
}
