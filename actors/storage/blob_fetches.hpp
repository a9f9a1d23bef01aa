#pragma once

#include "actors/logic.hpp"
#include "actors/storage/request_numbers.hpp"
#include "messages/values.pb.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace troupe {

/// "blob \"GPL-3\" 3972dc", for people.
std::string label_of(const BlobRef& blob);

/// Blobs on their way here from their holders, and the waiters for each. There is one fetch per
/// blob at a time. Fetches, waiters and the bytes that one holder is asked for at once are bounded,
/// and each fetch has a timer. If a holder fails, waiters that named another holder are served from
/// there.
///
/// Sizes are those that waiters claim. Each is at most `limits::document_bytes_max`, and a holder
/// sends nothing to a requester that claims the wrong size.
class blob_fetches {
public:
  struct waiter {
    BlobRef blob;
    node_id holder;                       ///< that this waiter names
    envelope request;                     ///< a BlobGet to be answered; empty for
    std::uint64_t keep = 0;               ///< a BlobsKeep by its number
    std::vector<std::string> errors = {}; ///< what the log says of it, for its trace
  };
  /// A fetch that ended: what came, or why nothing came, and who waited.
  struct fetch_end {
    std::vector<waiter> waiters;
    failure why;
    node_id holder; ///< who was asked
  };

  explicit blob_fetches(request_numbers& numbers) : numbers_(numbers) {}

  void start(const address& self) { self_ = self; }

  /// If there is no room: the failure, and the caller owns the waiter again.
  std::optional<failure> wait(step_context& context, waiter& who);

  /// A holder's reply. Empty waiters: it was late. `bytes` is set if the right bytes came.
  fetch_end reply(step_context& context, envelope& message, const std::string*& bytes);
  /// A timer of these ran out; empty waiters: it was none of these.
  fetch_end late(step_context& context, std::uint32_t timer);
  /// The sender of that request no longer waits.
  bool give_up(step_context& context, const envelope& request);
  /// All waiters; none are left here.
  std::vector<waiter> take_all();

private:
  struct fetch {
    node_id holder;             ///< who was asked
    std::uint64_t sequence = 0; ///< of the request to it; 0: not asked yet
    std::uint32_t timer = 0;
    std::vector<waiter> waiters;
  };
  using table = std::map<std::string, fetch>; ///< by hash

  void ask_holder(step_context& context, fetch& wanted);
  void ask_next(step_context& context);
  bool may_ask(const fetch& wanted) const;
  fetch_end give_up_holder(step_context& context, table::iterator failed, failure why);
  std::vector<waiter> forget(step_context& context, table::iterator done);
  std::uint32_t new_timer();

  request_numbers& numbers_;
  address self_;
  std::uint32_t last_timer_ = 0;
  std::size_t waiting_ = 0; ///< in all fetches
  table fetches_;
  std::deque<std::string> unasked_; ///< by hash: fetches whose holder has enough to send already
};

} // namespace troupe
