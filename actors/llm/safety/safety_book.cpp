#include "actors/llm/safety/safety_book.hpp"

#include <initializer_list>

namespace troupe {

namespace {

const safety_policy* find(const std::map<std::string, safety_policy>& in, std::string_view name) {
  auto found = in.find(std::string{name});
  return found == in.end() ? nullptr : &found->second;
}

constexpr safety_actions safety_policy::*directions[] = {
    &safety_policy::asked, &safety_policy::data, &safety_policy::answered}; // as safety_way

} // namespace

safety_book::safety_book(safety_config from) : from_(std::move(from)) {}

const call_rules& safety_book::of(std::string_view role, std::string_view tenant) {
  auto* of_role = find(from_.roles, role);
  auto* of_tenant = find(from_.tenants, tenant);
  std::pair<std::string, std::string> key{of_role ? role : std::string_view{},
                                          of_tenant ? tenant : std::string_view{}};
  auto known = made_.find(key);
  if (known == made_.end())
    known = made_.emplace(std::move(key), make(of_role, of_tenant)).first;
  return known->second;
}

call_rules safety_book::make(const safety_policy* role, const safety_policy* tenant) {
  std::uint64_t bytes_max = 0;
  const safety_policy* has_list = nullptr;
  call_rules made;
  for (const auto* policy : {&std::as_const(from_.all), tenant, role}) { // the last one counts
    if (!policy)
      continue;
    bytes_max = policy->bytes_max.value_or(bytes_max);
    if (policy->denied)
      has_list = policy;
    for (std::size_t way = 0; way < safety_ways; ++way)
      for (std::size_t check = 0; check < safety_checks; ++check)
        if (auto action = (policy->*directions[way])[check])
          made.ways[way].set(static_cast<safety_check>(check), *action);
  }
  auto list = has_list && !has_list->denied->empty() ? list_of(*has_list) : nullptr;
  for (auto& rules : made.ways) {
    rules.bytes_max = bytes_max;
    rules.denied = list;
    if (bytes_max == 0)
      rules.set(safety_check::size, safety_action::off);
    if (!list)
      rules.set(safety_check::denied, safety_action::off);
  }
  return made;
}

safety_book::deny_list safety_book::list_of(const safety_policy& policy) {
  auto& list = lists_[&policy];
  if (!list)
    list = std::make_shared<const phrase_finder>(*policy.denied);
  return list;
}

} // namespace troupe
