#pragma once

#include "actors/llm/safety/safety_tally.hpp"
#include "config/safety_policy.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// The section `safety` of a configuration, made ready to check with: who has which rules.
class safety_book {
public:
  explicit safety_book(safety_config from);

  /// The rules of a role's calls for a tenant: what the role's policy says, else the tenant's, else
  /// the one of all. They stay where they are as long as the book.
  const call_rules& of(std::string_view role, std::string_view tenant);

  const safety_config& policies() const noexcept { return from_; }

private:
  using deny_list = std::shared_ptr<const phrase_finder>;

  call_rules make(const safety_policy* role, const safety_policy* tenant);
  deny_list list_of(const safety_policy& policy);

  safety_config from_;
  /// By the names of policies there are, so it does not grow with what callers call themselves.
  std::map<std::pair<std::string, std::string>, call_rules, std::less<>> made_;
  std::map<const safety_policy*, deny_list> lists_; ///< a large one takes megabytes
};

} // namespace troupe
