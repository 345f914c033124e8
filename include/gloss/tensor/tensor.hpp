// Tensor<T>, complete: the class, its graph, its views and the factories.
#pragma once

#include <gloss/tensor/axis_views.hpp>
#include <gloss/tensor/backward.hpp>
#include <gloss/tensor/checkpoint.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/grad.hpp>
#include <gloss/tensor/overwrite.hpp>
#include <gloss/tensor/pieces.hpp>
#include <gloss/tensor/random.hpp>
#include <gloss/tensor/record.hpp>
#include <gloss/tensor/scalar.hpp>
#include <gloss/tensor/tensor_class.hpp>
#include <gloss/tensor/views.hpp>
