#pragma once

#include "actors/coordination/graph_plan.hpp"
#include "config/config.hpp"
#include "messages/runs.pb.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Graphs as people write them (config/graphs/*.yaml):
///
///     graph: digest
///     description: Reads every document of a folder and reports on it
///     inputs:
///       dir: {type: folder, required: true, help: what to read, example: /tmp/texts}
///     tasks:
///       - id: read
///         role: reader
///         # one task per element of a list or of the result of a task
///         for_each: $inputs.dir.documents
///         input: {document: $item, question: $inputs.question}
///         attempts: 3
///         # for one attempt
///         limits: {time: 60s}
///       - id: edit
///         role: editor
///         # besides those that `input` and `for_each` name
///         needs: [read]
///         # of a for_each: the list of its results
///         input: {readings: $tasks.read}
///     result: $tasks.edit
///
/// A value that begins with `$` is a reference: `$inputs.NAME`, `$tasks.ID` or `$item`, each with
/// `.FIELD`s to follow; the field of a list is the list of that field of its elements. `$$` begins
/// a text with a `$`. A for_each over a for_each goes element by element: the second does not wait
/// for all of the first.
namespace troupe {

/// Reads and checks a graph. An error names file, line and column. Roles are checked if `known` is
/// given.
config_result<Graph> parse_graph(std::string_view yaml, const std::string& file,
                                 const role_names* known = nullptr);

/// The graphs that are part of the program, ordered by name. Their files have the names
/// "builtin:NAME.yaml".
const std::vector<Graph>& builtin_graphs();

/// The built-in graph of that name; null if there is none.
const Graph* find_builtin_graph(std::string_view graph);

} // namespace troupe
