#include "actors/llm/provider_queue.hpp"

#include <algorithm>
#include <cassert>

namespace troupe {

namespace {

/// The one after the one that had its turn last.
template <class Table>
auto whose_turn(Table& all, const std::string& last) {
  auto turn = all.upper_bound(last);
  return turn == all.end() ? all.begin() : turn;
}

/// The entry of a name, made if there is none.
template <class Table>
auto& entry_of(Table& all, std::string_view called) {
  auto found = all.find(called);
  return found == all.end() ? all[std::string(called)] : found->second;
}

} // namespace

std::optional<std::uint64_t> provider_queue::most_patient(const caller& who) const {
  if (tenants_.empty())
    return std::nullopt;
  auto own = tenants_.find(who.tenant);
  auto largest = std::max_element(tenants_.begin(), tenants_.end(), [](auto& a, auto& b) {
    return a.second.waiting < b.second.waiting;
  });
  auto own_waiting = own == tenants_.end() ? 0 : own->second.waiting;
  bool is_other = largest->second.waiting > own_waiting + 1;
  if (!is_other && own == tenants_.end())
    return std::nullopt;
  const auto& groups = (is_other ? largest : own)->second.groups;
  auto longest = std::max_element(groups.begin(), groups.end(), [](auto& a, auto& b) {
    return a.second.size() < b.second.size();
  });
  auto own_group = groups.find(who.group);
  auto own_calls = is_other || own_group == groups.end() ? 0 : own_group->second.size();
  if (!is_other && longest->second.size() <= own_calls + 1)
    return std::nullopt;
  return longest->second.back();
}

void provider_queue::wait(const caller& who, std::uint64_t call) {
  auto& of = entry_of(tenants_, who.tenant);
  entry_of(of.groups, who.group).push_back(call);
  ++of.waiting;
  ++waiting_;
}

bool provider_queue::forget(const caller& who, std::uint64_t call) {
  auto tenant = tenants_.find(who.tenant);
  if (tenant == tenants_.end())
    return false;
  auto& of = tenant->second;
  auto group = of.groups.find(who.group);
  if (group == of.groups.end())
    return false;
  auto& calls = group->second;
  auto one = std::find(calls.begin(), calls.end(), call);
  if (one == calls.end())
    return false;
  calls.erase(one);
  if (calls.empty())
    of.groups.erase(group);
  --of.waiting;
  --waiting_;
  if (of.waiting == 0)
    tenants_.erase(tenant);
  return true;
}

std::uint64_t provider_queue::take_next(line& from) {
  auto turn = whose_turn(from.groups, from.last);
  auto call = turn->second.front();
  turn->second.pop_front();
  from.last = turn->first;
  if (turn->second.empty())
    from.groups.erase(turn);
  --from.waiting;
  return call;
}

std::optional<std::uint64_t> provider_queue::first() const {
  if (running_ >= at_once_ || tenants_.empty())
    return std::nullopt;
  const auto& turn = whose_turn(tenants_, last_)->second;
  return whose_turn(turn.groups, turn.last)->second.front();
}

std::optional<std::uint64_t> provider_queue::next() {
  if (running_ >= at_once_ || tenants_.empty())
    return std::nullopt;
  auto turn = whose_turn(tenants_, last_);
  auto call = take_next(turn->second);
  last_ = turn->first;
  if (turn->second.waiting == 0)
    tenants_.erase(turn);
  --waiting_;
  ++running_;
  return call;
}

void provider_queue::ended() {
  assert(running_ > 0);
  --running_;
}

bool provider_queue::invariants() const {
  std::size_t counted = 0;
  for (const auto& [tenant, of] : tenants_) {
    std::size_t in_groups = 0;
    for (const auto& [group, calls] : of.groups) {
      if (calls.empty())
        return false;
      in_groups += calls.size();
    }
    if (in_groups != of.waiting || in_groups == 0)
      return false;
    counted += in_groups;
  }
  return counted == waiting_ && running_ <= at_once_;
}

} // namespace troupe
