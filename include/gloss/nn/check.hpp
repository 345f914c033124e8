// Members that visit() forgets, found in a copy of the module.
#pragma once

#include <atomic>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/nn/parameter.hpp>
#include <gloss/nn/type_name.hpp>

namespace gloss::inline GLOSS_ABI::nn {

namespace detail {

/// What comes to be on this thread while it listens and is still there, in order: the members of a module that is
/// copied meanwhile, those in lists and the like too.
class MemberList final : public MemberListener {
 public:
  struct Entry {
    const void *member, *kind;
  };
  MemberList() : outer_(std::exchange(current, this)) {}
  ~MemberList() { current = outer_; }
  MemberList(const MemberList&) = delete;
  MemberList& operator=(const MemberList&) = delete;

  void begins(void* member, const void* kind) override { entries.push_back({member, kind}); }
  void ends(const void* member) override {
    std::erase_if(entries, [&](const Entry& e) { return e.member == member; });
  }
  std::vector<Entry> entries;

 private:
  MemberListener* outer_;
};

/// Every name that visit() gives, with the address of its member.
template <Real T>
class NamedMembers final : public Visitor<T> {
 public:
  explicit NamedMembers(Module<T>& module) {
    named_.emplace_back(address(module), "");
    module.visit(*this);
  }
  const std::string* name_of(const void* member) const {
    for (const auto& [address, name] : named_)
      if (address == member) return &name;
    return nullptr;
  }
  template <class Self>
  static const void* address(const Self& member) {
    return static_cast<const Member<Self>*>(&member);
  }

 private:
  void parameter(const std::string& path, Parameter<T>& p) override { named_.emplace_back(address(p), path); }
  void module(const std::string& path, Module<T>& m) override { named_.emplace_back(address(m), path); }
  void buffer_member(const std::string& path, const void* member) override { named_.emplace_back(member, path); }

  std::vector<std::pair<const void*, std::string>> named_;
};

/// "a Parameter of shape [2]"; empty for a tensor that is undefined, which visit() need not name.
template <Real T>
GLOSS_COLD std::string describe_member(const MemberList::Entry& entry) {
  const auto as = [&]<class Self>(const Self*) -> const Self* {
    if (entry.kind != &Member<Self>::member_kind) return nullptr;
    return static_cast<const Self*>(static_cast<const Member<Self>*>(entry.member));
  };
  const auto tensor = [](const char* kind, const auto& x) {
    return x.defined() ? gloss::detail::join({kind, " of shape ", x.shape()}) : std::string();
  };
  if (const auto* m = as(static_cast<const Module<T>*>(nullptr))) return "a " + short_type_name(typeid(*m));
  if (const auto* p = as(static_cast<const Parameter<T>*>(nullptr))) return tensor("a Parameter", *p);
  if (const auto* b = as(static_cast<const Buffer<T>*>(nullptr))) return tensor("a Buffer", *b);
  if (const auto* b = as(static_cast<const Buffer<std::int64_t>*>(nullptr))) return tensor("a Buffer", *b);
  if (const auto* b = as(static_cast<const Buffer<bool>*>(nullptr))) return tensor("a Buffer", *b);
  return "a member of another element type";
}

/// Errors: Error for the first of these members of a module that it does not name.
template <Real T>
GLOSS_COLD void require_named(Module<T>& module, const std::vector<MemberList::Entry>& members) {
  const NamedMembers<T> names(module);
  const std::string* before = nullptr;
  for (const MemberList::Entry& entry : members) {
    if (const std::string* const name = names.name_of(entry.member)) {
      before = name;
    } else if (const std::string what = describe_member<T>(entry); !what.empty()) {
      const std::string type = short_type_name(typeid(module));
      if (!before || before->empty())
        fail("check: ", type, " has ", what, " that visit does not name, its first member");
      fail("check: ", type, " has ", what, " that visit does not name, after ", *before);
    }
  }
}

}  // namespace detail

/// Makes sure that visit() names every module, parameter and buffer that a model consists of, at every level: what it
/// forgets is not trained, not saved, and stays in training mode after eval(). It copies the model and listens to what
/// is copied, members in lists and in optionals too. Not found is what a copy shares, as what a std::shared_ptr holds;
/// so this is how to hold a module that is no part of the model. Builds with assertions (without NDEBUG) do the same by
/// themselves in train(), eval(), parameters() and state_dict(), once for each type of module that is not gloss's own:
/// of submodules, and of models whose type the program also calls clone, clones, io::save, io::load, run_epoch or
/// evaluate with.
/// Errors: Error with the type of the first member that is not named, and the named one before it.
template <IsModule M>
GLOSS_COLD void check(const M& model) {
  static_assert(std::copy_constructible<M>, "nn::check copies the model, and this one cannot be copied");
  detail::MemberList list;
  M copy(model);
  detail::require_named<typename M::value_type>(copy, list.entries);
}

namespace detail {

#if !defined(NDEBUG) && defined(__cpp_rtti)

/// A type of modules that the program uses. All such types are in a list before main begins.
template <Real T>
class KnownModule {
 public:
  KnownModule(const std::type_info& type, void (*check)(const Module<T>&)) : type_(type), check_(check) {
    next_ = first.load();
    while (!first.compare_exchange_weak(next_, this)) {
    }
  }
  /// Checks the first module of each type, with all that is within it.
  GLOSS_COLD static void check_within(const Module<T>& module) {
    for (const auto& [name, m] : module.named_modules())
      if (const KnownModule* const known = find_unchecked(*m)) {
        known->check_(*m);
        for (const auto& [inner_name, inner] : m->named_modules())
          if (KnownModule* const passed = find_unchecked(*inner)) passed->is_checked_ = true;
      }
  }

 private:
  static KnownModule* find_unchecked(const Module<T>& module) {
    for (KnownModule* known = first; known; known = known->next_)
      if (!known->is_checked_ && known->type_ == typeid(module)) return known;
    return nullptr;
  }

  const std::type_info& type_;
  void (*check_)(const Module<T>&);
  std::atomic<bool> is_checked_{false};
  KnownModule* next_;
  inline static constinit std::atomic<KnownModule*> first{nullptr};
};
template <class M>
inline KnownModule<typename M::value_type> known_module{
    typeid(M), [](const Module<typename M::value_type>& m) { check(static_cast<const M&>(m)); }};

/// Whether a type is one of gloss's own, which need no check: their copies would be compiled in every program.
template <class M>
consteval bool is_own() {
#ifdef _MSC_VER
  const std::string_view name = __FUNCSIG__;
  return name.find("is_own<struct gloss::") < name.size() || name.find("is_own<class gloss::") < name.size();
#else
  const std::string_view name = __PRETTY_FUNCTION__;
  return name.find("[M = gloss::") < name.size() || name.find("[with M = gloss::") < name.size();
#endif
}

/// Puts a type into the list; what cannot be copied cannot be checked.
template <class M>
void know_module() {
  if constexpr (!is_own<M>())
    if constexpr (IsModule<M>)
      if constexpr (std::copy_constructible<M>) (void)&known_module<M>;
}
template <Real T>
void check_within(const Module<T>& module) {
  KnownModule<T>::check_within(module);
}

#else

template <class M>
constexpr void know_module() {}
template <Real T>
constexpr void check_within(const Module<T>&) {}

#endif

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::nn
