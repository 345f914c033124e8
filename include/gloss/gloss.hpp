// Everything except what needs a further library: io/safetensors.hpp (JSON) and the format headers (fmt) are included
// by those who want them.
#pragma once

#include <gloss/core/bfloat16.hpp>
#include <gloss/core/config.hpp>
#include <gloss/core/context.hpp>
#include <gloss/core/error.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/core/rng.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/kernels/gemm.hpp>
