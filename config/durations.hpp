#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// The one grammar of times, for configuration, graphs, roles and `--timeout`:
///
///     duration = part {[" "] part}       "1h30m", "2 min 5 s": from long to short, each unit once
///     part     = number [" "] unit
///     number   = digits ["." digits]     only the last part may have decimals: "1.5h", "0.25s"
///     unit     = "d" | "h" | "min" | "m" | "s" | "ms"
///
/// Nothing is rounded: "1.5ms" is no duration. A number without a unit is no duration either: some
/// readers mean seconds, and other programs read milliseconds.
namespace troupe {

/// Nothing if `text` is not a duration, or is longer than a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// What `parse_duration` reads back: "200ms", "90s", "2min", "1h".
std::string format_duration(std::chrono::milliseconds time);

/// The examples that errors show.
inline constexpr std::string_view duration_examples = "200ms, 5s, 2min, 1h30m";

} // namespace troupe
