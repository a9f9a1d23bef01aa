#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

#include <string>
#include <string_view>

/// The inputs of a run: what the client gives for the names that a graph declares, by their type.
///
/// - text, integer, flag, list: a value of that kind. number: a number or an integer.
/// - folder: a map of `documents`, a list of blobs in the order of their names, and of `skipped`,
///   a list of maps {`name`: text, `why`: text} of what was not read.
/// - file: a blob. A folder's map with exactly one document is taken too and becomes that blob.
///
/// Files are read by the client, which stores them as blobs first: no task opens a path of its own
/// machine.
namespace troupe {

/// Whether `value` is of the input's type; the error names the input, what was expected and what
/// came.
result<void> check_input_type(const GraphInput& input, const Value& value);

/// Checks what is given for a run: a required input that is missing (with its help and example),
/// one that the graph does not have, one of the wrong type. `invalid_argument`.
result<void> check_inputs(const Graph& graph, const value_map& given);

/// What the graph itself gives to tasks, as it came from a client: may it travel?
result<void> check_literals(const Graph& graph);

/// Adds the defaults of what is not given, and makes a file's map its blob. After `check_inputs`.
void settle_inputs(const Graph& graph, value_map& given);

/// What a person typed for an input of `type`: "12", "0.5", "true", "a, b, c" (a list of texts, or
/// a JSON list). Text is taken as it is. For a folder or a file the text is a path, which only the
/// client can read: refused here.
result<Value> parse_input_text(std::string_view type, std::string_view text);

} // namespace troupe
