// Module: the base of every layer and model, and Visitor, which walks its members by name.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/nn/check.hpp>
#include <gloss/nn/parameter.hpp>
#include <gloss/nn/state_dict.hpp>

namespace gloss::inline GLOSS_ABI::nn {

namespace detail {
/// What hears of every output of a module on its thread: Taps (nn/taps.hpp). Listeners form a list, the last first.
class OutputListener {
 public:
  /// `module` is a Module<T>*, `output` points to the Tensor<T> that it returns.
  virtual void hear(const void* module, const void* output) = 0;
  inline static constinit thread_local OutputListener* first = nullptr;
  OutputListener* next = nullptr;

 protected:
  OutputListener() = default;
  ~OutputListener() = default;
  void listen() { next = std::exchange(first, this); }
  void stop() {
    OutputListener** at = &first;
    while (*at && *at != this) at = &(*at)->next;
    if (*at) *at = next;
  }
};
}  // namespace detail

/// What every layer and model derives from. A module is a value: copying it copies its numbers, and what is tied within
/// it is tied within the copy. Its forward is operator() const, which may run on many threads at once. It names its
/// members in visit(), and everything else (parameters, state dicts, train and eval) is a visitor.
/// PyTorch: torch.nn.Module
template <Real T>
class Module : public detail::Member<Module<T>> {
 public:
  using value_type = T;
  Module() = default;
  Module(const Module& other) : detail::Member<Module<T>>(other), training_(other.training_) {
    if (detail::any_ties.load(std::memory_order_relaxed)) keep_ties(other);
  }
  Module(Module&&) noexcept = default;
  Module& operator=(const Module& other) {
    training_ = other.training_;
    if (this != &other && detail::any_ties.load(std::memory_order_relaxed)) keep_ties(other);
    return *this;
  }
  Module& operator=(Module&&) noexcept = default;
  GLOSS_NOINLINE virtual ~Module() {
    if (detail::any_ties.load(std::memory_order_relaxed)) detail::TieCopies<T>::end(this);
  }

  /// Calls v("name", member) for every parameter, buffer and submodule, in the order of PyTorch's registration.
  virtual void visit(Visitor<T>& v) = 0;

  using Named = std::vector<std::pair<std::string, Tensor<T>>>;
  /// Parameters with their dotted names, frozen ones too; a tied one appears once, under its first name.
  Named named_parameters() const;
  /// The same without names: handles for an optimizer.
  template <class = void>  // a template where the program's own build decides whether members are checked (nn::check)
  std::vector<Tensor<T>> parameters() const {
    detail::check_within(*this);
    std::vector<Tensor<T>> out;
    for (auto& [name, tensor] : named_parameters()) out.push_back(tensor);
    return out;
  }
  /// All parameters, tied ones under each name, and the persistent buffers: what a checkpoint holds. They share memory
  /// with the module. PyTorch: state_dict
  template <class = void>
  StateDict state_dict() const {
    detail::check_within(*this);
    return list_state();
  }
  /// All buffers, those that are not persistent too. PyTorch: named_buffers
  StateDict named_buffers() const;
  /// Number of numbers in the parameters, tied ones counted once; of all, or of those that are not frozen.
  Index num_parameters(bool trainable_only = false) const;
  /// Freezes all parameters, or makes all trainable. nn::freeze does so by name. PyTorch: requires_grad_
  void requires_grad_(bool on = true);
  /// Forgets all gradients.
  void zero_grad() const;

  /// Training mode on or off for this and every submodule: what dropout looks at.
  template <class = void>
  void train(bool on = true) {
    detail::check_within(*this);
    set_training(on);
  }
  template <class = void>
  void eval() {
    train(false);
  }
  bool is_training() const { return training_; }

  /// All modules within, with their dotted names, this one first, under "". One that stands under several names appears
  /// once. PyTorch: named_modules
  std::vector<std::pair<std::string, const Module*>> named_modules() const;
  std::vector<std::pair<std::string, Module*>> named_modules();
  /// Those directly within: not the modules of modules. PyTorch: named_children, with the entries of a ModuleList
  std::vector<std::pair<std::string, Module*>> named_children();

 protected:
  /// What a forward returns through: `return this->output(y)`. It is y, and those who listen to this module get to know
  /// it (nn::Taps); where nobody does, it costs the test of one pointer.
  Tensor<T> output(Tensor<T> y) const {
    for (detail::OutputListener* l = detail::OutputListener::first; l; l = l->next) [[unlikely]] l->hear(this, &y);
    return y;
  }
  /// Whether anybody listens on this thread. Then modules are called one by one even where their work could be fused.
  static bool is_heard() { return detail::OutputListener::first != nullptr; }

