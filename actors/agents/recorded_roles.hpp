#pragma once

#include "actors/agents/role.hpp"
#include "messages/runs.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The roles of durable runs as they were when these began (docs/decisions/0034-versions.md). A few
/// are remembered: all tasks of a run bring the same definition.
class recorded_roles {
public:
  using role_pointer = std::shared_ptr<const role>;

  /// `own` if it is the same one, else the role that the definition says. `invalid_argument`: this
  /// version cannot read that, and why.
  result<role_pointer> find(std::string_view role_name, std::uint64_t hash,
                            const std::string& definition, const role_pointer& own);

private:
  static result<role_pointer> read(std::string_view role_name, const std::string& definition);

  std::map<std::uint64_t, result<role_pointer>> known_; ///< by hash
};

/// The role in which a slot of the role `own` does this task.
result<recorded_roles::role_pointer>
role_of_task(const Task& task, const recorded_roles::role_pointer& own, recorded_roles& known);

/// Why a node cannot go on with a task of a durable run.
struct version_gap {
  RefusalReason reason = REFUSED_VERSION;
  std::string needed; ///< for people: "version 1 of the mind reader (node-b has version 2)"
};
/// Nothing if a slot of the role `own` can begin with it. `node_name` is for people.
std::optional<version_gap> version_gap_of(const Task& task, const recorded_roles::role_pointer& own,
                                          recorded_roles& known, const std::string& node_name);

} // namespace troupe
