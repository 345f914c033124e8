// Attention by its definition, in double, with an explicit matrix of probabilities, for the tests and benchmarks.
#pragma once

#include <vector>

#include <gloss/kernels/attention.hpp>

namespace test {

/// Dense copies of what attention computes; the inputs are read through the strides of the arguments.
struct NaiveAttention {
  std::vector<double> o, weights, dq, dk, dv, dbias;  // dbias is [batch, heads, len_q, len_k], nothing summed yet
};

template <class T>
NaiveAttention naive_attention(const gloss::kernels::AttentionArgs<T>& a, const gloss::kernels::AttentionGrads<T>& g) {
  using gloss::Index;
  using gloss::kernels::AttentionStrides;
  const auto at = [](const T* p, const AttentionStrides& s, Index b, Index h, Index row, Index column) {
    return static_cast<double>(p[b * s.batch + h * s.head + row * s.row + column]);
  };
  const auto size = [](Index n) { return static_cast<std::size_t>(n); };
  NaiveAttention r;
  const Index heads = a.batch * a.heads, kv_heads = a.heads / a.group;
  r.o.resize(size(heads * a.len_q * a.d_v));
  r.weights.resize(size(heads * a.len_q * a.len_k));
  r.dq.resize(size(heads * a.len_q * a.d_k));
  r.dbias.resize(r.weights.size());
  r.dk.resize(size(a.batch * kv_heads * a.len_k * a.d_k));
  r.dv.resize(size(a.batch * kv_heads * a.len_k * a.d_v));
  for (Index bh = 0; bh < heads; ++bh) {
    const Index b = bh / a.heads, h = bh % a.heads, kv = h / a.group, bkv = b * kv_heads + kv;
    for (Index i = 0; i < a.len_q; ++i) {
      std::vector<double> p(size(a.len_k)), factor(size(a.len_k), 1.0);
      std::vector<bool> masked(size(a.len_k));
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      for (Index j = 0; j < a.len_k; ++j) {
        double score = 0;
        for (Index c = 0; c < a.d_k; ++c) score += at(a.q, a.q_strides, b, h, i, c) * at(a.k, a.k_strides, b, kv, j, c);
        score *= static_cast<double>(a.scale);
        const Index* bs = a.bias_strides;
        if (a.bias != nullptr) score += static_cast<double>(a.bias[b * bs[0] + h * bs[1] + i * bs[2] + j * bs[3]]);
        const Index* ms = a.mask_strides;
        masked[size(j)] = a.mask != nullptr && !a.mask[b * ms[0] + h * ms[1] + i * ms[2] + j * ms[3]];
        if (masked[size(j)]) score = static_cast<double>(a.mask_fill);
        if (a.causal && j > i + a.len_k - a.len_q) score = -std::numeric_limits<double>::infinity();
        p[size(j)] = score;
        max = std::max(max, score);
      }
      for (double& x : p) sum += x = std::exp(x - max);
      double d_dot_o = 0;
      for (Index j = 0; j < a.len_k; ++j) {
        p[size(j)] /= sum;
        if (a.dropout > 0) {
          const auto e = static_cast<std::uint64_t>((bh * a.len_q + i) * a.len_k + j);
          const std::uint32_t bits =
              (a.random.words(e / 8)[size(static_cast<Index>(e % 8 / 2))] >> (16 * (e % 2))) & 0xFFFF;
          factor[size(j)] = bits < std::floor(a.dropout * 65536 + 0.5) ? 0 : 1 / (1 - a.dropout);
        }
        const double w = p[size(j)] * factor[size(j)];
        r.weights[size((bh * a.len_q + i) * a.len_k + j)] = w;
        for (Index c = 0; c < a.d_v; ++c)
          r.o[size((bh * a.len_q + i) * a.d_v + c)] += w * at(a.v, a.v_strides, b, kv, j, c);
      }
      if (g.d_o == nullptr) continue;
      for (Index c = 0; c < a.d_v; ++c)
        d_dot_o += at(g.d_o, g.d_o_strides, b, h, i, c) * r.o[size((bh * a.len_q + i) * a.d_v + c)];
      for (Index j = 0; j < a.len_k; ++j) {
        double dp = 0;
        for (Index c = 0; c < a.d_v; ++c) {
          dp += at(g.d_o, g.d_o_strides, b, h, i, c) * at(a.v, a.v_strides, b, kv, j, c);
          r.dv[size((bkv * a.len_k + j) * a.d_v + c)] +=
              p[size(j)] * factor[size(j)] * at(g.d_o, g.d_o_strides, b, h, i, c);
        }
        double ds = masked[size(j)] ? 0 : p[size(j)] * (dp * factor[size(j)] - d_dot_o);
        r.dbias[size((bh * a.len_q + i) * a.len_k + j)] = ds;
        ds *= static_cast<double>(a.scale);
        for (Index c = 0; c < a.d_k; ++c) {
          r.dq[size((bh * a.len_q + i) * a.d_k + c)] += ds * at(a.k, a.k_strides, b, kv, j, c);
          r.dk[size((bkv * a.len_k + j) * a.d_k + c)] += ds * at(a.q, a.q_strides, b, h, i, c);
        }
      }
    }
  }
  return r;
}

/// [batch, heads, len, d] in one piece, or as the projections [batch, len, heads * d].
inline gloss::kernels::AttentionStrides attention_strides(gloss::Index heads, gloss::Index len, gloss::Index d,
                                                          bool projection) {
  if (projection) return {len * heads * d, d, heads * d};
  return {heads * len * d, len * d, d};
}

/// A [batch, heads, len, d] array of those strides as a dense one.
template <class T>
std::vector<T> dense(const std::vector<T>& x, const gloss::kernels::AttentionStrides& s, gloss::Index batch,
                     gloss::Index heads, gloss::Index len, gloss::Index d) {
  std::vector<T> y;
  y.reserve(x.size());
  for (gloss::Index b = 0; b < batch; ++b)
    for (gloss::Index h = 0; h < heads; ++h)
      for (gloss::Index i = 0; i < len; ++i)
        for (gloss::Index c = 0; c < d; ++c)
          y.push_back(x[static_cast<std::size_t>(b * s.batch + h * s.head + i * s.row + c)]);
  return y;
}

}  // namespace test
