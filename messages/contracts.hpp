#pragma once

#include "messages/envelope.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/service.hpp"

#include <array>
#include <cstdint>

/// Who may send what to whom, as data. The problem: one CAF interface carries every message
/// (actors/host/interfaces.hpp), so no compiler sees that a client tells the coordinator of
/// members, or that a new service was never told of a payload. This table says it once; the post
/// asks it for every message, in all builds, whoever sent it, and the simulator does the same.
///
/// A sender is believed because it is stamped: a link writes the session of a client, or the node
/// of a member, into everything that comes in (actors/cluster/stamp.hpp). A message that
/// breaks the table is answered with `refused` (the sender may not say that) or `bad_message` (the
/// receiver takes no such thing); an event is dropped, logged and counted.
///
/// To add a message: one row. A payload in no row fails a test (tests/unit/messages).
namespace troupe {

/// A set of places, as contracts tell them apart: one bit for each service, by its number, and one
/// each for the following.
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
                         desk = of(service::desk), reading = of(service::reading);
} // namespace party

static_assert(service_count <= 27, "a service's number is its bit in `parties`");

/// From where a sender may send. A client counts as part of the node to which it is attached.
enum class reach : std::uint8_t {
  own_node, ///< the node of the receiver only
  any_node, ///< every member too
};

/// As what a message may come.
enum class manner : std::uint8_t {
  asked = 1,  ///< a request
  told = 2,   ///< an event
  either = 3, ///< with or without an answer
  acknowledged = 4,
};

/// One row. Every request may also be answered by a Failure, and given up by a `cancel` of who may
/// send it.
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
      // Agents. What is repeated (attempt > 1, same id) gets the same reply; `outcome_unknown` if
      // that is gone. An acknowledgement frees the replies that are kept.
      {agents, AgentMessage, either, clients | agents, any, {AgentReply}, true},
      {agents, Echo, either, clients | agents, any, {Echo}},
      {agents, none, acknowledged, clients | agents, any},
      // Roles start and end the agents of their node.
      {of(service::roles), AgentStop, asked, queue, own, {AgentStop}},
      {of(service::roles), AgentsQuery, asked, desk, own, {AgentsCounted}},
      // They ask agents to leave that may be idle, and hear from those that cannot.
      {agents | slots, AgentRest, told, of(service::roles), own},
      {of(service::roles), AgentRest, told, agents, own},
      // Slots of a pool do one task each, for the queue beside them.
      {slots, TaskWork, asked, queue, own, {AgentReply}, true},
      // Who submitted a run hears of it.
      {clients | agents, RunProgress, told, coordinator, any},
      {clients | agents, RunEnded, told, coordinator, any},
      // Membership believes the links of its own node; who was started again asks for the members.
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
      {coordinator, RunsQuery, asked, desk, own, {RunsListed}},
      {coordinator, TaskStarted, told, queue, any},
      {coordinator, TasksRefused, told, queue, any},
      {coordinator, TaskDone, told, queue, any},
      {coordinator, TasksHeld, told, queue, any},
      {coordinator, MembersChanged, told, membership, own},
      {coordinator, SessionClosed, told, shell, own},
      // Models and states serve the agents of their node.
      {models, ModelRequest, asked, agents, own, {ModelAnswer}, true},
      {state, SnapshotGet, asked, agents, own, {SnapshotFound}},
      {state, SnapshotPut, asked, agents, own, {SnapshotWritten}}, // once it is on disk
      // Reading serves them too, on a pool of threads that tells it what is done.
      {reading, ReadingRequest, asked, agents, own, {ReadingAnswer}},
      {reading, ReadingDone, told, shell, own},
      // Blobs are idempotent: the same bytes are the same blob. A node fetches from the holder.
      {blobs, BlobPut, asked, clients | agents, own, {BlobStored}},
      {blobs, BlobGet, asked, clients | agents | reading, own, {BlobData}},
      {blobs, BlobGet, asked, blobs, any, {BlobData}},
      {blobs, BlobPuts, asked, clients | agents, own, {BlobsStored}},
      {blobs, BlobsKeep, asked, agents, own, {BlobsStored}},
      // Who still needs some says so; the store of states knows what agents name.
      {blobs, BlobsHeld, told, coordinator, any},
      {blobs, BlobsHeld, told, agents | state, own},
      {state, BlobsNamed, asked, blobs, own, {BlobsNamed}},
      // The desk answers people and, for its own node, other desks.
      {desk, StatusQuery, asked, clients | agents | desk, any, {ClusterStatus, NodeStatus}},
      {desk, TraceQuery, asked, clients | agents | desk, any, {TraceFound}},
      {desk, RolesQuery, asked, clients | agents | desk, any, {RolesListed}},
      {desk, MembersChanged, told, membership, own},
  });
}();

enum class ruling : std::uint8_t {
  kept,
  unknown,   ///< the receiver takes no such message, from nobody
  forbidden, ///< it does, but not from this sender
};

/// What the table says of a message that is at, or leaves, node `self`. `message.sender` must be
/// stamped: a sender without a node is of this one. Replies within a node are not looked at: they
/// are made from a request that was. Takes some nanoseconds; no lock, no allocation.
ruling judge(const envelope& message, node_id self) noexcept;

/// For who sent it, or the log: who may not send what to whom.
failure explain(ruling why, const envelope& message);

/// "coordinator", "agents", "clients": one of the bits.
std::string_view to_string_of_party(parties one);

} // namespace troupe
