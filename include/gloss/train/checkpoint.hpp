// Everything that the rest of a training depends on, in one file that is whole at any moment.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::train {

namespace detail {

/// What goes into a file.
struct Saved {
  std::vector<io::NamedTensor> tensors;
  io::Metadata texts;
};

template <Real T>
T value_type_of(const optim::Optimizer<T>&);
template <class X>
concept IsOptimizer = requires(const X& x) {
  value_type_of(x);
};
template <class X>
concept IsTensor = std::derived_from<X, Tensor<typename X::value_type>>;

/// All tensors of a file whose names begin with the prefix, without it, but for the `skipped` ones.
template <Element U>
GLOSS_COLD std::vector<std::pair<std::string, Tensor<U>>> tensors_behind(
    const io::TensorFile& file, const std::string& prefix, std::initializer_list<std::string_view> skipped = {}) {
  std::vector<std::pair<std::string, Tensor<U>>> out;
  for (const io::StoredTensor& t : file.tensors()) {
    if (!t.name.starts_with(prefix)) continue;
    const std::string key = t.name.substr(prefix.size());
    if (std::find(skipped.begin(), skipped.end(), key) == skipped.end()) out.emplace_back(key, file.tensor<U>(t.name));
  }
  return out;
}

template <class X>
GLOSS_COLD void save_entry(const std::string& name, X& x, Saved& to) {
  const std::string prefix = name + ".";
  if constexpr (nn::IsModule<X>) {
    for (io::NamedTensor& t : io::named_tensors<typename X::value_type>(x, prefix)) to.tensors.push_back(std::move(t));
  } else if constexpr (IsOptimizer<X>) {
    for (const auto& [key, tensor] : x.state()) to.tensors.push_back(io::NamedTensor{prefix + key, tensor});
    std::vector<double> rates;
    for (Index group = 0; group < x.num_groups(); ++group) rates.push_back(x.lr(group));
    to.tensors.push_back(io::NamedTensor{prefix + "lr", from_vector(rates)});
    to.tensors.push_back(io::NamedTensor{prefix + "steps", scalar<std::int64_t>(x.steps())});
  } else if constexpr (std::same_as<X, Rng>) {
    const auto word = static_cast<std::int64_t>(x.take(0));  // where it stands, to the word
    to.tensors.push_back(
        io::NamedTensor{name, from_vector(std::vector<std::int64_t>{static_cast<std::int64_t>(x.seed()),
                                                                    static_cast<std::int64_t>(x.stream()), word})});
  } else if constexpr (std::same_as<X, std::string>) {
    to.texts[name] = x;
  } else if constexpr (std::is_arithmetic_v<X>) {
    append_part(to.texts[name], x);
  } else if constexpr (IsTensor<X>) {
    to.tensors.push_back(io::NamedTensor{name, x});
  } else if constexpr (std::same_as<decltype(x.state()), std::string>) {
    to.texts[name] = x.state();
  } else {
    for (const auto& [key, tensor] : x.state()) to.tensors.push_back(io::NamedTensor{prefix + key, tensor});
  }
}

template <class X>
GLOSS_COLD void load_entry(const std::string& name, X& x, const io::TensorFile& file) {
  const std::string prefix = name + ".";
  const auto text = [&]() -> const std::string& {
    const auto found = file.metadata().find(name);
    if (found == file.metadata().end()) fail<LoadError>("Checkpoint: ", file.file(), ": there is no ", name);
    return found->second;
  };
  const auto no_fit = [&](const Shape& stored, const Shape& wanted) {
    fail<LoadError>("Checkpoint: ", file.file(), ": ", name, " has shape ", stored, ", expected ", wanted);
  };
  if constexpr (nn::IsModule<X>) {
    io::load_state_dict<typename X::value_type>(x, file, {.prefix = prefix});
  } else if constexpr (IsOptimizer<X>) {
    using T = decltype(value_type_of(x));
    const Tensor<double> rates = file.tensor<double>(prefix + "lr");
    const Tensor<std::int64_t> steps = file.tensor<std::int64_t>(prefix + "steps");
    if (rates.shape() != Shape{x.num_groups()})
      fail<LoadError>("Checkpoint: ", file.file(), ": ", name, " has ", rates.numel(),
                      " rates, expected one for each of ", x.num_groups(), " groups");
    x.load_state(tensors_behind<T>(file, prefix, {"lr", "steps"}));
    for (Index group = 0; group < x.num_groups(); ++group) x.set_lr(rates.at({group}), group);
    x.set_steps(optim::detail::count_of("steps", static_cast<double>(steps.reshape({}).item())));
  } else if constexpr (std::same_as<X, Rng>) {
    const auto stored = file.tensor<std::int64_t>(name);
    if (stored.shape() != Shape{3}) no_fit(stored.shape(), {3});
    const auto number = [&](Index i) { return static_cast<std::uint64_t>(stored.at({i})); };
    x = Rng(number(0), number(1));
    x.set_position(number(2) / 4);
    x.take(number(2) % 4);
  } else if constexpr (std::same_as<X, std::string>) {
    x = text();
  } else if constexpr (std::is_arithmetic_v<X>) {
    X value{};
    if constexpr (std::same_as<X, bool>) {
      value = text() == "true";
    } else {
      const std::string& digits = text();
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (read.ec != std::errc() || read.ptr != digits.data() + digits.size())
        fail<LoadError>("Checkpoint: ", file.file(), ": ", name, " is '", digits, "', which is no such number");
    }
    x = value;
  } else if constexpr (IsTensor<X>) {
    const auto stored = file.tensor<typename X::value_type>(name);
    if (stored.shape() != x.shape()) no_fit(stored.shape(), x.shape());
    const NoGradGuard no_grad;
    x.detach().copy_(stored);
  } else if constexpr (std::same_as<decltype(x.state()), std::string>) {
    x.load_state(text());
  } else {
    using U = typename std::remove_cvref_t<decltype(x.state()[0].second)>::value_type;
    x.load_state(tensors_behind<U>(file, prefix));
  }
}

}  // namespace detail

