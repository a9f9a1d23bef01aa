#include "actors/llm/json_text.hpp"

#include "config/limits/dialects.hpp"
#include "telemetry/text_escape.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace troupe {

namespace {

/// The most lists and objects within each other. Brackets in texts do not count.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (in_text) {
      if (c == '\\')
        ++i;
      else
        in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

} // namespace

outcome<json_value, std::string> parse_json(std::string_view text) {
  if (depth_of(text) > limits::json_depth_max)
    return unexpected<std::string>{"it has more than " + std::to_string(limits::json_depth_max)
                                   + " lists and objects within each other"};
  try {
    return json_value::parse(text.begin(), text.end());
  } catch (const json_value::parse_error& error) {
    return unexpected<std::string>{"no JSON at byte " + std::to_string(error.byte)};
  } catch (const json_value::exception&) { // a number that no double can hold
    return unexpected<std::string>{"a number in it is too large"};
  }
}

outcome<json_value, std::string> parse_json_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (parsed && !parsed->is_object())
    return unexpected<std::string>{"it is no JSON object"};
  return parsed;
}

std::optional<std::string> write_json(const json_value& of) {
  try {
    return of.dump();
  } catch (const json_value::type_error&) {
    return std::nullopt;
  }
}

std::string in_quotes(std::string_view bytes) {
  auto shown = bytes.substr(0, limits::quoted_bytes_max);
  if (is_utf8(bytes))
    shown = utf8_prefix(bytes, limits::quoted_bytes_max);
  return "`" + one_line(shown) + (shown.size() < bytes.size() ? "`..." : "`");
}

} // namespace troupe
