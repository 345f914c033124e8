// Makes one tensor, and prints why not.
#include <cstdio>

#include <gloss/tensor/storage.hpp>

int main() {
  try {
    gloss::StoragePool::instance().allocate(16);
  } catch (const gloss::Error& error) {
    std::puts(error.what());
  }
}
