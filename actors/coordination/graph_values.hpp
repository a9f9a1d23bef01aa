#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <string>
#include <string_view>

/// Looks into values, for graphs and their runs.
namespace troupe {

class yaml_node;

using value_path = google::protobuf::RepeatedPtrField<std::string>;

/// "a text", "a list", "a blob", "nothing".
std::string_view kind_name(Value::KindCase kind);

/// The value at `path` in `from`, both as bytes; nothing if a map lacks the field or a value on the
/// path is no map. Does not look into lists.
std::optional<std::string_view> find_path(std::string_view from, const value_path& path);

/// Appends the value at `path` in `from`, both as bytes. The field of a list is the list of that
/// field of its elements. `invalid_argument` names a field that is missing.
result<void> append_path(std::string_view from, const value_path& path, std::string& into,
                         int begin = 0);

/// A name that people can recognize `value` (its bytes) by in a list: a blob's name, the first
/// words of a text, the `name` or `id` of a map; if nothing fits, "#3" (for `position` 2).
std::string label_of(std::string_view value, std::uint32_t position);

/// Sets a scalar of a YAML file: text if it is quoted, else integer, number, flag or text by its
/// form.
void set_scalar(const yaml_node& node, Value& into);

} // namespace troupe
