#pragma once

#include "messages/errors.hpp"
#include "messages/values.pb.h"

#include <google/protobuf/map.h>

#include <string>
#include <string_view>

/// Whether a value may travel. A value that protobuf writes and nobody can read would be lost
/// without a word: one that is nested deeper than parsers go, or holds text that is not UTF-8. So
/// whoever makes a value out of something that is not checked yet, or puts one into another, asks
/// here, and the error names the field.
///
/// At most `limits::value_depth_max` lists and maps stand within each other. Size is not looked at:
/// it is a property of the whole message (`limits::content_bytes_max`).
namespace troupe {

using value_map = google::protobuf::Map<std::string, Value>;

/// `what` names the value in the error: "the output", "the input `dir`". `invalid_argument`.
result<void> check_value(const Value& value, std::string_view what);

/// The fields of a map that is itself no value: the inputs of a run, of a task. Each may be as deep
/// as a value may.
result<void> check_fields(const value_map& fields, std::string_view what);

/// Whether `value` has as many lists and maps within each other as may be: it can be put into no
/// further one.
bool is_deepest(const Value& value);

/// Names and texts that stand beside values.
result<void> check_text(std::string_view text, std::string_view what);

} // namespace troupe
