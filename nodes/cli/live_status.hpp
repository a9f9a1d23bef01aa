#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/find_cluster.hpp"

#include <mutex>
#include <string>
#include <thread>

namespace troupe::cli {

/// One line at the bottom of the terminal that shows the state of the cluster, updated each second.
/// Its own thread asks a node, as any client does, so waiting for an answer delays nobody.
class live_status {
public:
  live_status(cluster_flags flags, terminal place);
  ~live_status();
  live_status(const live_status&) = delete;
  live_status& operator=(const live_status&) = delete;

  void start();
  /// Ends the thread and removes the line.
  void stop();
  /// Prints lines above the status line.
  void print_above(const std::string& lines);

private:
  void run();
  bool wait_a_second();
  void draw(const std::string& text);

  cluster_flags flags_;
  terminal place_;
  file_handle ended_; ///< an eventfd
  std::mutex screen_;
  bool visible_ = false; ///< under `screen_`
  std::thread thread_;
};

/// "3 of 3 nodes up, 12 tasks done, 2 running, 0 queued, 5 agents, 95 MiB"
std::string status_line(const ClusterStatus& status);

} // namespace troupe::cli
