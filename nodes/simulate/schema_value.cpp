#include "config/base/split_mix.hpp"
#include "config/limits/simulate.hpp"
#include "nodes/simulate/json_output.hpp"
#include "nodes/simulate/json_view.hpp"

#include <xxhash.h>

#include <limits>

namespace troupe {

namespace {

constexpr std::int64_t span_usual = 99; ///< of a number without a maximum

std::string_view type_of(const json_element& schema) {
  auto type = field_of(schema, "type");
  if (!type)
    return field_of(schema, "properties") ? "object" : "string";
  if (type->is_array()) // such as ["string", "null"]: the first
    return json_array(*type).size() > 0 ? text_of(json_array(*type).at(0)) : std::string_view{};
  return text_of(*type);
}

std::string object_of_schema(const json_element& schema, std::uint64_t hash, std::size_t depth) {
  std::string made = "{";
  if (auto properties = field_of(schema, "properties"); properties && properties->is_object())
    for (auto property : json_object(*properties)) {
      if (made.size() > 1)
        made += ',';
      append_json_string(made, property.key);
      made += ':';
      auto own = hash ^ XXH3_64bits(property.key.data(), property.key.size());
      made += value_of_schema(property.value, own, depth + 1);
    }
  return made + "}";
}

std::int64_t bounded(const json_element& schema, std::uint64_t random) {
  auto bound = [&](std::string_view name, std::int64_t otherwise) {
    auto found = field_of(schema, name);
    std::int64_t value = 0;
    return found && found->get_int64().get(value) == simdjson::SUCCESS ? value : otherwise;
  };
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto low = bound("minimum", 0);
  auto high = bound("maximum", low > most - span_usual ? most : low + span_usual);
  if (high <= low)
    return low;
  // Modulo 2^64: the bounds may be as far apart as numbers can be.
  auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  auto above = span == std::numeric_limits<std::uint64_t>::max() ? random : random % (span + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + above);
}

} // namespace

std::string value_of_schema(const json_element& schema, std::uint64_t hash, std::size_t depth) {
  if (depth > limits::simulate_schema_depth_max)
    return "null";
  split_mix random{hash};
  if (auto fixed = field_of(schema, "const"))
    return simdjson::minify(*fixed);
  if (auto words = field_of(schema, "enum"); words && words->is_array())
    if (auto size = json_array(*words).size(); size > 0)
      return simdjson::minify(json_array(*words).at(random.next() % size).value());
  for (auto either : {"anyOf", "oneOf", "allOf"})
    if (auto forms = field_of(schema, either); forms && forms->is_array())
      if (json_array(*forms).size() > 0)
        return value_of_schema(json_array(*forms).at(0).value(), hash, depth + 1);
  auto type = type_of(schema);
  if (type == "object")
    return object_of_schema(schema, hash, depth);
  if (type == "array") {
    auto items = field_of(schema, "items");
    return items ? "[" + value_of_schema(*items, random.next(), depth + 1) + "]" : "[]";
  }
  if (type == "integer" || type == "number")
    return std::to_string(bounded(schema, random.next()));
  if (type == "boolean")
    return random.next() % 2 == 0 ? "true" : "false";
  if (type == "null")
    return "null";
  return "\"value " + std::to_string(random.next() % 1'000) + "\"";
}

} // namespace troupe
