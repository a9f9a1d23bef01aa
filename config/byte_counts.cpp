#include "config/byte_counts.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 5> unit_names{"B", "KiB", "MiB", "GiB", "TiB"};
constexpr std::uint64_t step = 1024;

} // namespace

std::optional<std::uint64_t> parse_byte_count(std::string_view text) {
  std::uint64_t bytes = 0;
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, bytes);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
  if (text.empty())
    return bytes;
  if (text.front() == ' ')
    text.remove_prefix(1);
  for (auto unit : unit_names) {
    if (text == unit)
      return bytes;
    if (bytes > std::numeric_limits<std::uint64_t>::max() / step)
      return std::nullopt;
    bytes *= step;
  }
  return std::nullopt;
}

std::string format_byte_count(std::uint64_t bytes) {
  std::size_t unit = 0;
  while (bytes != 0 && bytes % step == 0 && unit + 1 < unit_names.size()) {
    bytes /= step;
    ++unit;
  }
  return std::to_string(bytes) + std::string{unit_names[unit]};
}

} // namespace troupe
