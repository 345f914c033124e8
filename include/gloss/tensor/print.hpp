// Tensors as text, laid out as PyTorch lays them out.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

/// How to_string and repr write. PyTorch: torch.set_printoptions
struct PrintOptions {
  int precision = 4;       ///< digits after the point
  Index threshold = 1000;  ///< a tensor with more elements than this is summarised:
  Index edgeitems = 3;     ///< so many positions are shown at each end of a long axis
  Index linewidth = 80;    ///< a longer row goes on in the next line
};

namespace detail {

/// The elements that are shown, as text, and the width of a column.
struct PrintedElements {
  std::vector<std::string> texts;
  std::size_t width = 0;
};

GLOSS_LAZY std::string number_as_text(double v, std::chars_format format, int precision) {
  if (std::isnan(v)) return "nan";  // whatever its sign
  std::string text(350 + static_cast<std::size_t>(precision), '\0');
  text.resize(static_cast<std::size_t>(std::to_chars(text.data(), text.data() + text.size(), v, format, precision).ptr -
                                       text.data()));
  return text;
}

/// All values in one notation: "2.", "0.5000" or "5.0000e-07". The choice is PyTorch's: it looks at the finite values
/// other than 0, for the width of the columns as well.
GLOSS_LAZY PrintedElements numbers_as_text(const std::vector<double>& values, const PrintOptions& options) {
  bool whole = true;
  double smallest = HUGE_VAL, largest = 0;
  for (const double v : values) {
    if (v == 0 || !std::isfinite(v)) continue;
    whole = whole && v == std::floor(v);
    smallest = (std::min)(smallest, std::abs(v));
    largest = (std::max)(largest, std::abs(v));
  }
  const bool scientific = largest > 0 && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  const int precision = whole && !scientific ? 0 : (std::min)((std::max)(options.precision, 0), 100);
  PrintedElements out;
  for (const double v : values) {
    out.texts.push_back(number_as_text(v, format, precision));
    if (std::isfinite(v) && whole && !scientific) out.texts.back() += '.';
    if (v != 0 && std::isfinite(v)) out.width = (std::max)(out.width, out.texts.back().size());
  }
  return out;
}

/// Positions of an axis that are shown; -1 stands for those left out.
GLOSS_LAZY std::vector<Index> shown_positions(Index size, bool summarise, Index edge) {
  std::vector<Index> shown;
  for (Index i = 0; i < size; ++i) {
    if (summarise && size > 2 * edge && i == edge) {
      shown.push_back(-1);
      i = size - edge;
      if (edge == 0) break;
    }
    shown.push_back(i);
  }
  return shown;
}

/// Calls f(offset) for every element that is shown, in row-major order.
template <class F>
void for_each_shown(const Shape& shape, const Shape& strides, bool summarise, Index edge, int axis, Index offset,
                    F& f) {
  if (axis == shape.rank()) return f(offset);
  for (const Index i : shown_positions(shape[axis], summarise, edge))
    if (i >= 0) for_each_shown(shape, strides, summarise, edge, axis + 1, offset + i * strides[axis], f);
}

/// Brackets, commas and line ends around the elements.
struct PrintLayout {
  const Shape& shape;
  const PrintOptions& options;
  bool summarise;
  Index indent;  // of the first bracket
  std::size_t width;
  const std::string* next;

