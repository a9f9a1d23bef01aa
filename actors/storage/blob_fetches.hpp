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

/// Blobs on their way here from their holders, and who waits for each. One fetch per blob at a
/// time; fetches, waiters and the bytes that one holder is asked for at once are bounded, and each
/// fetch has a timer. If a holder fails, those who named another holder are served from there.
///
/// Sizes are those that waiters claim. They are at most `limits::document_bytes_max` each, and a
/// holder sends nothing to who claims another size than the blob has.
class blob_fetches {
public:
  struct waiter {
    BlobRef blob;
    node_id holder;         ///< that this waiter names
    envelope request;       ///< a BlobGet to be answered; empty for
    std::uint64_t keep = 0; ///< a BlobsKeep by its number
  };
  /// A fetch that ended: what came, or why nothing did, and who waited.
  struct fetch_end {
    std::vector<waiter> waiters;
    failure why;
  };

  explicit blob_fetches(request_numbers& numbers) : numbers_(numbers) {}

  void start(const address& self) { self_ = self; }

  /// The failure, and the waiter is the caller's again, if there is no room.
  std::optional<failure> wait(step_context& context, waiter& who);

  /// A reply of a holder. Empty waiters: it was late. `bytes` is set if the right ones came.
  fetch_end reply(step_context& context, envelope& message, const std::string*& bytes);
  /// A timer of these ran out; empty waiters: it was none of these.
  fetch_end late(step_context& context, std::uint32_t timer);
  /// Whoever sent that request waits no longer.
  bool give_up(step_context& context, const envelope& request);
  /// All that wait; nothing is left.
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
  std::deque<std::string> unasked_; ///< fetches whose holder has enough to send, by hash
};

} // namespace troupe
