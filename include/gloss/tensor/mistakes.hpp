// Calls that are refused with a reason, which the compiler shows beside its error: what is written by habit from
// Python, where the element type is a run-time value. Nothing here can be called.
#pragma once

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

/// Two element types: nothing is converted silently, where PyTorch promotes.
template <class A, class B>
concept DifferentElements = !std::same_as<A, B>;
/// Element types that gradients do not flow through.
template <class T>
concept NotReal = !Real<T>;
template <class T>
concept NotBool = !std::same_as<T, bool>;

// clang-format off: a reason stands on the line that the compiler shows
template <class A, class B> requires DifferentElements<A, B>
void operator+(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: a + cast<float>(b)");
template <class A, class B> requires DifferentElements<A, B>
void operator-(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: a - cast<float>(b)");
template <class A, class B> requires DifferentElements<A, B>
void operator*(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: a * cast<float>(b)");
template <class A, class B> requires DifferentElements<A, B>
void operator/(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: a / cast<float>(b)");
template <class A, class B> requires DifferentElements<A, B>
void operator==(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: a == cast<float>(b)");
template <class A, class B> requires DifferentElements<A, B>
void matmul(const Tensor<A>&, const Tensor<B>&) GLOSS_REFUSED("the element types differ: matmul(a, cast<float>(b))");

template <Integer T, std::floating_point F>
void operator+(const Tensor<T>&, F) GLOSS_REFUSED("a fraction beside whole numbers: cast<float>(x) + 0.5");
template <Integer T, std::floating_point F>
void operator-(const Tensor<T>&, F) GLOSS_REFUSED("a fraction beside whole numbers: cast<float>(x) - 0.5");
template <Integer T, std::floating_point F>
void operator*(const Tensor<T>&, F) GLOSS_REFUSED("a fraction beside whole numbers: cast<float>(x) * 0.5");
template <Integer T, std::floating_point F>
void operator/(const Tensor<T>&, F) GLOSS_REFUSED("a fraction beside whole numbers: cast<float>(x) / 0.5");
template <Integer T, std::floating_point F>
void operator+(F, const Tensor<T>&) GLOSS_REFUSED("a fraction beside whole numbers: 0.5 + cast<float>(x)");
template <Integer T, std::floating_point F>
void operator-(F, const Tensor<T>&) GLOSS_REFUSED("a fraction beside whole numbers: 0.5 - cast<float>(x)");
template <Integer T, std::floating_point F>
void operator*(F, const Tensor<T>&) GLOSS_REFUSED("a fraction beside whole numbers: 0.5 * cast<float>(x)");

template <NotReal T, class... More>
void mean(const Tensor<T>&, const More&...) GLOSS_REFUSED("wants float or double: mean(cast<float>(x))");
template <NotReal T>
void softmax(const Tensor<T>&, Index) GLOSS_REFUSED("wants float or double: softmax(cast<float>(x), axis)");
template <NotReal T>
void log_softmax(const Tensor<T>&, Index) GLOSS_REFUSED("wants float or double: log_softmax(cast<float>(x), axis)");

template <Element T, NotBool M, class V>
void masked_fill(const Tensor<T>&, const Tensor<M>&, const V&) GLOSS_REFUSED("a mask is Tensor<bool>: mask == 0");
template <NotBool C, class A, class B>
void where(const Tensor<C>&, const A&, const B&) GLOSS_REFUSED("a condition is Tensor<bool>: where(c != 0, a, b)");

void zeros(const Shape&) GLOSS_REFUSED("name the element type: zeros<float>({2, 3})");
void ones(const Shape&) GLOSS_REFUSED("name the element type: ones<float>({2, 3})");
void empty(const Shape&) GLOSS_REFUSED("name the element type: empty<float>({2, 3})");
void rand(const Shape&) GLOSS_REFUSED("name the element type: rand<float>({2, 3})");
void randn(const Shape&) GLOSS_REFUSED("name the element type: randn<float>({2, 3})");

template <Element T, std::integral... Sizes>
void zeros(Sizes...) GLOSS_REFUSED("sizes are one list: zeros<float>({2, 3})");
template <Element T, std::integral... Sizes>
void ones(Sizes...) GLOSS_REFUSED("sizes are one list: ones<float>({2, 3})");
template <Element T, std::integral... Sizes>
void empty(Sizes...) GLOSS_REFUSED("sizes are one list: empty<float>({2, 3})");
template <Element T, std::integral... Sizes>
void rand(Sizes...) GLOSS_REFUSED("sizes are one list: rand<float>({2, 3})");
template <Element T, std::integral... Sizes>
void randn(Sizes...) GLOSS_REFUSED("sizes are one list: randn<float>({2, 3})");
// clang-format on

}  // namespace gloss::inline GLOSS_ABI
