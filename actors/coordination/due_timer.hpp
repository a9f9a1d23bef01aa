#pragma once

#include "actors/logic.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe {

/// A timer of a logic that fires at the earliest of several moments. It is armed again only for an
/// earlier moment, and never for less than `grain`. What is due when it fires, its user looks up.
class due_timer {
public:
  due_timer(std::uint32_t id, std::chrono::nanoseconds grain) : id_(id), grain_(grain) {}

  void fire_at(step_context& context, instant due) {
    if (armed_ && *armed_ <= due)
      return;
    armed_ = due;
    context.out.arm(id_, std::max(due - context.now, grain_));
  }
  /// It has fired: the next moment arms it again.
  void fired() noexcept { armed_.reset(); }

private:
  std::uint32_t id_;
  std::chrono::nanoseconds grain_;
  std::optional<instant> armed_;
};

} // namespace troupe
