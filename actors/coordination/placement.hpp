#pragma once

#include "actors/cluster/member_view.hpp"
#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Decides which node gets the next task. It knows the members and how much this coordinator has
/// offered to each of them; it does not know the load that others cause. Nodes and lanes (the tasks
/// of one role) are indices, which never change.
///
/// A task goes to the node that has the fewest outstanding tasks of its role in proportion to its
/// capacity; equal nodes take turns. A node is offered little more than it works on at once. The
/// other tasks go to the node that is done first, so no slot idles while tasks wait in the queue of
/// a slower node. A node is offered at most `limits::offered_bytes_max` of inputs at once, or one
/// task of any size.
class placement {
public:
  using node_index = std::uint32_t;
  using lane_index = std::uint32_t;
  static constexpr std::uint32_t none = ~0u;

  struct node_changes {
    std::vector<node_index> lost;     ///< were up and are not, or began a new life
    std::vector<node_index> returned; ///< are up and were not
  };

  /// `self` is up, hosts `roles` and works on `capacity` tasks until membership says otherwise.
  void begin(node_id self, std::uint32_t capacity, std::set<std::string, std::less<>> roles);
  node_changes update(const MembersChanged& members);

  /// The lane of a role. `cheap`: its tasks stay on this node while little is waiting there.
  lane_index lane_of(std::string_view role, bool cheap);
  bool is_cheap(lane_index lane) const { return lanes_[lane].cheap; }
  const std::string& role_of(lane_index lane) const { return lanes_[lane].role; }

  /// Chooses a node for one task; `avoid` only if no other node that is up hosts the role. `none`:
  /// each node has enough tasks, or no node hosts the role. `never`: none of these nodes, one bit
  /// each.
  node_index choose(lane_index lane, node_index avoid, instant now, std::uint64_t never = 0);
  /// Whether a node that is up hosts the role, without `except` and `never`.
  bool hosted(lane_index lane, node_index except = none, std::uint64_t never = 0) const;

  /// `bytes`: of the task and its input, which are bounded for each node as well.
  void take(node_index node, lane_index lane, std::size_t bytes);
  void give_back(node_index node, lane_index lane, std::size_t bytes);
  /// Its queue refused a task: the node gets none for a while, which is longer each time.
  void refused(node_index node, lane_index lane, instant now);
  /// Its queue works: the next refusal counts as the first.
  void answered(node_index node, lane_index lane) { load_of(node, lane).backoff = {}; }
  /// Its queue does not answer: it gets no task while the queue of another node that hosts the role
  /// does.
  void set_silent(node_index node, bool silent) { nodes_[node].silent = silent; }
  bool is_silent(node_index node) const { return nodes_[node].silent; }
  std::uint32_t outstanding(node_index node) const { return nodes_[node].outstanding; }
  std::uint32_t outstanding(node_index node, lane_index lane) const {
    return nodes_[node].loads[lane].outstanding;
  }
  /// When a node that refused may get a task again; nothing if no node refused.
  std::optional<instant> next_try(lane_index lane, instant now) const;

  std::size_t nodes() const noexcept { return nodes_.size(); }
  node_id id_of(node_index node) const { return nodes_[node].id; }
  const std::string& name_of(node_index node) const { return nodes_[node].title; }
  bool is_up(node_index node) const { return nodes_[node].state == MEMBER_UP; }
  MemberState state_of(node_index node) const { return nodes_[node].state; }
  node_index find(node_id id) const;

  /// The roles that some member does tasks for, up or not.
  const std::set<std::string, std::less<>>& roles() const noexcept { return roles_; }

private:
  static bool is_in(std::uint64_t nodes, node_index at) { return (nodes >> at & 1) != 0; }
  struct load {
    std::uint32_t outstanding = 0;
    instant alone_until{};
    std::chrono::nanoseconds backoff{0};
  };
  struct node_record {
    node_id id;
    std::string title;
    MemberState state = MEMBER_UNKNOWN;
    std::uint64_t incarnation = 0;
    std::uint32_t capacity = 1;
    std::uint32_t outstanding = 0;
    std::size_t bytes = 0; ///< of what is outstanding
    bool silent = false;
    std::set<std::string, std::less<>> roles;
    std::vector<load> loads;  ///< by lane
    std::vector<bool> hosted; ///< by lane
  };
  struct role_lane {
    std::string role;
    bool cheap = false;
    std::uint32_t next = 0; ///< where the next turn begins
  };

  node_index add(node_id id);
  void read(node_record& node, const NodeInfo& info);
  bool has_room(const node_record& node, lane_index lane, instant now) const;
  bool less_loaded(const node_record& a, const node_record& b, lane_index lane) const;
  load& load_of(node_index node, lane_index lane) { return nodes_[node].loads[lane]; }

  std::vector<node_record> nodes_; ///< this node first
  std::vector<role_lane> lanes_;
  std::set<std::string, std::less<>> roles_;
  std::set<std::string, std::less<>> own_roles_;
  std::uint32_t own_capacity_ = 1;
};

} // namespace troupe
