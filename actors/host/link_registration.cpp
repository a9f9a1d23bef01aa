#include "actors/host/link_registration.hpp"

#include "actors/cluster/heap_trim.hpp"
#include "actors/cluster/outbox.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <utility>

namespace troupe {

link_registration::link_registration(link_hub& hub, int socket, node_id dialled)
    : hub_(hub), number_(hub.links.fetch_add(1) + 1), socket_(socket), dialled_(dialled) {
  std::lock_guard guard{hub_.mutex};
  replaced_ = hub_.open[number_].replaced;
}

link_registration::~link_registration() {
  // Each step by itself: one may fail for lack of memory, and the others still count.
  fault_of([&] { leave_door(); }); // also one that was proven but still refused
  fault_of([&] {
    if (now_ == peer_kind::client)
      leave_clients();
  });
  fault_of([&] {
    if (now_ == peer_kind::member)
      leave_members();
  });
  fault_of([&] { fail_unanswered(); });
  fault_of([&] {
    auto peer = now_ == peer_kind::member ? node_from_bytes(peer_.id()) : dialled_;
    std::unique_lock guard{hub_.mutex};
    hub_.open.erase(number_);
    bool linked = !peer || hub_.members.has_link(peer);
    guard.unlock();
    if (!linked)
      hub_.lost(peer);
  });
}

void link_registration::leave_door() {
  if (auto door = std::exchange(door_, nullptr))
    door->left(number_);
}

void link_registration::leave_clients() {
  if (!hub_.host.post->detach_session(session_, waiting_.get()))
    return; // it came back by a new link: it is not gone
  for (auto& span : hub_.host.door.closed(session_, left_, hub_.host.clock.now()))
    hub_.host.spans->record(std::move(span));
  SessionClosed closed;
  closed.set_session(session_.value);
  closed.set_left(left_);
  report(hub_, service::coordinator, std::move(closed));
}

void link_registration::leave_members() {
  auto peer = node_from_bytes(peer_.id());
  peer_links::links_change change;
  {
    std::lock_guard guard{hub_.mutex};
    change = hub_.members.closed(number_);
  }
  carry_out(hub_, change); // another one takes its place before this one is removed
  hub_.host.post->detach_peer(peer, waiting_.get());
  if (!change.lost)
    return;
  LinkClosed closed;
  closed.set_node(peer_.id());
  closed.set_link(number_);
  closed.set_why(why_);
  report(hub_, service::membership, std::move(closed));
}

/// Clients' requests sent over this link will not be answered: say so.
void link_registration::fail_unanswered() {
  if (!waiting_)
    return;
  auto where = now_ == peer_kind::member ? peer_.name() + " (" + peer_.address() + ")" : "a client";
  auto waited = waiting_->waiting();
  auto unanswered = waiting_->close();
  trim_heap_after(waited);
  for (auto& head : unanswered) {
    auto why = to_proto(
        {ec::outcome_unknown, "whether it was done is not known: the link to " + where + ", where "
                                  + to_string(head.target)
                                  + " is, was lost before the answer came; look before you send it "
                                    "again"});
    why.set_repeat(true); // the node that has it can tell, when it is back
    hub_.host.post->send(reply_to(head, std::move(why)));
  }
}

void link_registration::begin(const caf::actor& broker) {
  std::lock_guard guard{hub_.mutex};
  hub_.open[number_].broker = caf::actor_cast<caf::actor_addr>(broker);
  if (hub_.stopping)
    caf::anon_send(broker, atom::stop_v);
}

void link_registration::enter(newcomers& door, std::function<void()> leave) {
  auto now = hub_.host.clock.now();
  door_ = &door;
  door.enter(number_, now, std::move(leave));
  door.make_room(now);
}

void link_registration::reached(newcomers::milestone step) {
  if (door_)
    door_->reached(number_, step);
}

void link_registration::attach_client(session_id session, std::shared_ptr<outbox> waiting) {
  session_ = session;
  waiting_ = waiting;
  hub_.host.post->attach_session(session, std::move(waiting));
  now_ = peer_kind::client;
  leave_door();
}

void link_registration::attach_member(const Hello& peer, std::uint64_t features,
                                      std::shared_ptr<outbox> waiting) {
  peer_ = peer.node();
  peer_.clear_roles();
  waiting_ = waiting;
  auto id = node_from_bytes(peer_.id());
  auto self = hub_.host.post->self();
  peer_links::links_change change;
  {
    std::lock_guard guard{hub_.mutex};
    auto& mine = hub_.open[number_];
    mine.waiting = std::move(waiting);
    mine.peer = peer_;
    mine.features = features;
    bool by_lower = dialled_ ? self < id : id < self;
    change = hub_.members.proven(
        {number_, id, peer_.incarnation(), by_lower, dialled_ ? number_ : peer.dial()});
    now_ = peer_kind::member;
  }
  leave_door();
  carry_out(hub_, change);
}

void link_registration::confirm() {
  if (now_ != peer_kind::member)
    return;
  peer_links::links_change change;
  {
    std::lock_guard guard{hub_.mutex};
    change = hub_.members.confirmed(number_);
  }
  carry_out(hub_, change);
}

} // namespace troupe
