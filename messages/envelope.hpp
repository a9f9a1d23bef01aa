#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/name.hpp"
#include "messages/payload.hpp"
#include "messages/service.hpp"
#include "messages/values.pb.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// Whom a message is for, or whom it is from. Actor handles never travel; addresses do.
struct address {
  enum class kind : std::uint8_t {
    none,
    service, ///< `svc` on `node`
    agent,   ///< `agent`, wherever it lives; a pool slot lives on `node`
    session, ///< a client attached to `node`
  };

  kind what = kind::none;
  service svc = service::none;
  node_id node; ///< zero: this node, or (for agents) its home
  session_id session;
  name agent;

  static address of(service s, node_id n = {}) { return {kind::service, s, n, {}, {}}; }
  static address of_agent(name a, node_id n = {}) {
    return {kind::agent, service::none, n, {}, std::move(a)};
  }
  static address of_session(session_id s, node_id n = {}) {
    return {kind::session, service::none, n, s, {}};
  }

  bool empty() const noexcept { return what == kind::none; }
  friend bool operator==(const address&, const address&) = default;
};

std::string to_string(const address& a);

/// Who sent a message, and its number in that sender's sequence. A reply carries the id of its
/// request.
struct message_id {
  session_id session;
  std::uint64_t sequence = 0;

  friend auto operator<=>(const message_id&, const message_id&) = default;
};

/// W3C trace context, as it travels.
struct trace_context {
  trace_id trace;
  span_id
      span; ///< the parent of all spans the receiver records; zero: the receiver's span is the root
  std::uint8_t flags = 0;

  static constexpr std::uint8_t flag_sampled = 1;
  /// Ours, between a client and its node: the node decides whether the trace is recorded.
  static constexpr std::uint8_t flag_undecided = 0x80;
  /// Ours, within a process: `span` was made in another process.
  static constexpr std::uint8_t flag_remote = 0x40;

  bool sampled() const noexcept { return (flags & flag_sampled) != 0; }
  bool undecided() const noexcept { return (flags & flag_undecided) != 0; }
  bool remote() const noexcept { return (flags & flag_remote) != 0; }
};

enum class message_kind : std::uint8_t {
  event = 0,       ///< no reply is expected
  request = 1,     ///< exactly one reply (or failure) is expected; pieces may come before
  reply = 2,       ///< the final answer, Failure included
  piece = 3,       ///< part of an answer
  acknowledge = 4, ///< the sender no longer needs replies up to `id.sequence`; with PiecesTaken:
                   ///< so much of the pieces of `id` it has taken
  cancel = 5, ///< the sender gives up its request `id`; the one reply still comes: `cancelled`,
              ///< or what it came to before. Carries nothing
};

/// A message and all that is known about it. Move-only: its payload has one owner.
struct envelope {
  message_kind kind = message_kind::event;
  std::uint8_t activations = 0; ///< how often service::roles was given it; stays on its node
  std::uint16_t attempt = 1;    ///< the sender's attempt at this message; above 1: a repetition
  /// For a repetition: milliseconds since the first attempt left its sender.
  std::uint32_t age_ms = 0;
  message_id id;
  trace_context trace;
  std::chrono::milliseconds remaining{0}; ///< time left when it was sent; zero: no deadline
  name tenant;                            ///< empty: `default`
  address sender;
  address target;
  payload body;
};

/// A request, or an event if nobody waits for its outcome.
template <class Message>
envelope make_envelope(message_kind kind, address target, Message message) {
  envelope made;
  made.kind = kind;
  made.target = std::move(target);
  made.body = payload::of(std::move(message));
  return made;
}

/// The answer to `request`: it has the request's id, goes to its sender and belongs to its trace.
template <class Message>
envelope reply_to(const envelope& request, Message message,
                  message_kind kind = message_kind::reply) {
  auto made = make_envelope(kind, request.sender, std::move(message));
  made.id = request.id;
  made.trace = request.trace;
  made.tenant = request.tenant;
  made.sender = request.target;
  return made;
}

/// Gives up the request `id` that `sender` made to `target`. The sender of the request must send
/// it.
envelope make_cancel(message_id id, address sender, address target);

/// A copy without the payload, but with the payload's kind: enough to answer or to write the
/// header.
envelope head_of(const envelope& message);

envelope reply_failure(const envelope& request, const failure& why);

/// Whether a full queue may turn the message away. The sender of a request hears of it and can ask
/// again, and an agent can do without an event. Replies, pieces, and events to services and clients
/// would not be sent again, so queues keep a reserve for those.
bool may_be_refused(const envelope& message);

/// What went wrong according to a reply; nothing if it is not a Failure. Unknown codes become
/// `bad_message`.
std::optional<failure> failure_in(envelope& reply);
failure from_proto(const Failure& wire);
/// The Failure can always be sent: the words of `why` are cut and made UTF-8.
Failure to_proto(const failure& why);

/// Why `who` cannot use the message: this version does not know the payload's kind, or `who` does
/// not take that kind, or the bytes are not what their kind says. `bad_message`.
failure why_not_taken(std::string_view who, const envelope& message);

std::string to_bytes(node_id id); ///< 16 bytes, big-endian
std::string to_bytes(run_id id);
node_id node_from_bytes(std::string_view bytes); ///< zero unless 16 bytes
run_id run_from_bytes(std::string_view bytes);

} // namespace troupe
