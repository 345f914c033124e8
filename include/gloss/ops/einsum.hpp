// Sums of products, written as Einstein did
#pragma once

#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/pattern.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {

/// A tensor whose axes have labels: letters, and the axes under an ellipsis as 0, 1, ... counted from its end. Axes of
/// size 1 are left out: they stretch to whatever others have.
template <class T>
struct Labelled {
  Tensor<T> x;
  std::string labels;

  bool has(char label) const { return labels.find(label) != std::string::npos; }
  Index size(char label) const { return x.shape()[static_cast<int>(labels.find(label))]; }
  Shape order(const std::string& wanted) const {
    Shape axes;
    for (const char label : wanted) axes.push_back(static_cast<Index>(labels.find(label)));
    return axes;
  }
  void permute(const std::string& wanted) {
    if (wanted == labels) return;
    x = x.permute(order(wanted));
    labels = wanted;
  }
  /// Sums over the axes that `wanted` has not.
  void keep_only(const std::string& wanted) {
    for (std::size_t i = labels.size(); i-- > 0;)
      if (wanted.find(labels[i]) == std::string::npos) {
        x = sum(x, static_cast<Index>(i));
        labels.erase(i, 1);
      }
  }
};

/// x[..., i, ..., i, ...] over all i: axis b goes, axis a walks along both.
template <class T>
Tensor<T> diagonal_of_axes(const Tensor<T>& x, int a, int b) {
  const auto layout = [](const Shape& shape, const Shape& strides, const Index* axes) {
    const int along = static_cast<int>(axes[0]), gone = static_cast<int>(axes[1]);
    Layout y{shape, strides};
    y.strides[along] += strides[gone];
    y.shape.erase(gone);
    y.strides.erase(gone);
    return y;
  };
  return take_part("diagonal", x, {layout, {a, b}});
}

/// Operand k with the labels of its pattern.
template <class T>
Labelled<T> label_operand(const EinsumPlan& plan, int k, const Tensor<T>& x) {
  const EinsumPlan::Operand& axes = plan.operands[k];
  const int dots = axes.find('.'), letters = axes.count - (dots >= 0);
  if (dots < 0 ? x.dim() != letters : x.dim() < letters)
    fail<ShapeError>("einsum: operand ", k, " of '", plan.text, "' has shape ", x.shape(), ", the pattern names ",
                     dots < 0 ? "" : "at least ", letters, letters == 1 ? " axis" : " axes");
  Labelled<T> out{x, {}};
  for (int i = 0; i < axes.count; ++i) {
    if (i != dots)
      out.labels += axes.labels[i];
    else
      for (int under = x.dim() - letters; under-- > 0;) out.labels += static_cast<char>(1 + under);
  }
  for (int b = out.x.dim() - 1; b > 0; --b) {
    const char label = out.labels[static_cast<std::size_t>(b)];
    const int a = static_cast<int>(out.labels.find(label));
    if (a == b) continue;
    if (out.x.shape()[a] != out.x.shape()[b])
      fail<ShapeError>("einsum: axis '", label, "' of operand ", k, " of '", plan.text, "' has sizes ",
                       out.x.shape()[a], " and ", out.x.shape()[b]);
    out.x = diagonal_of_axes(out.x, a, b);
    out.labels.erase(static_cast<std::size_t>(b), 1);
  }
  for (int i = out.x.dim(); i-- > 0;)
    if (out.x.shape()[i] == 1) {
      out.x = out.x.select(i, 0);
      out.labels.erase(static_cast<std::size_t>(i), 1);
    }
  return out;
}

