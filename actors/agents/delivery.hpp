#pragma once

#include "messages/agents.pb.h"
#include "messages/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// What to do with a request that came.
enum class delivery_state : std::uint8_t {
  fresh,                ///< never seen: do it
  repeated_in_progress, ///< it is being worked on: its one reply is still to come
  repeated_done,        ///< it was done: send the reply that was kept
  outcome_unknown,      ///< it may have been done: say so, and never do it again
};

/// The receiver's side of delivery: requests that a client repeats after its link broke are done
/// once.
///
/// Per sender session, the last `replies_kept_max` requests are remembered with the bytes of their
/// replies, until the session acknowledges them. A first attempt that is not among them is new,
/// because links do not duplicate, unless the session has acknowledged a reply to its number or to
/// a later one: then its repetition came by another link and was answered, and the first attempt is
/// what an old link still had. A repetition (attempt above 1) that is not among them is answered
/// `outcome_unknown`, unless it certainly never came. That is so if its session is not known here
/// and if nobody who has done this agent's work has forgotten anything since before the first
/// attempt left the client (`complete_since`). The client gives the age of a repetition, and the
/// way takes time, so `repeat_slack` is added to the age. Only client sessions are followed. Agents
/// and services do not repeat their requests, so a message within the cluster costs nothing here:
/// whatever a service sends is fresh (each attempt of a task is a message of its own), and a
/// repetition from an agent is refused.
///
/// A reply to a client leaves the node as bytes in any case. The bytes are made here, once; the
/// sent reply and the kept reply share them. Pieces are not kept.
///
/// An unacknowledged request counts for `replies_kept_time` after its reply (`may_be_repeated`). An
/// older repetition is refused, so an agent may be forgotten then.
///
/// A durable agent writes each reply together with its state (`to_write`, `save`), and knows after
/// a crash what it has answered (`restore`). Nothing is lost with the table if all replies in it
/// are on disk.
///
/// Sessions, requests and the bytes of all replies are bounded; the session that has been unused
/// longest is forgotten first. Nothing is allocated before the first session writes. Not
/// thread-safe.
class delivery {
public:
  /// The position of a request, for `complete` and `kept`. It stays harmless when its session is
  /// forgotten.
  struct entry_id {
    session_id session;
    std::uint32_t slot = 0;
    std::uint64_t position = 0;
  };
  struct judgement {
    delivery_state what = delivery_state::fresh;
    entry_id at;
  };

  /// `complete_since`: since then no request to this agent has been forgotten, whichever life of
  /// the agent took it.
  explicit delivery(instant complete_since = instant::max()) : complete_since_(complete_since) {}

  /// `age`: of a repetition, since its first attempt left the client.
  judgement accept(const address& sender, message_id id, std::uint16_t attempt, instant now = {},
                   std::chrono::milliseconds age = {});

  /// Keeps `reply` for repetitions. Turns it into bytes, which it shares with the kept copy.
  /// `on_disk`: it was written with the agent's state.
  void complete(const entry_id& at, payload& reply, instant now = {}, bool on_disk = false);

  /// The reply to a request that was judged `repeated_done`.
  payload kept(const entry_id& at);

  /// The sender no longer needs the replies up to `id.sequence`.
  void acknowledge(message_id id);

  /// A client may still want a reply again. If this is false, nothing is lost with this table.
  bool may_be_repeated(instant now) const;

  using saved_sessions = google::protobuf::RepeatedPtrField<SessionReplies>;

  /// What is to be written with the state when `reply` answers the request at `at`, and what is
  /// known of its session; nothing if nobody may ask for that reply again.
  std::optional<SessionReplies> to_write(const entry_id& at, KeptReply reply) const;
  /// The whole table, as if that request had its reply already.
  void save(saved_sessions& into, const entry_id& at, const KeptReply& reply) const;
  /// Takes over what earlier lives of the agent have written. Nothing was accepted before.
  void restore(const saved_sessions& saved, instant now);
  /// A repetition of that request will never be done: its session has acknowledged it, or is not
  /// known here.
  bool is_settled(message_id id) const;

  std::size_t sessions() const noexcept { return sessions_.size(); }
  std::size_t bytes_kept() const noexcept { return bytes_; }

private:
  enum class progress : std::uint8_t { working, done, gone };
  struct request {
    std::uint64_t sequence = 0;
    progress state = progress::working;
    bool on_disk = false;
    payload reply;
  };
  /// A ring of requests in the order in which they came. Positions continue after those of all
  /// earlier windows of this table, so no other request ever gets the position of a forgotten one.
  struct window {
    session_id session;
    std::uint64_t last_used = 0;
    std::uint64_t floor = 0;        ///< a request not kept and not above it may have been done
    std::uint64_t acknowledged = 0; ///< a request not above it is settled, whatever still comes
    std::uint64_t highest = 0;      ///< sequence number seen
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::vector<request> ring; ///< its size is a power of two

    request& at(std::uint64_t position) { return ring[position & (ring.size() - 1)]; }
    const request& at(std::uint64_t position) const { return ring[position & (ring.size() - 1)]; }
  };

  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  bool never_came(std::chrono::milliseconds age, instant now) const;
  std::size_t find(session_id session);
  std::size_t open(message_id first, instant now);
  judgement judge_older(window& w, std::size_t slot, std::uint64_t sequence, std::uint16_t attempt);
  judgement add(window& w, std::size_t slot, std::uint64_t sequence);
  request* find(const entry_id& at);
  static SessionReplies head_of(const window& w);
  void drop_oldest(window& w);
  void make_room(const entry_id& at, std::size_t bytes, instant now);
  void forget(std::size_t slot, instant now);
  std::size_t least_recently_used() const;
  std::size_t oldest_with_replies(std::size_t except) const;

  std::vector<window> sessions_;
  std::size_t last_slot_ = nowhere;
  std::uint64_t uses_ = 0;
  std::uint64_t next_position_ = 0; ///< after those of all forgotten windows
  instant complete_since_;
  instant last_done_ = instant::min();
  std::size_t bytes_ = 0;
};

} // namespace troupe
