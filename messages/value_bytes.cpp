#include "messages/value_bytes.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::uint32_t wire_varint = 0, wire_fixed64 = 1, wire_bytes = 2, wire_fixed32 = 5;
constexpr std::size_t length_bytes = 5; ///< of a length that is written before it is known
constexpr unsigned char more_follows = 0x80;

bool is_bytes(Value::KindCase kind) {
  return kind == Value::kText || kind == Value::kBlob || kind == Value::kList
         || kind == Value::kMap;
}

void append_varint(std::string& out, std::uint64_t number) {
  for (; number >= more_follows; number >>= 7)
    out.push_back(static_cast<char>(number | more_follows));
  out.push_back(static_cast<char>(number));
}

/// The depth of the deepest value that a walk meets; nothing if one of them is not a value.
class depth_of {
public:
  std::optional<int> value(std::string_view bytes, int around) {
    wire_walk walk{bytes};
    int deepest = 0;
    while (auto field = walk.next()) {
      auto found = content(*field, around);
      if (!found)
        return std::nullopt;
      deepest = std::max(deepest, *found);
    }
    return walk.well_formed() ? std::optional{deepest} : std::nullopt;
  }

private:
  std::optional<int> content(const wire_field& field, int around) {
    if (!field.is_bytes)
      return 0;
    switch (field.number) {
      case Value::kText:
        return is_utf8(field.bytes) ? std::optional{0} : std::nullopt;
      case Value::kBlob:
        return blob(field.bytes);
      case Value::kList:
      case Value::kMap:
        return around < limits::value_depth_max
                   ? within(field.bytes, field.number == Value::kMap, around + 1)
                   : std::nullopt;
      default:
        return 0;
    }
  }

  std::optional<int> blob(std::string_view bytes) {
    BlobRef parsed;
    if (!parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return std::nullopt;
    return 0;
  }

  std::optional<int> within(std::string_view bytes, bool is_map, int around) {
    wire_walk walk{bytes};
    int deepest = 0;
    while (auto field = walk.next()) {
      if (field->number != 1 || !field->is_bytes)
        continue;
      auto found = is_map ? entry(field->bytes, around) : value(field->bytes, around);
      if (!found)
        return std::nullopt;
      deepest = std::max(deepest, *found);
    }
    return walk.well_formed() ? std::optional{deepest + 1} : std::nullopt;
  }

  std::optional<int> entry(std::string_view bytes, int around) {
    wire_walk walk{bytes};
    int deepest = 0;
    while (auto field = walk.next()) {
      if (!field->is_bytes)
        continue;
      std::optional<int> found = 0;
      if (field->number == 1)
        found = is_utf8(field->bytes) ? found : std::nullopt;
      else if (field->number == 2)
        found = value(field->bytes, around);
      if (!found)
        return std::nullopt;
      deepest = std::max(deepest, *found);
    }
    return walk.well_formed() ? std::optional{deepest} : std::nullopt;
  }
};

} // namespace

std::optional<std::uint64_t> wire_walk::varint() {
  if (!left_.empty()
      && static_cast<unsigned char>(left_.front()) < more_follows) { // most are short
    auto number = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return number;
  }
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < more_follows)
      return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> wire_walk::fixed(std::size_t size) {
  if (left_.size() < size)
    return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number |= std::uint64_t{static_cast<unsigned char>(left_[i])} << (8 * i);
  left_.remove_prefix(size);
  return number;
}

std::optional<wire_field> wire_walk::next() {
  if (left_.empty() || damaged_)
    return std::nullopt;
  wire_field field;
  field.size_before = all_.size() - left_.size();
  auto tag = varint();
  std::optional<std::uint64_t> content;
  switch (tag ? *tag & 7 : ~0u) {
    case wire_varint:
      content = varint();
      break;
    case wire_fixed64:
      content = fixed(8);
      break;
    case wire_fixed32:
      content = fixed(4);
      break;
    case wire_bytes:
      content = varint();
      if (content && *content <= left_.size()) {
        field.is_bytes = true;
        field.bytes = left_.substr(0, *content);
        left_.remove_prefix(*content);
      } else {
        content.reset();
      }
      break;
    default: // groups belong to another age
      break;
  }
  if (!content || *tag >> 3 == 0 || *tag >> 32 != 0) {
    damaged_ = true;
    return std::nullopt;
  }
  field.number = static_cast<std::uint32_t>(*tag >> 3);
  field.integer = *content;
  return field;
}

value_view view_value(std::string_view value) {
  value_view seen;
  wire_walk walk{value};
  while (auto field = walk.next()) {
    auto kind = static_cast<Value::KindCase>(field->number);
    if (field->number <= Value::kMap && is_bytes(kind) == field->is_bytes)
      seen = {kind, *field};
  }
  return seen;
}

std::optional<int> value_depth(std::string_view value) { return depth_of{}.value(value, 0); }

std::optional<std::string_view> find_entry(std::string_view map, std::string_view key) {
  std::optional<std::string_view> found;
  wire_walk entries{map};
  while (auto entry = entries.next()) {
    if (entry->number != 1 || !entry->is_bytes)
      continue;
    std::string_view name, value;
    wire_walk parts{entry->bytes};
    while (auto part = parts.next())
      if (part->is_bytes && part->number <= 2)
        (part->number == 1 ? name : value) = part->bytes;
    if (name == key)
      found = value;
  }
  return found;
}

std::size_t begin_field(std::string& out, std::uint32_t number) {
  append_varint(out, number << 3 | wire_bytes);
  out.append(length_bytes, '\0');
  return out.size();
}

/// A length of a fixed size: readers take a varint that is longer than it must be.
void end_field(std::string& out, std::size_t begun) {
  auto length = out.size() - begun;
  for (auto at = begun - length_bytes; at < begun; ++at, length >>= 7)
    out[at] = static_cast<char>((length & 0x7f) | (at + 1 < begun ? more_follows : 0u));
}

void append_field(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_varint(out, number << 3 | wire_bytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}

} // namespace troupe
