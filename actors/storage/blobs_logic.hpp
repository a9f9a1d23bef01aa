#pragma once

#include "actors/logic.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/state_store.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// service::blobs: files and results by their content. Steps block on the disk, so its actor has a
/// thread of its own.
///
///  - BlobPut -> BlobStored, with this node as the holder. More than `limits::document_bytes_max`:
///  `too_large`.
///  - BlobGet -> BlobData. What is not here, or is damaged here, is fetched from service::blobs of
///  the
///    reference's holder, checked against its hash and kept. One fetch per blob at a time, whoever
///    asks. `not_found`: nobody has it; `unavailable`, `timed_out`: its holder did not answer;
///    `bad_message`: its holder sent other bytes; `overloaded`: too many requests wait.
///
/// Both are idempotent. A holder never fetches what it is asked for as the holder, so there are no
/// rings.
class blobs_logic final : public logic {
public:
  explicit blobs_logic(std::unique_ptr<blob_store> store) : store_(std::move(store)) {}

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

private:
  /// A blob on its way here, and who waits for it.
  struct fetch {
    node_id holder;             ///< who was asked
    std::uint64_t sequence = 0; ///< of the request to it; 0: not asked yet
    std::uint32_t timer = 0;
    std::vector<envelope> waiters;
  };
  using fetches = std::map<std::string, fetch>; ///< by hash

  void request(step_context& context, envelope message);
  void put(step_context& context, envelope& message, const BlobPut& given);
  void get(step_context& context, envelope message);
  void wait(step_context& context, envelope message, const BlobRef& blob);
  void given_up(step_context& context, const envelope& order);
  void count(const BlobRef& blob, int more);
  void ask_holder(step_context& context, fetch& wanted);
  void ask_next(step_context& context);
  bool may_ask(fetch& wanted);
  void reply(step_context& context, envelope message);
  void deliver(step_context& context, fetches::iterator arrived, std::string bytes);
  void give_up_holder(step_context& context, fetches::iterator failed, const failure& why);
  void forget(step_context& context, fetches::iterator done);

  std::unique_ptr<blob_store> store_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::uint32_t last_timer_ = 0;
  std::size_t waiting_ = 0; ///< in all fetches
  std::uint64_t waiting_bytes_ = 0;
  fetches fetches_;
  std::deque<std::string> unasked_; ///< fetches whose holder has enough to send, by hash
};

} // namespace troupe
