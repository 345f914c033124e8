// Gradient checkpointing: memory for time.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/tensor/record.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// What a checkpoint keeps to call f again: a module by its address, since a copy would have parameters of its own,
/// anything else by copy.
template <class F>
class Recall {
 public:
  static constexpr bool is_module = requires(const F& f) { f.named_parameters(); };
  explicit Recall(const F& f) : kept_(keep(f)) {}
  template <class... Inputs>
  auto operator()(const Inputs&... inputs) const {
    if constexpr (is_module)
      return (*kept_)(inputs...);
    else
      return kept_(inputs...);
  }

 private:
  using Kept = std::conditional_t<is_module, const F*, F>;
  static Kept keep(const F& f) {
    if constexpr (is_module)
      return &f;
    else
      return f;
  }
  Kept kept_;
};

/// Notes, while it lives, where each draw of this thread from a stream begins, since other threads may draw in between.
/// One that is made with such notes makes the thread draw the same again.
class DrawLog final : public DrawListener {
 public:
  explicit DrawLog(const Rng& rng, std::vector<std::uint64_t> words = {})
      : rng_(rng), words_(std::move(words)), outer_(std::exchange(current, this)) {}
  ~DrawLog() { current = outer_; }
  DrawLog(const DrawLog&) = delete;
  DrawLog& operator=(const DrawLog&) = delete;

  const std::vector<std::uint64_t>& words() const { return words_; }
  std::uint64_t drawn(const Rng& rng, std::uint64_t word) override {
    if (outer_) word = outer_->drawn(rng, word);
    if (&rng != &rng_) return word;
    if (next_ == words_.size()) words_.push_back(word);
    return words_[next_++];
  }

 private:
  const Rng& rng_;
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
  DrawListener* outer_;
};
}  // namespace detail

/// y = f(inputs...), keeping the inputs and not what f computes on the way: backward calls f again and goes back
/// through that graph. Values and gradients have the same bits as without; random numbers are drawn again from the
/// same places, whatever other threads draw from the stream meanwhile. f returns one tensor, is const to call, gives
/// the same for the same inputs, and must live until the backward if it is a module, as must what it refers to. Its
/// parameters gather their gradients as usual. While grad mode is on the result requires a gradient, whatever f does.
/// Checkpoints may stand in checkpoints.
/// Errors: GradError when f changes an input in place, or gives another shape the second time.
/// Backward: of f, of any order.
/// PyTorch: torch.utils.checkpoint.checkpoint
template <class F, class... Ts>
auto checkpoint(F&& function, const Tensor<Ts>&... inputs) {
  using Function = std::remove_cvref_t<F>;
  static_assert(!detail::Recall<Function>::is_module || std::is_lvalue_reference_v<F>,
                "checkpoint: a module must outlive the backward, so it cannot be a temporary");
  const detail::Recall<Function> f(function);
  if (!is_grad_enabled()) return f(inputs...);
  const Rng start = current_rng();
  const std::uint32_t versions[] = {(inputs.defined() ? inputs.version() : 0)..., 0};
  std::vector<std::uint64_t> words;
  auto y = [&] {
    NoGradGuard no_grad;
    detail::DrawLog log(current_rng());
    auto out = f(inputs...).detach();
    words = log.words();
    return out;
  }();
  using Y = decltype(y);
  int k = 0;
  const auto check = [&](const auto& x) {
    if (x.defined() && x.version() != versions[k])
      fail<GradError>("checkpoint: the function changes input ", k, " in place");
    ++k;
  };
  (check(inputs), ...);
  const GraphInput graph[] = {GraphInput(inputs)..., GraphInput(Y{})};
  y = detail::record_on(
      "checkpoint", std::move(y), graph, sizeof...(inputs),
      [f, start, words = std::move(words), kept = std::tuple<Tensor<Ts>...>(inputs...)](const Y& dy, Grads& dx) {
        Rng rng = start;
        Y again;
        {
          const RngGuard draw(rng);
          detail::DrawLog log(rng, words);
          const GradGuard recorded(true);
          again = std::apply(f, kept);
        }
        if (again.shape() != dy.shape())
          fail<GradError>("checkpoint: the function gave shape ", dy.shape(), ", and ", again.shape(),
                          " when called again");
        dx.go_through(again, dy);
      },
      true);
  const_cast<NodeBase*>(y.node())->set_reaches_beyond();
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
