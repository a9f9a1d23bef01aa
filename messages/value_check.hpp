#pragma once

#include "messages/errors.hpp"
#include "messages/values.pb.h"

#include <google/protobuf/map.h>

#include <string>
#include <string_view>

/// Whether a value may travel. Protobuf can write a value that nobody can read: one that is nested
/// deeper than parsers go, or that holds text that is not UTF-8. Such a value would be lost
/// silently. So code that makes a value out of unchecked data, or puts one value into another, asks
/// here, and the error names the field.
///
/// At most `limits::value_depth_max` lists and maps are nested. Size is not checked here: it is a
/// property of the whole message (`limits::content_bytes_max`).
namespace troupe {

using value_map = google::protobuf::Map<std::string, Value>;

/// `what` names the value in the error: "the output", "the input `dir`". `invalid_argument`.
result<void> check_value(const Value& value, std::string_view what);

/// The fields of a map that is not itself a value: the inputs of a run or of a task. Each field may
/// be as deep as a value.
result<void> check_fields(const value_map& fields, std::string_view what);

/// Whether `value` is nested as deeply as allowed: it cannot be put into another list or map.
bool is_deepest(const Value& value);

/// Names and texts beside values.
result<void> check_text(std::string_view text, std::string_view what);

} // namespace troupe
