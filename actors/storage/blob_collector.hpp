#pragma once

#include "actors/logic.hpp"
#include "actors/storage/request_numbers.hpp"
#include "messages/service.hpp"
#include "persistence/blob_store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// Deletes blobs that nobody needs. A blob is needed
///
///  - for the time `keep` after its last use: it was stored or asked for, or somebody who still
///    needs it said so (BlobsHeld: runs, minds without a durable state);
///  - while the state of an agent names it, which service::state knows without loading the agent;
///  - while the inputs of a run in the journal of this node name it, which service::journal knows;
///  - while an agent is about to name it (`pin`), before the agent's state is written.
///
/// One sweep goes through all blobs by their hash, a bounded number in one step, and asks
/// these services about those whose time is over. The answers may be old when they come. But a blob
/// that somebody begins to need meanwhile is used first, and its time is checked once more when it
/// is deleted. So naming comes first and deletion last, whatever is lost in between. Between sweeps
/// there is one timer, for the blob whose time is over next; there is none if all remaining blobs
/// are named.
class blob_collector {
public:
  /// `has_journal`: there is a service::journal.
  blob_collector(std::chrono::nanoseconds keep, bool has_journal, request_numbers& numbers);

  void start(step_context& context, const address& self, const blob_store& store);

  /// How much later than its time a use may be noted.
  std::chrono::nanoseconds grain() const { return keep_ / grain_parts_; }

  /// Something was stored or used: there will be something to check.
  void used(step_context& context);
  /// These are not deleted until the state that is about to name them must have been written.
  void pin(std::span<const std::string> hashes, instant now);

  /// `sweep_timer` ran out.
  void timer(step_context& context, blob_store& store);
  /// The next step of a sweep; false if none is under way.
  bool go_on(step_context& context, blob_store& store);
  /// Whether that reply was an answer to its question.
  bool answered(step_context& context, envelope& reply, blob_store& store);

private:
  enum class phase : std::uint8_t {
    resting, ///< no sweep is under way
    looking, ///< the next blobs are to be listed
    asking,  ///< `asked_` is asked which of `over_` are named
  };

  void rest(step_context& context, std::chrono::nanoseconds at_most);
  void arm(step_context& context, std::chrono::nanoseconds after);
  void ask(step_context& context, service who);
  bool pinned(const std::string& hash, instant now) const;
  void remove(step_context& context, blob_store& store, std::vector<std::string> hashes);

  std::chrono::nanoseconds keep_;
  bool has_journal_;
  int grain_parts_;
  request_numbers& numbers_;
  address self_;
  phase phase_ = phase::resting;
  service asked_ = service::state;
  bool armed_ = false;
  std::string after_;             ///< the hash that was checked last
  std::vector<std::string> over_; ///< their time is over, and nobody is known to name them
  std::optional<instant> next_;   ///< when the time of the first of the other blobs is over
  std::uint64_t question_ = 0;    ///< the sequence number of it
  std::unordered_map<std::string, instant> pins_; ///< until when; only where `keep` is short
};

} // namespace troupe
