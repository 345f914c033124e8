// Large vocabularies: rare words have narrower vectors, and are scored only where one of them is the answer.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/nn/embedding.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/cross_entropy.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// A vocabulary in clusters, the commonest words first: cluster i has the words [ends[i], ends[i + 1]), with vectors of
/// width d_embed / div_val^i.
struct AdaptiveVocabulary {
  std::vector<Index> ends;  // 0, the cutoffs, and the size of the vocabulary
  Index d_model, d_embed, div_val;

  std::size_t clusters() const { return ends.size() - 1; }
  Index size(std::size_t cluster) const { return ends[cluster + 1] - ends[cluster]; }
  Index width(std::size_t cluster) const {
    Index d = d_embed;
    for (std::size_t i = 0; i < cluster; ++i) d /= div_val;
    return d;
  }
  /// Whether there is one table of vectors, of one width.
  bool is_one_table() const { return div_val == 1; }
  /// Whether matrices stand between the vectors and the model.
  bool has_projections() const { return div_val != 1 || d_model != d_embed; }
  /// Errors: IndexError in the name of `who` for an id outside the vocabulary.
  GLOSS_COLD std::size_t cluster_of(const char* who, std::int64_t id) const {
    if (id < 0 || id >= ends.back())
      fail<IndexError>(who, ": id ", id, " is out of range for a vocabulary of ", ends.back());
    return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), id) - ends.begin()) - 1;
  }
};

/// y = sqrt(d_model) P_i E_i[id - ends[i]], cluster i having the word: the rarer it is, the narrower its vector, which
/// P_i makes as wide as all. With div_val 1 there is one table, and one P unless it is wide enough.
/// Shape: ids [...] -> [..., d_model]
/// Errors: IndexError for an id outside the vocabulary.
/// Source: Baevski and Auli 2019.
/// transformers: AdaptiveEmbedding
/// Keys: emb_layers. [size of a cluster, its width], emb_projs. [d_model, width]
template <Real T>
struct AdaptiveEmbedding final : nn::Module<T> {
  AdaptiveVocabulary vocabulary;
  std::vector<nn::Embedding<T>> emb_layers;
  std::vector<nn::Parameter<T>> emb_projs;

  explicit AdaptiveEmbedding(const AdaptiveVocabulary& words) : vocabulary(words) {
    const bool one = words.is_one_table();
    for (std::size_t i = 0; i < (one ? 1 : words.clusters()); ++i) {
      emb_layers.emplace_back(one ? words.ends.back() : words.size(i), words.width(i));
      if (words.has_projections())
        emb_projs.emplace_back(randn<T>({words.d_model, words.width(i)}, T{0}, static_cast<T>(0.01)));
    }
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const {
    const double scale = std::sqrt(static_cast<double>(vocabulary.d_model));
    if (emb_layers.size() == 1) return this->output(projected(0, ids) * scale);
    const Tensor<std::int64_t> dense = ids.contiguous();
    std::vector<std::vector<std::int64_t>> places(emb_layers.size()), words(emb_layers.size());
    for (Index i = 0; i < dense.numel(); ++i) {
      const std::int64_t id = dense.data()[i];
      const std::size_t cluster = vocabulary.cluster_of("AdaptiveEmbedding", id);
      places[cluster].push_back(i), words[cluster].push_back(id - vocabulary.ends[cluster]);
    }
    std::vector<Tensor<T>> rows;  // cluster by cluster
    std::vector<std::int64_t> row(static_cast<std::size_t>(dense.numel()));
    std::int64_t next = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
      rows.push_back(projected(i, from_vector(words[i])));
      for (const std::int64_t place : places[i]) row[static_cast<std::size_t>(place)] = next++;
    }
    return this->output(embedding(from_vector(row, ids.shape()), cat(rows), scale));
  }
  void visit(nn::Visitor<T>& v) override {
    v("emb_layers", emb_layers);
    for (std::size_t i = 0; i < emb_projs.size(); ++i) v("emb_projs." + std::to_string(i), emb_projs[i]);
  }

 private:
  Tensor<T> projected(std::size_t i, const Tensor<std::int64_t>& ids) const {
    const Tensor<T> x = emb_layers[i](ids);
    return emb_projs.empty() ? x : linear(x, emb_projs[i]);
  }
};

