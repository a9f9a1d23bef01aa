#pragma once

#include "actors/logic.hpp"
#include "actors/storage/blob_collector.hpp"
#include "actors/storage/blob_fetches.hpp"
#include "actors/storage/blob_keeps.hpp"
#include "actors/storage/request_numbers.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/blob_store.hpp"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// service::blobs: stores files and results by their content. Steps block on the disk, so its actor
/// has a thread of its own.
///
///  - BlobPut -> BlobStored, BlobPuts -> BlobsStored, with this node as the holder, when all are on
///    disk. More than `limits::document_bytes_max`: `too_large`. Blobs that come within
///    `limits::blob_gather_time` are written together, with one sync. `storage_failed`: they could
///    not be written, or the disk has less than `storage.free_min`, so that nothing new is taken;
///    what an agent stores for a task of a run that was accepted still is.
///  - BlobGet -> BlobData. A blob that is not here, or is damaged here, is fetched from
///    service::blobs of the reference's holder, checked against its hash and kept. `not_found`:
///    nobody has it; `unavailable`, `timed_out`: its holder did not answer; `bad_message`: its
///    holder sent other bytes; `overloaded`: too many requests wait.
///    If its trace is sampled, a piece comes before the answer and says where the bytes were found
///    (BlobFound): only a service or an agent of this node gets it.
///  - BlobsKeep -> BlobsStored: as BlobGet for each, but all are on this node's disk when it is
///    answered, and no bytes are sent. All or none. What would have to be fetched is new.
///  - event BlobsHeld: somebody still needs these.
///
/// A reference with the wrong size for its blob is `invalid_argument`. All requests are idempotent.
/// A holder never fetches a blob that it is asked for as the holder, so there are no rings. Blobs
/// that nobody needs are deleted (blob_collector.hpp).
class blobs_logic final : public logic {
public:
  struct options {
    std::chrono::nanoseconds keep = limits::blob_keep;       ///< for blobs that nobody names
    std::uint64_t free_min = limits::storage_free_bytes_min; ///< to take new documents
    bool has_journal = false;                                ///< a service::journal names blobs too
    /// Told when the state of the disk is no longer known. In a node it does not return.
    std::function<void(const failure&)> disk_failed;
    /// The name of a node, for traces; empty if it is not known.
    std::function<std::string(node_id)> name_of = {};
  };

  blobs_logic(std::unique_ptr<blob_store> store, metrics& counted, options given);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

private:
  static constexpr std::string_view component = "blobs"; ///< in the log

  /// Something to write with the next sync.
  struct gathered {
    envelope request;                 ///< BlobPut or BlobPuts; empty: it was fetched
    blob_bytes fetched;               ///< the bytes that came
    std::vector<std::uint64_t> keeps; ///< BlobsKeep that wait for it
    std::vector<BlobRef> kept;        ///< what those call it
  };
  struct blob_delivery {
    envelope request;
    blob_bytes bytes;
  };

  void request(step_context& context, envelope message);
  bool has_room(step_context& context, const envelope& request);
  void gather(step_context& context, gathered one);
  void flush(step_context& context);
  result<void> store(step_context& context, std::span<gathered> some);
  void stored(step_context& context, gathered& one, std::span<BlobRef> refs);
  void not_stored(step_context& context, gathered& one, const failure& why);
  void get(step_context& context, envelope message);
  void keep(step_context& context, envelope message);
  void given_up(step_context& context, const envelope& order);
  void answer_keeps(step_context& context);
  void held(step_context& context, const BlobsHeld& news);
  void reply(step_context& context, envelope message);
  void fetched(step_context& context, blob_fetches::fetch_end ended, const std::string& bytes);
  void in_vain(step_context& context, const blob_fetches::fetch_end& failed);
  void tell_found(step_context& context, const envelope& request, BlobFound found) const;
  void hand_out(step_context& context);
  void go_on(step_context& context);
  void go_on_later(step_context& context);
  void count();
  bool still_sound(const failure& why);

  std::unique_ptr<blob_store> store_;
  metrics& counted_;
  options options_;
  address self_;
  request_numbers numbers_;
  blob_fetches fetches_{numbers_};
  blob_keeps keeps_{fetches_};
  blob_collector collector_;
  std::vector<gathered> gathered_;
  std::size_t gathered_bytes_ = 0;
  std::deque<blob_delivery> handing_out_; ///< what one step may not hand out at once
  bool going_on_ = false;                 ///< `go_on_timer` runs
};

} // namespace troupe
