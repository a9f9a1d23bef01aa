#pragma once

#include "actors/coordination/graph_inputs.hpp"
#include "actors/coordination/graph_plan.hpp"
#include "messages/runs.pb.h"
#include "nodes/cli/documents.hpp"
#include "nodes/cli/output.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// The arguments of `troupe run`, checked as far as possible without a cluster.
namespace troupe::cli {

/// Where a graph comes from. A file is read only once, because it may be a pipe.
struct graph_source {
  std::string name;                ///< as it was given
  std::optional<std::string> text; ///< the text of the file; nothing: a built-in graph
};

/// A file if `wanted` contains a `/` or ends in `.yaml`, else the name of a built-in graph.
cli_result<graph_source> find_graph(const std::string& wanted);

/// With `known`, it also checks the graph's roles.
cli_result<Graph> load_graph(const graph_source& source, const role_names* known = nullptr);
cli_result<Graph> load_graph(const std::string& wanted, const role_names* known = nullptr);

/// The inputs of a run before any file is sent. Folders and files have stand-ins in `values`.
struct graph_arguments {
  value_map values;
  std::map<std::string, document_list> documents; ///< the files to send, by input
};

/// Reads NAME=VALUE arguments by the types of the graph's inputs, finds the files, and checks that
/// nothing is missing, unknown or of the wrong type. `shown_name`: the name that the user gave for
/// the graph.
cli_result<graph_arguments> read_arguments(const Graph& graph, const std::string& shown_name,
                                           const std::vector<std::string>& arguments,
                                           links follow = links::inside);

/// The page of `troupe run NAME --help`.
std::string describe_graph(const Graph& graph, const std::string& shown_name);

} // namespace troupe::cli
