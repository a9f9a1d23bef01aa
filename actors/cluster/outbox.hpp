#pragma once

#include "config/limits/links.hpp"
#include "messages/frame.hpp"
#include "messages/message_id_hash.hpp"
#include "messages/wire.hpp"

#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace troupe {

/// The bytes that wait to be written to one link. Many threads put, the link's broker takes.
///
/// Senders serialise in their own threads; the broker only appends. Small messages gather into
/// frames of about `limits::frame_body_bytes_aim`. Payloads of `stream_payload_bytes` or more go in
/// chunks, and small messages pass between the chunks. One bound in bytes covers both: beyond it
/// senders are refused, and nothing grows. Some messages cannot be refused, because their sender
/// would not send them again (replies, events to services and clients). They have a reserve. When
/// that is full too, the link must be closed (`overflowed`), so that both sides know. The mutex is
/// held for a few copies only, never across a call to anybody else.
class outbox {
public:
  enum class put_result { queued, overloaded, too_large, closed };

  /// `wake` is called, outside the lock, when there is something to take after there was nothing,
  /// and when the outbox overflows.
  explicit outbox(std::size_t bytes_max, std::function<void()> wake = {},
                  std::size_t reserve = limits::link_reserve_bytes);

  put_result put(const envelope& message);

  /// Appends about `bytes_aim` of sealed frames to `out`. False: nothing is left, and the next
  /// `put` wakes again.
  bool take(std::vector<char>& out, std::size_t bytes_aim, frame_seal& seal);

  /// Bytes that wait here. A payload that goes in chunks counts until its last chunk has been
  /// taken.
  std::size_t waiting() const;

  /// A message that must arrive could not be taken in.
  bool overflowed() const;

  /// A reply to a client came in. False: no request with that number went out here, or it was
  /// answered before, so the reply is not from the node that the client asked.
  bool answered(const message_id& request);

  /// Drops everything that waits; every later `put` answers `closed`. Returns the heads of clients'
  /// requests that went out and were not answered: nobody knows whether they were done.
  std::vector<envelope> close();

  /// What is counted is what waits, and a closed outbox holds nothing.
  bool invariants() const;

private:
  enum class phase : std::uint8_t {
    asleep,     ///< nothing waits; the next `put` wakes who takes
    awake,      ///< who takes was woken, and takes until nothing waits
    overflowed, ///< something that must arrive had no room: the link has to be closed
    closed,     ///< the link has ended: nothing waits, and nothing comes in
  };

  struct stream {
    std::uint32_t id;
    std::string bytes;
    std::size_t sent = 0;
    envelope head; ///< all but the payload; its record follows the last chunk
  };
  struct address_hash {
    std::size_t operator()(const address& a) const noexcept;
  };
  struct recent_route {
    address place;
    route_id id = 0;
  };

  put_result put_small(const envelope& message, std::string_view payload_bytes);
  put_result put_stream(const envelope& message, std::string payload_bytes);
  wire_routes routes_of(const envelope& message);
  route_id route_of(const address& a, recent_route& last);
  void open_frame(std::size_t payload_bytes);
  std::vector<char> take_records();
  void take_chunk(std::vector<char>& out);
  bool something_waits() const noexcept {
    return open_.size() > sealed_header_bytes || !full_.empty() || !streams_.empty();
  }

  const std::size_t bytes_max_;
  const std::size_t reserve_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::vector<char> open_; ///< the gathering frame, header space first
  std::deque<std::vector<char>>
      full_; ///< frames that no longer gather; sealed when taken, in sending order
  std::deque<stream> streams_; ///< served in turns
  std::size_t waiting_ = 0;
  std::uint32_t last_stream_ = 0;
  phase now_ = phase::asleep;
  std::unordered_map<address, route_id, address_hash> routes_;
  std::unordered_map<message_id, envelope, message_id_hash> unanswered_;
  recent_route last_target_, last_sender_, last_tenant_;
};

} // namespace troupe
