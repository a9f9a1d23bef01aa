#pragma once

#include "actors/cluster/member_view.hpp"
#include "actors/cluster/outbox.hpp"
#include "messages/envelope.hpp"

#include <optional>

/// Which way a message goes next, as each node decides it: pure functions of an address and of what
/// the node knows about the members. A node has two hosts, actors/host/post.hpp on CAF and the
/// simulator (tests/sim). Both ask here, so that what is simulated is what runs. A host adds only
/// what it has itself: mailboxes, links, and who is active.
///
/// The rules:
///  - A message for another node goes out over the link to it. One for a client goes out over the
///    client's link, or to the node where the client is.
///  - A named agent is served only at its home, whatever node the target gives. No agent has a home
///    before the members are known.
///  - A message for an agent that is not active goes round by service::roles, which starts the
///    agent and passes the message on. That happens `limits::activations_max` times at most.
///  - A request that goes nowhere is answered with a Failure that says why. An agent that asks for
///    a reader that is not there is told so. Nothing else is answered.
namespace troupe {

enum class next_hop : std::uint8_t {
  service, ///< to that service of this node
  agent,   ///< to that agent if it is active on this node; otherwise `is_started_here` decides
  out,     ///< over a link: to another member, or to a client of this node
};

next_hop next_hop_of(const address& target, node_id self) noexcept;

/// For an agent that is not active on this node. True: it is to be started here. False: the message
/// goes out; `target` then names the agent's home, unless the sender has named a node.
bool is_started_here(address& target, const member_view& members, node_id self);

/// The message is about to be given to service::roles, which starts its agent. False: it has come
/// round too often (`ends_at_once`).
bool may_go_around(envelope& message);

/// The answer to a message that could not be delivered, from the node that says so. Nothing: nobody
/// waits for an answer.
std::optional<envelope> refusal(const envelope& message, const failure& why, node_id self);

// -- why a message goes nowhere ---------------------------------------------------------------

/// Nobody is there: no such service now, no link, or not the agent's home.
failure unreachable(const address& target, const member_view& members, node_id self);
/// The mailbox is full.
failure has_too_much_to_do(const address& target);
/// The agent has ended each time it was started for this message.
failure ends_at_once(const address& agent);
/// There is no service::roles at the moment.
failure cannot_be_started(const address& agent);
/// The link would not take it. Not for `queued`.
failure not_put(outbox::put_result why, const address& target, const member_view& members,
                node_id self);

} // namespace troupe
