#pragma once

#include "messages/journal.pb.h"
#include "persistence/journal/journal_store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A journal without a disk, as a value: for tests and the simulator, which copies it.
class journal_rows {
public:
  /// `invalid_argument` as `journal_store::append`: then `add` would be wrong.
  result<void> check(std::span<const journal_entry> entries) const;
  void add(std::span<const journal_entry> entries);

  std::vector<std::string> open_runs() const;
  std::optional<journal_page> read(std::string_view run, std::uint64_t after,
                                   std::uint64_t bytes_max) const;
  std::optional<std::string> last(std::string_view run) const;
  RunsFound ended(RunPhase phase, std::string_view prefix, std::size_t at_most) const;
  std::optional<std::string> find(std::string_view tenant, std::string_view key) const;
  std::optional<std::string> find(std::uint64_t session, std::uint64_t number) const;
  journal_removal can_remove(std::string_view run) const;
  void remove(std::string_view run);
  bool names_blob(std::string_view sha256) const { return by_blob_.contains(sha256); }
  /// The blobs that only those runs name.
  std::vector<std::string> blobs_of_only(std::span<const std::string> runs) const;
  /// Ended before that time, the oldest first.
  std::vector<std::string> older_than(std::int64_t before_ms, std::size_t at_most) const;

  std::uint64_t token = 0; ///< of the last one that opened it for writing

private:
  struct kept_run {
    std::vector<std::string> events;
    std::optional<RunSummary> ended;
    std::set<std::string> blobs; ///< that its inputs name
  };

  std::map<std::string, kept_run, std::less<>> runs_;
  std::map<std::pair<std::string, std::string>, std::string> by_key_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> by_submission_;
  std::set<std::pair<std::int64_t, std::string>> ends_;
  std::map<std::string, std::set<std::string>, std::less<>> by_blob_; ///< runs that name it
};

} // namespace troupe
