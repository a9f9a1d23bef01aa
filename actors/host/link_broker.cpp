#include "actors/host/link_broker.hpp"

#include "actors/cluster/stamp.hpp"
#include "actors/host/link_state.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/links.hpp"
#include "config/version.hpp"
#include "messages/cluster.pb.h"
#include "messages/door_span.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <sys/socket.h>

#include <utility>

namespace troupe {

namespace {

using link_broker = caf::stateful_actor<link_state, caf::io::broker>;
using phase = link_state::phase;
using cause = link_state::cause;

constexpr std::string_view replaced_text = "another link between the same two nodes has its place";

void write(link_broker* self, std::string_view bytes) {
  auto& link = self->state;
  if (bytes.empty() || link.has_ended())
    return;
  auto& buffer = self->wr_buf(link.connection);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  link.unsent += bytes.size();
  self->flush(link.connection);
}

void close(link_broker* self, const failure& why, cause because = cause::found_here) {
  auto& link = self->state;
  if (link.has_ended())
    return;
  // A peer that is there is told. A silent peer, or one that does not read, would only keep the
  // socket open.
  bool silent =
      link.protocol->is_proven() && (why.code == ec::unavailable || why.code == ec::overloaded);
  if (!silent) {
    auto bye = link.protocol->bye_frame(why);
    write(self, {bye.data(), bye.size()});
  }
  link.end(why, because);
  if (silent)
    ::shutdown(link.socket, SHUT_RDWR);
  self->close(link.connection);
  self->quit();
}

/// Moves waiting bytes into the socket's buffer, as long as that is short.
void pull(link_broker* self) {
  auto& link = self->state;
  auto seal = link.protocol->seal();
  if (link.has_ended() || !seal)
    return;
  if (link.waiting->overflowed())
    return close(self, {ec::overloaded, "it does not take what is sent to it"});
  if (link.unsent >= limits::link_unsent_bytes_aim)
    return; // data_transferred_msg comes back here
  auto& buffer = self->wr_buf(link.connection);
  auto before = buffer.size();
  bool more = link.waiting->take(buffer, limits::link_unsent_bytes_aim - link.unsent, *seal);
  link.unsent += buffer.size() - before;
  if (buffer.size() > before)
    self->flush(link.connection);
  if (link.registered->is_replaced() && !more && link.unsent == 0)
    return close(self, {ec::cancelled, std::string{replaced_text}});
  if (more && link.unsent < limits::link_unsent_bytes_aim)
    self->send(self, atom::pull_v);
}

/// Something happened that the link must check: there is something to write, the node has room
/// again, or others need the room that the link's unfinished payloads take.
std::function<void()> wake(link_broker* self) {
  return [broker = caf::actor_cast<caf::actor_addr>(self)] {
    if (auto there = caf::actor_cast<caf::actor>(broker))
      caf::anon_send(there, atom::pull_v);
  };
}

/// Reads only while the node has room for the bytes read.
void regulate(link_broker* self) {
  auto& link = self->state;
  if (!link.is_attached())
    return;
  if (link.protocol->must_give_way())
    return close(self, {ec::overloaded, "it left more payloads unfinished than any other, and all "
                                        "together were too many"});
  if (link.hub->is_full() == (link.at == phase::halted))
    return;
  if (link.at == phase::open) {
    link.at = phase::halted;
    self->halt(link.connection);
    link.hub->when_room(wake(self));
    link.debug([] { return "is not read: the node holds too many messages"; });
  } else {
    link.at = phase::open;
    self->trigger(link.connection);
    link.debug([] { return "is read again"; });
  }
  link.protocol->set_halted(link.at == phase::halted, link.now());
}

/// CAF removes a halted connection from its loop only at the end of a round, and ignores a
/// `trigger` in the same round: the link would never read again. This does nothing if the link is
/// already reading.
void keep_reading(link_broker* self) {
  auto& link = self->state;
  if (link.at == phase::open)
    self->trigger(link.connection);
}

Welcome welcome_of(link_hub& hub) {
  Welcome welcome;
  *welcome.mutable_node() = hub.self;
  for (const auto& known : hub.host.post->view()->members) {
    auto added = welcome.add_members();
    *added->mutable_info() = known.info;
    added->mutable_info()->clear_roles(); // they grow: service::desk is asked for them
    added->set_state(known.state);
  }
  return welcome;
}

std::optional<failure> attach_client(link_broker* self, const Hello& peer) {
  auto& link = self->state;
  auto welcome = link.protocol->welcome_frame(welcome_of(*link.hub));
  if (!welcome)
    return welcome.error();
  link.registered->attach_client({peer.session()}, link.waiting);
  link.protocol->count_chunks_in(link.hub->client_chunks.open(wake(self)));
  write(self, {welcome->data(), welcome->size()});
  return std::nullopt;
}

std::optional<failure> attach_member(link_broker* self, const Hello& peer) {
  auto& link = self->state;
  auto& post = *link.hub->host.post;
  auto id = node_from_bytes(peer.node().id());
  if (id == post.self() || !post.view()->find(id))
    return failure{ec::refused, "node " + to_string(id) + " is not a member of this cluster"};
  link.protocol->count_chunks_in(link.hub->member_chunks.open(wake(self)));
  link.registered->attach_member(peer, link.protocol->features(), link.waiting);
  return std::nullopt;
}

/// A peer has shown that it knows the secret. Does nothing if the peer may still not be here.
std::optional<failure> attach(link_broker* self, const Hello& peer) {
  auto refused = peer.client() ? attach_client(self, peer) : attach_member(self, peer);
  if (refused)
    return refused;
  auto& link = self->state;
  self->configure_read(link.connection, caf::io::receive_policy::at_most(limits::link_read_bytes));
  link.at = phase::open;
  link.debug([] { return "has proven who it is"; });
  return std::nullopt;
}

/// A reply to a client from a node that it did not ask, or asked something else.
bool is_foreign_reply(link_state& link, const envelope& message) {
  if (message.kind != message_kind::reply || message.target.what != address::kind::session
      || link.waiting->answered(message.id))
    return false;
  link.hub->host.counted.plain().messages_refused.fetch_add(1, std::memory_order_relaxed);
  return true;
}

/// A peer with a newer version sent something that nobody here can take: it is told at once.
void answer_unknown(link_state& link, link_logic::unknown strange) {
  auto& host = link.hub->host;
  auto& head = strange.head;
  failure why{ec::bad_message, link.hub->self.name() + " (troupe " + std::string{program_version()}
                                   + ") does not know " + strange.what};
  host.counted.message_unread("unknown");
  link.log(log_level::warning, "refused a message on " + link.title() + ": " + why.message);
  stamp(head, link.protocol->peer(), host.post->self());
  if (head.kind == message_kind::request && !head.sender.empty())
    host.post->send(reply_failure(head, why));
}

void carry_out(link_broker* self, link_logic::effects out) {
  auto& link = self->state;
  write(self, {out.write.data(), out.write.size()});
  if (out.proven && !out.failed)
    if (auto refused = attach(self, *out.proven))
      out.failed = std::move(refused);
  if (out.confirmed && link.is_attached()) {
    link.debug([] { return "works in both directions"; });
    link.registered->confirm();
  }
  for (auto& strange : out.strange)
    answer_unknown(link, std::move(strange));
  auto received = std::move(out.received);
  for (auto& message : received) {
    stamp(message, link.protocol->peer(), link.hub->host.post->self());
    message.trace.flags |= trace_context::flag_remote;
    if (!link.protocol->peer().client())
      continue;
    link.hub->host.sampler.decide(message.trace);
    if (message.trace.sampled())
      link.hub->host.door.enter(message,
                                door_span(message.id, message.attempt, link.hub->host.post->self(),
                                          link.hub->self.incarnation()),
                                link.now());
  }
  std::erase_if(received, [&](const envelope& message) { return is_foreign_reply(link, message); });
  if (!received.empty()) {
    link.hub->host.counted.plain().envelopes_received.fetch_add(received.size(),
                                                                std::memory_order_relaxed);
    link.hub->host.post->send_all(received);
  }
  if (out.failed)
    close(self, *out.failed, out.left ? cause::told : cause::found_here);
  else
    regulate(self);
}

/// CAF is given the socket once nothing is left that can fail: it forgets to free what it keeps for
/// a socket whose broker fails in its beginning.
void set_up(link_broker* self) {
  auto& link = self->state;
  auto& hub = *link.hub;
  link.number = link.registered->number();
  link.socket = link.registered->socket();
  link_logic::options options;
  options.own.set_version(link_version);
  options.own.set_cluster(hub.cluster);
  options.own.set_nonce(hub.nonce());
  *options.own.mutable_node() = hub.self;
  options.secret = hub.secret;
  options.wanted = link.registered->dialled();
  options.dialled = bool{options.wanted};
  if (options.dialled)
    options.own.set_dial(link.registered->number());
  link.protocol = std::make_unique<link_logic>(std::move(options), link.now());
  link.waiting = std::make_shared<outbox>(limits::link_bytes_max, wake(self));
  link.registered->release_socket();
  link.connection = self->add_scribe(link.socket);
  self->configure_read(link.connection,
                       caf::io::receive_policy::at_most(limits::unproven_read_bytes));
  self->ack_writes(link.connection, true);
  link.registered->begin(self);
  link.debug([&] {
    auto peer = link.registered->dialled();
    return peer ? "begins: node " + to_string(peer) + " was dialled" : "begins: it was accepted";
  });
  carry_out(self, link.protocol->begin());
}

/// Not by `delayed_send`: its message names the broker as the sender. A message that still waits
/// when the node ends would lie in the broker's mailbox and keep both alive.
void tick_later(link_broker* self) {
  auto& clock = self->system().clock();
  clock.schedule_message(
      clock.now() + limits::link_tick, caf::actor_cast<caf::strong_actor_ptr>(self),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, atom::tick_v));
}

/// There is one too many of those that have not shown who they are, and this one must go.
void make_way(link_broker* self) {
  auto& link = self->state;
  if (link.has_ended() || !link.registered->door()) // it has proven itself meanwhile
    return;
  close(self, {ec::overloaded, "too many connections that have not shown who they are; try again"},
        cause::crowded);
}

void note_progress(link_state& link) {
  if (!link.has_ended())
    link.registered->reached(link.protocol->has_hello() ? newcomers::milestone::hello
                                                        : newcomers::milestone::spoke);
}

/// Owned by its spawner until the broker runs, then by the broker.
using handed_over = std::shared_ptr<std::unique_ptr<link_registration>>;

caf::behavior link_behavior(link_broker* self, const handed_over& given, newcomers* door) {
  self->state.registered = std::move(*given);
  self->state.hub = &self->state.registered->hub();
  set_up(self);
  if (door && self->state.has_ended())
    door->gone_before_it_entered();
  else if (door)
    self->state.registered->enter(*door, [broker = caf::actor_cast<caf::actor_addr>(self)] {
      if (auto there = caf::actor_cast<caf::actor>(broker))
        caf::anon_send(there, atom::leave_v);
    });
  tick_later(self);
  return {
      [self](const caf::io::new_data_msg& data) {
        auto& link = self->state;
        if (link.has_ended())
          return;
        carry_out(self, link.protocol->feed({data.buf.data(), data.buf.size()}, link.now()));
        note_progress(link);
        check_invariants(link);
      },
      [self](const caf::io::data_transferred_msg& done) {
        self->state.unsent = done.remaining;
        pull(self);
      },
      [self](atom::pull) {
        pull(self);
        regulate(self);
      },
      [self](atom::tick) {
        auto& link = self->state;
        if (link.has_ended())
          return;
        tick_later(self);
        carry_out(self, link.protocol->tick(link.now()));
        keep_reading(self);
      },
      [self](atom::stop) {
        close(self,
              {ec::unavailable, self->state.hub->is_stopping() ? "the node is stopping"
                                                               : "the peer has begun a new life"});
      },
      [self](atom::leave) { make_way(self); },
      [self](const caf::io::connection_closed_msg&) {
        auto& link = self->state;
        if (link.has_ended())
          return;
        link.end({ec::unavailable, "the connection was closed"}, cause::gone);
        self->quit();
      },
  };
}

} // namespace

void adopt_link(link_hub& hub, int socket, node_id expected, newcomers* door) {
  auto registered = std::make_unique<link_registration>(hub, socket, expected);
  auto given = std::make_shared<std::unique_ptr<link_registration>>(std::move(registered));
  hub.system.middleman().spawn_broker(link_behavior, std::move(given), door);
}

acceptor::options accept_at(link_hub& hub, newcomers& door) {
  acceptor::options options;
  options.adopt = [&](int socket) {
    door.comes();
    adopt_link(hub, socket, {}, &door);
  };
  options.crowded = [&] { return door.crowded(); };
  options.make_room = [&] { door.ask_one_to_leave(hub.host.clock.now()); };
  options.log = hub.host.log;
  return options;
}

} // namespace troupe
