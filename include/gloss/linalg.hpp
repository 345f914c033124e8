// Linear algebra, in gloss::linalg: everything below gloss/linalg. For those who ask for it; it needs Eigen.
#pragma once

#include <gloss/linalg/cholesky.hpp>
#include <gloss/linalg/cross.hpp>
#include <gloss/linalg/det.hpp>
#include <gloss/linalg/eigh.hpp>
#include <gloss/linalg/inv.hpp>
#include <gloss/linalg/lstsq.hpp>
#include <gloss/linalg/matrix_exp.hpp>
#include <gloss/linalg/matrix_power.hpp>
#include <gloss/linalg/norm.hpp>
#include <gloss/linalg/pinv.hpp>
#include <gloss/linalg/qr.hpp>
#include <gloss/linalg/solve.hpp>
#include <gloss/linalg/solve_triangular.hpp>
#include <gloss/linalg/svd.hpp>
