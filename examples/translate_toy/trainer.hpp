// Training: data, the loss, and what is shown after each epoch.
#pragma once

#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gloss/data/loader.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/train/bleu.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/progress.hpp>

#include "../fewer_bits.hpp"
#include "text.hpp"
#include "translator.hpp"

namespace toy {

/// Pairs as ids.
struct Corpus {
  std::vector<std::vector<Index>> src, tgt;

  Corpus(const Vocabulary& vocabulary, const std::vector<data::SentencePair>& pairs, Index max_len) {
    for (const data::SentencePair& p : pairs) {
      std::vector<Index> s = vocabulary.source_ids(p.src), t = vocabulary.target_ids(p.tgt);
      if (static_cast<Index>((std::max)(s.size(), t.size())) > max_len) continue;
      src.push_back(std::move(s));
      tgt.push_back(std::move(t));
    }
  }
  data::BatchSampler sampler(data::BatchSamplerOptions options) const {
    std::vector<data::PairLength> lengths;
    for (std::size_t i = 0; i < src.size(); ++i)
      lengths.push_back({static_cast<Index>(src[i].size()), static_cast<Index>(tgt[i].size())});
    return data::BatchSampler(std::move(lengths), options);
  }
  /// Batches of pairs of like length.
  auto batches(data::BatchSampler sampler) const {
    const auto number = [](Index i) { return i; };
    const auto collate = [this](const std::vector<Index>& pairs) {
      return train::Batch(data::pad_sequences(src, pairs, Vocabulary::pad_id),
                          data::pad_sequences(tgt, pairs, Vocabulary::pad_id), Vocabulary::pad_id);
    };
    return data::Loader(data::LazyDataset(static_cast<Index>(src.size()), number), std::move(sampler), {}, collate);
  }
};

/// Shows each epoch as a line.
class EpochLines {
 public:
  explicit EpochLines(Index epochs) : epochs_(epochs) {}

  void operator()(const train::Event& event) {
    if (event.phase == "train") return show(event);
    if (event.phase == "epoch") {
      finish();
      done_ = event.epoch;
      seconds_ += event.seconds - since_;
    }
    since_ = event.seconds;
  }
  void finish() {
    if (line_) line_->finish();
    line_.reset();
  }
  /// Epochs that are done, and how long they took in this process without what was measured between them.
  Index done() const { return done_; }
  double seconds() const { return seconds_; }

 private:
  void show(const train::Event& event) {
    const double loss = *event.find("loss");
    smooth_ = line_ ? 0.95 * smooth_ + 0.05 * loss : loss;
    if (!line_) {
      line_.emplace(
          train::ProgressOptions{.title = "epoch " + std::to_string(event.epoch + 1) + "/" + std::to_string(epochs_),
                                 .total = event.batches,
                                 .first = event.batch,
                                 .file = stdout});
      items_ = event.items;
    }
    line_->update(event.batch, {.loss = smooth_, .tokens = static_cast<Index>(event.items - items_)});
  }

  Index epochs_, done_ = 0;
  double seconds_ = 0, since_ = 0, smooth_ = 0, items_ = 0;
  std::optional<train::Progress> line_;
};

class Trainer {
 public:
  /// From the beginning, or from a checkpoint.
  /// Errors: LoadError when it is no training checkpoint, or was trained on other data.
  Trainer(TrainSettings settings, const std::vector<data::SentencePair>& pairs, const io::TensorFile* file = nullptr)
      : settings_(std::move(settings)),
        rng_(settings_.seed),
        fingerprint_(fingerprint(pairs)),
        split_(split_held_out(pairs, settings_.held_out, settings_.held_out_words)),
        translator_(first_translator(file)),
        lines_(settings_.epochs) {
    if (settings_.batch_tokens < settings_.max_len)
      fail("train: a batch of ", settings_.batch_tokens, " tokens has no room for a sentence of ", settings_.max_len);
    const Vocabulary& vocabulary = translator_.vocabulary();
    std::erase_if(split_.held_out, [&](const data::SentencePair& p) {
      return static_cast<Index>(vocabulary.source_ids(p.src).size()) > max_positions ||
             static_cast<Index>(vocabulary.target_ids(p.tgt).size()) > max_positions;
    });
    if (split_.held_out.empty()) fail("train: every held-out sentence is longer than ", max_positions, " subwords");
    corpus_.emplace(vocabulary, split_.train, settings_.max_len);
    if (corpus_->src.empty()) fail("train: no sentence pair has at most ", settings_.max_len, " subwords on each side");
    held_out_.emplace(vocabulary, split_.held_out, max_positions);
  }

