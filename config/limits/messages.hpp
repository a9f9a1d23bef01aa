#pragma once

#include "config/limits/units.hpp"

/// Messages, names and replies that are kept.
namespace troupe::limits {

inline constexpr std::size_t agent_name_bytes_max = 256;
inline constexpr std::size_t tenant_bytes_max = 64;
inline constexpr std::size_t members_max = 64;
inline constexpr std::size_t replies_kept_max = 64;   ///< by an agent for one sender session
inline constexpr std::size_t sessions_kept_max = 256; ///< sender sessions an agent remembers
inline constexpr auto request_timeout = 60s;
inline constexpr std::size_t replies_kept_bytes_max = 4 * mib; ///< by one agent, for all senders

} // namespace troupe::limits