  void axis(std::string& out, int axis) {
    const auto margin = static_cast<std::size_t>(indent + axis + 1);
    const bool last = axis + 1 == shape.rank();
    const Index room = (options.linewidth - indent - axis) / static_cast<Index>(width + 2);
    const Index per_line = (std::max)(Index{1}, room);
    Index in_line = 0;
    bool first = true;
    out += '[';
    for (const Index i : shown_positions(shape[axis], summarise, options.edgeitems)) {
      if (!first && !last) {
        out += ',';
        out.append(static_cast<std::size_t>(shape.rank() - 1 - axis), '\n').append(margin, ' ');
      } else if (!first) {
        const bool full = in_line == per_line;
        out += full ? ",\n" + std::string(margin, ' ') : ", ";
        in_line = full ? 0 : in_line;
      }
      first = false;
      ++in_line;
      if (i < 0)
        out += last && options.edgeitems > 0 ? " ..." : "...";
      else if (last)
        out.append(width > next->size() ? width - next->size() : 0, ' ').append(*next), ++next;
      else
        this->axis(out, axis + 1);
    }
    out += ']';
  }
};

/// The text with its first bracket `indent` columns from the left.
template <class T>
std::string print_elements(const Tensor<T>& x, const PrintOptions& options, Index indent) {
  if (x.numel() == 0) return "[]";
  const bool summarise = x.numel() > options.threshold;
  PrintedElements elements;
  if constexpr (Real<T> || std::same_as<T, bfloat16>) {
    std::vector<double> values;
    auto read = [&](Index offset) {
      if constexpr (Real<T>)
        values.push_back(static_cast<double>(x.data()[offset]));
      else
        values.push_back(static_cast<double>(static_cast<float>(x.data()[offset])));
    };
    for_each_shown(x.shape(), x.strides(), summarise, options.edgeitems, 0, 0, read);
    elements = numbers_as_text(values, options);
  } else {
    auto read = [&](Index offset) {
      if constexpr (std::same_as<T, bool>)
        elements.texts.emplace_back(x.data()[offset] ? "true" : "false");
      else
        elements.texts.push_back(std::to_string(x.data()[offset]));
      elements.width = (std::max)(elements.width, elements.texts.back().size());
    };
    for_each_shown(x.shape(), x.strides(), summarise, options.edgeitems, 0, 0, read);
  }
  if (x.dim() == 0) return elements.texts[0];
  std::string out;
  PrintLayout{x.shape(), options, summarise, indent, elements.width, elements.texts.data()}.axis(out, 0);
  return out;
}

}  // namespace detail

/// The numbers in nested brackets, in columns: 4 decimals unless all are whole, scientific notation where the sizes
/// differ much. Beyond 1000 elements the first and last 3 positions of each axis stand for the rest. Only what is
/// shown is read. Truth values are written as in C++.
/// PyTorch: str(x), without the "tensor( )" around it.
template <Element T>
std::string to_string(const Tensor<T>& x, const PrintOptions& options = {}) {
  if (!x.defined()) return "undefined";
  if (x.numel() == 0 && x.dim() != 1) return "[] of shape " + to_string(x.shape());
  return detail::print_elements(x, options, 0);
}

/// The same within "tensor( )", with what the numbers do not show: the element type unless it is float32, int64 or
/// bool, the shape of what is empty, and requires_grad=True of a leaf or grad_fn=<op> of a result.
/// PyTorch: repr(x); there grad_fn is the name of a class, as MulBackward0 for mul.
template <Element T>
std::string repr(const Tensor<T>& x, const PrintOptions& options = {}) {
  if (!x.defined()) return "undefined";
  std::vector<std::string> notes;
  if (x.numel() == 0 && x.dim() != 1) {
    std::string size = "size=(";
    for (int axis = 0; axis < x.dim(); ++axis) size += (axis ? ", " : "") + std::to_string(x.shape()[axis]);
    notes.push_back(size + ")");
  }
  const bool plain =
      std::same_as<T, float> || (x.numel() > 0 && (std::same_as<T, std::int64_t> || std::same_as<T, bool>));
  if (!plain) notes.push_back(std::string("dtype=") + dtype_name<T>());
  if (x.requires_grad())
    notes.push_back(x.is_leaf() ? "requires_grad=True" : std::string("grad_fn=<") + x.node()->op() + ">");
  std::string out = "tensor(" + detail::print_elements(x, options, 7);
  const std::size_t line = out.rfind('\n');
  Index column = static_cast<Index>(line == std::string::npos ? out.size() + 2 : out.size() - line + 1);
  for (const std::string& note : notes) {
    const auto size = static_cast<Index>(note.size());
    const bool fits = column + size + 2 <= options.linewidth;
    out.append(fits ? ", " : ",\n       ").append(note);
    column = fits ? column + size + 2 : 7 + size;
  }
  return out + ")";
}

GLOSS_INSTANTIATE(std::string to_string(const Tensor<std::int64_t>&, const PrintOptions&))
GLOSS_INSTANTIATE(std::string to_string(const Tensor<bool>&, const PrintOptions&))
GLOSS_INSTANTIATE(std::string to_string(const Tensor<float>&, const PrintOptions&))
GLOSS_INSTANTIATE(std::string to_string(const Tensor<double>&, const PrintOptions&))

}  // namespace gloss::inline GLOSS_ABI
