#pragma once

#include "config/limits/units.hpp"

/// Requests to servers that are not ours (telemetry/http_loop).
namespace troupe::limits {

inline constexpr std::size_t http_client_calls_max = 20'000; ///< of one loop, at once
/// Connections of one multi handle of libcurl. In one handle of 5,000 a call costs six times as
/// much as in one of 64.
inline constexpr std::size_t http_client_group_calls_max = 256;
inline constexpr std::size_t http_client_handles_kept_max = 256; ///< that wait for a call
inline constexpr long http_client_streams_max = 100;             ///< of one HTTP/2 connection
/// Where calls share connections: as many as one of them takes. Beyond that, libcurl 7.88 opens a
/// connection for every call that comes before the next one is there.
inline constexpr std::size_t http_client_sharing_calls_max = http_client_streams_max;
inline constexpr long http_client_chunk_bytes = 16 * 1024; ///< that one chunk has at most
inline constexpr std::size_t http_client_answer_bytes_max = 32 * mib;
inline constexpr std::size_t http_client_head_value_bytes_max =
    1 * kib; ///< of a header that is kept
inline constexpr std::size_t http_client_rate_headers_bytes_max = 2 * kib; ///< of all of them
inline constexpr std::size_t http_client_words_bytes_max = 300;            ///< of what libcurl says

inline constexpr auto http_client_connect_timeout = 5s;
inline constexpr auto http_client_first_timeout = 60s;
inline constexpr auto http_client_between_timeout = 30s;
inline constexpr auto http_client_total_timeout = 10min;
/// A group without a call closes its connections after this.
inline constexpr auto http_client_keep_alive = 60s;

/// Names are looked up by threads that can hang for as long as the name server does.
inline constexpr std::size_t name_threads_max = 32;
inline constexpr std::size_t names_waiting_max = 1'000; ///< for a thread
inline constexpr std::size_t host_names_kept_max = 1'000;
inline constexpr std::size_t name_addresses_max = 16; ///< of one name
inline constexpr auto name_lifetime = 60s;            ///< then it is looked up again
inline constexpr auto name_thread_idle = 10s;         ///< then the thread ends

} // namespace troupe::limits