 private:
  StateDict list_state() const;
  void set_training(bool on);
  /// Before the members are copied from another module.
  void keep_ties(const Module& other);

  bool training_ = true;
};

/// Walks a module tree. Derive and override what is of interest; the path given is dotted, "encoder.layers.0.norm.a_2".
template <Real T>
class Visitor {
 public:
  virtual ~Visitor() = default;

  GLOSS_NOINLINE void operator()(std::string_view name, Parameter<T>& p) {
    if (p.defined()) parameter(path_ + std::string(name), p);
  }
  template <class U>
  void operator()(std::string_view name, Buffer<U>& b) {
    static_assert(!Real<U> || std::same_as<T, U>, "gloss::nn: a module's real buffers are of its own type");
    if (!b.defined()) return;
    const std::string path = path_ + std::string(name);
    buffer(path, b.detach(), b.is_persistent());
    buffer_member(path, static_cast<const detail::Member<Buffer<U>>*>(&b));
  }
  GLOSS_NOINLINE void operator()(std::string_view name, Module<T>& m) {
    const std::size_t length = path_.size();
    path_ += name;
    module(path_, m);
    path_ += '.';
    m.visit(*this);
    path_.resize(length);
  }
#if !defined(NDEBUG)
  template <class M>
    requires std::derived_from<M, Module<T>>
  void operator()(std::string_view name, M& m) {
    detail::know_module<M>();
    (*this)(name, static_cast<Module<T>&>(m));
  }
#endif
  /// A list of modules: members "0", "1", ... PyTorch: ModuleList
  template <class M>
    requires std::derived_from<M, Module<T>>
  void operator()(std::string_view name, std::vector<M>& list) {
    detail::know_module<M>();
    members(name, list.size(), &list,
            [](void* all, std::size_t i) -> Module<T>& { return (*static_cast<std::vector<M>*>(all))[i]; });
  }
  template <class U>
    requires(!std::same_as<T, U>)
  void operator()(std::string_view, Module<U>&) GLOSS_REFUSED("the member has another element type than its module");
  template <class U>
  void operator()(std::string_view, Tensor<U>&) GLOSS_REFUSED("make it a Parameter<T> (trained) or a Buffer (kept)");

 protected:
  virtual void parameter(const std::string& /*path*/, Parameter<T>&) {}
  /// The tensor shares memory with the buffer.
  virtual void buffer(const std::string& /*path*/, const AnyTensor& /*tensor*/, bool /*persistent*/) {}
  virtual void module(const std::string& /*path*/, Module<T>&) {}
  /// The buffer itself, for nn::check.
  virtual void buffer_member(const std::string& /*path*/, const void* /*member*/) {}

 private:
  /// The loop over a list, compiled once and not for every type in a list.
  GLOSS_COLD void members(std::string_view name, std::size_t count, void* list,
                          Module<T>& (*at)(void* list, std::size_t i)) {
    const std::size_t length = path_.size();
    path_ += name;
    path_ += '.';
    for (std::size_t i = 0; i < count; ++i) (*this)(std::to_string(i), at(list, i));
    path_.resize(length);
  }

  std::string path_;
};

namespace detail {
/// A visitor made of one callable for parameters and one for buffers.
template <Real T, class OnParameter, class OnBuffer>
class TensorVisitor final : public Visitor<T> {
 public:
  TensorVisitor(OnParameter on_parameter, OnBuffer on_buffer)
      : on_parameter_(std::move(on_parameter)), on_buffer_(std::move(on_buffer)) {}

