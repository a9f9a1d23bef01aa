#include "messages/ids.hpp"

#include <charconv>

namespace troupe {

std::optional<std::uint64_t> parse_hex64(std::string_view text) {
  std::uint64_t value = 0;
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, value, 16);
  if (text.size() != 16 || error != std::errc{} || stopped != end)
    return std::nullopt;
  return value;
}

std::optional<std::array<std::uint64_t, 2>> parse_hex128(std::string_view text) {
  if (text.size() != 32)
    return std::nullopt;
  auto hi = parse_hex64(text.substr(0, 16));
  auto lo = parse_hex64(text.substr(16));
  if (!hi || !lo)
    return std::nullopt;
  return std::array{*hi, *lo};
}

} // namespace troupe
