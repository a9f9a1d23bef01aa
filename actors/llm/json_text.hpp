#pragma once

#include "config/base/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>

/// JSON that others wrote.
namespace troupe {

/// The order of fields is kept: models read schemas, and caches compare prompts.
using json_value = nlohmann::ordered_json;

/// Bounded in depth (`json_depth_max`). The error says what is wrong and where.
outcome<json_value, std::string> parse_json(std::string_view text);

/// The same for text that must be an object.
outcome<json_value, std::string> parse_json_object(std::string_view text);

/// Nothing where a text in it is not UTF-8.
std::optional<std::string> write_json(const json_value& of);

/// Foreign bytes for a message: at most `quoted_bytes_max` of them, within backquotes, in one line.
std::string in_quotes(std::string_view bytes);

} // namespace troupe
