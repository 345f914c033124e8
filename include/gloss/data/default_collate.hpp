// A list of items to the batch that a model reads.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {
template <class T>
struct IsTensor : std::false_type {};
template <Element T>
struct IsTensor<Tensor<T>> : std::true_type {};
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};
}  // namespace detail

/// Tensors are stacked on a new first axis, numbers become a tensor of rank 1, of pairs and tuples each part becomes a
/// batch by itself, and anything else (texts, classes of your own) stays a vector.
/// Errors: ShapeError when tensors differ in shape; pad_sequences is for those.
/// PyTorch: torch.utils.data.default_collate
template <class Item>
auto default_collate(const std::vector<Item>& items) {
  if constexpr (detail::IsTensor<Item>::value) {
    return stack(items);
  } else if constexpr (Element<Item>) {
    return from_vector(items);
  } else if constexpr (detail::TupleLike<Item>) {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      const auto part = [&]<std::size_t k>(std::integral_constant<std::size_t, k>) {
        std::vector<std::remove_cvref_t<std::tuple_element_t<k, Item>>> parts;
        for (const Item& item : items) parts.push_back(std::get<k>(item));
        return default_collate(parts);
      };
      return std::tuple(part(std::integral_constant<std::size_t, K>{})...);
    }
    (std::make_index_sequence<std::tuple_size_v<Item>>{});
  } else {
    return items;
  }
}

/// default_collate as an object: what a Loader takes when it is given no other.
struct DefaultCollate {
  template <class Item>
  auto operator()(const std::vector<Item>& items) const {
    return default_collate(items);
  }
};

}  // namespace gloss::inline GLOSS_ABI::data
