#pragma once

#include "actors/logic.hpp"

#include <chrono>

namespace troupe {

/// The time for everybody in this process: the wall clock is read once, and the monotonic clock
/// counts from there. It never jumps.
class node_clock final : public time_source {
public:
  node_clock() {
    // What happens between the two readings shifts this process against the others for its life:
    // the pair that lies closest together counts.
    auto closest = std::chrono::nanoseconds::max();
    for (int i = 0; i < readings; ++i) {
      auto before = std::chrono::steady_clock::now();
      auto wall = std::chrono::system_clock::now();
      auto apart = std::chrono::steady_clock::now() - before;
      if (apart >= closest)
        continue;
      closest = apart;
      wall_ = wall;
      steady_ = before + apart / 2;
    }
  }

  instant now() const override {
    return instant{(wall_ - std::chrono::system_clock::time_point{})
                   + (std::chrono::steady_clock::now() - steady_)};
  }
  std::chrono::nanoseconds uptime() const { return std::chrono::steady_clock::now() - steady_; }

private:
  static constexpr int readings = 8;
  std::chrono::system_clock::time_point wall_;
  std::chrono::steady_clock::time_point steady_;
};

} // namespace troupe
