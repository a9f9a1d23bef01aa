#pragma once

#include "config/limits/units.hpp"

/// The small HTTP listener of /metrics and /health.
namespace troupe::limits {

inline constexpr std::size_t http_header_bytes_max = 8 * kib;
inline constexpr std::size_t http_connections_max = 64; ///< then the oldest idle one is closed
/// In the kernel's queue, so that those who come after a burst of strangers need not knock again.
inline constexpr int http_backlog = 4'096;
inline constexpr auto http_header_timeout = 10s;
inline constexpr auto http_keep_alive = 60s;
inline constexpr auto http_write_timeout = 30s;
inline constexpr std::uint32_t http_requests_per_connection_max = 10'000;
inline constexpr auto http_accept_pause = 100ms; ///< when no file descriptor is free
inline constexpr auto http_linger = 2s;          ///< for the peer to read the last answer and close
inline constexpr std::size_t http_linger_bytes_max = 64 * kib;

} // namespace troupe::limits
