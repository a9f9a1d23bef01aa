#include "actors/agents/recorded_roles.hpp"

#include "config/limits/work.hpp"
#include "persistence/sha256.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::uint32_t version_in(const StepRecord& step) { return std::max(1u, step.mind_version()); }

} // namespace

result<recorded_roles::role_pointer> recorded_roles::read(std::string_view role_name,
                                                          const std::string& definition) {
  auto made = parse_role(definition, "role " + std::string{role_name});
  if (!made)
    return fail(ec::invalid_argument, to_string(made.error()));
  return std::make_shared<const role>(*std::move(made));
}

result<recorded_roles::role_pointer> recorded_roles::find(std::string_view role_name,
                                                          std::uint64_t hash,
                                                          const std::string& definition,
                                                          const role_pointer& own) {
  if (hash == 0 || (own && own->definition_hash == hash))
    return own;
  if (auto found = known_.find(hash); found != known_.end())
    return found->second;
  if (short_sha256(definition) != hash)
    return fail(ec::invalid_argument, "its definition is damaged");
  if (known_.size() >= limits::recorded_roles_kept_max)
    known_.clear();
  return known_.emplace(hash, read(role_name, definition)).first->second;
}

result<recorded_roles::role_pointer>
role_of_task(const Task& task, const recorded_roles::role_pointer& own, recorded_roles& known) {
  return known.find(task.role(), task.role_hash(), task.role_definition(), own);
}

std::optional<version_gap> version_gap_of(const Task& task, const recorded_roles::role_pointer& own,
                                          recorded_roles& known, const std::string& node_name) {
  if (!task.durable())
    return std::nullopt;
  bool is_other = task.role_hash() != 0 && task.role_hash() != own->definition_hash;
  if (is_other && task.role_definition().empty())
    return version_gap{REFUSED_WITHOUT_ROLE, "the definition of the role " + task.role()};
  auto kind = role_of_task(task, own, known);
  if (!kind)
    return version_gap{REFUSED_VERSION, "a node that can read the role " + task.role()
                                            + " as the run began with it (" + node_name
                                            + " cannot: " + kind.error().message + ")"};
  if (task.steps().empty() || version_in(task.steps(0)) == (*kind)->mind_version)
    return std::nullopt;
  return version_gap{REFUSED_VERSION, "version " + std::to_string(version_in(task.steps(0)))
                                          + " of the mind " + (*kind)->mind + " (" + node_name
                                          + " has version " + std::to_string((*kind)->mind_version)
                                          + ")"};
}

} // namespace troupe
