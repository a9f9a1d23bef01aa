#pragma once

#include "actors/storage/blob_fetches.hpp"
#include "messages/agents.pb.h"
#include "persistence/blob_store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The BlobsKeep requests that wait for blobs of other nodes. A few requests are served at once,
/// with a few blobs of each on their way; the others wait behind them. In the end a request has all
/// of its blobs on disk, or a failure that says which one is missing.
class blob_keeps {
public:
  explicit blob_keeps(blob_fetches& fetches) : fetches_(fetches) {}

  struct ended_keep {
    envelope request;
    std::optional<failure> why; ///< nothing: it has all of them
  };

  /// `missing`: the request's blobs that are not on this node's disk, each once.
  void begin(step_context& context, envelope request, std::vector<BlobRef> missing);
  /// A blob that keep number `keep` waited for is on disk.
  void arrived(step_context& context, std::uint64_t keep);
  void failed(step_context& context, std::uint64_t keep, const BlobRef& blob, const failure& why);
  bool give_up(step_context& context, const envelope& request);
  /// All that wait end.
  void stop();

  /// The requests that have ended since.
  std::vector<ended_keep> take_ended() { return std::exchange(ended_, {}); }
  std::size_t size() const noexcept { return waiting_.size(); }

private:
  struct keep {
    envelope request;
    std::vector<BlobRef> missing; ///< those that are not asked for yet
    std::size_t on_their_way = 0;
  };
  using table = std::map<std::uint64_t, keep>;

  void fetch_more(step_context& context);
  void end(table::iterator done, std::optional<failure> why);

  blob_fetches& fetches_;
  std::uint64_t last_ = 0;
  table waiting_; ///< by number: the oldest is first
  std::vector<ended_keep> ended_;
};

} // namespace troupe
