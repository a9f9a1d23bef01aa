#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

/// What values are made of, for graphs and their runs.
namespace troupe {

class yaml_node;

using value_path = google::protobuf::RepeatedPtrField<std::string>;

/// "a text", "a list", "a blob", "nothing".
std::string_view kind_name(const Value& value);

/// The value at `path` in `from`; null if a map lacks the field or there is no map to look into.
/// Does not look into lists.
const Value* find_path(const Value& from, const value_path& path, int begin = 0);

/// Copies what stands at `path` in `from`. The field of a list is the list of that field of its
/// elements. `invalid_argument` names the field that is not there.
result<void> copy_path(const Value& from, const value_path& path, Value& into, int begin = 0);

/// What a person would call `value` in a list: a blob's name, a text's first words, the `name` or
/// `id` of a map; "#3" (for `position` 2) if nothing fits.
std::string label_of(const Value& value, std::uint32_t position);

/// Sets a scalar of a YAML file: quoted is text; else integer, number, flag or text, as it looks.
void set_scalar(const yaml_node& node, Value& into);

} // namespace troupe
