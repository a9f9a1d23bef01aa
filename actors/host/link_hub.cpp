#include "actors/host/link_hub.hpp"

#include "actors/cluster/outbox.hpp"
#include "messages/cluster.pb.h"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>

namespace troupe {

namespace {

LinkOpened opened_news(std::uint64_t number, const link_hub::entry& link) {
  LinkOpened opened;
  *opened.mutable_peer() = link.peer;
  opened.set_link(number);
  opened.set_features(link.features);
  return opened;
}

template <class Atom>
void tell(link_hub& hub, std::uint64_t number, Atom what) {
  auto found = hub.open.find(number);
  if (found == hub.open.end())
    return;
  if (auto there = caf::actor_cast<caf::actor>(found->second.broker))
    caf::anon_send(there, what);
}

} // namespace

void carry_out(link_hub& hub, const peer_links::links_change& change) {
  link_hub::entry next;
  {
    std::lock_guard guard{hub.mutex};
    for (auto number : change.end) {
      if (auto found = hub.open.find(number); found != hub.open.end())
        found->second.replaced->store(true);
      tell(hub, number, atom::pull_v);
    }
    for (auto number : change.dead)
      tell(hub, number, atom::stop_v);
    if (change.attach)
      if (auto found = hub.open.find(*change.attach); found != hub.open.end())
        next = found->second;
  }
  if (!next.waiting)
    return;
  auto peer = node_from_bytes(next.peer.id());
  hub.host.post->attach_peer(peer, next.waiting);
  report(hub, service::membership, opened_news(*change.attach, next));
  hub.found(peer);
}

std::vector<LinkOpened> open_links(link_hub& hub) {
  std::lock_guard guard{hub.mutex};
  std::vector<LinkOpened> all;
  for (const auto& [number, link] : hub.open)
    if (link.waiting && !link.peer.id().empty()
        && hub.members.current(node_from_bytes(link.peer.id())) == number)
      all.push_back(opened_news(number, link));
  return all;
}

void stop_links(link_hub& hub) {
  std::lock_guard guard{hub.mutex};
  hub.stopping = true;
  for (auto& [number, link] : hub.open)
    tell(hub, number, atom::stop_v);
}

} // namespace troupe
