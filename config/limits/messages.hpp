#pragma once

#include "config/limits/units.hpp"

/// Messages, names and replies that are kept.
namespace troupe::limits {

inline constexpr std::size_t agent_name_bytes_max = 256;
inline constexpr std::size_t names_kept_max = 65'536; ///< by a process: 8 MB if they are short
inline constexpr int value_depth_max = 32;            ///< lists and maps within each other
/// Nested messages that are parsed: three for a map (value, map, entry), one for the innermost
/// value, and those around the values of a graph or a task.
inline constexpr int message_depth_max = 3 * value_depth_max + 1 + 16;
inline constexpr std::size_t failure_bytes_max = 8 * kib; ///< of the text of one failure
inline constexpr std::size_t members_max = 64;
inline constexpr std::size_t replies_kept_max = 64;   ///< by an agent for one sender session
inline constexpr std::size_t sessions_kept_max = 256; ///< sender sessions an agent remembers
inline constexpr auto request_timeout = 60s;
/// A client may ask for a reply again this long after it was sent, unless the client acknowledged
/// it.
inline constexpr auto replies_kept_time = 5min;
/// Added to the age that a client gives for a repeated message: the way may have taken this long.
inline constexpr auto repeat_slack = 10s;
inline constexpr std::size_t replies_kept_bytes_max = 4 * mib; ///< by one agent, for all senders

} // namespace troupe::limits
