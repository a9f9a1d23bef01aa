#include "config/base/random.hpp"
#include "config/limits/supervision.hpp"
#include "nodes/cli/background.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/live_status.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/cli/running_cluster.hpp"
#include "nodes/cli/up_reporter.hpp"
#include "nodes/cluster_setup.hpp"
#include "nodes/exit_codes.hpp"
#include "persistence/own_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace troupe::cli {

namespace {

using clock = std::chrono::steady_clock;

/// Where `up` prints, in the foreground and in the background.
struct up_outlets {
  std::function<void(const std::string&)> line;
  std::function<void()> when_ready = [] {};
  std::function<void()> when_stopping = [] {};
  terminal place;
};

/// Runs the cluster, from preparing the folder to the end of the last node. Does not print the
/// error that it returns.
cli_result<void> supervise(const up_command& wanted, clock::time_point began,
                           const up_outlets& outlets) {
  // This comes first, so that a `troupe down` is heard at any time from here on.
  interrupts signals{signal_stop};
  signal_descriptor start_requests{signal_start_missing};
  outlive_readers(); // the nodes go on even if nobody reads what we print
  keep_environment_paths();
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return unexpected{cfg.error()};
  cluster_flags flags;
  flags.data = wanted.data;
  cluster_setup_options options;
  options.data = data_folder_of(flags);
  options.nodes = wanted.nodes;
  options.cfg = std::move(*cfg);
  options.program = "/proc/self/exe";
  options.random = random_bits;
  auto setup = prepare_cluster(options);
  if (!setup)
    return unexpected{error_of_files(setup.error())};
  supervision_file board(options.data);
  auto hint = data_hint(flags);
  // All paths are absolute by now, and the folder where `up` was typed may be deleted.
  if (wanted.detach && ::chdir("/") != 0)
    return unexpected{cli_error{exit_unavailable, "unavailable", "cannot change to the folder /"}};

  up_reporter::options told;
  told.as_json = wanted.as_json;
  told.colours = outlets.place.colours;
  told.nodes = setup->nodes.size();
  told.began = began;
  told.data = options.data;
  told.hint = std::move(hint);
  told.detached = wanted.detach;
  up_reporter reporter(told, outlets.line, outlets.when_ready, outlets.when_stopping);

  local_cluster_options cluster;
  cluster.nodes = std::move(setup->nodes);
  cluster.stop_fd = signals.fd();
  cluster.start_fd = start_requests.fd();
  cluster.publish = [&board](std::vector<supervised_node> nodes, std::uint64_t asked) {
    board.write({::getpid(), asked, std::move(nodes)});
  };
  cluster.restart = wanted.restart;
  auto end = local_cluster(std::move(cluster), reporter).run();
  if (end.code != 0)
    return unexpected{cli_error{end.code,
                                end.code == exit_damaged        ? "damaged"
                                : end.code == exit_config       ? "config"
                                : end.code == exit_cannot_write ? "storage_failed"
                                                                : "unavailable",
                                end.message}};
  outlets.line(wanted.as_json ? to_line(kept_json(options.data))
                              : "stopped; " + kept_text(options.data, told.hint) + "\n");
  return {};
}

/// Another `up` has the folder.
bool is_taken(const cli_result<void>& done) { return !done && done.error().code == "refused"; }

/// The exit code. Nothing, if that is wanted: another `up` was faster.
std::optional<int> up_in_background(const up_command& wanted, clock::time_point began,
                                    bool stands_back) {
  cluster_flags flags;
  flags.data = wanted.data;
  auto data = data_folder_of(flags);
  if (auto made = make_own_folder(data); !made)
    return report(error_of_files(made.error()), wanted.as_json);
  return run_in_background(data / "up.log", [&](background& foreground) {
    up_outlets outlets;
    outlets.line = [&](const std::string& text) { foreground.line(text); };
    outlets.when_ready = [&] { foreground.ready(); };
    auto done = supervise(wanted, began, outlets);
    if (done)
      return exit_ok;
    if (stands_back && is_taken(done))
      foreground.stands_back();
    else
      foreground.failed(done.error(), wanted.as_json);
    return done.error().exit_code;
  });
}

/// As above.
std::optional<int> up_in_foreground(const up_command& wanted, clock::time_point began,
                                    bool stands_back) {
  up_outlets outlets;
  outlets.place = terminal_of(STDOUT_FILENO);
  outlets.line = [](const std::string& text) { print(text); };
  std::optional<live_status> status;
  if (outlets.place.is_terminal && !wanted.as_json) {
    cluster_flags flags;
    flags.data = wanted.data;
    status.emplace(flags, outlets.place);
    outlets.line = [&](const std::string& text) { status->print_above(text); };
    outlets.when_ready = [&] { status->start(); };
    outlets.when_stopping = [&] { status->stop(); };
  }
  auto done = supervise(wanted, began, outlets);
  if (status)
    status->stop();
  if (stands_back && is_taken(done))
    return std::nullopt;
  return done ? exit_ok : report(done.error(), wanted.as_json);
}

/// What a running cluster will not do, because it keeps the configuration it was started with.
std::optional<cli_error> not_in_force(const up_command& wanted, const std::filesystem::path& data,
                                      const std::string& hint) {
  constexpr std::size_t shown_max = 3;
  std::vector<std::string> differ;
  if (!wanted.config.empty() || !wanted.set.empty()) {
    auto cfg = load_settings(wanted.config, wanted.set);
    if (!cfg)
      return cfg.error();
    auto compared = settings_not_in_force(data, *cfg);
    if (!compared)
      return error_of_files(compared.error());
    differ = std::move(*compared);
  }
  if (!wanted.restart)
    differ.insert(differ.begin(), "--no-restart is for a cluster that is being started");
  if (differ.empty())
    return std::nullopt;
  auto shown = std::min(differ.size(), shown_max);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i)
    text += (i == 0 ? "" : "; ") + differ[i];
  if (differ.size() > shown)
    text += "; and " + std::to_string(differ.size() - shown) + " more";
  return usage_error("a cluster is already running in " + data.string()
                     + ", and this would have no effect on it (" + text
                     + "): stop it first with `troupe down" + hint + "`, then start it like this");
}

