#include "nodes/cli/running_cluster.hpp"

#include "config/limits/supervision.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace troupe::cli {

namespace {

std::chrono::milliseconds until_next_try(const supervised_node& node) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto at = std::chrono::milliseconds{node.next_try_unix_ms};
  return std::max(std::chrono::milliseconds{0},
                  at - std::chrono::duration_cast<std::chrono::milliseconds>(now));
}

std::string trouble_text(const supervised_node& node, const std::string& hint) {
  switch (node.phase) {
    case node_phase::ready:
      return {};
    case node_phase::starting:
      return "is starting"
             + (node.why.empty() ? "" : " (previous end: " + one_line(node.why) + ")");
    case node_phase::joining:
      return "is running and waits for the other nodes";
    case node_phase::waiting:
      return "is down and restarts in " + human_duration(until_next_try(node)) + ": "
             + one_line(node.why);
    case node_phase::given_up:
      return "was given up: " + one_line(node.why) + "; `troupe up" + one_line(hint)
             + "` restarts it";
  }
  return {};
}

bool runs(const supervised_node& node) { return node.pid != 0; }

/// Whether the request is complete: each node is ready or will not be ready soon.
bool is_settled(const supervision& now) {
  bool missing =
      std::any_of(now.nodes.begin(), now.nodes.end(), [](const auto& node) { return !runs(node); });
  return std::all_of(now.nodes.begin(), now.nodes.end(), [&](const auto& node) {
    return node.phase != node_phase::starting && (node.phase != node_phase::joining || missing);
  });
}

int tell_end(const std::filesystem::path& data, const supervision& before, const supervision& after,
             const std::string& hint, bool as_json) {
  auto started = json::array();
  std::string names;
  for (std::size_t i = 0; i < std::min(before.nodes.size(), after.nodes.size()); ++i)
    if (!runs(before.nodes[i]) && runs(after.nodes[i])) {
      started.push_back(after.nodes[i].name);
      names += (names.empty() ? "" : ", ") + after.nodes[i].name;
    }
  auto troubles = troubles_text(after, hint);
  bool all_run = std::all_of(after.nodes.begin(), after.nodes.end(), [](const auto& node) {
    return node.phase == node_phase::ready || node.phase == node_phase::joining;
  });
  if (as_json) {
    auto nodes = json::array();
    for (const auto& node : after.nodes) {
      nodes.push_back(supervision_json(node));
      nodes.back()["name"] = node.name;
    }
    print_json({{"event", "already_running"},
                {"pid", after.pid},
                {"data", data.string()},
                {"started", std::move(started)},
                {"nodes", std::move(nodes)}});
  } else {
    print("a cluster is already running in " + one_line(data.string()) + " (process "
          + std::to_string(after.pid) + "); "
          + (names.empty() ? all_run ? "all its nodes are running" : "no node could be started"
                           : "started: " + one_line(names))
          + "\n" + troubles);
  }
  return all_run ? exit_ok : exit_unavailable;
}

} // namespace

std::string troubles_text(const supervision& now, const std::string& hint) {
  std::string text;
  for (const auto& node : now.nodes)
    if (auto trouble = trouble_text(node, hint); !trouble.empty())
      text += one_line(node.name + " " + trouble) + "\n";
  return text;
}

json supervision_json(const supervised_node& node) {
  json made{{"phase", to_string(node.phase)}, {"pid", node.pid}, {"tries", node.tries}};
  if (!node.why.empty())
    made["why"] = node.why;
  if (node.phase == node_phase::waiting)
    made["next_try_in_ms"] = until_next_try(node).count();
  return made;
}

int start_missing(const std::filesystem::path& data, const supervisor& running,
                  const std::string& hint, bool as_json) {
  interrupts signals;
  auto refuse = [&](const std::string& why) {
    return report({exit_unavailable, "refused",
                   "a cluster is already running in " + data.string() + " (process "
                       + std::to_string(running.pid) + ")" + why},
                  as_json);
  };
  // It may have the lock without having written the file yet.
  auto any = [](const supervision&) { return true; };
  auto before = await_supervision(data, running, any, limits::stop_timeout, signals.fd());
  if (!before)
    return refuse(", which does not report the state of its nodes: stop it with `troupe down" + hint
                  + "`, or name another folder with --data");
  if (!send_signal(running.pidfd, signal_start_missing))
    return refuse(errno == ESRCH ? ", which has just ended: try again"
                                 : ", which belongs to another user");
  auto fits = [&](const supervision& now) { return now.asked > before->asked && is_settled(now); };
  auto after = await_supervision(data, running, fits, limits::node_ready_timeout, signals.fd());
  if (signals.take() != 0)
    return report({exit_interrupted, "cancelled", "interrupted"}, as_json);
  if (!after)
    return refuse(", which has just ended: try again");
  return tell_end(data, *before, *after, hint, as_json);
}

} // namespace troupe::cli
