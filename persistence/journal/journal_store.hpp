#pragma once

#include "messages/errors.hpp"
#include "messages/runs.pb.h"
#include "persistence/files.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
struct Options;
} // namespace rocksdb

namespace troupe {

/// An event of a run, as its bytes (`RunEvent`). The run's id has 16 bytes.
struct journal_entry {
  std::string_view run;
  std::string_view event;
};

/// Events of one run, in order.
struct journal_page {
  std::uint64_t first = 0; ///< number of the first one, from 1
  std::vector<std::string> events;
  bool more = false;
};

enum class journal_write {
  synced,   ///< on disk when the call returns, with all that was written before
  unsynced, ///< on disk with the next `sync` or synced write
};

enum class journal_removal { removed, not_found, goes_on };

/// The events of durable runs. The first event of a run is its `Began`, the last one its
/// `Finished`; they are numbered from 1 without holes. Calls block on the disk; used by one thread
/// at a time.
///
/// Whoever opens a journal for writing takes the next fencing token; a journal that was opened
/// earlier with an older one can no longer write (`refused`). Errors of all calls: `storage_failed`
/// (nothing was done), `outcome_unknown` (a write failed: the store is `broken`), `bad_message`
/// (what is there is damaged; says where).
class journal_store {
public:
  virtual ~journal_store() = default;

  /// Writes all entries in their order, or none. Returns how many bytes that took.
  /// `invalid_argument`: an entry is no event, comes before the first or after the last one of its
  /// run, or begins a run that is there.
  virtual result<std::uint64_t> append(std::span<const journal_entry> entries,
                                       journal_write how) = 0;
  virtual result<void> sync() = 0;

  /// The ids of the runs without an end.
  virtual result<std::vector<std::string>> open_runs() = 0;
  /// The events after number `after`, of together about `bytes_max` bytes, at least one. Checks
  /// their numbers and checksums. Nothing: there is no such run.
  virtual result<std::optional<journal_page>> read(std::string_view run, std::uint64_t after,
                                                   std::uint64_t bytes_max) = 0;
  /// The last event of a run that has ended; nothing if it goes on, or there is none.
  virtual result<std::optional<std::string>> last(std::string_view run) = 0;
  /// Runs that have ended, the latest first, whose ids begin with `prefix` (hex digits).
  virtual result<RunsFound> ended(RunPhase phase, std::string_view prefix, std::size_t at_most) = 0;

  /// The run that began with that key, or by that submission; nothing if there is none. If several
  /// did, the last of them.
  virtual result<std::optional<std::string>> find(std::string_view tenant,
                                                  std::string_view key) = 0;
  virtual result<std::optional<std::string>> find(std::uint64_t session, std::uint64_t number) = 0;

  /// Forgets a run that has ended; it is on disk when the call returns.
  virtual result<journal_removal> remove(std::string_view run) = 0;
  /// Forgets runs that ended before that time, the oldest first; not synced. Returns how many.
  virtual result<std::size_t> cut(std::int64_t before_ms, std::size_t at_most) = 0;

  /// Whether the inputs of a run that is here, ended or not, name that blob.
  virtual result<bool> names_blob(std::string_view sha256) = 0;
  /// The blobs that no run names any more since `remove` or `cut` and the last call of this.
  virtual std::vector<std::string> take_released_blobs() = 0;

  virtual result<std::uint64_t> free_bytes() = 0;

  /// As `blob_store::broken`.
  virtual bool broken() const { return false; }
};

struct journal_options {
  bool must_exist = false; ///< this node has had a journal: a folder without one is damage
  free_space_source free_space = free_disk_bytes;
  /// For tests: changes how RocksDB is opened.
  std::function<void(rocksdb::Options&)> adjust = {};
};

/// RocksDB in `folder`, created if missing. Checks the log, the list of files and all runs without
/// an end. As `open_state_store`: damage beyond a torn tail is `bad_message` and names the file
/// and, where known, the offset. Entries are written down to `limits::disk_free_bytes_last` of
/// free space.
result<std::unique_ptr<journal_store>> open_journal(const std::filesystem::path& folder,
                                                    journal_options options = {});

/// For tests. Journals on one medium see the same runs; the last one made may write.
struct journal_medium;
std::shared_ptr<journal_medium> make_journal_medium();
std::unique_ptr<journal_store> make_memory_journal(std::shared_ptr<journal_medium> on);

} // namespace troupe
