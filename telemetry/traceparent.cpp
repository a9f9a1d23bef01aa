#include "telemetry/traceparent.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t length_of_version_00 = 55;

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::uint8_t byte_of(std::string_view two_digits) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  return static_cast<std::uint8_t>(digit(two_digits[0]) * 16 + digit(two_digits[1]));
}

} // namespace

std::optional<trace_context> parse_traceparent(std::string_view text) {
  if (text.size() < length_of_version_00 || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  auto version = text.substr(0, 2), trace = text.substr(3, 32), parent = text.substr(36, 16),
       flags = text.substr(53, 2);
  if (!is_lower_hex(version) || !is_lower_hex(trace) || !is_lower_hex(parent)
      || !is_lower_hex(flags) || version == "ff")
    return std::nullopt;
  bool longer = text.size() > length_of_version_00;
  if (longer && (version == "00" || text[length_of_version_00] != '-'))
    return std::nullopt;
  auto trace_parts = parse_hex128(trace);
  auto parent_id = parse_hex64(parent);
  if (!trace_parts || !parent_id)
    return std::nullopt;
  trace_context context{{(*trace_parts)[0], (*trace_parts)[1]},
                        {*parent_id},
                        static_cast<std::uint8_t>(byte_of(flags) & 1)};
  if (!context.trace || !context.span)
    return std::nullopt;
  return context;
}

std::string format_traceparent(const trace_context& context) {
  return "00-" + to_string(context.trace) + "-" + to_string(context.span)
         + (context.sampled() ? "-01" : "-00");
}

} // namespace troupe
