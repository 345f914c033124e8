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

namespace gloss::inline GLOSS_ABI {

GLOSS_INSTANTIATE(class Tensor<float>)
GLOSS_INSTANTIATE(class Tensor<double>)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::uninitialized(const Shape&))
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::view(Shape) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::reshape(const Shape&) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::transpose(Index, Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::expand(const Shape&) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::select(Index, Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::slice(Index, Index, Index, Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::narrow(Index, Index, Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::squeeze(Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::unsqueeze(Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::as_strided(const Shape&, const Shape&, Index) const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::contiguous() const)
GLOSS_INSTANTIATE(Tensor<std::int64_t> Tensor<std::int64_t>::clone() const)
GLOSS_INSTANTIATE(const Tensor<std::int64_t>& Tensor<std::int64_t>::copy_(const Tensor&) const)
GLOSS_INSTANTIATE(const Tensor<std::int64_t>& Tensor<std::int64_t>::fill_(std::int64_t) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::uninitialized(const Shape&))
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::view(Shape) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::reshape(const Shape&) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::transpose(Index, Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::expand(const Shape&) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::select(Index, Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::slice(Index, Index, Index, Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::narrow(Index, Index, Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::squeeze(Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::unsqueeze(Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::as_strided(const Shape&, const Shape&, Index) const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::contiguous() const)
GLOSS_INSTANTIATE(Tensor<bool> Tensor<bool>::clone() const)
GLOSS_INSTANTIATE(const Tensor<bool>& Tensor<bool>::copy_(const Tensor&) const)
GLOSS_INSTANTIATE(const Tensor<bool>& Tensor<bool>::fill_(bool) const)

}  // namespace gloss::inline GLOSS_ABI
