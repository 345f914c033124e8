// Batches of a dataset, in an order that a sampler gives, made ahead of time by threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gloss/data/dataset.hpp>
#include <gloss/data/default_collate.hpp>
#include <gloss/data/prefetcher.hpp>
#include <gloss/data/samplers.hpp>

namespace gloss::inline GLOSS_ABI::data {

struct LoaderOptions {
  Index batch_size = 1;
  bool shuffle = false;    ///< a new order in each epoch
  bool drop_last = false;  ///< leaves out the items at the end of an epoch that do not fill a batch
  Index workers = 0;       ///< threads that make batches; 0: each is made when it is asked for
  Index prefetch = 2;      ///< batches for each worker that may wait to be taken
  std::uint64_t seed = 1;  ///< of the order and of random items
};

/// Where a Loader stands: the next batch to give out, and what the order of that epoch was.
struct LoaderState {
  Index epoch = 0;
  Index batch = 0;
  std::uint64_t order = 0;  ///< a number that stands for the order and the seed; 0 fits every Loader
  friend bool operator==(const LoaderState&, const LoaderState&) = default;
};

namespace detail {

/// The batches of one epoch, one behind the other.
struct EpochPlan {
  std::vector<Index> order, ends;  // of the items; where each batch ends in it
  std::uint64_t fingerprint = 0;

  Index batches() const { return static_cast<Index>(ends.size()); }
  Index first(Index batch) const { return batch == 0 ? 0 : ends[static_cast<std::size_t>(batch) - 1]; }
  std::span<const Index> items(Index batch) const {
    return std::span(order).subspan(static_cast<std::size_t>(first(batch)),
                                    static_cast<std::size_t>(first(batch + 1) - first(batch)));
  }
  void sign(std::uint64_t seed) {
    fingerprint = 0xCBF29CE484222325 ^ seed;  // FNV-1a, over words
    const auto add = [this](Index word) {
      fingerprint = (fingerprint ^ static_cast<std::uint64_t>(word)) * 0x100000001B3;
    };
    for (const Index i : order) add(i);
    for (const Index end : ends) add(end);
    if (fingerprint == 0) fingerprint = 1;
  }
};

/// Cuts an order into batches of one size.
GLOSS_COLD inline EpochPlan cut_order(std::vector<Index> order, const LoaderOptions& options) {
  EpochPlan plan{std::move(order), {}, 0};
  const auto n = static_cast<Index>(plan.order.size());
  for (Index end = options.batch_size; end <= n; end += options.batch_size) plan.ends.push_back(end);
  if (!options.drop_last && n % options.batch_size != 0) plan.ends.push_back(n);
  return plan;
}
GLOSS_COLD inline EpochPlan join_batches(const std::vector<std::vector<Index>>& batches) {
  EpochPlan plan;
  for (const std::vector<Index>& batch : batches) {
    plan.order.insert(plan.order.end(), batch.begin(), batch.end());
    plan.ends.push_back(static_cast<Index>(plan.order.size()));
  }
  return plan;
}

/// The streams of the things of one kind in an epoch.
inline Rng loader_rng(std::uint64_t seed, std::uint64_t kind, Index epoch, Index number) {
  return Rng(seed, kind << 60 | static_cast<std::uint64_t>(epoch) << 40 | static_cast<std::uint64_t>(number));
}

/// Throws the exception that is being handled again, with `where` before its text.
[[noreturn]] GLOSS_COLD inline void rethrow_with(const std::string& where) {
  try {
    throw;
  } catch (const ShapeError& error) {
    fail<ShapeError>("Loader: ", where, ": ", error.what());
  } catch (const IndexError& error) {
    fail<IndexError>("Loader: ", where, ": ", error.what());
  } catch (const LoadError& error) {
    fail<LoadError>("Loader: ", where, ": ", error.what());
  } catch (const std::exception& error) {
    fail<Error>("Loader: ", where, ": ", error.what());
  }
}

}  // namespace detail

/// Batches of a dataset as a range: for (auto& [x, y] : loader) goes through an epoch, the next loop through the next.
/// A loop that is left goes on there in the next one; set_epoch begins an epoch anew. Order and random items depend on
/// the seed, the epoch and the place in the order alone, so that they have the same bits for any number of workers and
/// after load_state. Items and batches are made with streams of their own as current_rng().
/// collate(items), or collate(items, rng), makes a batch of a std::vector of items. Workers run loops of ops on their
/// own threads; what they call must be safe to call from several threads at once.
/// Errors: Error for options that make no sense. What fails while a batch is made is thrown when it is its turn, by the
/// loop: ShapeError, IndexError, LoadError as these and all else as Error, with the item's number and name before the
/// text. The loader then stands before that batch.
/// PyTorch: torch.utils.data.DataLoader
template <Dataset D, class Collate = DefaultCollate>
class Loader {
 public:
  using Item = ItemOf<D>;
  using Batch = std::remove_cvref_t<decltype(detail::call_drawing(std::declval<const Collate&>(),
                                                                  std::declval<std::vector<Item>>()))>;

