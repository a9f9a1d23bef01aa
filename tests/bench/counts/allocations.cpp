#include "tests/bench/counts/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> count{0};
std::atomic<std::uint64_t> bytes{0};

void* count_allocation(std::size_t size, void* made) {
  if (!made)
    throw std::bad_alloc{};
  count.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(size, std::memory_order_relaxed);
  return made;
}

} // namespace

namespace troupe::bench {

allocations allocated() {
  return {count.load(std::memory_order_relaxed), bytes.load(std::memory_order_relaxed)};
}

} // namespace troupe::bench

// The other forms of `new` and `delete` call these by default.
void* operator new(std::size_t size) { return count_allocation(size, std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t at) {
  auto alignment = static_cast<std::size_t>(at);
  return count_allocation(size,
                          std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1)));
}
void operator delete(void* made) noexcept { std::free(made); }
void operator delete(void* made, std::size_t) noexcept { std::free(made); }
void operator delete(void* made, std::align_val_t) noexcept { std::free(made); }
void operator delete(void* made, std::size_t, std::align_val_t) noexcept { std::free(made); }
