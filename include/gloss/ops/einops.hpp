// rearrange, repeat and reduce with named axes, after einops
#pragma once

#include <gloss/ops/amax.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/pattern.hpp>
#include <gloss/ops/prod.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

/// How reduce() joins the elements of an axis: "sum", "mean", "max", "min" or "prod".
/// Errors: a wrong literal does not compile; from_name throws Error.
class ReduceOp {
 public:
  enum Kind { none, sum, mean, max, min, prod };
  constexpr ReduceOp(Kind kind) : kind_(kind) {}
  template <std::size_t N>
  consteval ReduceOp(const char (&name)[N]) : kind_(parse(std::string_view(name, N - 1))) {}
  static constexpr ReduceOp from_name(std::string_view name) { return parse(name); }
  constexpr Kind kind() const { return kind_; }

 private:
  static constexpr Kind parse(std::string_view name) {
    if (name == "sum") return sum;
    if (name == "mean") return mean;
    if (name == "max") return max;
    if (name == "min") return min;
    if (name != "prod") fail("reduce: '", name, "' is none of sum, mean, max, min, prod");
    return prod;
  }
  Kind kind_;
};

namespace detail {

/// An einops pattern with the sizes that a tensor gives its axes: what to do, as lists of sizes.
class EinopsSizes {
 public:
  Shape split;      // the left side's elementary axes; those of size 1 are left out throughout
  Shape reduced;    // positions in `split` that the right side has not
  Shape order;      // then the permutation to the right side's order
  Shape with_ones;  // then new axes as 1 ...
  Shape repeated;   // ... which are stretched
  Shape result;

  GLOSS_NOINLINE EinopsSizes(const EinopsPlan& plan, const Shape& shape, const AxisSizes& given)
      : plan_(plan), shape_(shape) {
    for (int i = 0; i < plan.axis_count; ++i) size_[i] = plan.axes[i].size;
    for (const AxisSize& entry : given) {
      const int axis = plan.find(entry.axis);
      if (axis < 0 || entry.axis == "...") bad("'", plan.text, "' has no axis '", entry.axis, "'");
      if (entry.size < 1) bad("axis '", entry.axis, "' of '", plan.text, "' has the size ", entry.size);
      if (size_[axis] >= 0 && size_[axis] != entry.size)
        bad("axis '", entry.axis, "' has the sizes ", size_[axis], " and ", entry.size);
      size_[axis] = entry.size;
    }
    match(shape);
    for (int i = 0; i < plan.axis_count; ++i)
      if (size_[i] < 0 && plan.axes[i].name != "...")
        bad("axis '", plan.axes[i].name, "' of '", plan.text, "' needs a size");
    make_steps();
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail<ShapeError>(plan_.name(), ": ", parts...);
  }

  /// Gives the left side the tensor's sizes.
  void match(const Shape& shape) {
    const EinopsPlan::Side& side = plan_.left;
    const int named = side.group_count - side.has_ellipsis, more = shape.rank() - named;
    if (side.has_ellipsis ? more < 0 : more != 0)
      bad("'", side.text, "' has ", side.has_ellipsis ? "at least " : "", named, named == 1 ? " axis" : " axes",
          ", the tensor's shape is ", shape);
    int axis = 0;
    for (int g = 0; g < side.group_count; ++g) {
      if (side.groups[g].open_ellipsis)
        for (int i = 0; i < more; ++i) under_dots_.push_back(shape[axis++]);
      else
        match_group(side, side.groups[g], axis, shape[axis]), ++axis;
    }
  }

  /// One axis of the tensor against its elementary axes, of which one may be left to find.
  void match_group(const EinopsPlan::Side& side, const EinopsPlan::Group& group, int axis, Index size) {
    if (group.begin == group.end) {
      if (size != 1) bad("axis ", axis, " of '", side.text, "': ", size, " is not 1");
      return;
    }
    Index known = 1;
    int unknown = -1, named = 0;
    std::string names, product;  // only for messages, but short
    for (int i = group.begin; i < group.end; ++i) {
      const int member = side.members[i];
      if (size_[member] >= 0) {
        if (size_[member] > 0 && known > (Index{1} << 60) / size_[member]) bad("'", side.text, "' is too large");
        known *= size_[member];
        names.append(named ? "', '" : "").append(plan_.axes[member].name);
        product.append(named++ ? "*" : "").append(plan_.axes[member].name);
      } else if (unknown >= 0) {
        bad("axes '", plan_.axes[unknown].name, "' and '", plan_.axes[member].name, "' of '", side.text,
            "': give the size of one");
      } else {
        unknown = member;
      }
    }
    const char* const noun = named > 1 ? "axes '" : "axis '";
    if (unknown < 0 && known != size)
      bad(noun, names, "' of '", side.text, "': ", size, " is not ", product, "=", known);
    if (unknown >= 0 && size % known != 0)
      bad(noun, names, "' of '", side.text, "': ", size, " is not a multiple of ", product, "=", known);
    if (unknown >= 0) size_[unknown] = size / known;
  }

  /// Calls f(axis number, size) for every elementary axis of a side, those under the ellipsis one by one.
  template <class F>
  void for_each_size(const EinopsPlan::Side& side, F f) const {
    for (int i = 0; i < side.member_count; ++i) {
      const int member = side.members[i];
      if (plan_.axes[member].name != "...")
        f(member, size_[member]);
      else
        for (int d = 0; d < under_dots_.rank(); ++d) f(100 + d, under_dots_[d]);
    }
  }
  void push(Shape& shape, Index size) const {
    if (shape.rank() == max_rank) bad("'", plan_.text, "' has more than 8 axes at once");
    shape.push_back(size);
  }