  /// All items in order, or shuffled.
  explicit Loader(D dataset, LoaderOptions options = {}, Collate collate = {})
      : dataset_(std::move(dataset)), options_(options), collate_(std::move(collate)) {
    check_options();
    const Index n = dataset_.size();
    if (options_.shuffle)
      use_sampler(RandomSampler(n, {.seed = options_.seed}));
    else
      use_sampler(SequentialSampler(n));
  }
  /// The items that a sampler gives, in batches of batch_size or in those that it makes.
  template <Sampler S>
  Loader(D dataset, S sampler, LoaderOptions options = {}, Collate collate = {})
      : dataset_(std::move(dataset)), options_(options), collate_(std::move(collate)) {
    check_options();
    if (options_.shuffle) fail("Loader: the sampler gives the order: shuffle is not for a Loader that has one");
    if constexpr (SamplesBatches<S>)
      if (options_.batch_size != 1 || options_.drop_last)
        fail("Loader: the sampler makes the batches: batch_size and drop_last are not for a Loader that has one");
    use_sampler(std::move(sampler));
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches of the epoch that it stands in.
  Index size() const { return plan_.batches(); }
  /// The number of that epoch, from 0.
  Index epoch() const { return epoch_; }

  /// Stands before the first batch of an epoch.
  /// Errors: IndexError for a negative number.
  void set_epoch(Index epoch) { seek(epoch, 0, 0); }
  /// Where it stands. In a loop's body that is behind the batch at hand.
  LoaderState state() const { return {epoch_, batch_, plan_.fingerprint}; }
  /// Goes on where another Loader of the same data, sampler and options stood.
  /// Errors: IndexError when there is no such batch; LoadError when the order of that epoch is another.
  void load_state(const LoaderState& state) { seek(state.epoch, state.batch, state.order); }

  /// Goes through what is left of the epoch.
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Loader* loader) : loader_(loader) {}
    Batch& operator*() const { return *loader_->current_; }
    Batch* operator->() const { return &*loader_->current_; }
    Iterator& operator++() {
      loader_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !loader_->current_; }

   private:
    Loader* loader_;
  };
  Iterator begin() {
    advance();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  void check_options() const {
    if (options_.batch_size < 1) fail("Loader: batch_size ", options_.batch_size, " is below 1");
    if (options_.workers < 0) fail("Loader: workers ", options_.workers, " is below 0");
    if (options_.prefetch < 1) fail("Loader: prefetch ", options_.prefetch, " is below 1");
  }
  template <class S>
  void use_sampler(S sampler) {
    make_plan_ = [this, sampler = std::move(sampler)](Index epoch) {
      detail::EpochPlan plan;
      if constexpr (SamplesBatches<S>)
        plan = detail::join_batches(sampler.epoch(epoch));
      else
        plan = detail::cut_order(sampler.epoch(epoch), options_);
      plan.sign(options_.seed);
      return plan;
    };
    plan_ = make_plan_(0);
  }

  GLOSS_COLD void seek(Index epoch, Index batch, std::uint64_t order) {
    if (epoch < 0) fail<IndexError>("Loader: epoch ", epoch, " is negative");
    detail::EpochPlan plan = make_plan_(epoch);
    if (order != 0 && order != plan.fingerprint)
      fail<LoadError>("Loader: the state is that of another order of epoch ", epoch,
                      ": other items, another sampler, batch size or seed");
    if (batch < 0 || batch > plan.batches())
      fail<IndexError>("Loader: batch ", batch, " is out of range, epoch ", epoch, " has ", plan.batches());
    ahead_.reset();
    current_.reset();
    plan_ = std::move(plan);
    epoch_ = epoch;
    batch_ = batch;
  }

  /// The next batch becomes the current one, or none when the epoch is over, and then the next epoch is at hand.
  void advance() {
    current_.reset();
    if (batch_ == size()) return seek(epoch_ + 1, 0, 0);
    if (options_.workers == 0) {
      current_.emplace(make_batch(batch_));
    } else {
      if (!ahead_)
        ahead_ = std::make_unique<detail::Prefetcher<Batch>>(batch_, size(), options_.workers,
                                                             options_.workers * options_.prefetch,
                                                             [this](Index batch) { return make_batch(batch); });
      try {
        current_.emplace(ahead_->take());
      } catch (...) {
        ahead_.reset();
        throw;
      }
    }
    ++batch_;
  }

  Batch make_batch(Index batch) const {
    std::vector<Item> items;
    Index number = plan_.first(batch);
    for (const Index i : plan_.items(batch)) {
      Rng rng = detail::loader_rng(options_.seed, 13, epoch_, number++);
      const RngGuard use(rng);
      try {
        items.push_back(dataset_.get(i));
      } catch (...) {
        detail::rethrow_with(text_of_item(i));
      }
    }
    Rng rng = detail::loader_rng(options_.seed, 14, epoch_, batch);
    const RngGuard use(rng);
    try {
      return detail::call_drawing(collate_, std::move(items));
    } catch (...) {
      detail::rethrow_with(gloss::detail::join({"batch ", batch, " of epoch ", epoch_}));
    }
  }
  /// The number of an item and its name, if it has one.
  GLOSS_COLD std::string text_of_item(Index i) const {
    std::string name;
    try {
      name = item_name(dataset_, i);
    } catch (const std::exception&) {  // of an item that is not there
    }
    if (!name.empty()) name = " (" + name + ")";
    return gloss::detail::join({"item ", i, name});
  }

  D dataset_;
  LoaderOptions options_;
  Collate collate_;
  std::function<detail::EpochPlan(Index)> make_plan_;
  detail::EpochPlan plan_;
  Index epoch_ = 0, batch_ = 0;
  std::optional<Batch> current_;
  std::unique_ptr<detail::Prefetcher<Batch>> ahead_;  // ends before what its threads use
};

}  // namespace gloss::inline GLOSS_ABI::data
