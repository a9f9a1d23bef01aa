#include "config/durations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace troupe {

namespace {

struct unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// A name comes before any other name that is its beginning.
constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"min", 60'000},
                           unit{"ms", 1},         unit{"m", 60'000},    unit{"s", 1'000}};
constexpr std::int64_t longest = 366 * units[0].milliseconds;
constexpr std::size_t decimals_max = 9;

void skip_space(std::string_view& text) {
  if (text.starts_with(' '))
    text.remove_prefix(1);
}

std::string_view take_digits(std::string_view& text) {
  auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  auto digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t value = 0;
  auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || stopped != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

/// Takes one part; `before` is the unit of the part before it, in milliseconds.
std::optional<std::int64_t> take_part(std::string_view& text, std::int64_t& before) {
  auto whole = number_of(take_digits(text));
  std::string_view decimals;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    decimals = take_digits(text);
    if (decimals.empty() || decimals.size() > decimals_max)
      return std::nullopt;
  }
  skip_space(text);
  auto found = std::find_if(units.begin(), units.end(),
                            [&](const unit& u) { return text.starts_with(u.name); });
  if (!whole || found == units.end() || found->milliseconds >= before
      || *whole > longest / found->milliseconds)
    return std::nullopt;
  text.remove_prefix(found->name.size());
  before = found->milliseconds;
  auto part = *whole * found->milliseconds;
  if (decimals.empty())
    return part;
  auto rest = *number_of(decimals) * found->milliseconds; // below 10^9 * 10^8
  std::int64_t scale = 1;
  for (auto i = decimals.size(); i > 0; --i)
    scale *= 10;
  if (rest % scale != 0 || !text.empty())
    return std::nullopt;
  return part + rest / scale;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t total = 0, before = longest;
  do {
    auto part = take_part(text, before);
    if (!part || total + *part > longest)
      return std::nullopt;
    total += *part;
    if (!text.empty())
      skip_space(text);
    else
      return std::chrono::milliseconds{total};
  } while (true);
}

std::string format_duration(std::chrono::milliseconds time) {
  auto count = time.count();
  if (count == 0 || count % 1'000 != 0)
    return std::to_string(count) + "ms";
  if (count % 3'600'000 == 0)
    return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0)
    return std::to_string(count / 60'000) + "min";
  return std::to_string(count / 1'000) + "s";
}

} // namespace troupe
