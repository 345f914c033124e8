// What a Loader reads: things with a size and an item for each number, in memory or made when asked for.
#pragma once

#include <concepts>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/tensor/views.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Something of size() items, of which get(i) gives the one with this number, from 0. A Loader with workers calls get
/// from several threads at once. Random items draw from current_rng(), which a Loader sets for each item, so that they
/// are the same whoever makes them. A dataset may have name(i), the text that stands for item i in messages of errors.
/// PyTorch: torch.utils.data.Dataset
template <class D>
concept Dataset = requires(const D& dataset, Index i) {
  { dataset.size() } -> std::convertible_to<Index>;
  dataset.get(i);
};

/// What get(i) gives, as a value.
template <Dataset D>
using ItemOf = std::remove_cvref_t<decltype(std::declval<const D&>().get(Index{}))>;

/// What stands for item i in messages: its name(i), or "" in a dataset that has none.
template <Dataset D>
std::string item_name(const D& dataset, Index i) {
  if constexpr (requires { std::string(dataset.name(i)); })
    return dataset.name(i);
  else
    return {};
}

namespace detail {
inline void check_item(const char* dataset, Index i, Index size) {
  if (i < 0 || i >= size) fail<IndexError>(dataset, ": item ", i, " is out of range, there are ", size);
}
/// f(arguments...), or f(arguments..., rng) where f wants a random stream.
template <class F, class... Arguments>
decltype(auto) call_drawing(const F& f, Arguments&&... arguments) {
  if constexpr (std::invocable<const F&, Arguments..., Rng&>)
    return f(std::forward<Arguments>(arguments)..., current_rng());
  else
    return f(std::forward<Arguments>(arguments)...);
}
}  // namespace detail

/// Tensors whose first axes belong together: item i is the tuple of each one's i-th row, which are views.
/// Errors: ShapeError when they are scalars or differ in size; IndexError from get.
/// PyTorch: torch.utils.data.TensorDataset
template <Element... Ts>
  requires(sizeof...(Ts) > 0)
class TensorDataset {
 public:
  explicit TensorDataset(Tensor<Ts>... tensors) : tensors_(std::move(tensors)...) {
    std::apply([this](const auto&... each) { (check(each), ...); }, tensors_);
  }
  Index size() const { return std::get<0>(tensors_).size(0); }
  std::tuple<Tensor<Ts>...> get(Index i) const {
    detail::check_item("TensorDataset", i, size());
    return std::apply([i](const auto&... each) { return std::tuple<Tensor<Ts>...>(each[i]...); }, tensors_);
  }

 private:
  template <class T>
  void check(const Tensor<T>& x) const {
    if (x.dim() == 0) fail<ShapeError>("TensorDataset: a scalar has no rows");
    if (x.size(0) != size())
      fail<ShapeError>("TensorDataset: tensors of shape ", std::get<0>(tensors_).shape(), " and ", x.shape(),
                       " have not as many rows");
  }
  std::tuple<Tensor<Ts>...> tensors_;
};

/// The elements of a vector.
/// Errors: IndexError from get.
template <class T>
class VectorDataset {
 public:
  explicit VectorDataset(std::vector<T> items) : items_(std::move(items)) {}
  Index size() const { return static_cast<Index>(items_.size()); }
  const T& get(Index i) const {
    detail::check_item("VectorDataset", i, size());
    return items_[static_cast<std::size_t>(i)];
  }

 private:
  std::vector<T> items_;
};

/// Items that a function makes when they are asked for: f(i), or f(i, rng) with the item's random stream.
/// Errors: Error for a negative size, IndexError from get; what f throws.
template <class F>
class LazyDataset {
 public:
  LazyDataset(Index size, F f) : size_(size), f_(std::move(f)) {
    if (size < 0) fail("LazyDataset: ", size, " items");
  }
  Index size() const { return size_; }
  auto get(Index i) const {
    detail::check_item("LazyDataset", i, size_);
    return detail::call_drawing(f_, i);
  }

 private:
  Index size_;
  F f_;
};

/// Some items of another dataset, in this order; an index may stand there more than once.
/// Errors: IndexError for an index that the dataset has not.
/// PyTorch: torch.utils.data.Subset
template <Dataset D>
class Subset {
 public:
  Subset(D dataset, std::vector<Index> indices) : dataset_(std::move(dataset)), indices_(std::move(indices)) {
    for (const Index i : indices_) detail::check_item("Subset", i, dataset_.size());
  }
  Index size() const { return static_cast<Index>(indices_.size()); }
  ItemOf<D> get(Index i) const { return dataset_.get(at(i)); }
  std::string name(Index i) const { return item_name(dataset_, at(i)); }

 private:
  Index at(Index i) const {
    detail::check_item("Subset", i, size());
    return indices_[static_cast<std::size_t>(i)];
  }
  D dataset_;
  std::vector<Index> indices_;
};

/// The items of one dataset and then those of another; both are of one type. More than two: Concat(Concat(a, b), c).
/// PyTorch: torch.utils.data.ConcatDataset
template <Dataset A, Dataset B>
  requires std::same_as<ItemOf<A>, ItemOf<B>>
class Concat {
 public:
  Concat(A first, B second) : first_(std::move(first)), second_(std::move(second)) {}
  Index size() const { return first_.size() + second_.size(); }
  ItemOf<A> get(Index i) const { return i < first_.size() ? first_.get(i) : second_.get(i - first_.size()); }
  std::string name(Index i) const {
    return i < first_.size() ? item_name(first_, i) : item_name(second_, i - first_.size());
  }

 private:
  A first_;
  B second_;
};

/// Another dataset's items, each passed through f(item), or f(item, rng) with the item's random stream: decoding,
/// augmentation.
template <Dataset D, class F>
class Map {
 public:
  Map(D dataset, F f) : dataset_(std::move(dataset)), f_(std::move(f)) {}
  Index size() const { return dataset_.size(); }
  auto get(Index i) const { return detail::call_drawing(f_, dataset_.get(i)); }
  std::string name(Index i) const { return item_name(dataset_, i); }

 private:
  D dataset_;
  F f_;
};

}  // namespace gloss::inline GLOSS_ABI::data
