#include "actors/coordination/graph_yaml.hpp"
#include "messages/runs.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/exit_codes.hpp"

#include <unistd.h>

namespace troupe::cli {

namespace {

json input_json(const GraphInput& input) {
  json made{{"name", input.name()},
            {"type", input.type()},
            {"required", input.required()},
            {"help", input.help()},
            {"example", input.example()}};
  if (input.has_default_value())
    made["default"] = to_json(input.default_value());
  return made;
}

} // namespace

int cmd_graphs(const graphs_command& wanted) {
  std::vector<std::vector<std::string>> rows{{"GRAPH", "INPUTS", "WHAT IT DOES"}};
  auto graphs = json::array();
  for (const auto& graph : builtin_graphs()) {
    auto inputs = json::array();
    std::string names;
    for (const auto& input : graph.inputs()) {
      inputs.push_back(input_json(input));
      names += (names.empty() ? "" : ", ") + input.name();
    }
    rows.push_back({graph.name(), names, graph.description()});
    graphs.push_back({{"name", graph.name()},
                      {"description", graph.description()},
                      {"inputs", std::move(inputs)}});
  }
  if (wanted.as_json)
    print_json({{"graphs", std::move(graphs)}});
  else
    print(table(rows, terminal_of(STDOUT_FILENO).colours)
          + "\n`troupe run NAME --help` shows the inputs of a graph.\n");
  return exit_ok;
}

} // namespace troupe::cli
