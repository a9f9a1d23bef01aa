#pragma once

#include "config/limits/choosing.hpp"
#include "messages/ids.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe {

/// How many further attempts the calls of a node may make: in any `retry_window` at most
/// `retry_percent` of the calls that began in it, or `retries_free` where that is more. So an
/// outage is not multiplied: when every call fails, a provider gets 1.1 times the calls, not three
/// times. Hedges count as retries do. To go on to a model that the call has not asked costs
/// nothing: it is asked instead of the other.
///
/// The window is ten slices; what is older than the oldest slice is forgotten.
class retry_budget {
public:
  using instant = troupe::instant;

  explicit retry_budget(std::uint32_t percent = limits::retry_percent,
                        std::uint32_t free = limits::retries_free)
      : percent_(percent), free_(free) {}

  void call_began(instant now);
  /// Takes one. False: the budget is spent, and the call fails with what it has.
  bool take(instant now);
  /// Whether `take` would be granted.
  bool has_left(instant now);

private:
  static constexpr std::size_t slices = 10;
  struct slice {
    std::int64_t number = -1; ///< of all slices since the clock began
    std::uint64_t calls = 0, retries = 0;
  };

  slice& current(instant now);

  std::uint32_t percent_, free_;
  std::array<slice, slices> slices_{};
};

} // namespace troupe
