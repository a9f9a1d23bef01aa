#include "actors/coordination/graph_inputs.hpp"

#include "actors/coordination/graph_values.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace troupe {

namespace {

const GraphInput* find(const Graph& graph, std::string_view wanted) {
  for (const auto& input : graph.inputs())
    if (input.name() == wanted)
      return &input;
  return nullptr;
}

/// The list of blobs in a folder's map; null if the value is no such map.
const ValueList* documents_of(const Value& value) {
  if (value.kind_case() != Value::kMap)
    return nullptr;
  auto found = value.map().fields().find("documents");
  if (found == value.map().fields().end() || found->second.kind_case() != Value::kList)
    return nullptr;
  for (const auto& document : found->second.list().items())
    if (document.kind_case() != Value::kBlob)
      return nullptr;
  return &found->second.list();
}

bool fits(std::string_view type, const Value& value) {
  if (type == "text")
    return value.kind_case() == Value::kText;
  if (type == "integer")
    return value.kind_case() == Value::kInteger;
  if (type == "number")
    return value.kind_case() == Value::kNumber || value.kind_case() == Value::kInteger;
  if (type == "flag")
    return value.kind_case() == Value::kFlag;
  if (type == "list")
    return value.kind_case() == Value::kList;
  auto documents = documents_of(value);
  if (type == "folder")
    return documents != nullptr;
  return value.kind_case() == Value::kBlob || (documents && documents->items_size() == 1);
}

std::string described(const GraphInput& input) {
  auto text = "`" + input.name() + "` (" + input.type();
  if (!input.help().empty())
    text += ": " + input.help();
  text += ")";
  if (!input.example().empty())
    text += ", such as --input " + input.name() + "=" + input.example();
  return text;
}

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_blank(const Value& value) {
  return value.kind_case() == Value::kText && trimmed(value.text()).empty();
}

result<Value> parse_list(std::string_view text) {
  Value value;
  auto list = value.mutable_list();
  if (trimmed(text).starts_with('[')) { // JSON is YAML
    auto read = parse_yaml(text, "input");
    auto items =
        read ? read->list() : config_result<std::vector<yaml_node>>{unexpected{read.error()}};
    if (!items)
      return fail(ec::invalid_argument,
                  "a list is written [a, b] or a, b: " + items.error().message);
    for (const auto& item : *items) {
      if (!item.is_scalar())
        return fail(ec::invalid_argument,
                    "the elements of a list are texts, numbers and flags, found " + item.found());
      set_scalar(item, *list->add_items());
    }
    return value;
  }
  while (!text.empty()) {
    auto comma = text.find(',');
    if (auto part = trimmed(text.substr(0, comma)); !part.empty())
      list->add_items()->set_text(std::string{part});
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return value;
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

} // namespace

result<void> check_input_type(const GraphInput& input, const Value& value) {
  if (fits(input.type(), value))
    return {};
  auto documents = input.type() == "file" ? documents_of(value) : nullptr;
  std::string found = documents ? "a folder of " + std::to_string(documents->items_size())
                                : std::string{kind_name(value.kind_case())};
  if (documents && documents->items().empty())
    found = "nothing that could be read";
  return fail(ec::invalid_argument,
              "the input `" + input.name() + "` is of type " + input.type() + ", found " + found);
}

result<void> check_inputs(const Graph& graph, const value_map& given) {
  for (const auto& [key, value] : given) {
    auto input = find(graph, key);
    if (!input) {
      std::vector<std::string_view> all;
      for (const auto& known : graph.inputs())
        all.push_back(known.name());
      return fail(ec::invalid_argument, "the graph " + graph.name() + " has no input `" + key + "`"
                                            + did_you_mean(key, all));
    }
    if (auto fine = check_input_type(*input, value); !fine)
      return fine;
  }
  for (const auto& input : graph.inputs()) {
    auto found = given.find(input.name());
    bool missing = found == given.end() ? !input.has_default_value() : is_blank(found->second);
    if (input.required() && missing)
      return fail(
          ec::invalid_argument,
          to_string(config_error{
              graph.file(), static_cast<int>(input.line()), static_cast<int>(input.column()),
              "the graph " + graph.name() + " wants the input " + described(input)}));
  }
  return {};
}

result<void> check_literals(const Graph& graph) {
  result<void> fine;
  auto look = [&](const Source& from, const std::string& what) {
    if (fine && from.has_literal())
      fine = check_value(from.literal(), what);
  };
  for (const auto& input : graph.inputs())
    if (fine && input.has_default_value())
      fine = check_value(input.default_value(), "the default of the input `" + input.name() + "`");
  for (const auto& task : graph.tasks()) {
    for (const auto& [field, from] : task.input())
      look(from, "task " + task.id() + ", field \"" + field + "\"");
    look(task.for_each(), "task " + task.id() + ", for_each");
  }
  look(graph.result(), "the result of the graph");
  return fine;
}

void settle_inputs(const Graph& graph, value_map& given) {
  for (const auto& input : graph.inputs()) {
    auto found = given.find(input.name());
    if (found == given.end()) {
      if (input.has_default_value())
        given[input.name()] = input.default_value();
      continue;
    }
    if (input.type() == "file" && found->second.kind_case() == Value::kMap) {
      Value blob = documents_of(found->second)->items(0);
      found->second = std::move(blob);
    }
  }
}

result<Value> parse_input_text(std::string_view type, std::string_view text) {
  auto expected = [&](std::string_view what) {
    return fail(ec::invalid_argument,
                "expected " + std::string{what} + ", found `" + std::string{text} + "`");
  };
  Value value;
  if (type == "text") {
    value.set_text(std::string{text});
  } else if (type == "integer") {
    auto integer = whole<std::int64_t>(trimmed(text));
    if (!integer)
      return expected("an integer, such as 12");
    value.set_integer(*integer);
  } else if (type == "number") {
    auto number = whole<double>(trimmed(text));
    if (!number || !std::isfinite(*number))
      return expected("a number, such as 0.5");
    value.set_number(*number);
  } else if (type == "flag") {
    auto word = trimmed(text);
    if (word != "true" && word != "false")
      return expected("true or false");
    value.set_flag(word == "true");
  } else if (type == "list") {
    return parse_list(text);
  } else if (type == "folder" || type == "file") {
    return fail(ec::invalid_argument,
                "a " + std::string{type} + " is read by the client, which sends its contents");
  } else {
    return fail(ec::invalid_argument, "`" + std::string{type} + "` is not a type of input");
  }
  return value;
}

} // namespace troupe
