#include "actors/coordination/graph_values.hpp"

#include "config/yaml.hpp"
#include "messages/values.pb.h"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t label_bytes_max = 40;

/// The first line of `text`, cut at a character's border.
std::string shortened(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= label_bytes_max)
    return std::string{text};
  auto end = label_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string{text.substr(0, end)} + "…";
}

const Value* field_of(const Value& from, const std::string& field) {
  if (from.kind_case() != Value::kMap)
    return nullptr;
  auto found = from.map().fields().find(field);
  return found == from.map().fields().end() ? nullptr : &found->second;
}

} // namespace

std::string_view kind_name(const Value& value) {
  switch (value.kind_case()) {
    case Value::kText:
      return "a text";
    case Value::kInteger:
      return "an integer";
    case Value::kNumber:
      return "a number";
    case Value::kFlag:
      return "a flag";
    case Value::kBlob:
      return "a blob";
    case Value::kList:
      return "a list";
    case Value::kMap:
      return "a map";
    case Value::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

const Value* find_path(const Value& from, const value_path& path, int begin) {
  auto at = &from;
  for (int i = begin; at && i < path.size(); ++i)
    at = field_of(*at, path.Get(i));
  return at;
}

result<void> copy_path(const Value& from, const value_path& path, Value& into, int begin) {
  auto at = &from;
  for (int i = begin; i < path.size(); ++i) {
    if (at->kind_case() == Value::kList) {
      auto list = into.mutable_list();
      for (const auto& item : at->list().items())
        if (auto copied = copy_path(item, path, *list->add_items(), i); !copied)
          return copied;
      return {};
    }
    auto next = field_of(*at, path.Get(i));
    if (!next)
      return fail(ec::invalid_argument,
                  "there is no field `" + path.Get(i) + "` in " + std::string{kind_name(*at)});
    at = next;
  }
  into = *at;
  return {};
}

std::string label_of(const Value& value, std::uint32_t position) {
  switch (value.kind_case()) {
    case Value::kText:
      if (!value.text().empty())
        return shortened(value.text());
      break;
    case Value::kInteger:
      return std::to_string(value.integer());
    case Value::kBlob:
      if (!value.blob().name().empty())
        return shortened(value.blob().name());
      break;
    case Value::kMap:
      for (const std::string key : {"name", "id"})
        if (auto found = field_of(value, key); found && found->kind_case() == Value::kText)
          return shortened(found->text());
      break;
    default:
      break;
  }
  return "#" + std::to_string(position + 1);
}

void set_scalar(const yaml_node& node, Value& into) {
  if (!node.is_quoted()) {
    if (auto integer = node.integer())
      return into.set_integer(*integer);
    if (auto number = node.number())
      return into.set_number(*number);
    if (auto flag = node.flag())
      return into.set_flag(*flag);
  }
  if (auto text = node.text())
    into.set_text(*std::move(text));
}

} // namespace troupe
