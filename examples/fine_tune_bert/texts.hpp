// The texts and their classes, from a table with a line for each, and how a model reads them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gloss/data.hpp>
#include <gloss/gloss.hpp>
#include <gloss/models/bert.hpp>
#include <gloss/text/tokenizer_json.hpp>

using gloss::Index, gloss::Tensor;

using Example = std::pair<std::string, std::int64_t>;  // a text and its class
using Batch = std::pair<gloss::models::BertInput, Tensor<std::int64_t>>;

struct Columns {
  std::string text = "text", label = "label";
};

/// The texts of a file of tab-separated values whose first line names the columns. `classes` are sorted; without any,
/// the labels of the file become the classes.
/// Errors: LoadError naming file, line and cause; for a label that is none of the classes.
inline std::vector<Example> parse_texts(std::string_view bytes, const std::string& path, const Columns& columns,
                                        std::vector<std::string>& classes) {
  const gloss::data::Table table = gloss::data::parse_csv(bytes, path, {.separator = '\t', .quote = '\0'});
  if (classes.empty()) classes = table.labels(columns.label).names;
  const std::vector<std::string>&texts = table.texts(columns.text), &labels = table.texts(columns.label);
  std::vector<Example> examples;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto found = std::lower_bound(classes.begin(), classes.end(), labels[i]);
    if (found == classes.end() || *found != labels[i])
      gloss::fail<gloss::LoadError>(path, ": '", labels[i], "' is none of the classes that were learnt");
    examples.emplace_back(texts[i], found - classes.begin());
  }
  return examples;
}

inline std::vector<Example> chosen(const std::vector<Example>& all, const std::vector<Index>& part) {
  std::vector<Example> some;
  for (const Index i : part) some.push_back(all[static_cast<std::size_t>(i)]);
  return some;
}

/// Texts as a model reads them, the shorter ones padded, beside their classes.
inline Batch read_batch(const gloss::text::Pipeline& tokenizer, const std::vector<Example>& examples) {
  std::vector<std::string> texts;
  std::vector<std::int64_t> labels, ids, mask;
  for (const auto& [text, label] : examples) texts.push_back(text), labels.push_back(label);
  const std::vector<gloss::text::Encoding> rows = tokenizer.batch(texts);
  for (const gloss::text::Encoding& row : rows) {
    ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    mask.insert(mask.end(), row.attention_mask.begin(), row.attention_mask.end());
  }
  const gloss::Shape shape = {static_cast<Index>(rows.size()), rows[0].size()};
  return {{.input_ids = gloss::from_vector(ids, shape),
           .attention_mask = gloss::from_vector(mask, shape),
           .skip_padding = true},
          gloss::from_vector(labels)};
}
