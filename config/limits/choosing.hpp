#pragma once

#include "config/limits/units.hpp"

/// Choosing a model for a call, and trying again when one fails.
namespace troupe::limits {

inline constexpr std::size_t routes_max = 100;
inline constexpr std::size_t route_models_max = 64; ///< candidates of one route
inline constexpr std::size_t route_rules_max = 64;
inline constexpr std::size_t route_classes_max = 16;
inline constexpr std::uint64_t context_tokens_max = 1'000'000'000;

/// Read of a prompt to estimate how hard it is: its beginning and its end.
inline constexpr std::size_t complexity_head_bytes = 2 * kib;
inline constexpr std::size_t complexity_tail_bytes = 1 * kib;
/// Counted as the output of a call that does not bound it, to compare prices.
inline constexpr std::uint64_t assumed_output_tokens = 500;

/// A candidate whose time to the first piece was measured longer ago than that is tried again.
inline constexpr auto explore_after = 2s;
inline constexpr std::uint32_t explore_one_in = 10; ///< calls, at most

inline constexpr std::uint32_t attempts_each = 2; ///< of one candidate
inline constexpr std::uint32_t attempts_all = 6;  ///< of one call
inline constexpr std::uint32_t attempts_max = 20;
inline constexpr auto retry_pause = 250ms; ///< before the second attempt; then doubled
inline constexpr auto retry_pause_max = 8s;

inline constexpr std::uint32_t retry_percent = 10; ///< of the calls of the last `retry_window`
inline constexpr std::uint32_t retries_free = 10;  ///< in that time, however few calls there are
inline constexpr auto retry_window = 10s;

inline constexpr std::uint32_t breaker_failures = 5; ///< in a row: then it opens
inline constexpr std::uint32_t breaker_calls_min = 10;
inline constexpr std::uint32_t breaker_failed_percent = 50; ///< of at least that many calls
inline constexpr auto breaker_window = 10s;
inline constexpr auto breaker_open = 1s; ///< before the first probe; then doubled
inline constexpr auto breaker_open_max = 4s;
/// A probe that is not heard of any more frees its place.
inline constexpr auto breaker_probe_time = 60s;

} // namespace troupe::limits
