// Patterns that name axes: einsum's "ij,jk->ik" and einops' "b n (h d) -> b h n d". A literal is parsed by the
// compiler, which refuses a wrong one; a text that is known at run time is wrapped in runtime_pattern().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

/// A pattern that is known at run time: einsum(runtime_pattern(text), ...). It keeps a copy of the text.
class RuntimePattern {
 public:
  explicit RuntimePattern(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};
inline RuntimePattern runtime_pattern(std::string text) { return RuntimePattern(std::move(text)); }

/// The size of a named axis of a pattern: {"h", 8}.
struct AxisSize {
  std::string_view axis;
  Index size;
};
using AxisSizes = std::vector<AxisSize>;

namespace detail {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// When a literal is wrong, the compiler stops at a fail() below and shows its text.

/// The operands and the result of an einsum; '.' stands for an ellipsis.
struct EinsumPlan {
  static constexpr int max_operands = 8;
  struct Operand {
    char labels[max_rank + 1] = {};
    int count = 0;
    constexpr bool has(char label) const { return find(label) >= 0; }
    constexpr int find(char label) const {
      for (int i = 0; i < count; ++i)
        if (labels[i] == label) return i;
      return -1;
    }
  };

  std::string_view text;
  Operand operands[max_operands] = {};
  int count = 0;
  Operand result = {};

  constexpr explicit EinsumPlan(std::string_view pattern) : text(pattern) {
    const std::size_t arrow = text.find("->");
    std::string_view inputs = text.substr(0, arrow);
    for (;;) {
      const std::size_t comma = inputs.find(',');
      if (count == max_operands) fail("einsum: '", text, "' has more than 8 operands");
      operands[count++] = read(inputs.substr(0, comma));
      if (comma == std::string_view::npos) break;
      inputs.remove_prefix(comma + 1);
    }
    if (arrow == std::string_view::npos) {
      imply_result();
      return;
    }
    result = read(text.substr(arrow + 2));
    for (int i = 0; i < result.count; ++i) {
      const char label = result.labels[i];
      if (label == '.') continue;
      if (times_used(label) == 0) fail("einsum: axis '", label, "' of the result of '", text, "' is in no operand");
      for (int j = 0; j < i; ++j)
        if (result.labels[j] == label) fail("einsum: axis '", label, "' is twice in the result of '", text, "'");
    }
  }

 private:
  constexpr Operand read(std::string_view part) const {
    Operand out;
    for (std::size_t i = 0; i < part.size(); ++i) {
      char c = part[i];
      if (c == ' ') continue;
      if (c == '.') {
        if (part.substr(i, 3) != "...") fail("einsum: '", text, "' has a point that is not part of an ellipsis");
        if (out.has('.')) fail("einsum: '", part, "' of '", text, "' has two ellipses");
        i += 2;
      } else if (!is_letter(c)) {
        fail("einsum: '", text, "' has '", c, "', axes are letters");
      }
      if (out.count == max_rank + 1 || (out.count == max_rank && c != '.' && !out.has('.')))
        fail("einsum: '", part, "' of '", text, "' has more than 8 axes");
      out.labels[out.count++] = c;
    }
    return out;
  }
  constexpr int times_used(char label) const {
    int n = 0;
    for (int k = 0; k < count; ++k)
      for (int i = 0; i < operands[k].count; ++i) n += operands[k].labels[i] == label;
    return n;
  }
  /// Without "->": the ellipsis, then the axes that stand once, capitals first.
  constexpr void imply_result() {
    if (times_used('.') > 0) result.labels[result.count++] = '.';
    for (const char* c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; *c; ++c) {
      if (times_used(*c) != 1) continue;
      if (result.count == max_rank + 1) fail("einsum: the result of '", text, "' has more than 8 axes");
      result.labels[result.count++] = *c;
    }
  }
};

enum class Einops { rearrange, repeat, reduce };
constexpr const char* einops_name(Einops op) {
  return op == Einops::rearrange ? "rearrange" : op == Einops::repeat ? "repeat" : "reduce";
}

/// Both sides of an einops pattern: each side lists tensor axes, each of which holds any number of elementary axes.
struct EinopsPlan {
  static constexpr int most = 16;  // elementary axes in all
  static constexpr int ellipsis = -1;

  struct Axis {
    std::string_view name;  // "..." for the ellipsis; the digits of an axis that has a size for a name
    Index size = -1;        // of such an axis
    bool on_left = false, on_right = false;
  };
  struct Group {  // a tensor axis: members[begin, end); an ellipsis outside parentheses stands for many
    int begin = 0, end = 0;
    bool open_ellipsis = false;
  };
  struct Side {
    std::string_view text;
    int members[most] = {};  // numbers of axes
    int member_count = 0;
    Group groups[most] = {};
    int group_count = 0;
    bool has_ellipsis = false;
  };

  Einops op;
  std::string_view text;
  Axis axes[most] = {};
  int axis_count = 0;
  Side left = {}, right = {};

