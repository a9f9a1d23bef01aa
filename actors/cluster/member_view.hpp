#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace troupe {

struct member {
  node_id id;
  MemberState state = MEMBER_UNKNOWN;
  NodeInfo info;
};

/// Who is in the cluster, as one node sees it at one moment. Ordered by id; immutable once shared.
struct member_view {
  std::uint64_t epoch = 0;
  std::vector<member> members;

  const member* find(node_id id) const noexcept;
};

/// The home of `agent`: rendezvous hashing (Thaler and Ravishankar 1998) with XXH3 over all
/// members, up or not. A member that is down keeps its agents. Zero if there are no members.
node_id home_of(const name& agent, const member_view& view);

/// Before there is any link: this node is up, and the others are not known to be up.
member_view configured_view(const NodeInfo& self, const std::vector<NodeInfo>& others);

/// Adds a role to what a node says about itself: its name goes into views, and all of it into the
/// hash. The same roles in the same order give the same hash.
void add_role(NodeInfo& to, const RoleInfo& role);

member_view to_view(const MembersChanged& change);
MembersChanged to_proto(const member_view& view);

/// A service that needs the members sends this when it starts: an earlier life of it may have been
/// told and then failed. Membership answers with MembersChanged. If membership is not up yet, it
/// will tell everybody anyway.
envelope ask_for_members(const address& self);

std::string_view to_string(MemberState state); ///< "up", "suspect", "down", "unknown"

} // namespace troupe