 private:
  void parameter(const std::string& path, Parameter<T>& p) override { on_parameter_(path, p); }
  void buffer(const std::string& path, const AnyTensor& tensor, bool persistent) override {
    on_buffer_(path, tensor, persistent);
  }
  OnParameter on_parameter_;
  OnBuffer on_buffer_;
};
}  // namespace detail

/// Calls on_parameter(path, Parameter&) and on_buffer(path, AnyTensor, persistent) for all tensors of a module, in
/// order.
template <Real T, class OnParameter, class OnBuffer>
void for_each_tensor(Module<T>& m, OnParameter on_parameter, OnBuffer on_buffer) {
  detail::TensorVisitor<T, OnParameter, OnBuffer> v(std::move(on_parameter), std::move(on_buffer));
  m.visit(v);
}
template <Real T, class OnParameter>
void for_each_tensor(Module<T>& m, OnParameter on_parameter) {
  for_each_tensor(m, std::move(on_parameter), [](const std::string&, const AnyTensor&, bool) {});
}

template <Real T>
typename Module<T>::Named Module<T>::named_parameters() const {
  Named out;
  for_each_tensor(const_cast<Module&>(*this), [&](const std::string& path, Parameter<T>& p) {
    for (const auto& [name, tensor] : out)
      if (tensor.is_same(p)) return;
    out.push_back({path, p});
  });
  return out;
}

template <Real T>
StateDict Module<T>::list_state() const {
  StateDict out;
  for_each_tensor(
      const_cast<Module&>(*this),
      [&](const std::string& path, Parameter<T>& p) {
        if (p.storage()->is_packed()) fail("state_dict: ", path, " is quantized: its numbers are not kept");
        out.add(path, p.detach());
      },
      [&](const std::string& path, const AnyTensor& buffer, bool persistent) {
        if (persistent) out.add(path, buffer);
      });
  return out;
}

template <Real T>
StateDict Module<T>::named_buffers() const {
  StateDict out;
  for_each_tensor(
      const_cast<Module&>(*this), [](const std::string&, Parameter<T>&) {},
      [&](const std::string& path, const AnyTensor& buffer, bool) { out.add(path, buffer); });
  return out;
}

template <Real T>
Index Module<T>::num_parameters(bool trainable_only) const {
  Index n = 0;
  for (const auto& [name, p] : named_parameters())
    if (p.requires_grad() || !trainable_only) n += p.numel();
  return n;
}

template <Real T>
void Module<T>::requires_grad_(bool on) {
  for (auto& [name, p] : named_parameters()) p.requires_grad_(on);
}

template <Real T>
void Module<T>::zero_grad() const {
  for (const auto& [name, p] : named_parameters()) p.zero_grad();
}

template <Real T>
std::vector<std::pair<std::string, Module<T>*>> Module<T>::named_modules() {
  struct Collector final : Visitor<T> {
    std::vector<std::pair<std::string, Module<T>*>> out;
    void module(const std::string& path, Module<T>& m) override {
      for (const auto& entry : out)
        if (entry.second == &m) return;
      out.emplace_back(path, &m);
    }
  };
  Collector collector;
  collector.out.emplace_back("", this);
  visit(collector);
  return std::move(collector.out);
}

template <Real T>
std::vector<std::pair<std::string, const Module<T>*>> Module<T>::named_modules() const {
  const auto modules = const_cast<Module&>(*this).named_modules();
  return {modules.begin(), modules.end()};
}

template <Real T>
std::vector<std::pair<std::string, Module<T>*>> Module<T>::named_children() {
  std::vector<std::pair<std::string, Module<T>*>> out;
  for (const auto& [name, m] : named_modules()) {
    if (m == this) continue;
    const bool is_deeper = !out.empty() && name.starts_with(out.back().first + ".");
    if (!is_deeper) out.emplace_back(name, m);
  }
  return out;
}

template <Real T>
void Module<T>::set_training(bool on) {
  struct Setter final : Visitor<T> {
    bool on;
    explicit Setter(bool value) : on(value) {}
    void module(const std::string&, Module<T>& m) override { m.training_ = on; }
  };
  Setter setter(on);
  training_ = on;
  visit(setter);
}

template <Real T>
GLOSS_COLD void Module<T>::keep_ties(const Module& other) {
  std::vector<const Parameter<T>*> members;
  for_each_tensor(const_cast<Module&>(other), [&](const std::string&, Parameter<T>& p) {
    if (std::find(members.begin(), members.end(), &p) == members.end()) members.push_back(&p);
  });
  detail::TieCopies<T>::begin(&other, this, members);
}

/// A copy of a whole module that keeps its ties, as the compiler's copy does, also where the copy constructor is the
/// module's own and does not: parameters that were one tensor are one tensor in the copy.
/// PyTorch: copy.deepcopy(model)
template <IsModule M>
M clone(const M& source) {
  detail::know_module<M>();
  M copy(source);
  using T = typename M::value_type;
  std::vector<std::pair<Tensor<T>, Parameter<T>*>> seen;
  std::vector<Parameter<T>*> originals;
  for_each_tensor<T>(const_cast<M&>(source), [&](const std::string&, Parameter<T>& p) { originals.push_back(&p); });
  std::size_t next = 0;
  for_each_tensor<T>(copy, [&](const std::string&, Parameter<T>& p) {
    Parameter<T>& original = *originals[next++];
    for (auto& [tensor, first] : seen)
      if (tensor.is_same(original)) return p.tie(*first);
    seen.emplace_back(original, &p);
  });
  return copy;
}

GLOSS_INSTANTIATE(class Module<float>)
GLOSS_INSTANTIATE(class Module<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
