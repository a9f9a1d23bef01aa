#include "actors/host/queued_bytes.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::atomic<std::uint64_t> numbers_given{0};

} // namespace

queued_bytes::queued_bytes() : number_(numbers_given.fetch_add(1) + 1) {}

queued_bytes::~queued_bytes() {
  for (auto one = cells_.load(); one;)
    delete std::exchange(one, one->next);
}

queued_bytes::cell& queued_bytes::own_slowly(recent& last) noexcept {
  auto me = std::this_thread::get_id();
  auto first = cells_.load(std::memory_order_acquire);
  auto found = first;
  while (found && found->owner != me)
    found = found->next;
  if (!found) {
    found = new cell;
    found->owner = me;
    found->next = first;
    while (!cells_.compare_exchange_weak(found->next, found, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
  }
  last = {number_, found};
  return *found;
}

std::uint64_t queued_bytes::total() const noexcept {
  std::int64_t sum = 0;
  for (auto one = cells_.load(std::memory_order_acquire); one; one = one->next)
    sum += one->held.load(std::memory_order_seq_cst);
  // While others count, a sum may include a thread's taking of bytes but not yet another's bringing
  // of them.
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

void queued_bytes::when_room(std::function<void()> resume) {
  {
    std::lock_guard guard{mutex_};
    waiting_.push_back(std::move(resume));
    awaited_.store(true, std::memory_order_seq_cst);
  }
  resume_if_room();
}

void queued_bytes::resume_if_room() {
  if (total() > limits::node_queued_bytes_resume)
    return;
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard guard{mutex_};
    ready.swap(waiting_);
    awaited_.store(false, std::memory_order_seq_cst);
  }
  for (auto& resume : ready)
    resume();
}

} // namespace troupe
