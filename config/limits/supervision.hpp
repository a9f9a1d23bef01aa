#pragma once

#include "config/limits/units.hpp"

/// Restarts and stops.
namespace troupe::limits {

inline constexpr std::uint32_t restart_intensity = 5;
inline constexpr auto restart_period = 10s;
inline constexpr std::size_t failed_agents_kept_max = 1'024; ///< whose failures are counted
inline constexpr auto stop_timeout = 5s;                     ///< of one service
inline constexpr auto supervisor_stop_slack = 1s;            ///< beside what its children take
inline constexpr auto node_end_timeout = 5s; ///< when its tree has stopped; then it just ends
inline constexpr std::uint32_t node_restart_intensity = 5; ///< of one node process by `troupe up`
inline constexpr auto node_restart_period = 60s;
inline constexpr auto node_restart_backoff_min = 50ms;
inline constexpr auto node_restart_backoff_max = 5s;
inline constexpr auto node_ready_timeout = 30s;
inline constexpr auto node_stop_timeout = 10s;
inline constexpr std::size_t node_ready_line_bytes_max = 64 * kib;

} // namespace troupe::limits
