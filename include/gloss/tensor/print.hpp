// Tensors as text, laid out as PyTorch lays them out.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {

inline constexpr Index print_threshold = 1000;  // a tensor with more elements than this is summarised:
inline constexpr Index print_edge = 3;          // so many positions are shown at each end of a long axis
inline constexpr std::size_t print_width = 80;  // a longer row goes on in the next line

/// All values in one notation: "2.", "0.5000" or "5.0000e-07". The choice is PyTorch's: it looks at the finite values
/// other than 0.
inline std::vector<std::string> numbers_as_text(const std::vector<double>& values) {
  bool whole = true;
  double smallest = HUGE_VAL, largest = 0;
  for (const double v : values) {
    if (v == 0 || !std::isfinite(v)) continue;
    whole = whole && v == std::floor(v);
    smallest = (std::min)(smallest, std::abs(v));
    largest = (std::max)(largest, std::abs(v));
  }
  const bool scientific = largest > 0 && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
  std::vector<std::string> texts;
  for (const double v : values) {
    char digits[32];
    const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
    const char* const end = std::to_chars(digits, digits + sizeof digits, v, format, whole && !scientific ? 0 : 4).ptr;
    texts.push_back(std::isnan(v) ? "nan" : std::string(static_cast<const char*>(digits), end));  // NaN has a sign, too
    if (std::isfinite(v) && whole && !scientific) texts.back() += '.';
  }
  return texts;
}

/// Positions of an axis that are shown; -1 stands for those left out.
inline std::vector<Index> shown_positions(Index size, bool summarise) {
  std::vector<Index> shown;
  for (Index i = 0; i < size; ++i) {
    if (summarise && size > 2 * print_edge && i == print_edge) {
      shown.push_back(-1);
      i = size - print_edge;
    }
    shown.push_back(i);
  }
  return shown;
}

/// Calls f(offset) for every element that is shown, in row-major order.
template <class F>
void for_each_shown(const Shape& shape, const Shape& strides, bool summarise, int axis, Index offset, F& f) {
  if (axis == shape.rank()) return f(offset);
  for (const Index i : shown_positions(shape[axis], summarise))
    if (i >= 0) for_each_shown(shape, strides, summarise, axis + 1, offset + i * strides[axis], f);
}

/// Brackets, commas and line ends around the elements, which are taken from `next` on.
inline void lay_out(std::string& out, const Shape& shape, bool summarise, int axis, const std::string*& next) {
  const auto indent = static_cast<std::size_t>(axis) + 1;
  const bool last = axis + 1 == shape.rank();
  const std::size_t per_line = (std::max)(std::size_t{1}, (print_width - indent + 1) / (last ? next->size() + 2 : 1));
  std::size_t in_line = 0;
  bool first = true;
  out += '[';
  for (const Index i : shown_positions(shape[axis], summarise)) {
    if (!first && !last) {
      out += ',';
      out.append(static_cast<std::size_t>(shape.rank() - 1 - axis), '\n').append(indent, ' ');
    } else if (!first) {
      const bool full = in_line == per_line;
      out += full ? ",\n" + std::string(indent, ' ') : ", ";
      in_line = full ? 0 : in_line;
    }
    first = false;
    ++in_line;
    if (i < 0)
      out += last ? " ..." : "...";
    else if (last)
      out += *next++;
    else
      lay_out(out, shape, summarise, axis + 1, next);
  }
  out += ']';
}

inline std::string lay_out(const Shape& shape, bool summarise, std::vector<std::string> elements) {
  if (shape.rank() == 0) return elements[0];
  if (elements.empty()) return shape.rank() == 1 ? "[]" : "[] of shape " + to_string(shape);
  std::size_t width = 0;
  for (const std::string& e : elements) width = (std::max)(width, e.size());
  for (std::string& e : elements) e.insert(0, width - e.size(), ' ');
  std::string out;
  const std::string* next = elements.data();
  lay_out(out, shape, summarise, 0, next);
  return out;
}

}  // namespace detail

/// The numbers in nested brackets, in columns: 4 decimals unless all are whole, scientific notation where the sizes
/// differ much. Beyond 1000 elements the first and last 3 positions of each axis stand for the rest. Only what is
/// shown is read.
/// PyTorch: str(x), without the "tensor( )" around it.
template <Element T>
std::string to_string(const Tensor<T>& x) {
  if (!x.defined()) return "undefined";
  const bool summarise = x.numel() > detail::print_threshold;
  std::vector<std::string> texts;
  if constexpr (Real<T> || std::same_as<T, bfloat16>) {
    std::vector<double> values;
    auto read = [&](Index offset) {
      if constexpr (Real<T>)
        values.push_back(static_cast<double>(x.data()[offset]));
      else
        values.push_back(static_cast<double>(static_cast<float>(x.data()[offset])));
    };
    detail::for_each_shown(x.shape(), x.strides(), summarise, 0, 0, read);
    texts = detail::numbers_as_text(values);
  } else {
    auto read = [&](Index offset) {
      if constexpr (std::same_as<T, bool>)
        texts.emplace_back(x.data()[offset] ? "true" : "false");
      else
        texts.push_back(std::to_string(x.data()[offset]));
    };
    detail::for_each_shown(x.shape(), x.strides(), summarise, 0, 0, read);
  }
  return detail::lay_out(x.shape(), summarise, std::move(texts));
}

}  // namespace gloss::inline GLOSS_ABI
