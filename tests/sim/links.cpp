#include "tests/sim/links.hpp"

#include "tests/sim/link.hpp"

namespace troupe::sim {

links::links(agenda& when, network& net, dice& random, links_host host)
    : when_(when), net_(net), random_(random), host_(std::move(host)) {}

links::~links() = default;

void links::open_doors() {
  net_.listen(host_.at, [this](auto wire) { adopt(std::move(wire), {}); });
  auto self = node_from_bytes(host_.self.id());
  for (const auto& [peer, at] : host_.members) {
    targets_[peer].dials = self < peer;
    dial(peer);
  }
}

void links::adopt(std::shared_ptr<wire_end> wire, node_id dialled) {
  auto number = ++last_number_;
  auto made = std::make_shared<link>(*this, number, std::move(wire), dialled);
  open_[number] = made;
  made->begin();
}

void links::ended(std::uint64_t number) { open_.erase(number); }

std::shared_ptr<outbox> links::link_to(const address& target) const {
  if (target.node && target.node != node_from_bytes(host_.self.id())) {
    auto found = peers_.find(target.node);
    return found == peers_.end() ? nullptr : found->second;
  }
  if (target.what != address::kind::session)
    return nullptr;
  auto found = sessions_.find(target.session);
  return found == sessions_.end() ? nullptr : found->second;
}

std::vector<LinkOpened> links::open() const {
  std::vector<LinkOpened> all;
  for (const auto& [number, one] : open_)
    if (one->is_member() && standing_.current(node_from_bytes(one->peer().id())) == number)
      all.push_back(one->opened_news());
  return all;
}

/// Does what `standing_` has decided.
void links::carry_out(const peer_links::links_change& change) {
  for (auto number : change.end)
    if (auto found = open_.find(number); found != open_.end()) {
      found->second->replaced = true;
      later(std::chrono::microseconds{1}, [one = std::weak_ptr<link>{found->second}] {
        if (auto there = one.lock())
          there->pull();
      });
    }
  for (auto number : change.dead)
    if (auto found = open_.find(number); found != open_.end())
      later(std::chrono::microseconds{1}, [one = std::weak_ptr<link>{found->second}] {
        if (auto there = one.lock())
          there->close({ec::unavailable, "the peer has begun a new life"});
      });
  if (!change.attach)
    return;
  auto next = open_.find(*change.attach);
  if (next == open_.end())
    return;
  auto peer = node_from_bytes(next->second->peer().id());
  peers_[peer] = next->second->waiting();
  report(service::membership, next->second->opened_news());
  found(peer);
}

// -- dialling, as actors/cluster/dialler.hpp does it ------------------------------------------

void links::dial(node_id peer) {
  auto& whom = targets_.at(peer);
  whom.settled = false;
  auto attempt = ++whom.attempt;
  std::weak_ptr<int> life = alive_;
  net_.dial(host_.at, host_.members.at(peer), [=, this](network::answer said, auto wire) {
    if (life.expired())
      return;
    auto& tried = targets_.at(peer);
    if (tried.attempt != attempt || tried.settled)
      return; // there is a link by now
    if (said == network::answer::connected) {
      tried.settled = true;
      if (tried.dials)
        adopt(std::move(wire), peer);
      return;
    }
    if (said == network::answer::refused) {
      LinkClosed closed;
      closed.set_node(to_bytes(peer));
      closed.set_refused(true);
      closed.set_why("connection refused");
      report(service::membership, std::move(closed));
      if (!tried.dials) {
        tried.settled = true; // it dials when it is back
        return;
      }
    }
    dial_later(peer);
  });
}

void links::dial_later(node_id peer) {
  auto& whom = targets_.at(peer);
  whom.settled = false;
  auto attempt = ++whom.attempt;
  later(whom.pauses.next(random_.next() >> 1), [this, peer, attempt] {
    auto& waited = targets_.at(peer);
    if (waited.attempt == attempt && !waited.settled)
      dial(peer);
  });
}

void links::lost(node_id peer) {
  auto known = targets_.find(peer);
  if (known != targets_.end() && known->second.settled)
    dial_later(peer);
}

void links::found(node_id peer) {
  if (auto known = targets_.find(peer); known != targets_.end()) {
    known->second.settled = true;
    known->second.pauses.reset();
  }
}

} // namespace troupe::sim
