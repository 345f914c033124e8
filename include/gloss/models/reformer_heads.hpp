// Reformers that say words.
#pragma once

#include <string_view>

#include <gloss/models/loss.hpp>
#include <gloss/models/reformer.hpp>
#include <gloss/nn/key_value_cache.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Keys: decoder. [vocab_size, 2 hidden_size]; bias, which is in the files and adds nothing
template <Real T>
struct ReformerLMHead final : nn::Module<T> {
  nn::Parameter<T> bias;
  nn::Linear<T> decoder;
  Index chunk_size;

  explicit ReformerLMHead(const ReformerConfig& c)
      : bias(zeros<T>({c.vocab_size})), decoder(2 * c.hidden_size, c.vocab_size), chunk_size(c.chunk_size_lm_head) {
    init_normal_(*this, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(in_chunks(decoder, x, chunk_size)); }
  void visit(nn::Visitor<T>& v) override { v("bias", bias), v("decoder", decoder); }
};

/// What decode::CausalStepper keeps for a Reformer: the text, which is read anew for each token.
template <Real T>
struct ReformerCache {
  Tensor<std::int64_t> ids;  // [batch, length]
  Index length = 0;

  /// Row i becomes the old row rows[i]; the number of rows may change. Unchecked.
  void select_rows(const Tensor<std::int64_t>& rows) {
    if (ids.defined()) ids = nn::detail::select_rows(ids.contiguous(), rows);
  }
  /// Forgets what came behind the first n tokens.
  /// Errors: IndexError when there are fewer.
  void truncate(Index n) {
    if (n < 0 || n > length) fail<IndexError>("ReformerCache: cannot truncate ", length, " tokens to ", n);
    if (ids.defined()) ids = ids.narrow(1, 0, n);
    length = n;
  }
};

/// A Reformer that goes on with texts; its tokens come from decode::CausalStepper.
/// Shape: ids [batch, n] -> scores of the next token behind each, [batch, n, vocab_size]
/// Errors: as ReformerModel; Error for a Config that is no decoder or looks at later chunks.
/// transformers: ReformerModelWithLMHead
/// Keys: reformer., lm_head., as theirs
template <Real T>
struct ReformerModelWithLMHead final : nn::Module<T> {
  using Config = ReformerConfig;
  using Cache = ReformerCache<T>;
  static constexpr std::string_view architecture = "ReformerModelWithLMHead";
  ReformerConfig config;
  ReformerModel<T> reformer;
  ReformerLMHead<T> lm_head;

  explicit ReformerModelWithLMHead(const ReformerConfig& c) : config(c), reformer(c), lm_head(c) {
    if (!c.is_decoder) fail("ReformerModelWithLMHead: is_decoder must be true");
    if ((c.has("lsh") && c.lsh_num_chunks_after > 0) || (c.has("local") && c.local_num_chunks_after > 0))
      fail("ReformerModelWithLMHead: num_chunks_after must be 0");
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& attention_mask = {}) const {
    return this->output(lm_head(reformer(ids, attention_mask)));
  }
  /// How well each token follows from those before it: labels are the ids themselves, -100 where none counts.
  Tensor<T> loss(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& attention_mask = {}) const {
    return next_token_loss((*this)(ids, attention_mask), labels);
  }
  /// What decode::CausalStepper calls.
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr) const {
    if (!cache) return reformer(ids);
    const Tensor<std::int64_t> all = cache->length > 0 ? cat<std::int64_t>({cache->ids, ids}, 1) : ids.clone();
    const Tensor<T> y = reformer(all);
    cache->ids = all, cache->length = all.size(1);
    return y.narrow(1, all.size(1) - ids.size(1), ids.size(1));
  }
  Tensor<T> generator(const Tensor<T>& x) const { return lm_head.decoder(x); }
  void visit(nn::Visitor<T>& v) override { v("reformer", reformer), v("lm_head", lm_head); }
  static io::KeyMap keys() { return {}; }
};

/// A Reformer that finds masked words.
/// Shape: ids [batch, n] -> scores of the word at each place, [batch, n, vocab_size]
/// Errors: as ReformerModel; Error for a Config that is a decoder.
/// transformers: ReformerForMaskedLM
/// Keys: reformer., lm_head., as theirs
template <Real T>
struct ReformerForMaskedLM final : nn::Module<T> {
  using Config = ReformerConfig;
  static constexpr std::string_view architecture = "ReformerForMaskedLM";
  ReformerConfig config;
  ReformerModel<T> reformer;
  ReformerLMHead<T> lm_head;

  explicit ReformerForMaskedLM(const ReformerConfig& c) : config(c), reformer(c), lm_head(c) {
    if (c.is_decoder) fail("ReformerForMaskedLM: is_decoder must be false");
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& attention_mask = {}) const {
    return this->output(lm_head(reformer(ids, attention_mask)));
  }
  /// labels: the words at the places that are masked, -100 elsewhere.
  Tensor<T> loss(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& attention_mask = {}) const {
    return token_loss((*this)(ids, attention_mask), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("reformer", reformer), v("lm_head", lm_head); }
  static io::KeyMap keys() { return {}; }
};

}  // namespace gloss::inline GLOSS_ABI::models
