#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

/// Decides when a batch of spans is sent again. Pure: time and randomness are given.
/// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
namespace troupe {

/// How one attempt to send a batch ended.
struct otlp_attempt {
  bool connected = false;       ///< an answer came; otherwise refused, reset or timed out
  unsigned status = 0;          ///< of HTTP, if it came
  std::string_view retry_after; ///< the header's value; may be empty
};

/// Only 429, 502, 503, 504 and failed connections may be tried again.
bool may_send_again(const otlp_attempt& attempt);

/// Reads `Retry-After`: seconds, or an HTTP date seen at `now`. Nothing if it is neither.
std::optional<std::chrono::milliseconds>
parse_retry_after(std::string_view text, std::chrono::system_clock::time_point now);

/// How long to wait before attempt `attempts + 1`: doubling from `otlp_backoff_min` to
/// `otlp_backoff_max`, less a random part of up to half; at least what the collector asked for.
/// `random` is uniform over all values.
std::chrono::milliseconds delay_before_retry(std::uint32_t attempts, std::uint64_t random,
                                             std::optional<std::chrono::milliseconds> asked_for);

} // namespace troupe
