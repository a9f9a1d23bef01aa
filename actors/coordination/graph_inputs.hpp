#pragma once

#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

#include <string>
#include <string_view>

/// The inputs of a run: values that the client gives for the names that a graph declares. By type:
///
/// - text, integer, flag, list: a value of that kind. number: a number or an integer.
/// - folder: a map of `documents`, a list of blobs in the order of their names, and of `skipped`,
///   a list of maps {`name`: text, `why`: text} of what was not read.
/// - file: a blob. A folder's map with exactly one document is accepted and becomes that blob.
///
/// The client reads files and stores them as blobs first; no task opens a path on its own machine.
namespace troupe {

/// Whether `value` has the input's type. The error names the input, the expected type and the given
/// one.
result<void> check_input_type(const GraphInput& input, const Value& value);

/// Checks the inputs of a run. `invalid_argument` if a required one is missing (with its help and
/// example), if the graph does not have it, or if its type is wrong.
result<void> check_inputs(const Graph& graph, const value_map& given);

/// Checks the literals of a graph that came from a client: whether messages can carry them.
result<void> check_literals(const Graph& graph);

/// Adds the defaults of inputs that are not given, and replaces a file's map by its blob. To be
/// called after `check_inputs`.
void settle_inputs(const Graph& graph, value_map& given);

/// Reads the text that a person typed for an input of `type`: "12", "0.5", "true", "a, b, c" (a
/// list of texts, or a JSON list). Text stays as it is. For a folder or a file the text is a path,
/// which only the client can read: it is refused here.
result<Value> parse_input_text(std::string_view type, std::string_view text);

} // namespace troupe
