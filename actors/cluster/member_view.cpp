#include "actors/cluster/member_view.hpp"

#include "messages/cluster.pb.h"

#include <xxhash.h>

#include <algorithm>

namespace troupe {

namespace {

void sort(member_view& view) {
  std::sort(view.members.begin(), view.members.end(),
            [](const member& a, const member& b) { return a.id < b.id; });
}

} // namespace

const member* member_view::find(node_id id) const noexcept {
  auto found =
      std::find_if(members.begin(), members.end(), [id](const member& m) { return m.id == id; });
  return found == members.end() ? nullptr : &*found;
}

node_id home_of(const name& agent, const member_view& view) {
  node_id best;
  std::uint64_t best_weight = 0;
  for (const auto& m : view.members) {
    const std::uint64_t key[] = {agent.hash(), m.id.hi, m.id.lo};
    auto weight = XXH3_64bits(key, sizeof key);
    if (!best || weight > best_weight) {
      best = m.id;
      best_weight = weight;
    }
  }
  return best;
}

member_view configured_view(const NodeInfo& self, const std::vector<NodeInfo>& others) {
  member_view view;
  view.members.push_back({node_from_bytes(self.id()), MEMBER_UP, self});
  for (const auto& other : others)
    view.members.push_back({node_from_bytes(other.id()), MEMBER_SUSPECT, other});
  sort(view);
  return view;
}

void add_role(NodeInfo& to, const RoleInfo& role) {
  auto added = to.add_roles();
  added->set_name(role.name());
  added->set_for_tasks(role.for_tasks());
  added->set_for_talk(role.for_talk());
  auto bytes = role.SerializeAsString();
  to.set_roles_hash(XXH3_64bits_withSeed(bytes.data(), bytes.size(), to.roles_hash()));
}

member_view to_view(const MembersChanged& change) {
  member_view view{change.epoch(), {}};
  for (const auto& m : change.members())
    view.members.push_back({node_from_bytes(m.info().id()), m.state(), m.info()});
  sort(view);
  return view;
}

envelope ask_for_members(const address& self) {
  auto query = make_envelope(message_kind::event, address::of(service::membership, self.node),
                             MembersQuery{});
  query.sender = self;
  return query;
}

MembersChanged to_proto(const member_view& view) {
  MembersChanged change;
  change.set_epoch(view.epoch);
  for (const auto& m : view.members) {
    auto added = change.add_members();
    *added->mutable_info() = m.info;
    added->set_state(m.state);
  }
  return change;
}

std::string_view to_string(MemberState state) {
  switch (state) {
    case MEMBER_UP:
      return "up";
    case MEMBER_SUSPECT:
      return "suspect";
    case MEMBER_DOWN:
      return "down";
    default:
      return "unknown";
  }
}

} // namespace troupe
