#include "actors/cluster/link_actor.hpp"

#include "actors/cluster/outbox.hpp"
#include "actors/cluster/stamp.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"

#include <caf/actor_system.hpp>
#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <sys/socket.h>

#include <bit>

namespace troupe {

namespace {

struct link_state {
  static inline const char* name = "link";

  link_hub* hub = nullptr;
  caf::io::connection_handle connection;
  int socket = -1;
  node_id expected;
  newcomers* door = nullptr; ///< until it has shown who it is
  std::uint64_t number = 0;
  std::unique_ptr<link_logic> protocol;
  std::shared_ptr<outbox> waiting;
  std::size_t unsent = 0; ///< handed to CAF and not yet to the socket
  bool attached = false;
  bool closing = false;
  bool evicted = false; ///< closed for want of room, not for anything it did
};

using link_broker = caf::stateful_actor<link_state, caf::io::broker>;

void report(link_hub& hub, service to, auto message) {
  auto news = make_envelope(message_kind::event, address::of(to), std::move(message));
  hub.host.post->send(std::move(news));
}

void log(link_state& link, log_level level, std::string text) {
  link.hub->host.log->write({level, "link", std::move(text), {}});
}

std::string peer_name(const link_state& link) {
  const auto& peer = link.protocol->peer();
  if (!link.protocol->is_proven())
    return "an unproven connection";
  return peer.client() ? "a client" : peer.node().name() + " (" + peer.node().address() + ")";
}

void write(link_broker* self, std::string_view bytes) {
  auto& link = self->state;
  if (bytes.empty() || link.closing)
    return;
  auto& buffer = self->wr_buf(link.connection);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  link.unsent += bytes.size();
  self->flush(link.connection);
}

/// Clients' requests that went over this link will not be answered: say so.
void fail_unanswered(link_state& link) {
  for (auto& head : link.waiting->close())
    link.hub->host.post->send(reply_failure(
        head, {ec::outcome_unknown, peer_name(link) + ", where " + to_string(head.target)
                                        + " is, was lost before it answered"}));
}

void leave_door(link_state& link) {
  if (auto door = std::exchange(link.door, nullptr))
    door->left(link.number);
}

/// Undoes what being proven has done. Called once, when the connection has ended.
void detach(link_state& link, const std::string& why) {
  auto& hub = *link.hub;
  const auto& peer = link.protocol->peer();
  leave_door(link); // also one that has proven itself and was refused all the same
  if (link.attached && peer.client()) {
    // A client that came back by a new link is not gone.
    if (hub.host.post->detach_session({peer.session()}, link.waiting.get())) {
      SessionClosed closed;
      closed.set_session(peer.session());
      report(hub, service::coordinator, std::move(closed));
    }
  } else if (link.attached) {
    {
      std::lock_guard guard{hub.mutex};
      hub.peers.erase(link.number);
    }
    hub.host.post->detach_peer(node_from_bytes(peer.node().id()), link.waiting.get());
    LinkClosed closed;
    closed.set_node(peer.node().id());
    closed.set_link(link.number);
    closed.set_why(why);
    report(hub, service::membership, std::move(closed));
  }
  fail_unanswered(link);
  {
    std::lock_guard guard{hub.mutex};
    hub.open.erase(link.number);
  }
  if (link.expected)
    hub.lost(link.expected);
}

void close(link_broker* self, const failure& why) {
  auto& link = self->state;
  if (link.closing)
    return;
  // A peer that is there is told; one that is silent, or does not read, would only keep the socket
  // open.
  bool silent =
      link.protocol->is_proven() && (why.code == ec::unavailable || why.code == ec::overloaded);
  if (!silent) {
    auto bye = link_logic::bye_frame(why);
    write(self, {bye.data(), bye.size()});
  }
  link.closing = true;
  bool expected_end = link.protocol->is_proven() && link.protocol->peer().client();
  if (!expected_end) {
    link.hub->host.counted.plain().links_refused.fetch_add(1, std::memory_order_relaxed);
    // Said seldom of those that make way: whoever fills the door would fill the log too.
    if (!link.evicted || std::has_single_bit(link.door->asked_to_leave()))
      log(link, log_level::warning, "closing " + peer_name(link) + ": " + why.message);
  }
  detach(link, why.message);
  if (silent)
    ::shutdown(link.socket, SHUT_RDWR);
  self->close(link.connection);
  self->quit();
}

/// Moves what waits into the socket's buffer, as long as that is short.
void pull(link_broker* self) {
  auto& link = self->state;
  if (!link.closing && link.waiting->overflowed())
    return close(self, {ec::overloaded, "it does not take what is sent to it"});
  if (link.closing || link.unsent >= limits::link_unsent_bytes_aim)
    return; // data_transferred_msg comes back here
  auto& buffer = self->wr_buf(link.connection);
  auto before = buffer.size();
  bool more = link.waiting->take(buffer, limits::link_unsent_bytes_aim - link.unsent);
  link.unsent += buffer.size() - before;
  if (buffer.size() > before)
    self->flush(link.connection);
  if (more && link.unsent < limits::link_unsent_bytes_aim)
    self->send(self, atom::pull_v);
}

Welcome welcome_of(link_hub& hub) {
  Welcome welcome;
  *welcome.mutable_node() = hub.self;
  auto change = to_proto(*hub.host.post->view());
  *welcome.mutable_members() = change.members();
  return welcome;
}

/// A peer has shown that it knows the secret. Nothing yet if it may not be here all the same.
std::optional<failure> attach(link_broker* self, const Hello& peer) {
  auto& link = self->state;
  auto& hub = *link.hub;
  auto& post = *hub.host.post;
  if (peer.client()) {
    post.attach_session({peer.session()}, link.waiting);
    auto welcome = link_logic::welcome_frame(welcome_of(hub));
    write(self, {welcome.data(), welcome.size()});
  } else {
    auto id = node_from_bytes(peer.node().id());
    if (id == post.self() || !post.view()->find(id))
      return failure{ec::refused, "node " + to_string(id) + " is not a member of this cluster"};
    if (link.expected && link.expected != id)
      return failure{ec::refused, "another node than expected listens there"};
    post.attach_peer(id, link.waiting);
    {
      std::lock_guard guard{hub.mutex};
      hub.peers.emplace(link.number, peer.node());
    }
    LinkOpened opened;
    *opened.mutable_peer() = peer.node();
    opened.set_link(link.number);
    report(hub, service::membership, std::move(opened));
  }
  self->configure_read(link.connection, caf::io::receive_policy::at_most(limits::link_read_bytes));
  link.attached = true;
  leave_door(link);
  return std::nullopt;
}

/// A reply to a client from a node that was not asked, or was asked something else.
bool is_foreign_reply(link_state& link, const envelope& message) {
  if (message.kind != message_kind::reply || message.target.what != address::kind::session
      || link.waiting->answered(message.id))
    return false;
  link.hub->host.counted.plain().messages_refused.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void carry_out(link_broker* self, link_logic::outcome out) {
  auto& link = self->state;
  write(self, {out.write.data(), out.write.size()});
  if (out.proven)
    if (auto refused = attach(self, *out.proven); refused && !out.failed)
      out.failed = std::move(refused);
  auto received = std::move(out.received);
  for (auto& message : received) {
    stamp(message, link.protocol->peer(), link.hub->host.post->self());
    if (link.protocol->peer().client())
      link.hub->host.sampler.decide(message.trace);
  }
  std::erase_if(received, [&](const envelope& message) { return is_foreign_reply(link, message); });
  if (!received.empty()) {
    link.hub->host.counted.plain().envelopes_received.fetch_add(received.size(),
                                                                std::memory_order_relaxed);
    link.hub->host.post->send_all(received);
  }
  if (out.failed)
    close(self, *out.failed);
}

void set_up(link_broker* self, link_hub& hub, int socket, node_id expected) {
  auto& link = self->state;
  link.hub = &hub;
  link.socket = socket;
  link.expected = expected;
  link.number = hub.links.fetch_add(1) + 1;
  link.connection = self->add_scribe(socket);
  link.waiting = std::make_shared<outbox>(limits::link_bytes_max,
                                          [broker = caf::actor_cast<caf::actor_addr>(self)] {
                                            if (auto there = caf::actor_cast<caf::actor>(broker))
                                              caf::anon_send(there, atom::pull_v);
                                          });
  self->configure_read(link.connection,
                       caf::io::receive_policy::at_most(limits::unproven_read_bytes));
  self->ack_writes(link.connection, true);
  link_logic::options options;
  options.own.set_version(link_version);
  options.own.set_cluster(hub.cluster);
  options.own.set_nonce(hub.nonce());
  *options.own.mutable_node() = hub.self;
  options.secret = hub.secret;
  options.dialled = bool{expected};
  link.protocol = std::make_unique<link_logic>(std::move(options), hub.host.clock.now());
  carry_out(self, link.protocol->begin());
}

/// Not by `delayed_send`: its message names the broker as its sender. One that waits when the node
/// ends would lie in the broker's mailbox and keep both alive.
void tick_later(link_broker* self) {
  auto& clock = self->system().clock();
  clock.schedule_message(
      clock.now() + limits::link_tick, caf::actor_cast<caf::strong_actor_ptr>(self),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, atom::tick_v));
}

/// A stranger among strangers; one too many, and the least of them leaves.
void enter_door(link_broker* self, newcomers& door) {
  auto& link = self->state;
  auto now = link.hub->host.clock.now();
  link.door = &door;
  door.enter(link.number, now, [broker = caf::actor_cast<caf::actor_addr>(self)] {
    if (auto there = caf::actor_cast<caf::actor>(broker))
      caf::anon_send(there, atom::leave_v);
  });
  door.make_room(now);
}

/// It is one too many.
void make_way(link_broker* self) {
  auto& link = self->state;
  if (link.closing || !link.door) // it has proven itself meanwhile
    return;
  link.evicted = true;
  close(self, {ec::overloaded, "too many connections that have not shown who they are; try again"});
}

caf::behavior link_behavior(link_broker* self, link_hub* hub, int socket, node_id expected,
                            newcomers* door) {
  set_up(self, *hub, socket, expected);
  if (door)
    enter_door(self, *door);
  tick_later(self);
  {
    std::lock_guard guard{hub->mutex};
    hub->open.emplace(self->state.number, self->address());
    if (hub->stopping)
      self->send(self, atom::stop_v);
  }
  return {
      [self](const caf::io::new_data_msg& data) {
        auto& link = self->state;
        carry_out(self, link.protocol->feed({data.buf.data(), data.buf.size()},
                                            link.hub->host.clock.now()));
        if (link.door)
          link.door->reached(link.number, link.protocol->has_hello() ? newcomers::progress::hello
                                                                     : newcomers::progress::spoke);
      },
      [self](const caf::io::data_transferred_msg& done) {
        self->state.unsent = done.remaining;
        pull(self);
      },
      [self](atom::pull) { pull(self); },
      [self](atom::tick) {
        auto& link = self->state;
        tick_later(self);
        carry_out(self, link.protocol->tick(link.hub->host.clock.now()));
      },
      [self](atom::leave) { make_way(self); },
      [self](atom::stop) {
        close(self, {ec::unavailable, "the node is stopping"});
      },
      [self](const caf::io::connection_closed_msg&) {
        auto& link = self->state;
        if (std::exchange(link.closing, true))
          return;
        detach(link, "the connection was closed");
        self->quit();
      },
  };
}

} // namespace

void adopt_link(link_hub& hub, int socket, node_id expected, newcomers* door) {
  hub.system.middleman().spawn_broker(link_behavior, &hub, socket, expected, door);
}

acceptor::options accept_at(link_hub& hub, newcomers& door) {
  acceptor::options options;
  options.adopt = [&](int socket) { adopt_link(hub, socket, {}, &door); };
  options.crowded = [&] { return door.size() >= limits::unproven_leaving_factor * door.at_most(); };
  options.make_room = [&] { door.ask_one_to_leave(hub.host.clock.now()); };
  options.log = hub.host.log;
  return options;
}

std::vector<LinkOpened> open_links(link_hub& hub) {
  std::lock_guard guard{hub.mutex};
  std::vector<LinkOpened> all;
  for (const auto& [number, peer] : hub.peers) {
    auto& link = all.emplace_back();
    *link.mutable_peer() = peer;
    link.set_link(number);
  }
  return all;
}

void stop_links(link_hub& hub) {
  std::lock_guard guard{hub.mutex};
  hub.stopping = true;
  for (auto& [number, broker] : hub.open)
    if (auto there = caf::actor_cast<caf::actor>(broker))
      caf::anon_send(there, atom::stop_v);
}

} // namespace troupe
