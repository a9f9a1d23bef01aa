#include "config/limits/messages.hpp"
#include "config/limits/supervision.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/up_reporter.hpp"
#include "nodes/cluster_files.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/supervision_file.hpp"
#include "persistence/own_files.hpp"

#include <poll.h>

#include <cerrno>

namespace troupe::cli {

namespace {

/// How long to wait. The nodes are stopped one after the other.
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
  if (auto own = check_own_folder(data); !own)
    return report(error_of_files(own.error()), wanted.as_json);
  auto [supervisor, pid] = find_supervisor(data);
  if (!supervisor)
    return report({exit_unavailable, "unavailable",
                   "no cluster is running in " + data.string() + ", so there is nothing to stop"},
                  wanted.as_json);
  if (!send_signal(supervisor, signal_stop) && errno != ESRCH)
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
