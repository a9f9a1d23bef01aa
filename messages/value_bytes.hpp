#pragma once

#include "messages/values.pb.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Values as the bytes in which they travel: read and assembled without an object for each element.
/// A list of 3,000 short texts is 15 KB as bytes and 300 KB as objects.
///
/// These bytes were checked once (`value_depth`), or protobuf wrote them. Malformed bytes end a
/// walk; nothing is read beyond them. If a field comes twice, the last one counts; fields that this
/// version does not know are skipped.
namespace troupe {

/// One field of a message.
struct wire_field {
  std::uint32_t number = 0;
  bool is_bytes = false;       ///< otherwise `integer` is its value
  std::string_view bytes;      ///< of a text or a message
  std::uint64_t integer = 0;   ///< a double: its bits
  std::size_t size_before = 0; ///< of what comes before it in the message
};

/// Walks over the fields of a message.
class wire_walk {
public:
  explicit wire_walk(std::string_view message) : all_(message), left_(message) {}
  /// Nothing: the walk is over. `well_formed` tells whether it reached the end.
  std::optional<wire_field> next();
  bool well_formed() const noexcept { return !damaged_; }

private:
  std::optional<std::uint64_t> varint();
  std::optional<std::uint64_t> fixed(std::size_t size);

  std::string_view all_, left_;
  bool damaged_ = false;
};

/// What a value is. `field.bytes` is a ValueList for a list, and a ValueMap for a map.
struct value_view {
  Value::KindCase kind = Value::KIND_NOT_SET;
  wire_field field;
};
value_view view_value(std::string_view value);

/// How many lists and maps are nested. Nothing: these bytes are not a value, are nested deeper than
/// a value may be, or hold text that is not UTF-8.
std::optional<int> value_depth(std::string_view value);

/// The value of `key` in a ValueMap.
std::optional<std::string_view> find_entry(std::string_view map, std::string_view key);

/// Calls `visit` with each element of a ValueList until it says false.
template <class Visit>
void visit_items(std::string_view list, Visit visit) {
  wire_walk walk{list};
  while (auto field = walk.next())
    if (field->number == 1 && field->is_bytes && !visit(field->bytes))
      return;
}

/// What `begin_field` appends for a number below 16.
inline constexpr std::size_t begun_field_bytes = 6;
/// Begins a field of bytes whose length is not known yet; `end_field` writes the length. Returns
/// where the field's bytes begin.
std::size_t begin_field(std::string& out, std::uint32_t number);
void end_field(std::string& out, std::size_t begun);
void append_field(std::string& out, std::uint32_t number, std::string_view bytes);

} // namespace troupe
