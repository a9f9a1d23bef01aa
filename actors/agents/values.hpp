#pragma once

#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Reads and makes the values that tasks take and give.
namespace troupe {

Value value_of(std::string text);
Value value_of(std::int64_t integer);
Value value_of_flag(bool flag); ///< under its own name: a literal text would turn into a flag
Value value_of(std::vector<Value> items);
Value value_of(ValueMap fields);

/// The field of that name, or null.
const Value* find_field(const ValueMap& in, std::string_view field);

/// Empty (zero) if the field is missing or of another kind.
const std::string& text_field(const ValueMap& in, std::string_view field);
std::int64_t integer_field(const ValueMap& in, std::string_view field);
const ValueList& list_field(const ValueMap& in, std::string_view field);

void set_field(ValueMap& in, std::string_view field, Value value);

/// Text, numbers and flags as a person writes them; empty for other values.
std::string as_text(const Value& value);

/// All blobs in `in`, including those in lists and maps, in the order of field names.
std::vector<BlobRef> blobs_in(const ValueMap& in);

} // namespace troupe
