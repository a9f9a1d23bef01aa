#pragma once

#include "messages/models.pb.h"
#include "nodes/cli/find_cluster.hpp"

#include <string>
#include <vector>

/// How the providers of a running cluster are, as its nodes see them: each node calls them itself.
namespace troupe::cli {

struct node_providers {
  std::string node; ///< its name
  ProvidersListed listed;
  failure why; ///< code none: it answered
};

/// Asks every member that is up. An error: it was interrupted.
cli_result<std::vector<node_providers>> ask_providers(attached_client& cluster);

/// [{"node", "provider", "calls_max", "running", "waiting", "last", "since", ...}]
json providers_json(const std::vector<node_providers>& all);

/// A table of providers and nodes, with a line for each key that was taken out and each failure.
std::string providers_text(const std::vector<node_providers>& all, bool colours);

} // namespace troupe::cli
