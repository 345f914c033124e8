// exp, log, tanh, erf on whole vectors, branch-free. Errors in units of the last place, in float and double, are at
// most 1 for exp and log, 1.5 for erf, 2.5 for tanh and sigmoid.
// The polynomials were fitted for gloss by weighted least squares (Lawson's iteration) in 50 digits.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <gloss/kernels/simd/simd.hpp>

#define GLOSS_ISA_FILE <gloss/kernels/simd/math.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE
