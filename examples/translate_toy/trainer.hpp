// Training: data, checkpoints that can be resumed to the same bits, and what is shown after each epoch.
#pragma once

#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gloss/data/batch_sampler.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/run_epoch.hpp>
#include <gloss/train/bleu.hpp>
#include <gloss/train/progress.hpp>
#include <gloss/train/stop_flag.hpp>

#include "text.hpp"
#include "translator.hpp"

namespace toy {

/// Pairs as ids, and batches of them.
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
  std::vector<data::PairLength> lengths() const {
    std::vector<data::PairLength> out;
    for (std::size_t i = 0; i < src.size(); ++i)
      out.push_back({static_cast<Index>(src[i].size()), static_cast<Index>(tgt[i].size())});
    return out;
  }
  train::Batch batch(std::span<const Index> indices) const {
    return train::Batch(data::pad_sequences(src, indices, Vocabulary::pad_id),
                        data::pad_sequences(tgt, indices, Vocabulary::pad_id), Vocabulary::pad_id);
  }
};

/// The batches of a list of index lists from a position on, each made when it is reached.
class Batches {
 public:
  Batches(const Corpus& corpus, const std::vector<std::vector<Index>>& lists, std::size_t first = 0)
      : corpus_(&corpus), lists_(&lists), first_(first) {}
  class Iterator {
   public:
    Iterator(const Batches* owner, std::size_t at) : owner_(owner), at_(at) {}
    train::Batch operator*() const { return owner_->corpus_->batch((*owner_->lists_)[at_]); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const Batches* owner_;
    std::size_t at_;
  };
  Iterator begin() const { return {this, first_}; }
  Iterator end() const { return {this, lists_->size()}; }

 private:
  const Corpus* corpus_;
  const std::vector<std::vector<Index>>* lists_;
  std::size_t first_;
};

/// A run of training, from the beginning or from a checkpoint.
class Trainer {
 public:
  /// From the beginning.
  Trainer(TrainSettings settings, std::vector<data::SentencePair> pairs)
      : settings_(std::move(settings)),
        rng_(settings_.seed),
        fingerprint_(fingerprint(pairs)),
        split_(split(settings_, pairs)),
        translator_(first_translator()) {
    prepare();
  }
  /// From a checkpoint.
  /// Errors: LoadError when it is no training checkpoint, or was trained on other data.
  Trainer(TrainSettings settings, std::vector<data::SentencePair> pairs, const io::TensorFile& file)
      : settings_(std::move(settings)),
        rng_(settings_.seed),
        fingerprint_(fingerprint(pairs)),
        split_(split(settings_, pairs)),
        translator_(Translator::load(file, settings_.dropout)) {
    const RunState state = state_from(file);
    if (state.data_fingerprint != fingerprint_)
      fail<LoadError>("load: ", file.file(), ": was trained on other data than ",
                      settings_.data.empty() ? std::string("the embedded strings") : settings_.data);
    prepare();
    for (auto& [name, tensor] : adam_->state()) {
      const Tensor<float> stored = finite_tensor(file, "adam." + name);
      if (stored.shape() != tensor.shape())
        fail<LoadError>("load: ", file.file(), ": adam.", name, " has shape ", stored.shape(), ", expected ",
                        tensor.shape());
      tensor.copy_(stored);
    }
    adam_->set_steps(state.steps);
    rng_.set_position(state.rng_position);
    sampler_->seek({state.epoch, state.batch});
  }

  /// Trains to the end, or to a signal. Returns the exit status.
  /// Errors: Error when training diverges; the checkpoint stays as it was saved last.
  int run() {
    const train::StopFlag flag;
    save();  // a place that cannot be written to is found out now, not after an epoch
    report_data();
    RngGuard use(rng_);
    const train::LabelSmoothing<float> criterion(translator_.vocabulary().size(), Vocabulary::pad_id,
                                                 settings_.smoothing);
    Model& model = translator_.model();
    const train::SimpleLossCompute loss_compute(model.generator, criterion);
    optim::LambdaLR schedule(*adam_, [this](Index step) { return learning_rate(step); });
    schedule.set_steps(adam_->steps());
    while (sampler_->position().epoch < settings_.epochs) {
      const data::BatchSampler::Position start = sampler_->position();
      const std::vector<std::vector<Index>> lists = sampler_->epoch(start.epoch);
      const auto total = static_cast<Index>(lists.size());
      Index done = start.batch;
      {
        std::string title = "epoch ";
        append_part(title, start.epoch + 1);
        append_part(title, '/');
        append_part(title, settings_.epochs);
        train::Progress line({.title = std::move(title), .total = total, .first = start.batch, .file = stdout});
        double smooth = std::nan("");
        model.train();
        const double before = seconds_;
        train::run_epoch(Batches(corpus_.value(), lists, static_cast<std::size_t>(start.batch)), model, loss_compute,
                         *adam_, schedule, {}, nullptr, [&](const train::EpochProgress& p) {
                           if (!std::isfinite(p.batch_loss)) fail_diverged("the loss");
                           smooth = std::isnan(smooth) ? p.batch_loss : 0.95 * smooth + 0.05 * p.batch_loss;
                           done = start.batch + p.batch;
                           seconds_ = before + p.seconds;
                           line.update(done, {.loss = smooth, .tokens = p.tokens});
                           return !train::StopFlag::is_raised();
                         });
        line.finish();
      }
      if (done < total) {
        sampler_->seek({start.epoch, done});
        return stop();
      }
      sampler_->seek({start.epoch + 1, 0});
      const double loss = held_out_loss(criterion);
      if (!std::isfinite(loss)) fail_diverged("the held-out loss");
      save();
      report_epoch(loss);
      if (train::StopFlag::is_raised() && start.epoch + 1 < settings_.epochs) return stop();
    }
    std::printf("saved %s\n", settings_.checkpoint.c_str());
    return 0;
  }

 private:
  static data::Split split(const TrainSettings& s, const std::vector<data::SentencePair>& pairs) {
    return split_held_out(pairs, s.held_out, s.held_out_words);
  }
  Translator first_translator() {
    RngGuard use(rng_);
    return Translator({settings_.layers, settings_.d_model, settings_.d_ff, settings_.heads},
                      Vocabulary(split_.train, settings_.vocab), settings_.dropout);
  }
  void prepare() {
    if (settings_.batch_tokens < settings_.max_len)
      fail("train: a batch of ", settings_.batch_tokens, " tokens has no room for a sentence of ", settings_.max_len);
    std::erase_if(split_.held_out, [this](const data::SentencePair& p) {
      return static_cast<Index>(translator_.vocabulary().source_ids(p.src).size()) > max_positions ||
             static_cast<Index>(translator_.vocabulary().target_ids(p.tgt).size()) > max_positions;
    });
    if (split_.held_out.empty()) fail("train: every held-out sentence is longer than ", max_positions, " subwords");
    corpus_.emplace(translator_.vocabulary(), split_.train, settings_.max_len);
    if (corpus_->src.empty()) fail("train: no sentence pair has at most ", settings_.max_len, " subwords on each side");
    held_out_.emplace(translator_.vocabulary(), split_.held_out, max_positions);
    sampler_.emplace(corpus_->lengths(),
                     data::BatchSamplerOptions{.max_tokens = settings_.batch_tokens, .seed = settings_.seed});
    adam_.emplace(translator_.model().parameters(), optim::AdamOptions{.lr = 1, .betas = {0.9, 0.98}, .eps = 1e-9});
    total_steps_ = 0;
    for (Index e = 0; e < settings_.epochs; ++e) total_steps_ += static_cast<Index>(sampler_->epoch(e).size());
  }

  double learning_rate(Index step) const {
    const double noam = optim::rate(step + 1, settings_.d_model, settings_.lr_factor, settings_.warmup);
    if (settings_.schedule == "noam" || step < settings_.warmup) return noam;
    const double peak = optim::rate(settings_.warmup, settings_.d_model, settings_.lr_factor, settings_.warmup);
    const auto left = static_cast<double>((std::max)(total_steps_ - step, Index{0}));
    return peak * left / static_cast<double>((std::max)(total_steps_ - settings_.warmup, Index{1}));
  }

  int stop() {
    save();
    const data::BatchSampler::Position at = sampler_->position();
    std::printf("stopped in epoch %lld after %lld of %lld batches; saved %s; train --resume -c %s goes on\n",
                static_cast<long long>(at.epoch + 1), static_cast<long long>(at.batch),
                static_cast<long long>(sampler_->batches_in_epoch()), settings_.checkpoint.c_str(),
                settings_.checkpoint.c_str());
    return 130;
  }

  [[noreturn]] void fail_diverged(const char* what) const {
    fail("train: ", what, " became infinite or NaN, a smaller --lr-factor may help; ", settings_.checkpoint,
         " is as it was saved last");
  }

  /// Everything that the rest of the run depends on, in one file that is whole at any moment.
  /// Errors: Error when it is not finite, or the file cannot be written.
  void save() {
    std::vector<io::NamedTensor> tensors = io::named_tensors<float>(translator_.model(), "model.");
    bool finite = true;
    for (const Tensor<float>& weights : adam_->parameters()) finite = finite && is_finite(weights);
    for (const auto& [name, tensor] : adam_->state()) {
      finite = finite && is_finite(tensor);
      tensors.push_back({"adam." + name, tensor});
    }
    if (!finite) fail_diverged("a weight");
    const data::BatchSampler::Position at = sampler_->position();
    write_checkpoint(settings_.checkpoint, tensors, translator_.sizes(), translator_.vocabulary(), settings_,
                     {.data_fingerprint = fingerprint_,
                      .rng_position = rng_.position(),
                      .steps = adam_->steps(),
                      .epoch = at.epoch,
                      .batch = at.batch});
  }

  void report_data() const {
    const Index n = translator_.model().num_parameters();
    std::printf(
        "%s training pairs (%s longer than %lld subwords left out), %s held out, %s dropped because a text is held "
        "out\n",
        train::with_thousands(static_cast<Index>(corpus_->src.size())).c_str(),
        train::with_thousands(static_cast<Index>(split_.train.size() - corpus_->src.size())).c_str(),
        static_cast<long long>(settings_.max_len),
        train::with_thousands(static_cast<Index>(split_.held_out.size())).c_str(),
        train::with_thousands(split_.dropped).c_str());
    std::printf("%s subwords, %s parameters, %s steps, %d threads\n",
                train::with_thousands(translator_.vocabulary().size()).c_str(), train::with_thousands(n).c_str(),
                train::with_thousands(total_steps_).c_str(), num_threads());
    std::fflush(stdout);
  }

  /// The mean for a token. The model is left in evaluation.
  double held_out_loss(const train::LabelSmoothing<float>& criterion) {
    Model& model = translator_.model();
    model.eval();
    NoGradGuard no_grad;
    double loss = 0;
    Index tokens = 0;
    const std::vector<std::vector<Index>> lists =
        data::BatchSampler(held_out_->lengths(), {.max_tokens = 8192, .shuffle = false}).epoch(0);
    for (const train::Batch& b : Batches(*held_out_, lists)) {
      loss +=
          static_cast<double>(criterion(model.generator(model(b.src, b.tgt, b.src_mask, b.tgt_mask)), b.tgt_y).item());
      tokens += b.ntokens;
    }
    return loss / static_cast<double>((std::max)(tokens, Index{1}));
  }

  /// Loss and BLEU on the held-out part, and three translations.
  void report_epoch(double loss) const {
    std::vector<std::string> sources, references;
    for (const data::SentencePair& p : split_.held_out) {
      sources.push_back(p.src);
      references.push_back(p.tgt);
    }
    const std::vector<std::string> said = translator_.translate(sources, {});
    std::printf("  held out: loss %.3f  BLEU %.1f  after %s of training%s\n", loss,
                train::corpus_bleu(said, references).score, train::format_duration(seconds_).c_str(),
                settings_.resume ? " since the resume" : "");
    const auto epoch = static_cast<std::size_t>(sampler_->position().epoch);
    for (std::size_t k = 0; k < (std::min)(said.size(), std::size_t{3}); ++k) {
      const std::size_t i = (3 * epoch + k) % said.size();  // others in every epoch
      std::printf("    %s\n      -> %s\n       = %s\n", readable(sources[i]).c_str(), said[i].c_str(),
                  readable(references[i]).c_str());
    }
    std::fflush(stdout);
  }

  TrainSettings settings_;
  Rng rng_;
  std::uint64_t fingerprint_;
  data::Split split_;
  Translator translator_;
  std::optional<Corpus> corpus_, held_out_;
  std::optional<data::BatchSampler> sampler_;
  std::optional<optim::Adam<float>> adam_;
  Index total_steps_ = 0;
  double seconds_ = 0;  // of training, in this process; not saved, so that equal runs give equal files
};

}  // namespace toy
