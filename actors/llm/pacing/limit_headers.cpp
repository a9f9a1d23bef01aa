#include "actors/llm/pacing/limit_headers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace troupe {

namespace {

using std::chrono::nanoseconds;

template <class Number>
bool take_number(std::string_view& text, Number& into) {
  auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error != std::errc{})
    return false;
  text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
  return true;
}

/// The seconds of the unit at the beginning, which is taken away; 0: there is none.
double take_unit(std::string_view& text) {
  constexpr std::pair<std::string_view, double> units[] = {
      {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"h", 3'600}, {"m", 60}, {"s", 1}, {"d", 86'400}};
  for (auto [word, seconds] : units)
    if (text.starts_with(word)) {
      text.remove_prefix(word.size());
      return seconds;
    }
  return 0;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  if (!take_number(text, value) || !text.empty())
    return std::nullopt;
  return value;
}

std::string lower_case(std::string_view text) {
  std::string made{text};
  std::transform(made.begin(), made.end(), made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return made;
}

std::string_view trimmed_header(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// A number of exactly that many digits, which are taken away; -1: there is none.
int take_digits(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits)
    return -1;
  for (auto c : text.substr(0, digits)) {
    if (c < '0' || c > '9')
      return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_mark(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text.front()) == one_of.npos)
    return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+02:00"; nothing if it is neither.
std::optional<std::chrono::seconds> read_offset(std::string_view text) {
  if (text == "Z" || text == "z")
    return std::chrono::seconds{0};
  bool is_west = text.starts_with('-');
  if (!take_mark(text, "+-"))
    return std::nullopt;
  auto hours = take_digits(text, 2);
  bool has_mark = take_mark(text, ":");
  auto minutes = take_digits(text, 2);
  if (hours < 0 || minutes < 0 || !has_mark || !text.empty())
    return std::nullopt;
  auto offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return is_west ? -offset : offset;
}

} // namespace

std::optional<nanoseconds> parse_go_duration(std::string_view text) {
  double seconds = 0;
  constexpr double seconds_max = 366.0 * 86'400;
  if (text.empty())
    return std::nullopt;
  while (!text.empty()) {
    double number = 0;
    if (text.front() == '-' || !take_number(text, number) || !std::isfinite(number))
      return std::nullopt;
    auto unit = text.empty() && seconds == 0 ? 1 : take_unit(text);
    if (unit == 0)
      return std::nullopt;
    seconds += number * unit;
  }
  if (!(seconds <= seconds_max))
    return std::nullopt;
  return std::chrono::round<nanoseconds>(std::chrono::duration<double>{seconds});
}

std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text) {
  auto year = take_digits(text, 4);
  bool marks = take_mark(text, "-");
  auto month = take_digits(text, 2);
  marks = marks && take_mark(text, "-");
  auto day = take_digits(text, 2);
  marks = marks && take_mark(text, "Tt ");
  auto hour = take_digits(text, 2);
  marks = marks && take_mark(text, ":");
  auto minute = take_digits(text, 2);
  marks = marks && take_mark(text, ":");
  auto second = take_digits(text, 2);
  constexpr int hours = 24, sixty = 60;
  if (!marks || year < 0 || month < 1 || day < 1 || hour < 0 || hour >= hours || minute < 0
      || minute >= sixty || second < 0 || second > sixty)
    return std::nullopt;
  if (take_mark(text, "."))
    text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  auto offset = read_offset(text);
  std::chrono::year_month_day date{std::chrono::year{year},
                                   std::chrono::month{static_cast<unsigned>(month)},
                                   std::chrono::day{static_cast<unsigned>(day)}};
  if (!offset || !date.ok())
    return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute}
         + std::chrono::seconds{second} - *offset;
}

bool limit_headers::take(std::string_view called, std::string_view value, wall_clock now) {
  auto key = lower_case(called);
  value = trimmed_header(value);
  auto ends = [&](std::string_view what) { return key.ends_with(what); };
  bool is_openai = key.starts_with("x-ratelimit-"),
       is_anthropic = key.starts_with("anthropic-ratelimit-");
  bool is_requests = key.find("requests") != key.npos, is_tokens = key.find("tokens") != key.npos;
  if ((!is_openai && !is_anthropic) || (!is_requests && !is_tokens))
    return false;
  if (key.find("output-tokens") != key.npos)
    return true; // how much will come out is not known before
  auto& to = is_requests ? requests_ : tokens_;
  bool is_reset = is_openai ? key.starts_with("x-ratelimit-reset-") : ends("-reset");
  bool is_left = is_openai ? key.starts_with("x-ratelimit-remaining-") : ends("-remaining");
  bool is_limit = is_openai ? key.starts_with("x-ratelimit-limit-") : ends("-limit");
  if (is_limit)
    to.limit = whole_number(value);
  else if (is_left)
    to.remaining = whole_number(value);
  else if (!is_reset)
    return false;
  else if (auto at = parse_rfc3339(value))
    to.reset = std::max(nanoseconds{0}, std::chrono::duration_cast<nanoseconds>(*at - now));
  else
    to.reset = parse_go_duration(value);
  return true;
}

void limit_headers::take_lines(std::string_view lines, wall_clock now) {
  while (!lines.empty()) {
    auto end = std::min(lines.find('\n'), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (auto colon = line.find(':'); colon != line.npos)
      take(line.substr(0, colon), line.substr(colon + 1), now);
  }
}

} // namespace troupe
