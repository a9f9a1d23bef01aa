#include "actors/coordination/run_roles.hpp"

#include "config/limits/runs.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// For the owner, who cannot read it: another node may.
recorded_roles::role_pointer as_it_was(const KeptRole& kept) {
  role made;
  made.info.set_name(kept.name());
  made.definition = kept.definition();
  made.definition_hash = kept.hash();
  return std::make_shared<const role>(std::move(made));
}

} // namespace

result<void> run_roles::begin(const role_names& names, const role_table& own) {
  std::size_t bytes = 0;
  roles_.resize(names.size());
  for (std::size_t at = 0; at < names.size(); ++at) {
    auto found = own.find(*names[at]);
    if (found == own.end() || found->second->definition_hash == 0)
      continue;
    roles_[at].kind = found->second;
    bytes += found->second->definition.size();
  }
  if (bytes > limits::run_roles_bytes_max)
    return fail(ec::too_large, "the roles of the run are " + std::to_string(bytes)
                                   + " bytes, more than a durable run may take with it ("
                                   + std::to_string(limits::run_roles_bytes_max) + ")");
  return {};
}

void run_roles::tell(RunEvent::Began& into) const {
  for (const auto& [kind, is_brought] : roles_) {
    if (!kind)
      continue;
    auto& told = *into.add_roles();
    told.set_name(kind->info.name());
    told.set_hash(kind->definition_hash);
    told.set_definition(kind->definition);
  }
}

void run_roles::restore(RunEvent::Began& began) {
  for (auto& kept : *began.mutable_roles())
    unread_.push_back(std::move(kept));
}

void run_roles::compare(const role_names& names, const role_table& own, recorded_roles& known) {
  roles_.resize(names.size());
  for (const auto& kept : std::exchange(unread_, {})) {
    auto at = static_cast<std::size_t>(
        std::find_if(names.begin(), names.end(),
                     [&](const std::string* called) { return *called == kept.name(); })
        - names.begin());
    if (at == names.size())
      continue;
    auto found = own.find(kept.name());
    auto mine = found == own.end() ? nullptr : found->second;
    auto kind = known.find(kept.name(), kept.hash(), kept.definition(), mine);
    roles_[at].kind = kind ? *kind : as_it_was(kept);
    if (roles_[at].kind != mine)
      bring_along(static_cast<std::uint32_t>(at));
  }
}

void run_roles::give(std::uint32_t role, Task& into) const {
  if (role >= roles_.size() || !roles_[role].kind)
    return;
  const auto& [kind, is_brought] = roles_[role];
  into.set_role_hash(kind->definition_hash);
  if (is_brought)
    into.set_role_definition(kind->definition);
}

void run_roles::bring_along(std::uint32_t role) {
  if (role >= roles_.size() || !roles_[role].kind)
    return;
  roles_[role].is_brought = true;
  own_ = false;
}

} // namespace troupe
