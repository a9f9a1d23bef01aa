#pragma once

#include "actors/logic.hpp"

#include <chrono>

namespace troupe {

/// The time for everybody in this process: the wall clock is read once, and the monotonic clock
/// counts from there. It never jumps.
class node_clock {
public:
  node_clock()
      : wall_(std::chrono::system_clock::now()), steady_(std::chrono::steady_clock::now()) {}

  instant now() const {
    return instant{(wall_ - std::chrono::system_clock::time_point{})
                   + (std::chrono::steady_clock::now() - steady_)};
  }
  std::chrono::nanoseconds uptime() const { return std::chrono::steady_clock::now() - steady_; }

private:
  const std::chrono::system_clock::time_point wall_;
  const std::chrono::steady_clock::time_point steady_;
};

} // namespace troupe
