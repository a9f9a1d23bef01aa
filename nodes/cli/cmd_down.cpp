#include "config/limits/messages.hpp"
#include "config/limits/supervision.hpp"
#include "nodes/child_process.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/exit_codes.hpp"
#include "nodes/cli/up_output.hpp"
#include "nodes/cluster_files.hpp"

#include <poll.h>
#include <signal.h>

#include <cerrno>

namespace troupe::cli {

namespace {

/// The supervising process: the one that holds the folder's lock, and that this descriptor stands
/// for.
unique_fd find_supervisor(const std::filesystem::path& data, pid_t& pid) {
  while (auto holder = lock_holder(data)) {
    auto process = open_pidfd(*holder);
    pid = *holder;
    // Between the two lines above it may have ended, and its number gone to another.
    if (lock_holder(data) == holder)
      return process;
  }
  return unique_fd{};
}

/// It stops its nodes one after the other.
std::chrono::milliseconds patience(const std::filesystem::path& data) {
  auto file = read_cluster_file(data);
  auto nodes = file && *file ? (*file)->nodes.size() : limits::members_max;
  return limits::node_stop_timeout * static_cast<int>(nodes) + limits::stop_timeout;
}

} // namespace

int cmd_down(const down_command& wanted) {
  cluster_flags flags;
  flags.data = wanted.data;
  auto data = data_folder_of(flags);
  pid_t pid = 0;
  auto supervisor = find_supervisor(data, pid);
  if (!supervisor)
    return report({exit_unavailable, "unavailable",
                   "no cluster is running in " + data.string() + ", so there is nothing to stop"},
                  wanted.as_json);
  if (!send_signal(supervisor, SIGTERM) && errno != ESRCH)
    return report({exit_unavailable, "refused",
                   "process " + std::to_string(pid)
                       + ", which runs the cluster, belongs to another "
                         "user: stop it as that user"},
                  wanted.as_json);
  pollfd ended{supervisor.get(), POLLIN, 0};
  auto at_most = patience(data);
  if (::poll(&ended, 1, static_cast<int>(at_most.count())) <= 0)
    return report({exit_failed, "timed_out",
                   "process " + std::to_string(pid) + " did not stop its nodes within "
                       + human_duration(at_most)},
                  wanted.as_json);
  if (wanted.as_json)
    print_json(kept_json(data));
  else
    print("stopped; " + kept_text(data, data_hint(flags)) + "\n");
  return exit_ok;
}

} // namespace troupe::cli
