#pragma once

#include "config/config.hpp"
#include "nodes/cluster_files.hpp"
#include "nodes/local_cluster.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace troupe {

struct cluster_setup_options {
  std::filesystem::path data;    ///< absolute
  std::size_t nodes = 0;         ///< 0: as many as the folder has, else three
  node_config cfg;               ///< what all nodes have in common
  std::filesystem::path program; ///< run as `PROGRAM node --config FILE --ready-fd 3`
  std::function<std::uint64_t()> random;
};

/// Makes the relative paths in variables that nodes read themselves (certificates) absolute. Nodes
/// run in the folder /, not where they were started. Before there are other threads.
void keep_environment_paths();

/// A data folder that is ready for its nodes to be started. Holds its lock.
struct cluster_setup {
  folder_lock lock;
  cluster_file file;
  std::vector<local_node> nodes;
  bool is_new = false;
};

/// Makes or takes up the folder: its lock, secret, cluster.yaml and each node's node.yaml. Names
/// and ids stay as they were; so do ports that are still free. Errors: `refused` (a cluster runs
/// there), `invalid_argument` (another number of nodes than the folder has), `bad_message`
/// (damaged), `storage_failed`.
result<cluster_setup> prepare_cluster(const cluster_setup_options& options);

} // namespace troupe
