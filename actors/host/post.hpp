#pragma once

#include "actors/cluster/member_view.hpp"
#include "actors/cluster/outbox.hpp"
#include "actors/host/agent_directory.hpp"
#include "actors/host/inbox_meter.hpp"
#include "actors/host/interfaces.hpp"
#include "actors/host/queued_bytes.hpp"
#include "messages/contracts.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace caf {
class execution_unit;
} // namespace caf

namespace troupe {

/// The way from an address to the actor there: a service or agent of this node, a client attached
/// here, or another node by its link. Everybody sends through it; nobody keeps a handle into
/// another subtree.
///
/// Which way a message goes is decided in actors/cluster/routing.hpp, for this host and for the
/// simulator alike: a named agent is served only at its home, whatever node the target gives, and
/// no agent has a home before the members are known (`publish`). The post checks every message
/// against the contracts (messages/contracts.hpp) and refuses what the sender may not send there.
///
/// Thread-safe. No lock is held while a message is handed over, and nothing is destroyed under a
/// lock: the last reference to an actor or a link may be the one held here, and its end goes
/// through the post itself. A request that cannot be delivered is answered with a Failure; an event
/// or a reply that cannot be delivered is dropped.
///
/// Messages from one sender to one receiver on this node arrive in the order in which they were
/// sent, even while an agent is being started for the first of them (agent_directory).
///
/// Mailboxes are bounded (config/limits/mailboxes.hpp). A full mailbox refuses what may be refused
/// (`may_be_refused`): a request is answered `overloaded`. Replies and events to services are
/// accepted up to a second, larger bound. Dropped messages are counted and logged.
class post {
public:
  using judging = ruling (*)(const envelope&, node_id) noexcept;

  /// `log` is told of dropped and refused messages.
  post(node_id self, metrics& counted, std::shared_ptr<log_sink> log = make_null_log_sink(),
       judging judged_by = &judge);

  /// `watch` is shown every message that goes to a client of this node, or would if it still had a
  /// link, by the thread that sends it. To be called before anything is sent.
  void watch_clients(std::function<void(envelope&)> watch) { to_client_ = std::move(watch); }

  node_id self() const noexcept { return self_; }

  /// The bytes that wait in all mailboxes of this node. Links stop reading while there are
  /// `too_many`.
  queued_bytes& queued() noexcept { return queued_; }

  /// Delivers to `message.target`. `unit` is the sending actor's execution unit, if the sender is
  /// an actor: the actor that it wakes then runs next on the same thread.
  void send(envelope message, caf::execution_unit* unit = nullptr);

  /// Delivers all, in order, and leaves `messages` empty. `messages` are those that one step sends,
  /// or that came in one read of a link. Consecutive messages to one target are put into its
  /// list at once.
  void send_all(std::vector<envelope>& messages, caf::execution_unit* unit = nullptr);

  // -- who is where ---------------------------------------------------------------------------

  /// Null: nobody is there.
  logic_actor find(service s) const;
  logic_actor find(const name& agent) const;

  /// Only shells (actors/host/shell.hpp) can be placed, because messages are counted into them.
  void place(service s, logic_actor who);
  void place(const name& agent, logic_actor who);
  /// Removes the entry if it still belongs to that actor. Does nothing for other addresses.
  void remove(const address& place, caf::actor_id who);
  /// Removes an agent and closes its inbox, if nothing is on its way to it. False: something is,
  /// and nothing has changed.
  bool remove_if_idle(const name& agent, caf::actor_id who, inbox_meter& inbox);
  /// service::roles has passed on, or given up, a message that it was given for that agent.
  void came_around(const name& agent, caf::execution_unit* unit = nullptr);
  std::size_t agents() const;

  void attach_peer(node_id peer, std::shared_ptr<outbox> link);
  void detach_peer(node_id peer, const outbox* link);
  void attach_session(session_id client, std::shared_ptr<outbox> link);
  /// False: another link has taken its place.
  bool detach_session(session_id client, const outbox* link);

  void publish(std::shared_ptr<const member_view> view);
  std::shared_ptr<const member_view> view() const;

private:
  using admission = inbox_meter::admission;

  void deliver(envelope message, caf::execution_unit* unit);
  void send_to_agent(envelope message, caf::execution_unit* unit);
  void send_around(envelope message, caf::execution_unit* unit);
  admission offer(const logic_actor& receiver, envelope& message, caf::execution_unit* unit);
  bool offer_all(const logic_actor& receiver, std::span<envelope> run, caf::execution_unit* unit);
  logic_actor standing_at(const address& target) const;
  void turn_away(const envelope& message);
  void send_out(envelope message);
  std::shared_ptr<outbox> link_of(const address& target) const;
  void refuse(const envelope& message, const failure& why);
  bool is_refused(const envelope& message);

  const node_id self_;
  metrics& counted_;
  const std::shared_ptr<log_sink> log_;
  const judging judged_by_;
  std::function<void(envelope&)> to_client_;
  queued_bytes queued_;
  mutable std::shared_mutex places_mutex_; ///< services, links and the view: they change rarely
  std::array<logic_actor, service_count> services_;
  std::unordered_map<node_id, std::shared_ptr<outbox>> peers_;
  std::unordered_map<session_id, std::shared_ptr<outbox>> sessions_;
  std::shared_ptr<const member_view> view_ = std::make_shared<member_view>();
  agent_directory agents_;
};

} // namespace troupe
