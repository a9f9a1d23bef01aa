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
/// All work between actors is one move-only `envelope` (messages/envelope.hpp) with a protobuf
/// payload, so there are few CAF interfaces and one contract per service: which payloads it takes,
/// what it answers.
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

/// Messages for one receiver, in order, and the bytes that its mailbox was charged for them.
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
CAF_END_TYPE_ID_BLOCK(troupe)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::parcel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::parcels)

namespace troupe {

/// An agent, or any of the services below: a `logic` in its shell (actors/logic_shell_actor.hpp).
/// Spawned by its supervisor or, for agents, by the logic that started it; event-based unless said
/// otherwise.
///
///  - parcel, parcels: messages to be worked on, in order. Effects as the service's contract says.
///  - tick(timer, generation): an armed timer ran out; ignored if it was armed again since.
///  - stop: finishes its step, answers who still waits with `unavailable`, ends. Idempotent.
///  - begin: nothing of its own; it is the first message to an actor that was spawned lazily.
///
/// A `cancel` gives up a request of the same sender. Agents, models, blobs and reading answer the
/// request `cancelled` then, unless its answer is on its way; others take no notice.
///
/// Contracts (request -> replies; every request may also be answered by Failure):
///
///  - role/key, role#slot: AgentMessage -> Piece*, AgentReply. Echo -> Echo. TaskWork ->
///    AgentReply. A message that is repeated (attempt > 1, same id) gets the same reply;
///    `outcome_unknown` if that is gone.
///  - service::membership: events LinkOpened, LinkClosed from links. Sends MembersChanged; so it
///    answers the event MembersQuery.
///  - service::roles: any message for an agent of this node that is not active: activates it and
///    passes the message on. `unknown_role`, `overloaded`. AgentStop -> AgentStop.
///  - service::queue: events TaskOffer, TaskCancel, TasksAsked, MembersChanged. Sends TaskStarted,
///    TaskDone, TasksRefused, TasksHeld to the owner.
///  - service::coordinator: RunSubmit -> RunAccepted, then events RunProgress*, RunEnded to the
///    submitter; a RunSubmit that is repeated gets the same. RunCancel -> RunEnded. RunsQuery ->
///    RunsListed. Events TaskStarted, TaskDone, TasksRefused, TasksHeld, MembersChanged,
///    SessionClosed.
///  - service::models: ModelRequest -> Piece*, ModelAnswer. On a thread of its own: scoring text
///    takes a while.
///  - service::state: SnapshotGet -> SnapshotFound; SnapshotPut -> SnapshotWritten once on disk.
///    On a thread of its own.
///  - service::blobs: BlobPut -> BlobStored; BlobGet -> BlobData, fetched from its holder if not
///    here. On a thread of its own.
///  - service::reading: ReadingRequest -> ReadingAnswer: what computes on documents. Event
///    ReadingDone from its own pool of threads. On a thread of its own.
///  - service::desk: StatusQuery -> ClusterStatus (or NodeStatus); TraceQuery -> TraceFound. Event
///    MembersChanged.
using logic_actor = caf::typed_actor<caf::reacts_to<parcel>, caf::reacts_to<parcels>,
                                     caf::reacts_to<atom::tick, std::uint32_t, std::uint64_t>,
                                     caf::reacts_to<atom::stop>, caf::reacts_to<atom::begin>>;

} // namespace troupe
