#include "actors/cluster/peer_links.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe {

/// The same at both ends: nothing in it depends on which came first.
bool peer_links::better(const link& a, const link& b) {
  auto rank = [](const link& l) { return std::tuple{l.incarnation, l.dialled_by_lower, l.dial}; };
  return rank(a) > rank(b);
}

peer_links::proven_link* peer_links::current_of(links& of) {
  auto found = std::find_if(of.begin(), of.end(),
                            [](const proven_link& k) { return k.now == standing::current; });
  return found == of.end() ? nullptr : &*found;
}

peer_links::proven_link* peer_links::find(number id) {
  for (auto& [peer, of] : peers_)
    for (auto& k : of)
      if (k.with.id == id)
        return &k;
  return nullptr;
}

peer_links::links_change peer_links::proven(const link& with) {
  links_change made;
  auto& of = peers_[with.peer];
  auto differs = [&](const proven_link& k) {
    return k.now != standing::ended && k.with.incarnation != with.incarnation;
  };
  bool over = std::any_of(of.begin(), of.end(), [&](const proven_link& k) {
    return differs(k) && k.with.incarnation > with.incarnation;
  });
  proven_link next{with, over ? standing::ended : standing::waiting};
  if (over)
    made.dead.push_back(with.id);
  for (auto& k : of) {
    if (over || !differs(k))
      continue;
    if (std::exchange(k.now, standing::ended) == standing::current) {
      next.now = standing::current;
      made.attach = with.id;
    }
    made.dead.push_back(k.with.id);
  }
  of.push_back(next);
  return made;
}

peer_links::links_change peer_links::confirmed(number id) {
  links_change made;
  auto next = find(id);
  if (!next || next->now == standing::ended)
    return made;
  next->works = true;
  if (next->now == standing::current)
    return made;
  auto before = current_of(peers_[next->with.peer]);
  bool better_before = before && better(before->with, next->with);
  if (better_before && before->works) {
    next->now = standing::ended;
    made.end.push_back(id);
    return made;
  }
  if (better_before) {
    before->now = standing::waiting; // the other end may not have heard of it yet
  } else if (before) {
    before->now = standing::ended;
    made.end.push_back(before->with.id);
  }
  next->now = standing::current;
  made.attach = id;
  return made;
}

peer_links::links_change peer_links::closed(number id) {
  links_change made;
  auto gone = find(id);
  if (!gone)
    return made;
  auto peer = gone->with.peer;
  bool counted = gone->now == standing::current;
  auto& of = peers_[peer];
  of.erase(of.begin() + (gone - of.data()));
  if (counted) {
    proven_link* best = nullptr;
    for (auto& k : of)
      if (k.now == standing::waiting && (!best || better(k.with, best->with)))
        best = &k;
    if (best) {
      best->now = standing::current;
      made.attach = best->with.id;
    } else {
      made.lost = true;
    }
  }
  if (of.empty())
    peers_.erase(peer);
  return made;
}

std::optional<peer_links::number> peer_links::current(node_id peer) const {
  if (auto found = peers_.find(peer); found != peers_.end())
    for (const auto& k : found->second)
      if (k.now == standing::current)
        return k.with.id;
  return std::nullopt;
}

bool peer_links::has_link(node_id peer) const {
  auto found = peers_.find(peer);
  return found != peers_.end()
         && std::any_of(found->second.begin(), found->second.end(),
                        [](const proven_link& k) { return k.now != standing::ended; });
}

} // namespace troupe
