#pragma once

#include "config/limits/units.hpp"

/// Restarts and stops.
namespace troupe::limits {

inline constexpr std::uint32_t restart_intensity = 5;
inline constexpr auto restart_period = 10s;
inline constexpr std::size_t failed_agents_kept_max = 1'024; ///< whose failures are counted
inline constexpr auto stop_timeout = 5s;                     ///< of one service
inline constexpr auto supervisor_stop_slack = 1s;            ///< on top of its children's time
inline constexpr auto node_end_timeout = 5s; ///< after its tree has stopped; then it just ends
/// Pauses of `troupe up` before it restarts a node: doubled after each try, starting over once the
/// node has been ready this long. It never stops trying if the cause may pass.
inline constexpr auto node_restart_backoff_min = 50ms;
inline constexpr auto node_restart_backoff_max = 5s;
inline constexpr auto node_restart_period = 60s;
inline constexpr auto node_ready_timeout = 30s;
inline constexpr auto node_stop_timeout = 10s;
inline constexpr auto node_insist_after = 500ms; ///< from then on a second request to stop counts
inline constexpr auto node_pulse = 2s;           ///< how often a node reports to `troupe up`
inline constexpr auto node_silence_max = 30s;    ///< then it is killed and restarted
inline constexpr std::size_t node_output_bytes_max = 1 * mib; ///< before a node is restarted
inline constexpr std::size_t node_last_words_bytes_max = 400; ///< that `status` and `up` show
inline constexpr std::size_t supervision_file_bytes = 64 * kib;
inline constexpr std::size_t node_ready_line_bytes_max = 64 * kib;

} // namespace troupe::limits
