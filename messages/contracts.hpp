#pragma once

#include "messages/envelope.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/service.hpp"

#include <array>
#include <cstdint>

/// Who may send what to whom, as data. The problem: one CAF interface carries every message
/// (actors/host/interfaces.hpp), so no compiler sees that a client tells the coordinator of
/// members, or that a new service was never told of a payload. This table says it once. The post
/// checks every message against it, in all builds and from every sender, and so does the simulator.
///
/// A sender can be trusted because it is stamped: a link writes the session of a client, or the
/// node of a member, into everything that comes in (actors/cluster/stamp.hpp). A message that
/// breaks the table is answered `refused` (the sender may not send it) or `bad_message` (the
/// receiver does not take it); an event is dropped, logged and counted.
///
/// A new message needs one row. A test fails for a payload that is in no row (tests/unit/messages).
namespace troupe {

/// A set of places that contracts distinguish: one bit for each service, by its number, and one bit
/// for each of the following.
using parties = std::uint32_t;

namespace party {
constexpr parties of(service s) { return parties{1} << static_cast<unsigned>(s); }
inline constexpr parties slots = parties{1} << 27;   ///< `role#3`, of a pool; as receivers only
inline constexpr parties agents = parties{1} << 28;  ///< `role/key`; as senders slots too
inline constexpr parties clients = parties{1} << 29; ///< a session
inline constexpr parties shell = parties{1} << 30;   ///< the node's own links: no address

inline constexpr parties membership = of(service::membership), queue = of(service::queue),
                         coordinator = of(service::coordinator), models = of(service::models),
                         state = of(service::state), blobs = of(service::blobs),
                         desk = of(service::desk), reading = of(service::reading),
                         journal = of(service::journal);
} // namespace party

static_assert(service_count <= 27, "a service's number is its bit in `parties`");

/// Where a sender may send from. A client counts as part of the node to which it is attached.
enum class reach : std::uint8_t {
  own_node, ///< the node of the receiver only
  any_node, ///< every member too
};

/// What a message may come as.
enum class manner : std::uint8_t {
  asked = 1,  ///< a request
  told = 2,   ///< an event
  either = 3, ///< with or without an answer
  acknowledged = 4,
};

/// One row. Every request may also be answered by a Failure, and a `cancel` from a permitted sender
/// may give it up.
struct contract {
  parties receivers;
  payload_kind payload;
  manner as;
  parties senders;
  reach from;
  std::array<payload_kind, 2> replies{};
  bool pieces = false; ///< Piece* before the reply
};

inline constexpr auto contracts = [] {
  using enum payload_kind;
  using namespace party;
  using enum manner;
  constexpr auto own = reach::own_node;
  constexpr auto any = reach::any_node;
  return std::to_array<contract>({
      // Agents. A repeated request (attempt > 1, same id) gets the same reply, or `outcome_unknown`
      // if that reply is gone. An acknowledgement frees the replies that are kept, or tells how far
      // the pieces of a streamed answer were taken.
      {agents, AgentMessage, either, clients | agents, any, {PiecesAsked, AgentReply}, true},
      {agents, PiecesTaken, acknowledged, clients | agents, any},
      {agents, Echo, either, clients | agents, any, {Echo}},
      {agents, none, acknowledged, clients | agents, any},
      // Roles start and end the agents of their node.
      {of(service::roles), AgentStop, asked, queue, own, {AgentStop}},
      {of(service::roles), AgentsQuery, asked, desk, own, {AgentsCounted}},
      // They ask agents that may be idle to leave, and hear from those that cannot.
      {agents | slots, AgentRest, told, of(service::roles), own},
      {of(service::roles), AgentRest, told, agents, own},
      // Each slot of a pool does one task at a time, for the queue beside it.
      {slots, TaskWork, asked, queue, own, {AgentReply}, true},
      // The submitter of a run hears of it.
      {clients | agents, RunProgress, told, coordinator, any},
      {clients | agents, RunEnded, told, coordinator, any},
      // Membership believes the links of its own node. A service that was restarted asks for the
      // members.
      {membership, LinkOpened, told, shell, own},
      {membership, LinkClosed, told, shell, own},
      {membership, MembersQuery, told, coordinator | desk | queue, own},
      {membership, MemberRoles, told, membership, any},
      // The queue works for the coordinator of any node, which owns the tasks.
      {queue, TaskOffer, told, coordinator, any},
      {queue, TaskCancel, told, coordinator, any},
      {queue, TasksAsked, told, coordinator, any},
      {queue, SlotsQuery, asked, desk, own, {SlotsCounted}},
      {queue, MembersChanged, told, membership, own},
      // The coordinator owns runs. Only a node that was offered an attempt may say how it ended.
      {coordinator, RunSubmit, asked, clients | agents, any, {RunAccepted}},
      {coordinator, RunCancel, either, clients | agents, any, {RunEnded}},
      {coordinator, RunAttach, asked, clients | agents, any, {RunAccepted}},
      {coordinator, RunRetry, asked, clients | agents, any, {RunAccepted}},
      {coordinator, RunsAsked, asked, clients | agents, any, {RunsFound}},
      {coordinator, RunAsked, asked, clients | agents, any, {RunShown}},
      {coordinator, RunDelete, asked, clients | agents, any, {RunDeleted}},
      {coordinator, JournalStarted, told, journal, own},
      {coordinator, RunsQuery, asked, desk, own, {RunsListed}},
      {coordinator, TaskStarted, told, queue, any},
      {coordinator, TasksRefused, told, queue, any},
      {coordinator, TaskDone, told, queue, any},
      {coordinator, TasksHeld, told, queue, any},
      {coordinator, StepsMade, asked, agents, any, {StepsKept}},
      {coordinator, MembersChanged, told, membership, own},
      {coordinator, SessionClosed, told, shell, own},
      // What a run has come to is in the journal of its owner's node before anybody is told of it.
      {journal, JournalAppend, asked, coordinator, own, {JournalWritten}},
      {journal, JournalOpenAsked, asked, coordinator, own, {JournalOpen}},
      {journal, JournalRead, asked, coordinator, own, {JournalRecords}},
      {journal, JournalEndedAsked, asked, coordinator, own, {RunsFound}},
      {journal, JournalFind, asked, coordinator, own, {JournalRun}},
      {journal, JournalDelete, asked, coordinator, own, {RunDeleted}},
      {journal, BlobsNamed, asked, blobs, own, {BlobsNamed}}, // by the inputs of its runs
      // Models and states serve the agents of their node.
      {models, ModelRequest, asked, agents, own, {CallSpan, ModelAnswer}, true},
      {models, PiecesTaken, acknowledged, agents, own}, // of what streams
      {models, EmbeddingRequest, asked, clients | agents, own, {CallSpan, EmbeddingAnswer}},
      {models, ProvidersQuery, asked, clients | agents, any, {ProvidersListed}},
      {of(service::offline), ModelRequest, asked, agents | models, own, {ModelAnswer}, true},
      {models, HttpEvent, told, shell, own},
      {state, SnapshotGet, asked, agents, own, {SnapshotFound}},
      {state, SnapshotPut, asked, agents, own, {SnapshotWritten}}, // once it is on disk
      {state, StepsMade, asked, agents, own, {StepsKept}},         // of messages
      // Reading serves them too, on a pool of threads that tells it when a job is done.
      // What it says of its time, for the trace, comes before the answer.
      {reading, ReadingRequest, asked, agents, own, {ReadingTimes, ReadingAnswer}},
      {reading, ReadingDone, told, shell, own},
      // Blobs are idempotent: the same bytes are the same blob. A node fetches from the holder.
      {blobs, BlobPut, asked, clients | agents, own, {BlobStored}},
      {blobs, BlobGet, asked, clients | agents | reading, own, {BlobFound, BlobData}},
      {blobs, BlobGet, asked, blobs, any, {BlobData}},
      {blobs, BlobPuts, asked, clients | agents, own, {BlobsStored}},
      {blobs, BlobsKeep, asked, agents | coordinator, own, {BlobsStored}},
      // Anyone who still needs some blobs says so. The store of states knows which blobs agents
      // name.
      {blobs, BlobsHeld, told, coordinator, any},
      {blobs, BlobsHeld, told, agents | state | journal, own},
      {state, BlobsNamed, asked, blobs, own, {BlobsNamed}},
      // The desk answers people and, for its own node, other desks.
      {desk, StatusQuery, asked, clients | agents | desk, any, {ClusterStatus, NodeStatus}},
      {desk, TraceQuery, asked, clients | agents | desk, any, {TraceFound}},
      {desk, RolesQuery, asked, clients | agents | desk, any, {RolesListed}},
      {desk, MembersChanged, told, membership, own},
      // A client that exports nothing itself hands its spans over.
      {desk, SpansMade, told, clients, own},
  });
}();

enum class ruling : std::uint8_t {
  kept,
  unknown,   ///< the receiver takes no such message from anybody
  forbidden, ///< it takes them, but not from this sender
};

/// What the table says about a message that is at node `self` or leaves it. `message.sender` must
/// be stamped: a sender without a node is of this one. Replies within a node are not checked: they
/// are made from a request that was checked. Takes a few nanoseconds; no lock, no allocation.
ruling judge(const envelope& message, node_id self) noexcept;

/// For the sender, or the log: who may not send what to whom.
failure explain(ruling why, const envelope& message);

/// "coordinator", "agents", "clients": one of the bits.
std::string_view to_string_of_party(parties one);

} // namespace troupe
