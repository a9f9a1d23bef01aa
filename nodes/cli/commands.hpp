#pragma once

#include "nodes/cli/find_cluster.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The commands of `troupe`. Each takes what the command line said (nodes/cli/command_line.cpp) and
/// returns the exit code. It reports errors itself.
namespace troupe::cli {

using settings = std::vector<std::pair<std::string, std::string>>; ///< --set KEY=VALUE

struct node_command {
  std::string config;
  settings set;
  int ready_fd = -1;
  bool pulses = false;
};
int cmd_node(const node_command& wanted);

struct up_command {
  std::size_t nodes = 0; ///< 0: as many as the folder has, or three if it is new
  std::string data;
  std::string config;
  settings set;
  bool detach = false;
  bool restart = true;
  bool as_json = false;
};
int cmd_up(const up_command& wanted);

struct down_command {
  std::string data;
  bool as_json = false;
};
int cmd_down(const down_command& wanted);

struct status_command {
  cluster_flags cluster;
  bool as_json = false;
};
int cmd_status(const status_command& wanted);

struct send_command {
  cluster_flags cluster;
  std::string agent; ///< ROLE/KEY
  std::string text;
  bool follow_links = false;
  std::chrono::milliseconds timeout{};
  bool as_json = false;
};
int cmd_send(const send_command& wanted);

struct run_command {
  cluster_flags cluster;
  std::string graph;               ///< a graph's name or a file
  std::vector<std::string> inputs; ///< NAME=VALUE
  std::string output;
  bool follow_links = false;
  std::chrono::milliseconds timeout{}; ///< zero: none
  std::string durability;              ///< sync, async, off; empty: what the graph says
  std::string key;                     ///< a second run with it begins nothing
  bool detach = false;                 ///< print the id and end
  bool as_json = false;
};
int cmd_run(const run_command& wanted);
/// `troupe run NAME --help`: the inputs of the graph.
int cmd_run_help(const std::string& graph);

/// All `troupe runs ...`.
struct runs_command {
  cluster_flags cluster;
  std::string run;          ///< its id, or the beginning of it
  std::string state;        ///< of the runs to list; empty: all
  std::uint32_t limit = 20; ///< of the runs to list
  std::string output;
  bool steps = false;  ///< show: the steps of the tasks, too
  bool failed = false; ///< retry: keep what succeeded
  bool detach = false;
  bool as_json = false;
};
int cmd_runs(const runs_command& wanted);
int cmd_runs_show(const runs_command& wanted);
int cmd_runs_attach(const runs_command& wanted);
int cmd_runs_cancel(const runs_command& wanted);
int cmd_runs_retry(const runs_command& wanted);
int cmd_runs_delete(const runs_command& wanted);

struct graphs_command {
  bool as_json = false;
};
int cmd_graphs(const graphs_command& wanted);

struct trace_command {
  cluster_flags cluster;
  std::string trace;  ///< "last" or 32 hex digits
  bool words = false; ///< tell which spans there are instead
  bool as_json = false;
};
int cmd_trace(const trace_command& wanted);

struct config_command {
  std::string config;
  settings set;
  bool keys = false;
  bool as_json = false;
};
int cmd_config_show(const config_command& wanted);
int cmd_config_check(const config_command& wanted);

struct models_command {
  cluster_flags cluster; ///< whose providers are asked how they are; not to check
  std::string config;
  settings set;
  bool check = false;
  std::string model; ///< to check: a name as a role uses it; empty: one of each provider
  bool as_json = false;
};
int cmd_models(const models_command& wanted);

struct route_command {
  std::string config;
  settings set;
  std::string route; ///< empty: that of the role, or the only one
  std::string role;
  std::string text;                 ///< the prompt
  std::string task;                 ///< empty: estimated
  std::optional<double> complexity; ///< none: estimated
  bool as_json = false;
};
int cmd_route(const route_command& wanted);

struct prompt_command {
  std::string config;
  std::string role;             ///< its name, or a file with a / or .yaml
  std::vector<std::string> set; ///< NAME=VALUE: values of variables
  std::string values;           ///< a file of them
  bool as_json = false;
};
int cmd_prompt_render(const prompt_command& wanted);

struct roles_command {
  cluster_flags cluster;
  bool as_json = false;
};
int cmd_roles(const roles_command& wanted);

struct simulate_command {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  settings usual; ///< keys and values of nodes/simulate/behaviour.hpp
  std::string rules;
  std::uint64_t seed = 0;
  std::string ledger;
  std::string prices;
  std::uint64_t requests_per_minute = 0, tokens_per_minute = 0; ///< of each key; 0: no limit
  bool strict = false;
  std::vector<std::string> models;
  std::size_t threads = 1;
};
int cmd_simulate(const simulate_command& wanted);

/// On files alone: no cluster is asked.
struct journal_command {
  enum class task { checked, exported, salvaged };
  task what = task::checked;
  std::string folder; ///< of a node, or of its journal
  std::string into;   ///< of the new journal, if it is salvaged
  bool as_json = false;
};
int cmd_journal(const journal_command& wanted);

} // namespace troupe::cli
