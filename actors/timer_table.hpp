#pragma once

#include "actors/logic.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

namespace troupe {

/// The timers of one logic. Arming a timer again forgets the old one, so a deadline that is moved a
/// million times costs the memory of one (old entries are swept when they outnumber the live ones).
class timer_table {
public:
  void arm(std::uint32_t id, instant now, std::chrono::nanoseconds after) {
    if (after.count() <= 0) {
      live_.erase(id);
      return;
    }
    auto due = now + after;
    live_[id] = due;
    heap_.push_back({due, id});
    std::push_heap(heap_.begin(), heap_.end(), later);
    if (heap_.size() > 64 + 4 * live_.size())
      sweep();
  }

  /// The next timer that is due at `now`; it is then forgotten. Call until there is none.
  std::optional<std::uint32_t> pop_due(instant now) {
    drop_stale();
    if (heap_.empty() || heap_.front().due > now)
      return std::nullopt;
    auto id = heap_.front().id;
    live_.erase(id);
    drop_stale();
    return id;
  }

  /// When the next timer is due.
  std::optional<instant> next() {
    drop_stale();
    if (heap_.empty())
      return std::nullopt;
    return heap_.front().due;
  }

private:
  struct entry {
    instant due;
    std::uint32_t id;
  };
  static bool later(const entry& a, const entry& b) {
    return a.due != b.due ? a.due > b.due : a.id > b.id;
  }
  bool stale(const entry& e) const {
    auto found = live_.find(e.id);
    return found == live_.end() || found->second != e.due;
  }
  void drop_stale() {
    while (!heap_.empty() && stale(heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      heap_.pop_back();
    }
  }
  void sweep() {
    std::erase_if(heap_, [this](const entry& e) { return stale(e); });
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  std::unordered_map<std::uint32_t, instant> live_;
  std::vector<entry> heap_;
};

} // namespace troupe
