#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The grammar of amounts of bytes in a configuration:
///
///     bytes = digits [" "] ["B" | "KiB" | "MiB" | "GiB" | "TiB"]     "256MiB", "4096"
namespace troupe {

/// Nothing if `text` is no such amount, or is larger than 64 bits can tell.
std::optional<std::uint64_t> parse_byte_count(std::string_view text);

/// What `parse_byte_count` reads back, in the largest unit that is exact: "256MiB".
std::string format_byte_count(std::uint64_t bytes);

/// The examples that errors show.
inline constexpr std::string_view byte_count_examples = "64MiB, 1GiB, 1000000";

} // namespace troupe
