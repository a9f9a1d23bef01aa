#pragma once

#include "config/limits/choosing.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// How long the candidates of a route take to their first piece, and which of them to ask in order
/// to find out.
///
/// A moving average forgets half of what it knew after about two calls: what counts is now. Whoever
/// is slow would never be asked again, and nobody would see that it has recovered; so one whose
/// last measurement is older than `explore_after` is asked once more, the oldest first, at most one
/// call in `explore_one_in`, and no second one until that call has ended. One that was never
/// measured is asked at once. After an outage, of which the average has grown long, it begins anew
/// with the first answer.
class response_times {
public:
  using instant = troupe::instant;

  explicit response_times(std::size_t candidates) : all_(candidates) {}

  /// The first piece of a call has come after that time.
  void measured(std::size_t candidate, std::chrono::nanoseconds took, instant now);
  /// A call ended without one: counted as if it had come after `took`, at least twice the average
  /// and at most a minute.
  void failed(std::size_t candidate, std::chrono::nanoseconds took, instant now);

  /// Zero: it was never measured.
  std::chrono::nanoseconds average(std::size_t candidate) const { return all_[candidate].average; }

  /// A candidate among `usable` to ask now in order to learn; nothing: ask the fastest. Counts the
  /// call.
  std::optional<std::size_t> explore(const std::vector<std::uint16_t>& usable, instant now);

private:
  struct measured_times {
    std::uint32_t failures = 0; ///< in a row
    std::chrono::nanoseconds average{0};
    instant measured_at{};
    instant asked_at{};
    bool is_asked = false; ///< to learn, and nothing was heard yet
  };

  static void count(measured_times& one, std::chrono::nanoseconds took, instant now);

  std::vector<measured_times> all_;
  std::uint32_t calls_ = limits::explore_one_in; ///< since the last one that was asked to learn
};

} // namespace troupe