  /// Trains to the end, or to a signal. Returns the exit status.
  /// Errors: Error when training diverges; the checkpoint stays as it was saved last.
  int run() {
    const train::StopFlag flag;  // heard as soon as something is shown
    const MatmulPrecisionGuard products(precision_of(settings_.precision));
    const RngGuard use(rng_);
    Model& model = translator_.model();
    const data::BatchSampler sampler =
        corpus_->sampler({.max_tokens = settings_.batch_tokens, .seed = settings_.seed, .pool = settings_.pool});
    Index steps = 0;
    for (Index e = 0; e < settings_.epochs; ++e) steps += static_cast<Index>(sampler.epoch(e).size());
    report_data(steps);

    auto batches = corpus_->batches(sampler);
    optim::Adam<float> adam(model.parameters(), {.lr = 1, .betas = {0.9, 0.98}, .eps = 1e-9});
    optim::LambdaLR schedule(adam, [&](Index step) { return learning_rate(step, steps); });
    std::optional<train::WeightAverage<float>> average;
    if (settings_.ema > 0) average.emplace(model, train::WeightAverageOptions{.decay = settings_.ema, .warmup = true});
    const train::LabelSmoothing<float> criterion(translator_.vocabulary().size(), Vocabulary::pad_id,
                                                 settings_.smoothing);
    const train::SimpleLossCompute compute(model.generator, criterion);
    const auto loss = [&](const Model& m, const train::Batch& b) {
      const Tensor<float> out = m(b.src, b.tgt, b.src_mask, b.tgt_mask);
      return train::BatchLoss(compute(out, b.tgt_y, b.ntokens).node, b.ntokens);
    };
    const auto measure = [&] {
      auto unseen = held_out_->batches(held_out_->sampler({.max_tokens = 8192, .shuffle = false}));
      train::Scalars values = train::evaluate(model, unseen, loss);
      if (!std::isfinite(values[0].second)) throw train::DivergedError("the held-out loss", "");
      values.emplace_back("bleu", report_epoch(values[0].second));
      return values;
    };

    train::Checkpoint checkpoint(settings_.checkpoint);
    std::string format = checkpoint_format, vocabulary = translator_.vocabulary().to_string();
    checkpoint.add("format", format), checkpoint.add("vocabulary", vocabulary);
    checkpoint.add("data_fingerprint", fingerprint_), checkpoint.add("data", settings_.data);
    checkpoint.add("schedule_kind", settings_.schedule), checkpoint.add("seed", settings_.seed);
    if (settings_.precision != "float") checkpoint.add("precision", settings_.precision);
    for_each_number(settings_, [&](const char* name, auto& value, auto...) { checkpoint.add(name, value); });
    const train::FitOptions<float> options{.epochs = settings_.epochs,
                                           .clip_norm = settings_.clip_norm,
                                           .schedule = &schedule,
                                           .average = average ? &*average : nullptr,
                                           .validate = measure,
                                           .checkpoint = checkpoint,
                                           .resume = settings_.resume,
                                           .loggers = {std::ref(lines_)}};
    try {
      const train::FitReport report = train::fit(model, adam, batches, loss, options);
      lines_.finish();
      return report_end(report, batches.size());
    } catch (const train::DivergedError& error) {
      fail("train: ", error.quantity, " became infinite or NaN, a smaller --lr-factor may help; ", settings_.checkpoint,
           " is as it was saved last");
    }
  }

