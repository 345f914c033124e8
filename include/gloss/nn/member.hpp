// What a module is and what it consists of, as far as others hear of it.
#pragma once

#include <concepts>

#include <gloss/tensor/element.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
class Module;
template <Real T>
class Visitor;

/// A type derived from Module.
template <class M>
concept IsModule = requires { typename M::value_type; } && std::derived_from<M, Module<typename M::value_type>>;

namespace detail {

/// Hears of every module, parameter and buffer that comes to be or ends on its thread.
class MemberListener {
 public:
  /// `kind` is &Member<Self>::member_kind.
  virtual void begins(void* member, const void* kind) = 0;
  virtual void ends(const void* member) = 0;
  inline static constinit thread_local MemberListener* current = nullptr;

 protected:
  ~MemberListener() = default;
};

/// An empty base of modules, parameters and buffers. Where nobody listens it costs the test of one pointer.
template <class Self>
class Member {
 public:
  inline static char member_kind = 0;  // its address tells one kind of member from another

 protected:
  Member() { begin(); }
  Member(const Member&) { begin(); }
  Member(Member&&) noexcept { begin(); }
  Member& operator=(const Member&) = default;
  Member& operator=(Member&&) noexcept = default;
  ~Member() {
    if (MemberListener::current) [[unlikely]]
      MemberListener::current->ends(this);
  }

 private:
  void begin() {
    if (MemberListener::current) [[unlikely]]
      MemberListener::current->begins(this, &member_kind);
  }
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::nn
