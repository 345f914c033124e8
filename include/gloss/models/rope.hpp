// Rotary positions as config files describe them: angles that are stretched so that a model reads longer texts than it
// was trained on.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// config.json's rope_parameters, in older files rope_scaling. rope_type: default; linear (positions are divided by
/// factor); dynamic (beyond max_position_embeddings the base grows with the length); llama3 (low frequencies are
/// divided by factor); yarn (low frequencies are divided, high ones stay, between them a ramp; scores are scaled);
/// longrope (each frequency has a divisor of its own, another one beyond original_max_position_embeddings).
/// Source: Su et al. 2021; Chen et al. 2023 for linear, Peng et al. 2023 for yarn, Ding et al. 2024 for longrope.
/// transformers: ROPE_INIT_FUNCTIONS
struct RopeParameters {
  std::optional<double> rope_theta = {};
  std::string rope_type = "default";
  std::string type = "";  // its name in older files
  std::optional<double> factor = {}, low_freq_factor = {}, high_freq_factor = {}, beta_fast = {}, beta_slow = {};
  std::optional<double> attention_factor = {}, mscale = {}, mscale_all_dim = {};
  std::optional<Index> original_max_position_embeddings = {};
  std::optional<bool> truncate = {};
  std::vector<double> short_factor = {}, long_factor = {};

  template <class Field>
  void fields(Field&& field) {
    field("rope_theta", rope_theta), field("rope_type", rope_type), field("type", type), field("factor", factor);
    field("low_freq_factor", low_freq_factor), field("high_freq_factor", high_freq_factor);
    field("beta_fast", beta_fast), field("beta_slow", beta_slow), field("attention_factor", attention_factor);
    field("mscale", mscale), field("mscale_all_dim", mscale_all_dim);
    field("original_max_position_embeddings", original_max_position_embeddings);
    field("truncate", truncate), field("short_factor", short_factor), field("long_factor", long_factor);
  }
};

/// The cosines and sines of positions [start, start + n), and what turns them out of RopeParameters.
class Rope {
 public:
  /// Errors: Error for an unknown kind, a part of it that is missing, and sizes that make no sense.
  GLOSS_COLD Rope(const RopeParameters& given, Index head_dim, Index max_position_embeddings)
      : p_(given), dim_(head_dim), most_(max_position_embeddings), theta_(given.rope_theta.value_or(10000)) {
    kind_ = p_.rope_type == "default" && !p_.type.empty() ? p_.type : p_.rope_type;
    if (dim_ <= 0 || dim_ % 2 != 0) fail("rope: head_dim ", dim_, " is not even and positive");
    if (!(theta_ > 0)) fail("rope: rope_theta ", theta_, " is not positive");
    before_ = static_cast<double>(p_.original_max_position_embeddings.value_or(most_));
    if (kind_ == "yarn" && !p_.factor) p_.factor = static_cast<double>(most_) / before_;
    if (kind_ == "linear" || kind_ == "dynamic" || kind_ == "llama3" || kind_ == "yarn") {
      if (!p_.factor) fail("rope: ", kind_, " has no factor");
      if (!(*p_.factor > 0)) fail("rope: factor ", *p_.factor, " is not positive");
    }
    if (kind_ == "llama3") {
      if (!p_.low_freq_factor || !p_.high_freq_factor) fail("rope: llama3 has no low_freq_factor or high_freq_factor");
    } else if (kind_ == "yarn") {
      scale_ = p_.attention_factor.value_or(
          p_.mscale && p_.mscale_all_dim ? grown(*p_.mscale) / grown(*p_.mscale_all_dim) : grown(1));
    } else if (kind_ == "longrope") {
      for (const auto* list : {&p_.short_factor, &p_.long_factor})
        if (static_cast<Index>(list->size()) != dim_ / 2)
          fail("rope: longrope has ", static_cast<Index>(list->size()), " divisors, ", dim_ / 2, " are wanted");
      const double times = p_.factor.value_or(static_cast<double>(most_) / before_);
      scale_ = p_.attention_factor.value_or(times <= 1 ? 1 : std::sqrt(1 + std::log(times) / std::log(before_)));
    } else if (kind_ != "default" && kind_ != "linear" && kind_ != "dynamic") {
      fail("rope: rope_type '", kind_, "' is none of default, linear, dynamic, llama3, yarn, longrope");
    }
  }

  template <Real T>
  struct Tables {
    Tensor<T> cosine, sine;  // [n, head_dim / 2]
  };
  template <Real T>
  Tables<T> tables(Index start, Index n) const {
    const std::vector<double> frequency = frequencies(start + n);
    Tables<T> out{empty<T>({n, dim_ / 2}), empty<T>({n, dim_ / 2})};
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < dim_ / 2; ++k) {
        const double angle = static_cast<double>(start + i) * frequency[static_cast<std::size_t>(k)];
        out.cosine.data()[i * (dim_ / 2) + k] = static_cast<T>(std::cos(angle) * scale_);
        out.sine.data()[i * (dim_ / 2) + k] = static_cast<T>(std::sin(angle) * scale_);
      }
    return out;
  }
  /// The angle between two neighbouring positions, of each pair, in a text of this length.
  std::vector<double> frequencies(Index length) const {
    std::vector<double> out;
    const double d = static_cast<double>(dim_), factor = p_.factor.value_or(1);
    double theta = theta_;
    if (kind_ == "dynamic" && length > most_)
      theta *= std::pow(factor * static_cast<double>(length) / static_cast<double>(most_) - (factor - 1), d / (d - 2));
    double low = 0, high = 0;
    if (kind_ == "yarn") {
      const auto turns_at = [&](double turns) {
        return d * std::log(before_ / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
      };
      low = turns_at(p_.beta_fast.value_or(32)), high = turns_at(p_.beta_slow.value_or(1));
      if (p_.truncate.value_or(true)) low = std::floor(low), high = std::ceil(high);
      low = (std::max)(low, 0.0), high = (std::min)(high, d - 1);
      if (low == high) high += 0.001;
    }
    for (Index k = 0; k < dim_ / 2; ++k) {
      const double plain = std::pow(theta, -2 * static_cast<double>(k) / d);
      double f = plain;
      if (kind_ == "linear") {
        f = plain / factor;
      } else if (kind_ == "llama3") {
        const double turns = before_ * plain / (2 * std::numbers::pi);  // over the length of the training
        const double slow = *p_.low_freq_factor, fast = *p_.high_freq_factor;
        const double kept = std::clamp((turns - slow) / (fast - slow), 0.0, 1.0);
        f = (1 - kept) * plain / factor + kept * plain;
      } else if (kind_ == "yarn") {
        const double divided = std::clamp((static_cast<double>(k) - low) / (high - low), 0.0, 1.0);
        f = plain / factor * divided + plain * (1 - divided);
      } else if (kind_ == "longrope") {
        const auto& list = static_cast<double>(length) > before_ ? p_.long_factor : p_.short_factor;
        f = plain / list[static_cast<std::size_t>(k)];
      }
      out.push_back(f);
    }
    return out;
  }

 private:
  /// How much larger yarn makes queries and keys.
  double grown(double mscale) const { return *p_.factor <= 1 ? 1 : 0.1 * mscale * std::log(*p_.factor) + 1; }

  RopeParameters p_;
  std::string kind_;
  Index dim_, most_;
  double theta_, before_ = 0, scale_ = 1;
};

}  // namespace gloss::inline GLOSS_ABI::models
