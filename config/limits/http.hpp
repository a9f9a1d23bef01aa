#pragma once

#include "config/limits/units.hpp"

/// The HTTP server (nodes/http) and what stands on it.
namespace troupe::limits {

// -- what a request may be ------------------------------------------------------------------------

inline constexpr std::size_t http_header_bytes_max = 8 * kib;
inline constexpr std::size_t http_body_bytes_max = 1 * mib; ///< unless the route says otherwise
inline constexpr std::uint32_t http_requests_per_connection_max = 10'000;
/// Of further requests, while one is being answered. Beyond that the connection is not read.
inline constexpr std::size_t http_pipelined_bytes_max = 64 * kib;

// -- connections ----------------------------------------------------------------------------------

/// /metrics and /health. Then the connection whose peer has been silent longest is closed.
inline constexpr std::size_t http_connections_max = 64;
/// In the kernel's queue, so that those who come after a burst of strangers need not knock again.
inline constexpr int http_backlog = 4'096;
inline constexpr auto http_accept_pause = 100ms; ///< when no file descriptor is free

// -- times ----------------------------------------------------------------------------------------

inline constexpr auto http_header_timeout = 10s;
inline constexpr auto http_body_timeout = 30s; ///< and a second more for each of these bytes:
inline constexpr std::size_t http_body_bytes_per_second_min = 16 * kib;
inline constexpr auto http_keep_alive = 60s;
inline constexpr auto http_answer_timeout = 10min; ///< for a handler to answer, or to go on
inline constexpr auto http_write_timeout = 30s; ///< for the peer to take all, or this much of it:
inline constexpr std::size_t http_write_progress_bytes = 16 * kib;
inline constexpr auto http_linger = 2s; ///< for the peer to read the last answer and close
inline constexpr std::size_t http_linger_bytes_max = 64 * kib;
/// How often a connection that is not read is asked whether its peer has gone.
inline constexpr auto http_gone_check = 25ms;

// -- memory ---------------------------------------------------------------------------------------

inline constexpr std::size_t http_read_bytes = 64 * kib; ///< one buffer a thread, for all reads
/// Of a stream that its reader has not taken yet: then the source is to stop.
inline constexpr std::size_t http_stream_bytes_max = 64 * kib;
/// A source that does not stop is cut off here.
inline constexpr std::size_t http_stream_bytes_hard_max = 64 * mib;
/// Not sent yet, in the kernel. Otherwise it would take megabytes from a source whose reader is
/// slow.
inline constexpr int http_unsent_bytes_max = 128 * 1024;
/// Behind each body, so that readers may look at whole vectors of bytes (simdjson wants 64).
inline constexpr std::size_t http_body_padding = 64;

} // namespace troupe::limits
