#include "actors/coordination/graph_values.hpp"

#include "config/yaml.hpp"
#include "messages/payload.hpp"
#include "messages/value_bytes.hpp"
#include "messages/values.pb.h"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t label_bytes_max = 40;

/// The first line of `text`, cut between two characters.
std::string shortened(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= label_bytes_max)
    return std::string{text};
  auto end = label_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return std::string{text.substr(0, end)} + "…";
}

} // namespace

std::string_view kind_name(Value::KindCase kind) {
  switch (kind) {
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

std::optional<std::string_view> find_path(std::string_view from, const value_path& path) {
  std::optional at = from;
  for (int i = 0; at && i < path.size(); ++i) {
    auto seen = view_value(*at);
    at = seen.kind == Value::kMap ? find_entry(seen.field.bytes, path.Get(i)) : std::nullopt;
  }
  return at;
}

result<void> append_path(std::string_view from, const value_path& path, std::string& into,
                         int begin) {
  auto at = from;
  for (int i = begin; i < path.size(); ++i) {
    auto seen = view_value(at);
    if (seen.kind == Value::kList) {
      result<void> copied;
      auto list = begin_field(into, Value::kList);
      visit_items(seen.field.bytes, [&](std::string_view item) {
        auto element = begin_field(into, 1);
        copied = append_path(item, path, into, i);
        end_field(into, element);
        return copied.has_value();
      });
      end_field(into, list);
      return copied;
    }
    auto next = seen.kind == Value::kMap ? find_entry(seen.field.bytes, path.Get(i)) : std::nullopt;
    if (!next)
      return fail(ec::invalid_argument, "there is no field `" + path.Get(i) + "` in "
                                            + std::string{kind_name(seen.kind)});
    at = *next;
  }
  into.append(at);
  return {};
}

std::string label_of(std::string_view value, std::uint32_t position) {
  auto seen = view_value(value);
  BlobRef blob;
  switch (seen.kind) {
    case Value::kText:
      if (!seen.field.bytes.empty())
        return shortened(seen.field.bytes);
      break;
    case Value::kInteger:
      return std::to_string(static_cast<std::int64_t>(seen.field.integer));
    case Value::kBlob:
      if (parse_message(blob, seen.field.bytes) && !blob.name().empty())
        return shortened(blob.name());
      break;
    case Value::kMap:
      for (std::string_view key : {"name", "id"})
        if (auto found = find_entry(seen.field.bytes, key))
          if (auto inner = view_value(*found); inner.kind == Value::kText)
            return shortened(inner.field.bytes);
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
