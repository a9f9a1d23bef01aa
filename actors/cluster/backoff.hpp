#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace troupe {

/// Pauses between attempts: the bound doubles from `min` to `max`, and each pause is drawn from the
/// whole range below it ("full jitter"), so that many nodes that lost the same peer do not come
/// back at once.
class backoff {
public:
  using milliseconds = std::chrono::milliseconds;

  backoff(milliseconds min, milliseconds max) : min_(min), max_(max) {}

  /// The next pause, at least a millisecond. `random` is evenly distributed.
  milliseconds next(std::uint64_t random) {
    bound_ = std::clamp(bound_ * 2, min_, max_);
    auto drawn = milliseconds{
        static_cast<milliseconds::rep>(random % static_cast<std::uint64_t>(bound_.count()))};
    return std::max(milliseconds{1}, drawn);
  }

  /// The attempt succeeded: the next pause is short.
  void reset() { bound_ = milliseconds{0}; }

private:
  milliseconds min_;
  milliseconds max_;
  milliseconds bound_{0};
};

} // namespace troupe