struct CheckpointOptions {
  Index keep_last = 0;  // how many of the files of save_numbered stay
};

/// Objects by name, and the file that they go to and come from: models, optimizers, schedules, averages, random
/// streams, texts, numbers, tensors, and whatever has state() and load_state(). It refers to them.
///   train::Checkpoint checkpoint("run.safetensors");
///   checkpoint.add("model", model), checkpoint.add("optimizer", adam), checkpoint.add("rng", current_rng());
///   checkpoint.resume();  // false the first time
///   ... checkpoint.save();
/// The file is a safetensors file; io::load(model, "run.safetensors", {.prefix = "model."}) reads the weights alone.
/// Errors: Error when a file cannot be written; LoadError when one does not fit, and then all is as it was.
class Checkpoint {
 public:
  /// Nowhere: nothing is saved.
  Checkpoint() = default;
  Checkpoint(std::string path, CheckpointOptions options = {}) : path_(std::move(path)), options_(options) {}
  Checkpoint(const char* path) : path_(path) {}

  /// Empty: nowhere.
  const std::string& path() const { return path_; }

  /// One more, in place of what had the name. What is added must stay where it is.
  /// Errors: Error for a name that is empty, has a dot or is "checkpoint".
  template <class X>
  GLOSS_COLD void add(const std::string& name, X& x) {
    put({name, [name, &x](detail::Saved& to) { detail::save_entry(name, x, to); },
         [name, &x](const io::TensorFile& file) { detail::load_entry(name, x, file); }});
  }

  /// Writes the file.
  void save() const {
    if (!path_.empty()) io::write_file_atomically(path_, bytes());
  }
  /// Writes the file and keeps it as run.step120.safetensors too. Of those that were written so, by this training, the
  /// last keep_last stay.
  GLOSS_COLD void save_numbered(Index step) {
    if (path_.empty()) return;
    if (options_.keep_last > 0 && (kept_.empty() || kept_.back() != step)) {
      kept_.push_back(step);
      for (; static_cast<Index>(kept_.size()) > options_.keep_last; kept_.erase(kept_.begin())) {
        std::error_code none;
        std::filesystem::remove(numbered(kept_.front()), none);
      }
    }
    const std::string all = bytes();
    io::write_file_atomically(path_, all);
    if (options_.keep_last > 0) io::write_file_atomically(numbered(step), all);
  }

  /// Loads the file if it is there; returns whether it was.
  bool resume() {
    std::error_code error;
    if (path_.empty() || !std::filesystem::exists(path_, error)) return false;
    load(path_);
    return true;
  }
  /// Loads a file, wherever it lies.
  void load(const std::string& path) { load_from(io::load_safetensors(path)); }

  /// What the file would be now.
  GLOSS_COLD std::string bytes() const {
    detail::Saved saved;
    for (const Entry& e : entries_) e.save(saved);
    saved.texts["checkpoint"] = "gloss 1";
    for (const Index step : kept_) saved.texts["checkpoint.kept"] += std::to_string(step) + " ";
    return io::to_safetensors(saved.tensors, saved.texts);
  }
  /// From such bytes; `file` stands for them in error texts.
  void load_bytes(std::string all, const std::string& file) { load_from(io::from_safetensors(std::move(all), file)); }

 private:
  struct Entry {
    std::string name;
    std::function<void(detail::Saved&)> save;
    std::function<void(const io::TensorFile&)> load;
  };

  GLOSS_COLD GLOSS_NOINLINE void put(Entry entry) {
    const std::string& name = entry.name;
    if (name.empty() || name.find('.') != std::string::npos || name == "checkpoint")
      fail("Checkpoint: '", name, "' cannot be a name");
    std::erase_if(entries_, [&](const Entry& e) { return e.name == name; });
    entries_.push_back(std::move(entry));
  }
  GLOSS_COLD void load_from(const io::TensorFile& file) {
    const auto format = file.metadata().find("checkpoint");
    if (format == file.metadata().end() || format->second != "gloss 1")
      fail<LoadError>("Checkpoint: ", file.file(), ": it was not written by train::Checkpoint");
    const io::TensorFile before = io::from_safetensors(bytes(), "what was there before");
    try {
      for (const Entry& e : entries_) e.load(file);
    } catch (...) {
      for (const Entry& e : entries_) e.load(before);
      throw;
    }
    kept_.clear();
    if (const auto kept = file.metadata().find("checkpoint.kept"); kept != file.metadata().end()) {
      const char* at = kept->second.data();
      const char* const end = at + kept->second.size();
      for (Index step = 0; at < end; ++at) {
        const auto read = std::from_chars(at, end, step);
        if (read.ec != std::errc()) break;
        kept_.push_back(step);
        at = read.ptr;
      }
    }
  }
  GLOSS_COLD std::string numbered(Index step) const {
    const std::filesystem::path path(path_);
    std::filesystem::path name = path.stem();
    name += ".step" + std::to_string(step);
    name += path.extension();
    return (path.parent_path() / name).string();
  }

  std::string path_;
  CheckpointOptions options_;
  std::vector<Entry> entries_;
  std::vector<Index> kept_;  // the steps of the numbered files, oldest first
};

}  // namespace gloss::inline GLOSS_ABI::train