/// The labels of two operands by what becomes of them in their product: `batch` stands in both and in the result,
/// `inner`, which both have and the result has not, is summed, `left` and `right` have one alone.
struct ContractedAxes {
  std::string batch, inner, left, right;
  Shape batch_sizes, result_sizes;  // of batch; of batch, left, right
  Index m = 1, n = 1, k = 1;        // elements of left, right, inner
};
template <class T>
ContractedAxes contracted_axes(const Labelled<T>& a, const Labelled<T>& b, const std::string& wanted) {
  ContractedAxes axes;
  Shape sizes_left, sizes_right;
  for (const char label : a.labels) {
    const Index size = a.size(label);
    if (!b.has(label)) {
      axes.left += label;
      sizes_left.push_back(size);
      axes.m *= size;
    } else if (wanted.find(label) != std::string::npos) {
      axes.batch += label;
      axes.batch_sizes.push_back(size);
    } else {
      axes.inner += label;
      axes.k *= size;
    }
  }
  for (const char label : b.labels)
    if (!a.has(label)) {
      axes.right += label;
      sizes_right.push_back(b.size(label));
      axes.n *= b.size(label);
    }
  if (axes.batch.size() + axes.left.size() + axes.right.size() > static_cast<std::size_t>(max_rank))
    fail<ShapeError>("einsum: a product of two operands has more than 8 axes");
  axes.result_sizes = axes.batch_sizes;
  for (const Index size : sizes_left) axes.result_sizes.push_back(size);
  for (const Index size : sizes_right) axes.result_sizes.push_back(size);
  return axes;
}

/// Element by element, then a sum over what both lose: a [batch, left, 1, inner], b [batch, 1, right, inner].
template <class T>
Tensor<T> contract_by_elements(Labelled<T> a, Labelled<T> b, const ContractedAxes& axes) {
  a.permute(axes.batch + axes.left + axes.inner);
  b.permute(axes.batch + axes.right + axes.inner);
  const bool spread = axes.left.size() + axes.right.size() > 0;
  const auto padded = [&](const Labelled<T>& t, Index rows, Index columns) {
    if (!spread && axes.inner.empty()) return t.x;
    Shape to{axes.batch_sizes.numel()};
    if (spread) {
      to.push_back(rows);
      to.push_back(columns);
    }
    to.push_back(axes.k);
    return t.x.reshape(to);
  };
  const Tensor<T> product = mul(padded(a, axes.m, 1), padded(b, 1, axes.n));
  return axes.inner.empty() ? product : sum(product, -1);
}

/// As products of matrices: a [batch, left, inner], b [batch, inner, right].
template <class T>
Tensor<T> contract_by_matmul(Labelled<T> a, Labelled<T> b, const ContractedAxes& axes) {
  a.permute(axes.batch + axes.left + axes.inner);
  b.permute(axes.batch + axes.inner + axes.right);
  Shape shape = axes.batch_sizes;
  if (axes.batch.size() + 2 > static_cast<std::size_t>(max_rank)) shape = {axes.batch_sizes.numel()};
  const auto matrices = [&](const Labelled<T>& t, Index rows, Index columns) {
    Shape to = shape;
    to.push_back(rows);
    to.push_back(columns);
    return t.x.reshape(to);
  };
  return matmul(matrices(a, axes.m, axes.k), matrices(b, axes.k, axes.n));
}

/// The product of two operands, summed over the labels that both have and `wanted` has not.
template <class T>
Labelled<T> contract(Labelled<T> a, Labelled<T> b, const std::string& wanted) {
  const ContractedAxes axes = contracted_axes(a, b, wanted);
  const bool elements = axes.inner.empty() || (axes.left.empty() && axes.right.empty());
  const Tensor<T> product = elements ? contract_by_elements(std::move(a), std::move(b), axes)
                                     : contract_by_matmul(std::move(a), std::move(b), axes);
  return {product.reshape(axes.result_sizes), axes.batch + axes.left + axes.right};
}

/// Enters the sizes of an operand's axes by their labels, where 1 is what no operand before had, or had as 1.
template <class T>
void enter_sizes(const EinsumPlan& plan, const Labelled<T>& part, Index (&sizes)[128]) {
  for (const char label : part.labels) {
    Index& size = sizes[static_cast<unsigned char>(label)];
    const Index here = part.size(label);
    if (size != 1 && size != here) {
      if (label <= max_rank)
        fail<ShapeError>("einsum: axis ", -Index{label}, " under the ellipsis of '", plan.text, "' has sizes ", size,
                         " and ", here);
      fail<ShapeError>("einsum: axis '", label, "' of '", plan.text, "' has sizes ", size, " and ", here);
    }
    size = here;
  }
}

