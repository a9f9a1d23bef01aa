#pragma once

#include "actors/agents/recorded_roles.hpp"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The roles of a durable run as they were when it began: its tasks are done in these, also when
/// the owner has others by now, or the nodes that do them (docs/decisions/0034-versions.md). Roles
/// that the owner does not have, or that are compiled in, are as each node has them.
class run_roles {
public:
  /// The roles that a graph names, by their index.
  using role_names = std::vector<const std::string*>;

  /// The run begins: the roles are those of the owner. `too_large`: their definitions are together.
  result<void> begin(const role_names& names, const role_table& own);
  void tell(RunEvent::Began& into) const;
  /// The run is read again. What `tell` said stands here until `compare`.
  void restore(RunEvent::Began& began);
  /// Whether the owner still has these roles. `known`: reads those that it has not.
  void compare(const role_names& names, const role_table& own, recorded_roles& known);

  /// What a task of that role is told of it.
  void give(std::uint32_t role, Task& into) const;
  /// Some node has another role of that name: from now on tasks bring the definition along.
  void bring_along(std::uint32_t role);
  /// No node is known to have others.
  bool are_own() const noexcept { return own_; }
  /// For a task of the role. Null: the owner's own says.
  const role* find(std::uint32_t role) const {
    return role < roles_.size() ? roles_[role].kind.get() : nullptr;
  }

private:
  struct entry {
    recorded_roles::role_pointer kind; ///< null: as each node has it
    bool is_brought = false;           ///< its tasks bring the definition
  };

  std::vector<entry> roles_;     ///< by index; empty: the run is not durable, or not compared yet
  std::vector<KeptRole> unread_; ///< until they are compared
  bool own_ = true;
};

} // namespace troupe
