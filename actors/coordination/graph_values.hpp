#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <string>
#include <string_view>

/// What values are made of, for graphs and their runs.
namespace troupe {

class yaml_node;

using value_path = google::protobuf::RepeatedPtrField<std::string>;

/// "a text", "a list", "a blob", "nothing".
std::string_view kind_name(Value::KindCase kind);

/// The value at `path` in `from`, both as bytes; nothing if a map lacks the field or there is no
/// map to look into. Does not look into lists.
std::optional<std::string_view> find_path(std::string_view from, const value_path& path);

/// Appends what stands at `path` in `from`, both as bytes. The field of a list is the list of that
/// field of its elements. `invalid_argument` names the field that is not there.
result<void> append_path(std::string_view from, const value_path& path, std::string& into,
                         int begin = 0);

/// What a person would call `value` (its bytes) in a list: a blob's name, a text's first words, the
/// `name` or `id` of a map; "#3" (for `position` 2) if nothing fits.
std::string label_of(std::string_view value, std::uint32_t position);

/// Sets a scalar of a YAML file: quoted is text; else integer, number, flag or text, as it looks.
void set_scalar(const yaml_node& node, Value& into);

} // namespace troupe