  constexpr EinopsPlan(Einops which, std::string_view pattern) : op(which), text(pattern) {
    const std::size_t arrow = text.find("->");
    if (arrow == std::string_view::npos) fail(name(), ": '", text, "' has no '->'");
    if (text.find("->", arrow + 2) != std::string_view::npos) fail(name(), ": '", text, "' has two '->'");
    read(left, text.substr(0, arrow), true);
    read(right, text.substr(arrow + 2), false);
    for (int i = 0; i < axis_count; ++i) {
      const Axis& axis = axes[i];
      if (axis.on_left && axis.on_right) continue;
      if (axis.on_left && op != Einops::reduce)
        fail(name(), ": axis '", axis.name, "' of '", text, "' is on the left only");
      if (axis.on_right && (op != Einops::repeat || axis.name == "..."))
        fail(name(), ": axis '", axis.name, "' of '", text, "' is on the right only");
    }
  }
  constexpr const char* name() const { return einops_name(op); }
  constexpr int find(std::string_view axis) const {
    for (int i = 0; i < axis_count; ++i)
      if (axes[i].name == axis && axes[i].size < 0) return i;
    return -1;
  }

 private:
  constexpr void read(Side& side, std::string_view part, bool is_left) {
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    side.text = part;
    bool inside = false;
    std::size_t i = 0;
    while (i < part.size()) {
      const char c = part[i];
      if (c == ' ') {
        ++i;
      } else if (c == '(') {
        if (inside) fail(name(), ": '", text, "' has parentheses within parentheses");
        open_group(side);
        inside = true;
        ++i;
      } else if (c == ')') {
        if (!inside) fail(name(), ": '", text, "' has a ')' without '('");
        inside = false;
        ++i;
      } else {
        std::size_t end = i;
        while (end < part.size() && part[end] != ' ' && part[end] != '(' && part[end] != ')') ++end;
        if (!inside) open_group(side);
        add(side, part.substr(i, end - i), is_left, inside);
        i = end;
      }
    }
    if (inside) fail(name(), ": '", text, "' has a '(' without ')'");
  }
  constexpr void open_group(Side& side) {
    if (side.group_count == most) fail(name(), ": '", text, "' has more than 16 axes on a side");
    side.groups[side.group_count++] = {side.member_count, side.member_count, false};
  }
  constexpr void add(Side& side, std::string_view word, bool is_left, bool inside) {
    if (word == "1") return;  // an axis of nothing
    Axis axis;
    axis.name = word;
    int number = -1;
    if (word == "...") {
      if (side.has_ellipsis) fail(name(), ": '", side.text, "' has two ellipses");
      if (inside && is_left) fail(name(), ": '", side.text, "' has an ellipsis in parentheses on the left");
      side.has_ellipsis = true;
      side.groups[side.group_count - 1].open_ellipsis = !inside;
    } else if (is_digit(word[0])) {
      Index size = 0;
      for (const char c : word) {
        if (!is_digit(c) || size > Index{1} << 40) fail(name(), ": '", word, "' of '", text, "' is no axis");
        size = 10 * size + (c - '0');
      }
      if (size == 0) fail(name(), ": an axis of '", text, "' has the size 0");
      if (op == Einops::rearrange) fail("rearrange: axis ", word, " of '", text, "' has no name");
      axis.size = size;
    } else {
      for (const char c : word)
        if (!is_letter(c) && !is_digit(c) && c != '_') fail(name(), ": '", word, "' of '", text, "' is no axis");
      if (word.front() == '_' || word.back() == '_')
        fail(name(), ": axis '", word, "' of '", text, "' begins or ends with '_'");
    }
    if (axis.size < 0) number = find(word);
    if (number < 0) {
      if (axis_count == most) fail(name(), ": '", text, "' has more than 16 axes");
      number = axis_count++;
      axes[number] = axis;
    }
    bool& here = is_left ? axes[number].on_left : axes[number].on_right;
    if (here) fail(name(), ": axis '", word, "' is twice in '", side.text, "'");
    here = true;
    side.members[side.member_count++] = number;
    side.groups[side.group_count - 1].end = side.member_count;
  }
};

}  // namespace detail

/// What einsum takes: a literal, parsed by the compiler, or runtime_pattern(text).
/// Errors: a wrong literal does not compile; a wrong run-time text throws Error that says what is wrong in it.
class EinsumPattern {
 public:
  template <std::size_t N>
  consteval EinsumPattern(const char (&literal)[N]) : plan_(std::string_view(literal, N - 1)) {}
  /// The pattern must outlive this object, as it does in a call.
  EinsumPattern(const RuntimePattern& pattern) : plan_(pattern.text()) {}
  const detail::EinsumPlan& plan() const { return plan_; }

 private:
  detail::EinsumPlan plan_;
};

/// What rearrange, repeat and reduce take: a literal, parsed by the compiler, or runtime_pattern(text).
/// Errors: a wrong literal does not compile; a wrong run-time text throws Error that says what is wrong in it.
template <detail::Einops op>
class EinopsPattern {
 public:
  template <std::size_t N>
  consteval EinopsPattern(const char (&literal)[N]) : plan_(op, std::string_view(literal, N - 1)) {}
  /// The pattern must outlive this object, as it does in a call.
  EinopsPattern(const RuntimePattern& pattern) : plan_(op, pattern.text()) {}
  const detail::EinopsPlan& plan() const { return plan_; }

 private:
  detail::EinopsPlan plan_;
};

}  // namespace gloss::inline GLOSS_ABI
