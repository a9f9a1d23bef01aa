#pragma once

#include "config/config.hpp"
#include "nodes/cluster_files.hpp"
#include "nodes/local_cluster.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace troupe {

struct cluster_setup_options {
  std::filesystem::path data;    ///< absolute
  std::size_t nodes = 0;         ///< 0: as many as the folder has, else three
  node_config cfg;               ///< the configuration that all nodes share
  std::filesystem::path program; ///< run as `PROGRAM node --config FILE --ready-fd 3`
  std::function<std::uint64_t()> random;
};

/// Makes relative paths absolute in the environment variables that nodes read themselves
/// (certificates), because nodes run in the folder /. Call it before other threads are started.
void keep_environment_paths();

/// A data folder whose nodes can be started. Holds the folder's lock.
struct cluster_setup {
  file_lock lock;
  cluster_file file;
  std::vector<local_node> nodes;
  bool is_new = false;
};

/// Creates or reuses the folder: its lock, secret, cluster.yaml and each node's node.yaml. Existing
/// names, ids and ports that are still free are kept. Errors: `refused` (a cluster runs there),
/// `invalid_argument` (the folder has a different number of nodes), `bad_message` (damaged),
/// `storage_failed`.
result<cluster_setup> prepare_cluster(const cluster_setup_options& options);

/// Which settings `cfg` takes from a file or from flags and the running cluster in that folder does
/// not have: "agents.idle is 5min there, not 10s". A cluster keeps the configuration that it was
/// started with. Settings that each node has for itself (its address) do not count. Errors: a
/// node's configuration cannot be read.
result<std::vector<std::string>> settings_not_in_force(const std::filesystem::path& data,
                                                       const node_config& cfg);

} // namespace troupe