/// log P of each word. The head scores the shortlist, which are the commonest words, and one entry for each further
/// cluster i; within that the word is scored by itself, so that log P = log P(cluster) + log P(word in the cluster).
/// The scores of cluster i are W_i P_i^T x + b_i; with div_val 1 the W_i are pieces of one matrix.
/// Shape: [..., d_model] -> [..., vocab_size]
/// Source: Grave et al. 2017.
/// transformers: ProjectedAdaptiveLogSoftmax
/// Keys: cluster_weight [cutoffs, d_embed], cluster_bias; out_layers. [size of a cluster, its width], out_projs.
/// [d_model, width]
template <Real T>
struct ProjectedAdaptiveLogSoftmax final : nn::Module<T> {
  AdaptiveVocabulary vocabulary;
  nn::Parameter<T> cluster_weight, cluster_bias;
  std::vector<nn::Linear<T>> out_layers;
  std::vector<nn::Parameter<T>> out_projs;

  explicit ProjectedAdaptiveLogSoftmax(const AdaptiveVocabulary& words) : vocabulary(words) {
    if (const Index further = static_cast<Index>(words.clusters()) - 1; further > 0) {
      cluster_weight = nn::Parameter<T>(zeros<T>({further, words.d_embed}));
      cluster_bias = nn::Parameter<T>(zeros<T>({further}));
    }
    if (words.is_one_table()) out_layers.emplace_back(words.d_embed, words.ends.back());
    for (std::size_t i = 0; i < words.clusters(); ++i) {
      if (!words.is_one_table()) out_layers.emplace_back(words.width(i), words.size(i));
      if (words.has_projections())
        out_projs.emplace_back(randn<T>({words.d_model, words.width(i)}, T{0}, static_cast<T>(0.01)));
    }
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    const Tensor<T> head = log_softmax(logits(0, x), -1);
    std::vector<Tensor<T>> parts = {head.narrow(-1, 0, vocabulary.ends[1])};
    for (std::size_t i = 1; i < vocabulary.clusters(); ++i)
      parts.push_back(head.narrow(-1, head_entry(i), 1) + log_softmax(logits(i, x), -1));
    return this->output(cat(parts, -1));
  }
  /// The mean of -log P(label), where a label is -100 in the rows that do not count; a cluster is only scored for the
  /// rows whose label is in it.
  /// Shape: x [rows, d_model], labels [rows] -> []
  /// Errors: IndexError for a label outside the vocabulary.
  Tensor<T> loss(const Tensor<T>& x, const Tensor<std::int64_t>& labels) const {
    const Tensor<std::int64_t> dense = labels.contiguous();
    std::vector<std::vector<std::int64_t>> rows(vocabulary.clusters()), words(rows.size());
    std::vector<std::int64_t> heads;
    for (Index i = 0; i < dense.numel(); ++i) {
      const std::int64_t label = dense.data()[i];
      heads.push_back(label);
      if (label == -100) continue;
      const std::size_t cluster = vocabulary.cluster_of("ProjectedAdaptiveLogSoftmax", label);
      if (cluster > 0) heads.back() = head_entry(cluster);
      rows[cluster].push_back(i), words[cluster].push_back(label - vocabulary.ends[cluster]);
    }
    const CrossEntropyOptions summed{.reduction = LossReduction::sum};
    Tensor<T> total = cross_entropy(logits(0, x), from_vector(heads, labels.shape()), summed);
    std::size_t counted = rows[0].size();
    for (std::size_t i = 1; i < rows.size(); ++i) {
      counted += rows[i].size();
      if (rows[i].empty()) continue;
      const Tensor<T> of_cluster = embedding(from_vector(rows[i]), x);
      total = total + cross_entropy(logits(i, of_cluster), from_vector(words[i]), summed);
    }
    return total / static_cast<double>(counted);
  }
  void visit(nn::Visitor<T>& v) override {
    v("cluster_weight", cluster_weight), v("cluster_bias", cluster_bias), v("out_layers", out_layers);
    for (std::size_t i = 0; i < out_projs.size(); ++i) v("out_projs." + std::to_string(i), out_projs[i]);
  }

 private:
  /// Where the head scores cluster i as a whole.
  Index head_entry(std::size_t i) const { return vocabulary.ends[1] + static_cast<Index>(i) - 1; }
  Tensor<T> logits(std::size_t i, const Tensor<T>& x) const {
    const bool one = vocabulary.is_one_table();
    Tensor<T> weight = out_layers[one ? 0 : i].weight, bias = out_layers[one ? 0 : i].bias;
    if (one) {
      weight = weight.narrow(0, vocabulary.ends[i], vocabulary.size(i));
      bias = bias.narrow(0, vocabulary.ends[i], vocabulary.size(i));
    }
    if (i == 0 && cluster_weight.defined())
      weight = cat<T>({weight, cluster_weight}), bias = cat<T>({bias, cluster_bias});
    return linear(out_projs.empty() ? x : linear(x, out_projs[i].transpose(0, 1)), weight, bias);
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
