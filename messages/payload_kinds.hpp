#pragma once

#include <cstdint>
#include <string_view>

/// Every message that an envelope can carry, with its number on the wire. Numbers are never reused.
#define TROUPE_PAYLOADS(X)                                                                         \
  X(1, Failure)                                                                                    \
  X(2, Piece)                                                                                      \
  X(3, Echo)                                                                                       \
  X(10, AgentMessage)                                                                              \
  X(11, AgentReply)                                                                                \
  X(13, AgentStop)                                                                                 \
  X(20, SnapshotGet)                                                                               \
  X(21, SnapshotFound)                                                                             \
  X(22, SnapshotPut)                                                                               \
  X(23, SnapshotWritten)                                                                           \
  X(30, BlobPut)                                                                                   \
  X(31, BlobStored)                                                                                \
  X(32, BlobGet)                                                                                   \
  X(33, BlobData)                                                                                  \
  X(34, BlobPuts)                                                                                  \
  X(35, BlobsStored)                                                                               \
  X(36, BlobsKeep)                                                                                 \
  X(37, BlobsHeld)                                                                                 \
  X(38, BlobsNamed)                                                                                \
  X(39, AgentRest)                                                                                 \
  X(40, ModelRequest)                                                                              \
  X(41, ModelAnswer)                                                                               \
  X(42, ReadingRequest)                                                                            \
  X(43, ReadingAnswer)                                                                             \
  X(44, ReadingDone)                                                                               \
  X(45, ReadingTimes)                                                                              \
  X(46, BlobFound)                                                                                 \
  X(47, HttpEvent)                                                                                 \
  X(48, CallSpan)                                                                                  \
  X(50, RunSubmit)                                                                                 \
  X(51, RunAccepted)                                                                               \
  X(52, RunCancel)                                                                                 \
  X(53, RunProgress)                                                                               \
  X(54, RunEnded)                                                                                  \
  X(55, RunsAsked)                                                                                 \
  X(56, RunsFound)                                                                                 \
  X(57, RunAsked)                                                                                  \
  X(58, RunShown)                                                                                  \
  X(59, RunAttach)                                                                                 \
  X(60, TaskOffer)                                                                                 \
  X(61, TaskStarted)                                                                               \
  X(62, TasksRefused)                                                                              \
  X(63, TaskDone)                                                                                  \
  X(64, TaskCancel)                                                                                \
  X(65, TaskWork)                                                                                  \
  X(66, TasksAsked)                                                                                \
  X(67, TasksHeld)                                                                                 \
  X(68, StepsMade)                                                                                 \
  X(69, StepsKept)                                                                                 \
  X(70, LinkOpened)                                                                                \
  X(72, LinkClosed)                                                                                \
  X(73, MembersChanged)                                                                            \
  X(74, SessionClosed)                                                                             \
  X(75, MembersQuery)                                                                              \
  X(76, MemberRoles)                                                                               \
  X(77, RolesQuery)                                                                                \
  X(78, RolesListed)                                                                               \
  X(80, StatusQuery)                                                                               \
  X(81, NodeStatus)                                                                                \
  X(82, ClusterStatus)                                                                             \
  X(83, TraceQuery)                                                                                \
  X(84, TraceFound)                                                                                \
  X(85, RunsQuery)                                                                                 \
  X(86, RunsListed)                                                                                \
  X(87, AgentsQuery)                                                                               \
  X(88, AgentsCounted)                                                                             \
  X(89, SlotsQuery)                                                                                \
  X(90, SlotsCounted)                                                                              \
  X(91, SpansMade)                                                                                 \
  X(100, EmbeddingRequest)                                                                         \
  X(101, EmbeddingAnswer)                                                                          \
  X(102, ProvidersQuery)                                                                           \
  X(103, ProvidersListed)                                                                          \
  X(104, PiecesTaken)                                                                              \
  X(105, PiecesAsked)                                                                              \
  X(106, RunRetry)                                                                                 \
  X(107, RunDelete)                                                                                \
  X(108, RunDeleted)                                                                               \
  X(110, JournalAppend)                                                                            \
  X(111, JournalWritten)                                                                           \
  X(112, JournalOpenAsked)                                                                         \
  X(113, JournalOpen)                                                                              \
  X(114, JournalRead)                                                                              \
  X(115, JournalRecords)                                                                           \
  X(116, JournalEndedAsked)                                                                        \
  X(117, JournalFind)                                                                              \
  X(118, JournalRun)                                                                               \
  X(119, JournalDelete)                                                                            \
  X(120, JournalStarted)

namespace troupe {

#define TROUPE_DECLARATION(number, type) class type;
TROUPE_PAYLOADS(TROUPE_DECLARATION)
#undef TROUPE_DECLARATION

enum class payload_kind : std::uint16_t {
  none = 0,
#define TROUPE_ENUMERATOR(number, type) type = number,
  TROUPE_PAYLOADS(TROUPE_ENUMERATOR)
#undef TROUPE_ENUMERATOR
};

template <class Message>
inline constexpr payload_kind payload_kind_of = payload_kind::none;
#define TROUPE_KIND_OF(number, type)                                                               \
  template <>                                                                                      \
  inline constexpr payload_kind payload_kind_of<type> = payload_kind::type;
TROUPE_PAYLOADS(TROUPE_KIND_OF)
#undef TROUPE_KIND_OF

std::string_view to_string(payload_kind kind);

} // namespace troupe
