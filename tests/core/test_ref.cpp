#include <gloss/core/ref.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

struct Counted : RefCounted {
  int* destroyed;
  explicit Counted(int* where) : destroyed(where) {}
};
void destroy(const Counted* object) {
  ++*object->destroyed;
  delete object;
}

}  // namespace

TEST_CASE("Ref: the last owner destroys, whether it is copied, moved or assigned to") {
  int destroyed = 0;
  {
    Ref<Counted> a(new Counted(&destroyed));
    CHECK(a->unique());
    Ref<Counted> b = a;
    CHECK_FALSE(a->unique());
    CHECK(a == b);
    const Ref<Counted> c = std::move(b);
    CHECK_FALSE(b);
    CHECK(c.get() == a.get());
    a = nullptr;
    CHECK(destroyed == 0);
    CHECK(c->unique());
    a = Ref<Counted>(new Counted(&destroyed));
    a = c;
    CHECK(destroyed == 1);
  }
  CHECK(destroyed == 2);
  const Ref<Counted> none;
  CHECK_FALSE(none);
}
