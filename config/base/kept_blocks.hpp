#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace troupe {

/// Memory for objects that come and go all the time, often made by one thread and destroyed by
/// another: each thread keeps up to `Kept` blocks of one size. Taking one costs a few instructions;
/// malloc costs fifteen times as much, and takes locks where threads free what others have made.
///
/// Used in class: `static void* operator new(std::size_t) { return kept_blocks<T, 64>::take(); }`.
/// Where an address sanitizer watches, nothing is kept, so that it sees every use after the end.
template <class T, std::size_t Kept>
class kept_blocks {
public:
  static void* take() {
    auto& own = blocks;
    if (own.count > 0)
      return own.at[--own.count];
    return ::operator new(sizeof(T), alignment);
  }
  static void give_back(void* block) noexcept {
    auto& own = blocks;
    if (own.count < own.room)
      own.at[own.count++] = block;
    else
      ::operator delete(block, alignment);
  }

private:
  static constexpr std::align_val_t alignment{alignof(T)};
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t kept = 0;
#else
  static constexpr std::size_t kept = Kept;
#endif

  struct list {
    std::array<void*, Kept> at;
    std::size_t count = 0;
    std::size_t room = kept;
    ~list() {
      room = 0; // what comes at the thread's very end is freed at once
      while (count > 0)
        ::operator delete(at[--count], alignment);
    }
  };
  inline static thread_local list blocks;
};

} // namespace troupe
