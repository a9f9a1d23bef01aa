#include "actors/agents/values.hpp"

#include "messages/values.pb.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace troupe {

namespace {

constexpr int depth_max = 8;

void collect_blobs(const Value& value, std::vector<BlobRef>& into, int depth);

void collect_blobs(const ValueMap& fields, std::vector<BlobRef>& into, int depth) {
  // A protobuf map has no order of its own.
  std::vector<const std::string*> keys;
  for (const auto& [key, value] : fields.fields())
    keys.push_back(&key);
  std::sort(keys.begin(), keys.end(), [](auto a, auto b) { return *a < *b; });
  for (auto key : keys)
    collect_blobs(fields.fields().at(*key), into, depth);
}

void collect_blobs(const Value& value, std::vector<BlobRef>& into, int depth) {
  if (depth == 0)
    return;
  if (value.has_blob())
    into.push_back(value.blob());
  for (const auto& item : value.list().items())
    collect_blobs(item, into, depth - 1);
  collect_blobs(value.map(), into, depth - 1);
}

} // namespace

Value value_of(std::string text) {
  Value made;
  made.set_text(std::move(text));
  return made;
}

Value value_of(std::int64_t integer) {
  Value made;
  made.set_integer(integer);
  return made;
}

Value value_of_flag(bool flag) {
  Value made;
  made.set_flag(flag);
  return made;
}

Value value_of(std::vector<Value> items) {
  Value made;
  auto list = made.mutable_list();
  for (auto& item : items)
    *list->add_items() = std::move(item);
  return made;
}

Value value_of(ValueMap fields) {
  Value made;
  *made.mutable_map() = std::move(fields);
  return made;
}

const Value* find_field(const ValueMap& in, std::string_view field) {
  auto found = in.fields().find(std::string{field});
  return found == in.fields().end() ? nullptr : &found->second;
}

const std::string& text_field(const ValueMap& in, std::string_view field) {
  auto value = find_field(in, field);
  return value ? value->text() : Value::default_instance().text();
}

std::int64_t integer_field(const ValueMap& in, std::string_view field) {
  auto value = find_field(in, field);
  return value ? value->integer() : 0;
}

const ValueList& list_field(const ValueMap& in, std::string_view field) {
  auto value = find_field(in, field);
  return value ? value->list() : ValueList::default_instance();
}

void set_field(ValueMap& in, std::string_view field, Value value) {
  (*in.mutable_fields())[std::string{field}] = std::move(value);
}

std::string as_text(const Value& value) {
  switch (value.kind_case()) {
    case Value::kText:
      return value.text();
    case Value::kInteger:
      return std::to_string(value.integer());
    case Value::kNumber: {
      char digits[32];
      auto [end, error] = std::to_chars(digits, digits + sizeof digits, value.number());
      return error == std::errc{} ? std::string(digits, end) : std::string{};
    }
    case Value::kFlag:
      return value.flag() ? "true" : "false";
    case Value::kBlob:
    case Value::kList:
    case Value::kMap:
    case Value::KIND_NOT_SET:
      return {};
  }
  return {};
}

std::vector<BlobRef> blobs_in(const ValueMap& in) {
  std::vector<BlobRef> found;
  collect_blobs(in, found, depth_max);
  return found;
}

} // namespace troupe
