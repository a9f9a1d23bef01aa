#pragma once

#include "config/config.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/runs.pb.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

using role_names = std::set<std::string, std::less<>>;

/// Where the parts of a graph are in its file. A key is the index of a task with one of "id",
/// "role", "for_each", "needs.K", "input.FIELD", "attempts", "time". Parts that belong to no task
/// have the index `graph_positions::whole`, with "result" or "inputs.NAME". A part without a
/// position has the line of its task.
struct graph_positions {
  static constexpr std::uint32_t whole = ~0u;
  struct position {
    int line = 0;
    int column = 0;
  };
  std::map<std::pair<std::uint32_t, std::string>, position> at;
};

/// A graph that can be run: every reference is an index, every edge is known from both ends. It
/// points into the graph that it was made from, which must outlive it and must not change.
struct graph_plan {
  static constexpr std::uint32_t none = ~0u;

  struct field {
    const std::string* name = nullptr;
    const Source* from = nullptr;
    std::uint32_t task = none; ///< if `from` names one
  };
  struct step {
    std::uint32_t role = none;          ///< index in `roles`
    std::uint32_t needs = 0;            ///< tasks that must be done as a whole before
    std::uint32_t for_each_task = none; ///< its list is the result of this task
    bool each = false;                  ///< its element i needs only element i of `for_each_task`
    std::uint32_t fields_begin = 0, fields_end = 0;
    /// In `edges`: first the steps that wait for this one element by element, then those that wait
    /// for it as a whole.
    std::uint32_t edges_begin = 0, each_end = 0, edges_end = 0;
  };

  std::vector<step> steps; ///< one per task of the graph, in its order
  std::vector<field> fields;
  std::vector<std::uint32_t> edges;
  std::vector<const std::string*> roles; ///< each once
  std::uint32_t result_task = none;
};

/// Checks everything that can be known before a run, and plans it. An error names file, line and
/// column (if `positions` has it), and the members of a cycle in their order. `known` are the roles
/// of the cluster; if it is null, roles are not checked.
config_result<graph_plan> plan_graph(const Graph& graph, const role_names* known,
                                     const graph_positions* positions = nullptr);

/// The same without the plan.
config_result<void> check_graph(const Graph& graph, const role_names* known,
                                const graph_positions* positions = nullptr);

/// Whether `type` is one of text, integer, number, flag, list, folder, file.
bool is_input_type(std::string_view type);

} // namespace troupe