 private:
  Translator first_translator(const io::TensorFile* file) {
    if (file) {
      if (fingerprint_from(*file) != fingerprint_)
        fail<LoadError>("load: ", file->file(), ": was trained on other data than ",
                        settings_.data.empty() ? std::string("the embedded strings") : settings_.data);
      check_finite(*file, "optimizer.");
      return Translator::load(*file);  // fit loads the weights that are trained
    }
    const RngGuard use(rng_);
    Translator t(settings_, Vocabulary(split_.train, settings_.vocab));
    if (settings_.embedding_std > 0)
      nn::init::normal_(t.model().src_embed.get<0>().lut.weight, 0, settings_.embedding_std);
    return t;
  }

  double learning_rate(Index step, Index steps) const {
    const double noam = optim::rate(step + 1, settings_.d_model, settings_.lr_factor, settings_.warmup);
    if (settings_.schedule == "noam" || step < settings_.warmup) return noam;
    const double peak = optim::rate(settings_.warmup, settings_.d_model, settings_.lr_factor, settings_.warmup);
    const auto left = static_cast<double>((std::max)(steps - step, Index{0}));
    return peak * left / static_cast<double>((std::max)(steps - settings_.warmup, Index{1}));
  }

  void report_data(Index steps) const {
    std::printf(
        "%s training pairs (%s longer than %lld subwords left out), %s held out, %s dropped because a text is held "
        "out\n",
        train::with_thousands(static_cast<Index>(corpus_->src.size())).c_str(),
        train::with_thousands(static_cast<Index>(split_.train.size() - corpus_->src.size())).c_str(),
        static_cast<long long>(settings_.max_len),
        train::with_thousands(static_cast<Index>(split_.held_out.size())).c_str(),
        train::with_thousands(split_.dropped).c_str());
    std::printf("%s subwords, %s parameters, %s steps, %d threads\n",
                train::with_thousands(translator_.vocabulary().size()).c_str(),
                train::with_thousands(translator_.model().num_parameters()).c_str(),
                train::with_thousands(steps).c_str(), num_threads());
    std::fflush(stdout);
  }

  /// Shows loss and BLEU on the held-out part, and three translations. Returns BLEU.
  double report_epoch(double loss) const {
    std::vector<std::string> sources, references;
    for (const data::SentencePair& p : split_.held_out) {
      sources.push_back(p.src);
      references.push_back(p.tgt);
    }
    const std::vector<std::string> said = translator_.translate(sources, {});
    const double bleu = train::corpus_bleu(said, references).score;
    std::printf("  held out: loss %.3f  BLEU %.1f  after %s of training%s\n", loss, bleu,
                train::format_duration(lines_.seconds()).c_str(), settings_.resume ? " since the resume" : "");
    for (std::size_t k = 0; k < (std::min)(said.size(), std::size_t{3}); ++k) {
      const std::size_t i = (3 * static_cast<std::size_t>(lines_.done()) + k) % said.size();  // others in every epoch
      std::printf("    %s\n      -> %s\n       = %s\n", readable(sources[i]).c_str(), said[i].c_str(),
                  readable(references[i]).c_str());
    }
    std::fflush(stdout);
    return bleu;
  }

  int report_end(const train::FitReport& report, Index batches) const {
    const char* const path = settings_.checkpoint.c_str();
    if (report.epoch == settings_.epochs) {
      std::printf("saved %s\n", path);
      return 0;
    }
    std::printf("stopped in epoch %lld after %lld of %lld batches; saved %s; train --resume -c %s goes on\n",
                static_cast<long long>(report.epoch + 1), static_cast<long long>(report.batch),
                static_cast<long long>(batches), path, path);
    return 130;
  }

  TrainSettings settings_;
  Rng rng_;
  std::uint64_t fingerprint_;
  data::Split split_;
  Translator translator_;
  EpochLines lines_;
  std::optional<Corpus> corpus_, held_out_;
};

}  // namespace toy
