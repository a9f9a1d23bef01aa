#pragma once

#include "messages/ids.hpp"
#include "messages/name.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace troupe {

/// Which agents may be idle, by the time at which to ask them. Times are rounded up to a grain, so
/// a million agents need as many entries as there are grains in their idle time, one timer, and no
/// work while they are busy. Entries are not removed early: an agent that has been filed again has
/// another grain, and its old entry is skipped.
class idle_wheel {
public:
  explicit idle_wheel(std::chrono::nanoseconds grain) : grain_(grain) {}

  /// The grain under which `agent` is filed.
  std::int64_t file(const name& agent, instant due) {
    auto since = due.time_since_epoch().count();
    auto at = (since + grain_.count() - 1) / grain_.count();
    entries_[at].push_back(agent);
    ++size_;
    return at;
  }

  /// Takes out the first entry, if its time has come by `now`.
  std::optional<std::pair<name, std::int64_t>> pop(instant now) {
    if (entries_.empty() || time_of(entries_.begin()->first) > now)
      return std::nullopt;
    auto first = entries_.begin();
    std::pair<name, std::int64_t> taken{std::move(first->second.front()), first->first};
    first->second.pop_front();
    if (first->second.empty())
      entries_.erase(first);
    --size_;
    return taken;
  }

  std::optional<instant> next() const {
    if (entries_.empty())
      return std::nullopt;
    return time_of(entries_.begin()->first);
  }

  std::size_t size() const noexcept { return size_; }

private:
  instant time_of(std::int64_t at) const { return instant{at * grain_}; }

  std::chrono::nanoseconds grain_;
  std::map<std::int64_t, std::deque<name>> entries_; ///< in the order in which they were filed
  std::size_t size_ = 0;
};

} // namespace troupe
