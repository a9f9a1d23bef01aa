#pragma once

#include "nodes/simulate/provider_request.hpp"

#include <simdjson.h>

#include <string>
#include <string_view>

/// For the readers of requests only: what they share of simdjson.
namespace troupe {

using json_element = simdjson::dom::element;
using json_object = simdjson::dom::object;
using json_array = simdjson::dom::array;

inline bool is_text(const json_element& e) { return e.is_string(); }

/// The text, or nothing if it is no string.
inline std::string_view text_of(const json_element& e) {
  std::string_view text;
  return e.get_string().get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

/// The field, or nothing.
inline std::optional<json_element> field_of(const json_element& e, std::string_view name) {
  json_element found;
  if (e.is_object() && e[name].get(found) == simdjson::SUCCESS)
    return found;
  return std::nullopt;
}

inline std::string_view text_at(const json_element& e, std::string_view name) {
  auto found = field_of(e, name);
  return found ? text_of(*found) : std::string_view{};
}

inline std::optional<std::uint64_t> count_of_json(const json_element& e) {
  std::uint64_t value = 0;
  if (e.get_uint64().get(value) == simdjson::SUCCESS)
    return value;
  return std::nullopt;
}

inline bool is_true(const json_element& e) {
  bool value = false;
  return e.get_bool().get(value) == simdjson::SUCCESS && value;
}

inline std::uint64_t tokens_of(std::string_view text) { return (text.size() + 3) / 4; }

inline unexpected<request_error> wrong(std::string message, std::string param = {}) {
  request_error error;
  error.message = std::move(message);
  error.param = std::move(param);
  return {std::move(error)};
}

using checked = outcome<void, request_error>;

/// A JSON value that fits a schema, so far as it has types, properties, items and enums; numbers
/// and texts follow from `hash`.
std::string value_of_schema(const json_element& schema, std::uint64_t hash, std::size_t depth = 0);

/// Reads the fields of OpenAI's chats and embeddings, and of Anthropic's messages.
checked read_openai(const json_object& body, provider_request& into);
checked read_embeddings(const json_object& body, provider_request& into);
checked read_anthropic(const json_object& body, provider_request& into);

/// The beginnings of a request that providers may keep, of a request that has been read.
void find_openai_beginnings(const json_object& body, provider_request& into);
void find_anthropic_beginnings(const json_object& body, provider_request& into);

/// What the strict form adds. They run after the readers.
checked check_openai(const json_object& body);
checked check_embeddings(const json_object& body);
checked check_anthropic(const json_object& body, bool counts_only);

} // namespace troupe
