#include "telemetry/otlp_retry.hpp"

#include "config/limits/telemetry.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>
#include <time.h>

namespace troupe {

using std::chrono::milliseconds;

bool may_send_again(const otlp_attempt& attempt) {
  if (!attempt.connected)
    return true;
  return attempt.status == 429 || attempt.status == 502 || attempt.status == 503
         || attempt.status == 504;
}

std::optional<milliseconds> parse_retry_after(std::string_view text,
                                              std::chrono::system_clock::time_point now) {
  constexpr std::int64_t seconds_max = 1'000'000'000;
  std::int64_t seconds = 0;
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, seconds);
  if (!text.empty() && stopped == end && error != std::errc::invalid_argument) {
    if (error == std::errc::result_out_of_range)
      seconds = seconds_max;
    if (seconds < 0)
      return std::nullopt;
    return std::chrono::seconds{std::min(seconds, seconds_max)};
  }
  std::tm parts{};
  std::string date{text};
  const char* rest = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!rest || *rest != '\0')
    return std::nullopt;
  auto at = std::chrono::system_clock::from_time_t(::timegm(&parts));
  return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(at - now));
}

milliseconds delay_before_retry(std::uint32_t attempts, std::uint64_t random,
                                std::optional<milliseconds> asked_for) {
  milliseconds longest = limits::otlp_backoff_min;
  for (std::uint32_t i = 1; i < attempts && longest < limits::otlp_backoff_max; ++i)
    longest *= 2;
  longest = std::min<milliseconds>(longest, limits::otlp_backoff_max);
  auto half = static_cast<std::uint64_t>(longest.count()) / 2;
  milliseconds delay = longest - milliseconds{random % (half + 1)};
  if (asked_for)
    delay = std::max(delay, std::min<milliseconds>(*asked_for, limits::otlp_retry_after_max));
  return delay;
}

} // namespace troupe
