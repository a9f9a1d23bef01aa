#pragma once

#include "messages/cluster.pb.h"
#include "nodes/cli/output.hpp"
#include "nodes/client.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Finds a cluster by what the user said, or did not say, and attaches to one of its nodes.
namespace troupe::cli {

/// The flags of all client commands.
struct cluster_flags {
  std::string data;        ///< a local cluster's folder; empty: the user's default one
  std::string peer;        ///< HOST:PORT of a node; empty: any of the folder's nodes
  std::string secret_file; ///< empty: the folder's
  std::string cluster;     ///< the cluster's name; empty: the folder's, else "default"
};

/// The folder that the flags name, absolute.
std::filesystem::path data_folder_of(const cluster_flags& flags);

/// " --data DIR" for commands in messages, if the folder is not the user's default one.
std::string data_hint(const cluster_flags& flags);

struct attached_client {
  std::unique_ptr<client> link;
  std::filesystem::path data;
  std::vector<client_options> doors; ///< the one that accepted us comes first

  /// The node that relays. It owns the runs that are submitted here.
  const NodeInfo& node() const { return link->welcome().node(); }
  /// The name of the node with this id (16 bytes).
  std::string node_name(const std::string& id) const;
};

struct attach_options {
  cluster_flags flags;
  int interrupt_fd = -1;
  std::uint64_t first = 0; ///< which node to try first, modulo their number: spreads clients
  /// For the first try of each node. A suspended node must leave time for the others.
  std::chrono::milliseconds first_round{1'800};
  /// For all tries together. On a busy machine, or behind a crowd of strangers, a healthy node may
  /// answer only after the first round.
  std::chrono::milliseconds both_rounds{5'000};
};

/// Tries the nodes in turn until one answers. If none does, there is one message with the command
/// that starts a cluster, and the exit code 69.
cli_result<attached_client> attach(const attach_options& options);

/// `attach` with a random first node.
cli_result<attached_client> attach(const cluster_flags& flags, int interrupt_fd);

/// For work that must be done once: if its link is lost, the client reconnects to any node that it
/// knows, and says so on a terminal (nodes/lasting_client.hpp).
cli_result<attached_client> attach_lasting(const cluster_flags& flags, int interrupt_fd);

/// The roles of the attached node and of all members that are up, each once, by name. `brief`: only
/// their names and what they are for.
cli_result<std::vector<RoleInfo>> roles_of(attached_client& cluster, bool brief = false);

/// One role; nothing if no member that is up has it.
cli_result<std::optional<RoleInfo>> find_role(attached_client& cluster, const std::string& called);

} // namespace troupe::cli
