#pragma once

#include <caf/atom.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>

/// The one typed interface of the actors that run logics.
///
/// All work between actors travels as one move-only `envelope` (messages/envelope.hpp) with a
/// protobuf payload, so there is one CAF interface, and a contract for each service: which payloads
/// it takes, what it answers. Envelopes do not pass CAF's mailboxes: they wait in a list of their
/// receiver (actors/host/waiting_list.hpp).

CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id)
CAF_ADD_ATOM(troupe, troupe::atom, tick, "tick")
CAF_ADD_ATOM(troupe, troupe::atom, stop, "stop")
CAF_ADD_ATOM(troupe, troupe::atom, pull, "pull")
CAF_ADD_ATOM(troupe, troupe::atom, begin, "begin")
CAF_ADD_ATOM(troupe, troupe::atom, leave, "leave")
CAF_END_TYPE_ID_BLOCK(troupe)

namespace troupe {

/// An agent, or any of the services below: a `logic` in its shell (actors/host/logic_shell.hpp).
/// Spawned by its supervisor or, for agents, by the logic that started it; event-based unless said
/// otherwise.
///
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
///  - service::offline, state, blobs and reading have threads of their own: scoring text and disks
///    take a while.
using logic_actor = caf::typed_actor<caf::reacts_to<atom::tick, std::uint32_t, std::uint64_t>,
                                     caf::reacts_to<atom::stop>, caf::reacts_to<atom::begin>>;

} // namespace troupe
