#include "actors/coordination/slot_pool.hpp"

#include <algorithm>
#include <cassert>

namespace troupe {

slot_pool::slot_pool(std::shared_ptr<const role> what, const std::string& title, std::uint32_t size)
    : what_(std::move(what)) {
  for (std::uint32_t i = size; i-- > 0;)
    free_.push_back(i);
  for (std::uint32_t i = 0; i < size; ++i)
    slots_.push_back(pool_slot(title, i));
}

std::uint32_t slot_pool::take() {
  assert(has_free());
  auto slot = free_.back();
  free_.pop_back();
  return slot;
}

void slot_pool::give_back(std::uint32_t slot, bool last) {
  if (last)
    free_.insert(free_.begin(), slot);
  else
    free_.push_back(slot);
}

bool slot_pool::invariants(std::size_t in_use) const {
  if ((!waiting.empty() && has_free()) || busy() != in_use)
    return false;
  std::vector<bool> seen(slots_.size());
  for (auto slot : free_) {
    if (seen[slot])
      return false; // two tasks would get it
    seen[slot] = true;
  }
  return true;
}

} // namespace troupe