/// The exit code, if a cluster runs in the folder already; nothing if none does, or one with
/// another number of nodes than is asked for.
std::optional<int> join_running(const up_command& wanted) {
  cluster_flags flags;
  flags.data = wanted.data;
  auto data = data_folder_of(flags);
  if (auto own = check_own_folder(data); !own)
    return report(error_of_files(own.error()), wanted.as_json);
  auto running = find_supervisor(data);
  if (!running.pidfd)
    return std::nullopt;
  // It may have begun just now. Its files are there when it first says how its nodes are.
  auto any = [](const supervision&) { return true; };
  await_supervision(data, running, any, limits::stop_timeout, -1);
  auto file = read_cluster_file(data);
  if (wanted.nodes != 0 && file && *file && (*file)->nodes.size() != wanted.nodes)
    return std::nullopt; // preparing it says what is wrong
  auto hint = data_hint(flags);
  if (auto why = not_in_force(wanted, data, hint))
    return report(*why, wanted.as_json);
  return start_missing(data, running, hint, wanted.as_json);
}

} // namespace

int cmd_up(const up_command& wanted) {
  auto began = clock::now();
  // Of several that begin at the same moment one gets the folder. The others join its cluster. If
  // that is not possible, the second attempt says why, or succeeds.
  for (bool first = true;; first = false) {
    if (auto joined = join_running(wanted))
      return *joined;
    auto ended = wanted.detach ? up_in_background(wanted, began, first)
                               : up_in_foreground(wanted, began, first);
    if (ended)
      return *ended;
  }
}

} // namespace troupe::cli
