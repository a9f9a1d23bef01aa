#include "actors/coordination/placement.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"

#include <algorithm>
#include <cassert>

namespace troupe {

void placement::begin(node_id self, std::uint32_t capacity,
                      std::set<std::string, std::less<>> roles) {
  own_capacity_ = std::max(1u, capacity);
  own_roles_ = std::move(roles);
  roles_ = own_roles_;
  auto& node = nodes_[add(self)];
  node.state = MEMBER_UP;
  node.capacity = own_capacity_;
  node.roles = own_roles_;
}

placement::node_index placement::add(node_id id) {
  auto& node = nodes_.emplace_back();
  node.id = id;
  node.loads.resize(lanes_.size());
  node.hosted.resize(lanes_.size());
  return static_cast<node_index>(nodes_.size() - 1);
}

placement::node_index placement::find(node_id id) const {
  for (node_index i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].id == id)
      return i;
  return none;
}

void placement::read(node_record& node, const NodeInfo& info) {
  node.title = info.name();
  node.capacity = info.capacity() > 0 ? info.capacity() : own_capacity_;
  node.roles.clear();
  for (const auto& role : info.roles())
    if (role.for_tasks())
      node.roles.insert(role.name());
  for (lane_index lane = 0; lane < lanes_.size(); ++lane)
    node.hosted[lane] = node.roles.contains(lanes_[lane].role);
}

placement::node_changes placement::update(const MembersChanged& members) {
  node_changes made;
  std::vector<bool> named(nodes_.size());
  for (const auto& member : members.members()) {
    auto id = node_from_bytes(member.info().id());
    auto at = find(id);
    if (at == none) {
      if (nodes_.size() >= limits::members_max)
        continue;
      at = add(id);
      named.resize(nodes_.size());
    }
    named[at] = true;
    auto& node = nodes_[at];
    if (member.info().roles_size() > 0 || at != 0)
      read(node, member.info());
    bool was_up = node.state == MEMBER_UP;
    bool reborn = node.incarnation != 0 && node.incarnation != member.info().incarnation();
    node.incarnation = member.info().incarnation();
    node.state = at == 0 ? MEMBER_UP : member.state(); // this node is up
    bool is_up = node.state == MEMBER_UP;
    if (was_up && (!is_up || (reborn && at != 0)))
      made.lost.push_back(at);
    if (is_up && (!was_up || (reborn && at != 0)))
      made.returned.push_back(at);
  }
  for (node_index at = 1; at < named.size(); ++at)
    if (!named[at] && nodes_[at].state == MEMBER_UP) {
      nodes_[at].state = MEMBER_DOWN;
      made.lost.push_back(at);
    }
  roles_ = own_roles_;
  for (const auto& node : nodes_)
    roles_.insert(node.roles.begin(), node.roles.end());
  for (auto at : made.returned) {
    nodes_[at].silent = false;
    for (auto& mine : nodes_[at].loads) {
      mine.alone_until = {};
      mine.backoff = {};
    }
  }
  return made;
}

placement::lane_index placement::lane_of(std::string_view role, bool cheap) {
  for (lane_index lane = 0; lane < lanes_.size(); ++lane)
    if (lanes_[lane].role == role)
      return lane;
  lanes_.push_back({std::string{role}, cheap, 0});
  for (auto& node : nodes_) {
    node.loads.emplace_back();
    node.hosted.push_back(node.roles.contains(role));
  }
  return static_cast<lane_index>(lanes_.size() - 1);
}

bool placement::has_room(const node_record& node, lane_index lane, instant now) const {
  // A node finishes cheap tasks faster than the next offer comes. For other tasks a few in advance
  // are enough.
  auto ahead = lanes_[lane].cheap ? node.capacity : node.capacity / 4;
  return node.loads[lane].outstanding < node.capacity + ahead
         && node.bytes < limits::offered_bytes_max && node.loads[lane].alone_until <= now;
}

bool placement::less_loaded(const node_record& a, const node_record& b, lane_index lane) const {
  auto times = [](std::uint32_t x, std::uint32_t y) { return std::uint64_t{x} * y; };
  auto mine = times(a.loads[lane].outstanding, b.capacity);
  auto other = times(b.loads[lane].outstanding, a.capacity);
  if (mine != other)
    return mine < other;
  return times(a.outstanding, b.capacity) < times(b.outstanding, a.capacity);
}

placement::node_index placement::choose(lane_index lane, node_index avoid, instant now,
                                        std::uint64_t never) {
  if (avoid != none && !hosted(lane, avoid, never))
    avoid = none;
  auto& turn = lanes_[lane];
  bool somebody_speaks = false;
  for (node_index at = 0; at < nodes_.size(); ++at)
    somebody_speaks = somebody_speaks
                      || (!is_in(never, at) && nodes_[at].state == MEMBER_UP
                          && nodes_[at].hosted[lane] && !nodes_[at].silent);
  auto is_fit = [&](node_index at) {
    const auto& node = nodes_[at];
    return at != avoid && !is_in(never, at) && node.state == MEMBER_UP && node.hosted[lane]
           && !(node.silent && somebody_speaks) && has_room(node, lane, now);
  };
  if (turn.cheap && is_fit(0))
    return 0;
  auto count = static_cast<node_index>(nodes_.size());
  node_index best = none;
  for (node_index i = 0; i < count; ++i) {
    auto at = (turn.next + i) % count;
    if (is_fit(at) && (best == none || less_loaded(nodes_[at], nodes_[best], lane)))
      best = at;
  }
  if (best != none)
    turn.next = best + 1;
  return best;
}

bool placement::hosted(lane_index lane, node_index except, std::uint64_t never) const {
  for (node_index at = 0; at < nodes_.size(); ++at)
    if (at != except && !is_in(never, at) && nodes_[at].state == MEMBER_UP
        && nodes_[at].hosted[lane])
      return true;
  return false;
}

void placement::take(node_index node, lane_index lane, std::size_t bytes) {
  ++nodes_[node].outstanding;
  nodes_[node].bytes += bytes;
  ++load_of(node, lane).outstanding;
}

void placement::give_back(node_index node, lane_index lane, std::size_t bytes) {
  assert(load_of(node, lane).outstanding > 0 && nodes_[node].bytes >= bytes);
  nodes_[node].bytes -= bytes;
  --load_of(node, lane).outstanding;
  --nodes_[node].outstanding;
}

void placement::refused(node_index node, lane_index lane, instant now) {
  auto& mine = load_of(node, lane);
  if (mine.alone_until > now)
    return; // several refusals at once count as one
  using std::chrono::nanoseconds;
  mine.backoff = std::clamp(mine.backoff * 2, nanoseconds{limits::offer_backoff_min},
                            nanoseconds{limits::offer_backoff_max});
  mine.alone_until = now + mine.backoff;
}

std::optional<instant> placement::next_try(lane_index lane, instant now) const {
  std::optional<instant> next;
  for (const auto& node : nodes_) {
    auto until = node.loads[lane].alone_until;
    if (node.state == MEMBER_UP && node.hosted[lane] && until > now && (!next || until < *next))
      next = until;
  }
  return next;
}

} // namespace troupe
