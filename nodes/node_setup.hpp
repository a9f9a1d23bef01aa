#pragma once

#include "actors/cluster/local_socket.hpp"
#include "actors/cluster/socket.hpp"
#include "actors/host/node_host.hpp"
#include "config/base/file_handle.hpp"
#include "messages/cluster.pb.h"
#include "nodes/http/http_routes.hpp"
#include "nodes/node.hpp"
#include "persistence/blob_store.hpp"
#include "persistence/identity.hpp"
#include "persistence/journal/journal_store.hpp"
#include "persistence/state_store.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What a node needs before its first actor: its identity and folder, its port, its roles, its
/// stores, and the parts that everything shares. Every mistake from outside is found here.
struct node_setup {
  node_identity identity;
  std::string secret;
  NodeInfo self;
  std::vector<NodeInfo> others;
  role_table roles;
  file_handle listening;                  ///< for members and remote clients
  std::optional<local_socket> local_door; ///< for clients on this machine, if available
  std::size_t descriptors = 0;            ///< how many this process may open
  std::shared_ptr<node_host> host;
  std::function<std::unique_ptr<state_store>()> open_states;
  std::function<std::unique_ptr<blob_store>()> open_blobs;
  std::function<std::unique_ptr<journal_store>()> open_journal;
};

struct setup_failure {
  int exit_code = 0;   ///< nodes/exit_codes.hpp
  std::string message; ///< what, where, what to do
};

outcome<node_setup, setup_failure> set_up_node(const node_options& options);

/// /metrics and /health.
/// `host` must outlive the server.
http_routes node_pages(node_host& host);

/// Process id, memory, processor time and time since the start.
NodeStatus process_figures_of(const node_host& host);

} // namespace troupe
