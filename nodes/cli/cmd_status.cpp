#include "actors/cluster/member_view.hpp"
#include "config/base/count_of.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/ask_status.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/running_cluster.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>

namespace troupe::cli {

namespace {

json run_json(const RunStatus& run) {
  return {{"run", to_string(run_from_bytes(run.run()))},
          {"graph", run.graph()},
          {"done", run.done()},
          {"total", run.total()},
          {"failed", run.failed()}};
}

json node_json(const NodeStatus& node) {
  auto roles = json::array();
  auto details = json::array();
  for (const auto& role : node.roles()) {
    roles.push_back(role.name());
    details.push_back({{"name", role.name()},
                       {"pool", role.pool()},
                       {"busy", role.busy()},
                       {"agents", role.agents()}});
  }
  auto runs = json::array();
  for (const auto& run : node.runs())
    runs.push_back(run_json(run));
  return {{"id", to_string(node_from_bytes(node.info().id()))},
          {"name", node.info().name()},
          {"state", to_string(node.state())},
          {"pid", node.pid()},
          {"address", node.info().address()},
          {"http_address", node.info().http_address()},
          {"incarnation", node.info().incarnation()},
          {"uptime_ms", node.uptime_ms()},
          {"roles", std::move(roles)},
          {"role_details", std::move(details)},
          {"tasks_done", node.tasks_done()},
          {"tasks_failed", node.tasks_failed()},
          {"tasks_running", node.tasks_running()},
          {"queue_length", node.queue_length()},
          {"agents", node.agents()},
          {"rss_bytes", node.rss_bytes()},
          {"cpu_seconds", node.cpu_seconds()},
          {"late_results", node.late_results()},
          {"blobs", node.blobs()},
          {"blob_bytes", node.blob_bytes()},
          {"spans_dropped", node.spans_dropped()},
          {"runs_total", node.runs_total()},
          {"runs", std::move(runs)}};
}

std::string with_one_decimal(double number) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::string state_text(const NodeStatus& node, bool colours) {
  auto shade = node.state() == MEMBER_UP     ? colour::green
               : node.state() == MEMBER_DOWN ? colour::red
                                             : colour::yellow;
  return painted(to_string(node.state()), shade, colours);
}

std::string runs_text(const NodeStatus& node) {
  std::string text;
  for (const auto& run : node.runs()) {
    text += "run " + to_string(run_from_bytes(run.run())) + " " + one_line(run.graph()) + " on "
            + one_line(node.info().name()) + ": " + std::to_string(run.done()) + "/"
            + std::to_string(run.total()) + " done";
    text += run.failed() > 0 ? ", " + std::to_string(run.failed()) + " failed\n" : "\n";
  }
  auto shown = static_cast<std::uint32_t>(node.runs_size());
  if (node.runs_total() > shown)
    text += "and " + count_of(node.runs_total() - shown, "more run") + " on "
            + one_line(node.info().name()) + "\n";
  return text;
}

} // namespace

json status_json(const ClusterStatus& status) {
  auto nodes = json::array();
  for (const auto& node : status.nodes())
    nodes.push_back(node_json(node));
  return {{"cluster", status.cluster()}, {"nodes", std::move(nodes)}};
}

std::string status_text(const ClusterStatus& status, bool colours) {
  std::vector<std::vector<std::string>> rows{{"NODE", "STATE", "PID", "ADDRESS", "HTTP", "DONE",
                                              "RUNNING", "QUEUED", "AGENTS", "BLOBS", "MEMORY",
                                              "CPU s", "UP"}};
  std::map<std::string, RoleStatus> roles; // summed over the nodes
  std::string runs;
  for (const auto& node : status.nodes()) {
    const auto& info = node.info();
    auto name = one_line(info.name());
    if (node.state() == MEMBER_DOWN || node.pid() == 0) { // it did not report
      rows.push_back({name, state_text(node, colours), "-", one_line(info.address())});
      continue;
    }
    rows.push_back({name, state_text(node, colours), std::to_string(node.pid()),
                    one_line(info.address()), one_line(info.http_address()),
                    std::to_string(node.tasks_done()), std::to_string(node.tasks_running()),
                    std::to_string(node.queue_length()), std::to_string(node.agents()),
                    std::to_string(node.blobs()) + " of " + human_bytes(node.blob_bytes()),
                    human_bytes(node.rss_bytes()), with_one_decimal(node.cpu_seconds()),
                    human_duration(std::chrono::milliseconds(node.uptime_ms()))});
    for (const auto& role : node.roles()) {
      auto& sum = roles[role.name()];
      sum.set_pool(sum.pool() + role.pool());
      sum.set_busy(sum.busy() + role.busy());
      sum.set_agents(sum.agents() + role.agents());
    }
    runs += runs_text(node);
  }
  auto text = "cluster " + one_line(status.cluster()) + "\n" + table(rows, colours);
  std::vector<std::vector<std::string>> role_rows{{"ROLE", "POOL", "BUSY", "AGENTS"}};
  for (const auto& [role, sum] : roles)
    role_rows.push_back({one_line(role), std::to_string(sum.pool()), std::to_string(sum.busy()),
                         std::to_string(sum.agents())});
  if (!roles.empty())
    text += "\n" + table(role_rows, colours);
  return runs.empty() ? text : text + "\n" + runs;
}

result<ClusterStatus> ask_status(client& link, std::chrono::milliseconds at_most) {
  StatusQuery query;
  query.set_whole_cluster(true);
  auto reply = link.request(
      make_envelope(message_kind::request, address::of(service::desk), std::move(query)), at_most);
  if (!reply)
    return unexpected{reply.error()};
  if (auto why = failure_in(*reply))
    return unexpected{std::move(*why)};
  if (auto status = reply->body.as<ClusterStatus>())
    return std::move(*status);
  return fail(ec::bad_message, "the node's answer about its status could not be read");
}

namespace {

/// What the process that supervises the nodes reports; nothing for a cluster named by --peer.
std::optional<supervision> supervision_of(const cluster_flags& flags) {
  return flags.peer.empty() ? read_supervision(data_folder_of(flags)) : std::nullopt;
}

/// For when no node answers: adds what their supervisor knows.
cli_error with_troubles(cli_error error, const std::optional<supervision>& supervised,
                        const std::string& hint) {
  if (supervised)
    for (const auto& node : supervised->nodes)
      if (auto text = troubles_text({0, 0, {node}}, hint); !text.empty())
        error.message += "; " + text.substr(0, text.size() - 1);
  return error;
}

} // namespace

int cmd_status(const status_command& wanted) {
  interrupts signals;
  auto hint = data_hint(wanted.cluster);
  auto cluster = attach_lasting(wanted.cluster, signals.fd());
  auto supervised = supervision_of(wanted.cluster);
  if (!cluster)
    return report(with_troubles(cluster.error(), supervised, hint), wanted.as_json);
  auto status = ask_status(*cluster->link, std::chrono::seconds{10});
  if (!status)
    return report(with_troubles(error_of(status.error()), supervised, hint), wanted.as_json);
  if (wanted.as_json) {
    auto told = status_json(*status);
    for (auto& node : told["nodes"])
      for (const auto& known : supervised ? supervised->nodes : std::vector<supervised_node>{})
        if (node["name"] == known.name)
          node["supervision"] = supervision_json(known);
    print_json(told);
    return exit_ok;
  }
  auto troubles = supervised ? troubles_text(*supervised, hint) : "";
  print(status_text(*status, terminal_of(STDOUT_FILENO).colours)
        + (troubles.empty() ? "" : "\n" + troubles));
  return exit_ok;
}

} // namespace troupe::cli
