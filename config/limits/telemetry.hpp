#pragma once

#include "config/limits/units.hpp"

/// Spans, metrics and logs.
namespace troupe::limits {

inline constexpr std::size_t spans_kept_max = 20'000;   ///< by a node, for `troupe trace`
inline constexpr std::size_t spans_queued_max = 16'384; ///< for the exporter
inline constexpr std::size_t spans_per_export = 512;
inline constexpr int span_events_max = 128; ///< as OpenTelemetry's SDKs: more are counted only
inline constexpr std::size_t span_text_bytes_max = 8 * kib; ///< of one attribute
inline constexpr int spans_made_max = 64; ///< of a client, that a node passes on at once
inline constexpr std::size_t spans_made_bytes_max = 256 * kib; ///< of those
inline constexpr auto client_spans_time_max = 500ms; ///< a command waits for its spans to leave
inline constexpr std::size_t door_requests_max =
    4'096; ///< of all clients, with spans that are open
inline constexpr std::size_t door_client_spans_max =
    4;                                        ///< of one client, that a node can write for it
inline constexpr auto door_silence_max = 10s; ///< a door waits for the answer to who is gone
inline constexpr auto otlp_urgent_delay =
    1ms; ///< an urgent span waits so long for those that end with it
inline constexpr auto otlp_urgent_interval = 20ms; ///< between exports that are made for such spans
inline constexpr std::size_t host_addresses_max = 16;
inline constexpr std::size_t otlp_answer_bytes_max = 4 * mib;
inline constexpr auto otlp_connect_timeout = 2s;
inline constexpr auto otlp_request_timeout = 10s;
inline constexpr std::chrono::milliseconds otlp_request_timeout_max = 10min;
inline constexpr std::size_t otlp_pairs_max = 64; ///< headers or attributes of one OTEL_* variable
inline constexpr std::uint32_t otlp_attempts_max = 6; ///< of one batch, then it is dropped
inline constexpr auto otlp_backoff_min = 100ms;
inline constexpr auto otlp_backoff_max = 5s;
inline constexpr auto otlp_retry_after_max =
    10min; ///< a collector that asks for more is asked again after this
inline constexpr auto otlp_flush_at_exit = 2s;
inline constexpr std::size_t log_lines_queued_max = 1'024;
inline constexpr std::size_t log_file_bytes_max = 64 * mib; ///< then it is log.1.jsonl, ...
inline constexpr std::size_t log_files_kept = 3;            ///< beside the one that is written
inline constexpr std::size_t log_line_bytes_max = 8 * kib;
inline constexpr std::size_t metric_series_max = 10'000; ///< label sets of one family; then `other`
inline constexpr std::size_t metric_label_bytes_max = 128;

/// Of one message, until it ends: then those that ended before leave together.
inline constexpr std::size_t agent_spans_held_max = 1'000;

} // namespace troupe::limits
