#include "actors/llm/routing/response_times.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// The share of the latest measurement in the average.
constexpr int share_percent = 30;
constexpr int whole_percent = 100;
/// No time counts for more: an average that only grows would run over.
constexpr std::chrono::nanoseconds counted_max = std::chrono::minutes{1};
/// So many failures in a row, and what was measured before them says nothing any more.
constexpr std::uint32_t failures_of_outage = 2;
/// A call that was to tell something and is not heard of counts no more.
constexpr auto learns_within = limits::breaker_probe_time;

} // namespace

void response_times::measured(std::size_t candidate, std::chrono::nanoseconds took, instant now) {
  auto& one = all_[candidate];
  if (std::exchange(one.failures, 0) >= failures_of_outage)
    one.average = std::chrono::nanoseconds{0};
  count(one, took, now);
}

void response_times::count(measured_times& one, std::chrono::nanoseconds took, instant now) {
  took = std::clamp(took, std::chrono::nanoseconds{1}, counted_max);
  one.average =
      one.average.count() == 0
          ? took
          : (one.average * (whole_percent - share_percent) + took * share_percent) / whole_percent;
  one.measured_at = now;
  one.is_asked = false;
}

void response_times::failed(std::size_t candidate, std::chrono::nanoseconds took, instant now) {
  auto& one = all_[candidate];
  one.failures = std::min(one.failures + 1, failures_of_outage);
  count(one, std::max(took, 2 * one.average), now);
}

std::optional<std::size_t> response_times::explore(const std::vector<std::uint16_t>& usable,
                                                   instant now) {
  ++calls_;
  std::optional<std::size_t> chosen;
  for (auto index : usable) {
    auto& one = all_[index];
    if (one.is_asked && now - one.asked_at > learns_within)
      one.is_asked = false;
    if (one.is_asked)
      continue;
    bool is_new = one.average.count() == 0;
    if (!is_new
        && (calls_ < limits::explore_one_in || now - one.measured_at < limits::explore_after))
      continue;
    if (!chosen || one.measured_at < all_[*chosen].measured_at)
      chosen = index;
  }
  if (!chosen)
    return std::nullopt;
  all_[*chosen].is_asked = true;
  all_[*chosen].asked_at = now;
  calls_ = 0;
  return chosen;
}

} // namespace troupe
