#pragma once

#include <vector>

#include <gloss/decode/stepper.hpp>
#include <gloss/ops/index_select.hpp>

namespace gloss_test {

/// A Stepper whose scores depend on the last token alone: row i of a table are the scores behind token i.
struct Markov final : gloss::decode::Stepper<double> {
  using Ids = gloss::Tensor<std::int64_t>;
  gloss::Tensor<double> table;
  std::vector<std::vector<std::int64_t>> read;  // of each row
  gloss::Index steps = 0;

  explicit Markov(gloss::Tensor<double> scores) : table(std::move(scores)) {}
  gloss::Tensor<double> step(const Ids& tokens) override {
    if (read.empty()) read.resize(static_cast<std::size_t>(tokens.size(0)));
    std::vector<std::int64_t> last;
    for (gloss::Index i = 0; i < tokens.size(0); ++i) {
      for (gloss::Index j = 0; j < tokens.size(1); ++j) read[static_cast<std::size_t>(i)].push_back(tokens.at({i, j}));
      last.push_back(tokens.at({i, -1}));
    }
    ++steps;
    return index_select(table, 0, gloss::from_vector(last));
  }
  void select_rows(const Ids& rows) override {
    std::vector<std::vector<std::int64_t>> selected;
    for (gloss::Index i = 0; i < rows.numel(); ++i) selected.push_back(read[static_cast<std::size_t>(rows.at({i}))]);
    read = selected;
  }
  void truncate(gloss::Index length) override {
    for (auto& row : read) row.resize(static_cast<std::size_t>(length));
  }
  gloss::Index rows() const override { return static_cast<gloss::Index>(read.size()); }
  gloss::Index length() const override { return read.empty() ? 0 : static_cast<gloss::Index>(read[0].size()); }
};

}  // namespace gloss_test
