#pragma once

#include "nodes/cli/find_cluster.hpp"

#include <chrono>
#include <cstdint>
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
  bool as_json = false;
};
int cmd_run(const run_command& wanted);
/// `troupe run NAME --help`: the inputs of the graph.
int cmd_run_help(const std::string& graph);

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
  bool strict = false;
  std::vector<std::string> models;
  std::size_t threads = 1;
};
int cmd_simulate(const simulate_command& wanted);

} // namespace troupe::cli
