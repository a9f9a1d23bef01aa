#pragma once

#include "messages/envelope.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdlib>
#include <utility>
#include <vector>

/// Every typed actor interface, in the order in which a task meets them.
///
/// All work between actors travels as one move-only `envelope` (messages/envelope.hpp) with a
/// protobuf payload, so there are few CAF interfaces and one contract per service: which payloads
/// it takes, what it answers.
namespace troupe {

/// Lets CAF carry a value that can only be moved. CAF asks for copyable types but copies only
/// messages that are shared between receivers; these never are, so a copy is a bug and ends the
/// process.
template <class T>
struct sole {
  T value;

  sole() = default;
  explicit sole(T content) : value(std::move(content)) {}
  sole(sole&&) noexcept = default;
  sole& operator=(sole&&) noexcept = default;
  sole(const sole&) { std::abort(); }
  sole& operator=(const sole&) { std::abort(); }
};

/// Messages for one receiver, in order, and the bytes charged to its mailbox for them.
struct charged_message {
  envelope message;
  std::size_t bytes = 0;
};
struct charged_messages {
  std::vector<envelope> messages;
  std::size_t bytes = 0;
};

using parcel = sole<charged_message>;
using parcels = sole<charged_messages>;

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id)
CAF_ADD_TYPE_ID(troupe, (troupe::parcel))
CAF_ADD_TYPE_ID(troupe, (troupe::parcels))
CAF_ADD_ATOM(troupe, troupe::atom, tick, "tick")
CAF_ADD_ATOM(troupe, troupe::atom, stop, "stop")
CAF_ADD_ATOM(troupe, troupe::atom, pull, "pull")
CAF_ADD_ATOM(troupe, troupe::atom, begin, "begin")
CAF_ADD_ATOM(troupe, troupe::atom, leave, "leave")
CAF_END_TYPE_ID_BLOCK(troupe)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::parcel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::parcels)

namespace troupe {

/// An agent, or any of the services below: a `logic` in its shell (actors/host/logic_shell.hpp).
/// Spawned by its supervisor or, for agents, by the logic that started it; event-based unless said
/// otherwise.
///
///  - parcel, parcels: messages to be worked on, in order. Effects as the service's contract says.
///  - tick(timer, generation): an armed timer ran out; ignored if it has been armed again since.
///  - stop: finishes its step, answers waiting requests with `unavailable`, ends. Idempotent.
///  - begin: nothing of its own; it is the first message to an actor that was spawned lazily.
///
/// A `cancel` gives up a request of the same sender. Agents, models, blobs and reading then answer
/// the request `cancelled`, unless its answer is on its way; others ignore the `cancel`.
///
/// What each takes, from whom, and what it answers is in messages/contracts.hpp. Beyond that:
///
///  - service::roles gets every message for an agent of this node that is not active: it activates
///    the agent and passes the message on, or answers `unknown_role` or `overloaded`. AgentStop
///    ends one. It sends AgentRest to agents that may be idle; an agent that cannot leave answers
///    so.
///  - service::membership sends MembersChanged on every change, and to a sender of MembersQuery. It
///    sends MemberRoles to service::membership on other members, if their roles differ.
///  - service::queue sends TaskStarted, TaskDone, TasksRefused to the coordinator that offered, and
///    TasksHeld to a coordinator that asks.
///  - service::coordinator sends RunProgress*, RunEnded to the submitter of the run; a repeated
///    RunSubmit gets the same.
///  - service::reading computes on documents, on a pool of threads that reports by ReadingDone.
///  - service::models, state, blobs and reading have threads of their own: scoring text and disks
///    take a while.
using logic_actor = caf::typed_actor<caf::reacts_to<parcel>, caf::reacts_to<parcels>,
                                     caf::reacts_to<atom::tick, std::uint32_t, std::uint64_t>,
                                     caf::reacts_to<atom::stop>, caf::reacts_to<atom::begin>>;

} // namespace troupe
