#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

/// One of a provider's limits, as it was told last. Absent: not said.
struct told_limit {
  std::optional<std::uint64_t> limit;            ///< in a window
  std::optional<std::uint64_t> remaining;        ///< of it
  std::optional<std::chrono::nanoseconds> reset; ///< until all of it is there again

  bool is_told() const noexcept { return remaining.has_value() || limit.has_value(); }
  bool operator==(const told_limit&) const = default;
};

/// What the headers of one answer say of the limits of its provider:
///
/// - OpenAI and those who speak its API: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`;
///   `reset` is a duration: "1s", "6m0s", "20ms".
/// - Anthropic: `anthropic-ratelimit-{requests,tokens,input-tokens}-{limit,remaining,reset}`;
///   `reset` is a time by RFC 3339.
///
/// Names are compared without regard to case. What cannot be read is as if it were not said: a
/// header of somebody else must not fail a call.
class limit_headers {
public:
  using wall_clock = std::chrono::system_clock::time_point;

  /// False: it is no header about limits.
  bool take(std::string_view called, std::string_view value, wall_clock now);
  /// Lines "name: value".
  void take_lines(std::string_view lines, wall_clock now);

  const told_limit& requests() const noexcept { return requests_; }
  const told_limit& tokens() const noexcept { return tokens_; }
  bool is_told() const noexcept { return requests_.is_told() || tokens_.is_told(); }

private:
  told_limit requests_, tokens_;
};

/// "1s", "6m0s", "1h2m3.5s", "20ms", "1.5s", or a plain number of seconds. Nothing if it is none.
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

/// "2026-11-28T03:40:00Z", with decimals or an offset. Nothing if it is none.
std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

} // namespace troupe