/// The labels of the result, whose ellipsis stands for `under_dots` axes.
GLOSS_LAZY std::string einsum_result(const EinsumPlan& plan, int under_dots) {
  std::string result;
  for (int i = 0; i < plan.result.count; ++i) {
    if (plan.result.labels[i] != '.')
      result += plan.result.labels[i];
    else
      for (int under = under_dots; under-- > 0;) result += static_cast<char>(1 + under);
  }
  if (result.size() > static_cast<std::size_t>(max_rank))
    fail<ShapeError>("einsum: the result of '", plan.text, "' has ", result.size(), " axes, 8 are the most");
  return result;
}

template <class T>
GLOSS_NOINLINE Tensor<T> einsum_of(const EinsumPlan& plan, const Tensor<T>* const* operands, int count) {
  if (count != plan.count)
    fail<ShapeError>("einsum: '", plan.text, "' names ", plan.count, plan.count == 1 ? " operand, " : " operands, ",
                     count, count == 1 ? " was given" : " were given");
  std::vector<Labelled<T>> parts;
  Index sizes[128];
  for (Index& size : sizes) size = 1;
  int under_dots = 0;
  for (int k = 0; k < count; ++k) {
    const Tensor<T>& x = *operands[k];
    parts.push_back(label_operand(plan, k, x));
    const EinsumPlan::Operand& axes = plan.operands[k];
    if (axes.has('.') && x.dim() - (axes.count - 1) > under_dots) under_dots = x.dim() - (axes.count - 1);
    enter_sizes(plan, parts.back(), sizes);
  }
  const std::string result = einsum_result(plan, under_dots);
  Shape shape;
  for (const char label : result) shape.push_back(sizes[static_cast<unsigned char>(label)]);

  // What no other operand and not the result wants is summed before any product; then products from left to right.
  auto wanted_after = [&](std::size_t first, std::size_t but) {
    std::string wanted = result;
    for (std::size_t k = first; k < parts.size(); ++k)
      if (k != but) wanted += parts[k].labels;
    return wanted;
  };
  for (std::size_t k = 0; k < parts.size(); ++k) parts[k].keep_only(wanted_after(0, k));
  Labelled<T> y = parts[0];
  for (std::size_t k = 1; k < parts.size(); ++k) {
    const std::string wanted = wanted_after(k + 1, parts.size());
    y = contract(std::move(y), parts[k], wanted);
    y.keep_only(wanted);
  }
  std::string stretched;  // the result's axes, without those of size 1
  for (const char label : result)
    if (y.has(label)) stretched += label;
  y.permute(stretched);
  return y.x.shape() == shape ? y.x : y.x.view(shape);
}

}  // namespace detail

/// The sum over every axis that the result does not name of the product of the operands: "ij,jk->ik" is a matrix
/// product, "bhqd,bhkd->bhqk" attention's scores, "ii->i" a diagonal, "i,j->ij" an outer product. Without "->" the
/// result has the axes that stand once, in alphabetical order, capitals first. "..." stands for any axes, which
/// broadcast; an axis of size 1 stretches. It is made of permute, reshape, matmul, mul and sum, operand by operand from
/// the left, and so are its derivatives, of any order.
/// Shape: as the pattern says, at most 8 operands.
/// Errors: ShapeError naming the axis when sizes differ, the number of axes or of operands does; a wrong literal does
/// not compile, a wrong runtime_pattern throws Error.
/// PyTorch: torch.einsum
template <class T, class... Rest>
  requires((Real<T> || std::same_as<T, std::int64_t>)&&(std::convertible_to<const Rest&, const Tensor<T>&>&&...))
Tensor<T> einsum(const EinsumPattern& pattern, const Tensor<T>& first, const Rest&... rest) {
  const Tensor<T>* const operands[] = {&first, static_cast<const Tensor<T>*>(&rest)...};
  return detail::einsum_of(pattern.plan(), operands, 1 + static_cast<int>(sizeof...(rest)));
}
/// The same for a list of operands.
template <class T>
  requires(Real<T> || std::same_as<T, std::int64_t>)
Tensor<T> einsum(const EinsumPattern& pattern, const std::vector<Tensor<T>>& operands) {
  std::vector<const Tensor<T>*> pointers;
  for (const Tensor<T>& x : operands) pointers.push_back(&x);
  return detail::einsum_of(pattern.plan(), pointers.data(), static_cast<int>(pointers.size()));
}

}  // namespace gloss::inline GLOSS_ABI