  void make_steps() {
    int left[max_rank];
    for_each_size(plan_.left, [&](int axis, Index size) {
      if (size == 1) return;
      push(split, size);
      left[split.rank() - 1] = axis;
    });
    if (!is_countable(split)) bad("the axes of '", plan_.left.text, "' are too large for shape ", shape_);
    Index kept_before[max_rank] = {};  // position among those that stay
    Index kept = 0;
    for (int i = 0; i < split.rank(); ++i) {
      bool stays = false;
      for_each_size(plan_.right, [&](int axis, Index) { stays = stays || axis == left[i]; });
      kept_before[i] = kept;
      if (stays)
        ++kept;
      else
        reduced.push_back(i);
    }
    Index all = 1;
    for_each_size(plan_.right, [&](int axis, Index size) {
      if (size == 1) return;
      if (size > 0 && all > (Index{1} << 60) / size) bad("the result of '", plan_.text, "' is too large");
      if (size > 0) all *= size;
      int from = 0;
      while (from < split.rank() && left[from] != axis) ++from;
      push(repeated, size);
      with_ones.push_back(from < split.rank() ? size : 1);
      if (from < split.rank()) order.push_back(kept_before[from]);
    });
    const EinopsPlan::Side& side = plan_.right;
    for (int g = 0; g < side.group_count; ++g) {
      if (side.groups[g].open_ellipsis) {
        for (const Index size : under_dots_) push(result, size);
        continue;
      }
      Index size = 1;
      for (int i = side.groups[g].begin; i < side.groups[g].end; ++i) {
        const int member = side.members[i];
        size *= plan_.axes[member].name == "..." ? under_dots_.numel() : size_[member];
      }
      push(result, size);
    }
  }

  const EinopsPlan& plan_;
  const Shape& shape_;
  Index size_[EinopsPlan::most] = {};
  Shape under_dots_;
};

/// x without these axes.
template <class T>
Tensor<T> reduce_axes(const Tensor<T>& x, const Axes& axes, ReduceOp::Kind kind) {
  switch (kind) {
    case ReduceOp::max:
      return amax(x, axes);
    case ReduceOp::min:
      return amin(x, axes);
    case ReduceOp::prod:
      return prod(x, axes);
    case ReduceOp::mean:
      if constexpr (Real<T>) return mean(x, axes);
      fail("reduce: the mean of whole numbers is not a whole number; cast to float or double first");
    default:
      return sum(x, axes);
  }
}

template <class T>
Tensor<T> einops(const EinopsPlan& plan, const Tensor<T>& x, const AxisSizes& sizes, ReduceOp::Kind kind) {
  const EinopsSizes steps(plan, x.shape(), sizes);
  Tensor<T> y = x.shape() == steps.split ? x : x.reshape(steps.split);
  if constexpr (Real<T> || std::same_as<T, std::int64_t>)
    if (steps.reduced.rank() > 0) y = reduce_axes(y, Axes(steps.reduced), kind);
  for (int i = 0; i < y.dim(); ++i)
    if (steps.order[i] != i) {
      y = y.permute(steps.order);
      break;
    }
  if (steps.with_ones != steps.repeated) y = y.view(steps.with_ones).expand(steps.repeated);
  return y.shape() == steps.result ? y : y.reshape(steps.result);
}

}  // namespace detail

/// The same elements in another order and shape: rearrange(x, "b n (h d) -> b h n d", {{"h", 8}}). Parentheses join
/// axes into one, or split one, whose sizes are given but for one; "..." stands for any axes, "1" and "()" for an axis
/// of size 1. A view where the order of the memory allows it, else a copy.
/// Errors: ShapeError naming the axis when sizes do not fit; a wrong literal does not compile, a wrong runtime_pattern
/// throws Error.
/// Backward: the rearrangement back.
/// PyTorch: einops.rearrange
template <Element T>
Tensor<T> rearrange(const Tensor<T>& x, const EinopsPattern<detail::Einops::rearrange>& pattern,
                    const AxisSizes& sizes = {}) {
  return detail::einops(pattern.plan(), x, sizes, ReduceOp::none);
}

/// rearrange with new axes on the right, along which the elements repeat: repeat(x, "h w -> (h 2) (w r)", {{"r", 3}}).
/// Errors: as rearrange, and ShapeError for a new axis without a size.
/// Backward: the sum over the new axes.
/// PyTorch: einops.repeat
template <Element T>
Tensor<T> repeat(const Tensor<T>& x, const EinopsPattern<detail::Einops::repeat>& pattern,
                 const AxisSizes& sizes = {}) {
  return detail::einops(pattern.plan(), x, sizes, ReduceOp::none);
}

/// rearrange with axes that only the left side has, over which "sum", "mean", "max", "min" or "prod" is taken:
/// reduce(x, "b c (h 2) (w 2) -> b c h w", "max").
/// Errors: as rearrange; ShapeError for max or min over nothing; Error for the mean of int64.
/// Backward: that of the reduction; equal maxima share the gradient evenly.
/// PyTorch: einops.reduce
template <Element T>
  requires(Real<T> || std::same_as<T, std::int64_t>)
Tensor<T> reduce(const Tensor<T>& x, const EinopsPattern<detail::Einops::reduce>& pattern, ReduceOp how,
                 const AxisSizes& sizes = {}) {
  return detail::einops(pattern.plan(), x, sizes, how.kind());
}

}  // namespace gloss::inline GLOSS_ABI
