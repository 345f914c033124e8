// AT's "LabelSmoothing" (paper 5.4).
#pragma once

#include <cmath>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Sum over rows of KL(t || e^x) for a smoothed target t: 1 - smoothing at the target, 0 at padding_idx,
/// smoothing / (size - 2) elsewhere; a row whose target is padding counts nothing. t is never formed. What has t = 0
/// counts nothing either: x may be -infinity at padding_idx, as logits that rule padding out give it.
/// Shape: x [..., size] log-probabilities, target [...] -> []
/// Errors: ShapeError when x does not end in size or target does not fit, IndexError for a target outside [0, size),
/// Error for a smoothing outside [0, 1] or size < 3; GradError from a recorded backward (the op is fused).
/// Backward: dx = -t * dloss.
/// Source: paper 5.4. AT: LabelSmoothing
template <Real T>
struct LabelSmoothing {
  Index size;
  std::int64_t padding_idx;
  double smoothing;

  LabelSmoothing(Index vocab, std::int64_t padding, double smooth = 0.0)
      : size(vocab), padding_idx(padding), smoothing(smooth) {
    if (size < 3) fail("LabelSmoothing: size ", size, " leaves nothing to spread over");
    if (!(smoothing >= 0 && smoothing <= 1)) fail("LabelSmoothing: smoothing ", smoothing, " is not in [0, 1]");
  }

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& target) const {
    if (x.dim() == 0 || x.size(-1) != size)
      fail<ShapeError>("LabelSmoothing: x ", x.shape(), " does not end in size ", size);
    ProfileScope scope("label_smoothing");
    if (scope) scope.bytes(sizeof(T), {x.numel()});
    const Index rows = x.numel() / size;
    if (target.numel() != rows)
      fail<ShapeError>("LabelSmoothing: target ", target.shape(), " does not fit x ", x.shape());
    const Tensor<std::int64_t> t = target.contiguous();
    for (Index r = 0; r < rows; ++r)
      if (t.data()[r] < 0 || t.data()[r] >= size)
        fail<IndexError>("LabelSmoothing: target ", t.data()[r], " is out of range for size ", size);
    const Tensor<T> logp = x.detach().contiguous();
    const double spread = smoothing / static_cast<double>(size - 2), confidence = 1 - smoothing;
    const double entropy = t_log_t(confidence) + static_cast<double>(size - 2) * t_log_t(spread);
    const bool pad_inside = padding_idx >= 0 && padding_idx < size;
    std::vector<double> loss(static_cast<std::size_t>(rows), 0.0);
    parallel_for(rows, 16384 / size + 1, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        const std::int64_t y = t.data()[r];
        if (y == padding_idx) continue;
        const T* row = logp.data() + r * size;
        double sum = 0;  // of what the spread goes to: not the target, and not padding, where -infinity may stand
        if (spread > 0) {
          const Index pad = pad_inside ? padding_idx : y, first = y < pad ? y : pad, second = y < pad ? pad : y;
          T lanes[16] = {};
          add_to(lanes, row, first);
          add_to(lanes, row + first + 1, second - first - 1);
          add_to(lanes, row + second + 1, size - second - 1);
          for (T lane : lanes) sum += static_cast<double>(lane);
        }
        const double missing = pad_inside ? 0 : t_log_t(spread);  // without a padding column one more shares the spread
        loss[static_cast<std::size_t>(r)] =
            entropy + missing - (confidence > 0 ? confidence * static_cast<double>(row[y]) : 0) - spread * sum;
      }
    });
    double total = 0;
    for (double l : loss) total += l;
    return record("label_smoothing", full<T>({}, static_cast<T>(total)), {x},
                  [shape = x.shape(), t, rows, spread, confidence, pad_inside, n = size, pad = padding_idx](
                      const Tensor<T>& dy, Grads& dx) {
                    if (is_grad_enabled()) fail<GradError>("label_smoothing: a fused op has no second derivative");
                    const double scale = static_cast<double>(dy.item());
                    Tensor<T> g = empty<T>(shape);
                    parallel_for(rows, 16384 / n + 1, [&](Index begin, Index end) {
                      for (Index r = begin; r < end; ++r) {
                        T* row = g.data() + r * n;
                        const std::int64_t y = t.data()[r];
                        const T fill = y == pad ? T{0} : static_cast<T>(-scale * spread);
                        for (Index i = 0; i < n; ++i) row[i] = fill;
                        if (y == pad) continue;
                        if (pad_inside) row[pad] = T{0};
                        row[y] = static_cast<T>(-scale * confidence);
                      }
                    });
                    dx.add(0, std::move(g));
                  });
  }

 private:
  static double t_log_t(double t) { return t > 0 ? t * std::log(t) : 0; }
  /// lanes += the n numbers of x, every 16th to the same.
  static void add_to(T (&lanes)[16], const T* x, Index n) {
    Index i = 0;
    for (; i + 16 <= n; i += 16)
      for (int l = 0; l < 16; ++l) lanes[l] += x[i + l];
    for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i];
  }
};

GLOSS_INSTANTIATE(struct LabelSmoothing<float>)
GLOSS_INSTANTIATE(struct LabelSmoothing<double>)

}  // namespace gloss::inline GLOSS_ABI::train
