#include "actors/agents/role.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

namespace troupe::cli {

namespace {

cli_result<std::vector<RoleInfo>> builtin_roles() {
  auto table = load_roles({});
  if (!table)
    return unexpected{cli_error{exit_config, "config", to_string(table.error())}};
  std::vector<RoleInfo> all;
  for (const auto& [unused, role] : *table)
    all.push_back(role->info);
  return all;
}

json role_json(const RoleInfo& role) {
  return {{"name", role.name()},           {"description", role.description()},
          {"model", role.model()},         {"for_talk", role.for_talk()},
          {"for_tasks", role.for_tasks()}, {"reads_files", role.reads_files()},
          {"state", role.state()}};
}

std::string uses_of(const RoleInfo& role) {
  if (role.for_talk() && role.for_tasks())
    return "send, tasks";
  return role.for_talk() ? "send" : "tasks";
}

} // namespace

int cmd_roles(const roles_command& wanted) {
  interrupts signals;
  auto cluster = attach_lasting(wanted.cluster, signals.fd());
  // Without a cluster, the built-in roles are listed, unless the user named a cluster.
  bool named = !wanted.cluster.peer.empty() || !wanted.cluster.data.empty();
  if (!cluster && (named || cluster.error().exit_code != exit_unavailable))
    return report(cluster.error(), wanted.as_json);
  auto roles = cluster ? roles_of(*cluster) : builtin_roles();
  if (!roles)
    return report(roles.error(), wanted.as_json);
  auto listed = json::array();
  std::vector<std::vector<std::string>> rows{{"ROLE", "FOR", "MODEL", "WHAT IT DOES"}};
  for (const auto& role : *roles) {
    listed.push_back(role_json(role));
    rows.push_back({one_line(role.name()), uses_of(role), one_line(role.model()),
                    one_line(role.description())});
  }
  if (wanted.as_json) {
    print_json({{"roles", std::move(listed)}});
    return exit_ok;
  }
  print(table(rows, terminal_of(STDOUT_FILENO).colours));
  if (!cluster)
    print("\nNo cluster is running; these are the built-in roles.\n");
  return exit_ok;
}

} // namespace troupe::cli
