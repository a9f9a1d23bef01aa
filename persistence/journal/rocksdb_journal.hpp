#pragma once

#include "messages/journal.pb.h"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/journal_reader.hpp"
#include "persistence/journal/journal_state.hpp"
#include "persistence/journal/journal_store.hpp"
#include "persistence/journal/manifest_mark.hpp"
#include "persistence/journal/wal_reader.hpp"
#include "persistence/rocksdb_database.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

/// How a journal's database is opened: payloads are in files of their own, so that they are not
/// written again whenever RocksDB merges its files.
rocksdb_database::adjustment journal_adjustment(rocksdb_database::adjustment further);
rocksdb_database::words journal_words();

/// Checks the list of files and the logs of a closed journal. `bad_message` names what is damaged.
/// `mend` may mend what the logs are found to be before they are judged.
using wal_mending = std::function<result<void>(const std::filesystem::path&, wal_findings&)>;
result<wal_findings> check_closed_journal(const std::filesystem::path& folder,
                                          const wal_mending& mend = {});

/// The journal on disk. For its rows see journal_keys.hpp.
class rocksdb_journal final : public journal_store {
public:
  rocksdb_journal(const std::filesystem::path& folder, journal_options options);

  result<void> open();

  result<std::uint64_t> append(std::span<const journal_entry> entries, journal_write how) override;
  result<void> sync() override;
  result<std::vector<std::string>> open_runs() override;
  result<std::optional<journal_page>> read(std::string_view run, std::uint64_t after,
                                           std::uint64_t bytes_max) override;
  result<std::optional<std::string>> last(std::string_view run) override;
  result<RunsFound> ended(RunPhase phase, std::string_view prefix, std::size_t at_most) override;
  result<std::optional<std::string>> find(std::string_view tenant, std::string_view key) override;
  result<std::optional<std::string>> find(std::uint64_t session, std::uint64_t number) override;
  result<journal_removal> remove(std::string_view run) override;
  result<std::size_t> cut(std::int64_t before_ms, std::size_t at_most) override;
  result<bool> names_blob(std::string_view sha256) override;
  std::vector<std::string> take_released_blobs() override { return std::exchange(released_, {}); }
  result<std::uint64_t> free_bytes() override { return data_.free_bytes(); }
  bool broken() const override { return data_.broken(); }

private:
  /// A run as it is after what has been written, or after the batch that is being made.
  struct known_run {
    JournalHead head;
    run_tail tail;
    bool over() const { return head.records() > 0; }
  };

  /// One batch being made; nothing of it counts before it is written.
  struct batch_draft {
    rocksdb::WriteBatch batch;
    journal_state state;
    std::map<std::string, known_run, std::less<>> runs;
    std::set<std::string, std::less<>> payloads; ///< that it stores
  };

  /// The removal of runs, being made: what no other run has or names once it is written.
  struct removal_draft {
    std::set<std::string> payloads, blobs;
    std::set<std::string> names; ///< rows that the batch removes
  };

  rocksdb_journal(const std::filesystem::path& folder, const rocksdb_database& as);

  result<void> check(const std::function<unexpected<failure>(failure)>& placed);
  result<std::vector<std::string>> tables_if_whole();
  result<void> check_open_runs();
  result<void> list_blobs_of_earlier_runs();
  static void add_blobs(batch_draft& made, std::uint64_t number, const RunEvent::Began& event);
  result<void> prepare_to_write(std::uint64_t bytes);
  result<void> write(batch_draft& made, journal_write how);
  bool may_end_log(const rocksdb::WriteBatch& batch);
  void note_files();

  result<known_run*> run_in(batch_draft& made, std::string_view run);
  result<void> add(batch_draft& made, const journal_entry& entry);
  result<void> add_record(batch_draft& made, known_run& run, std::string_view event);
  result<void> add_payload(batch_draft& made, const known_run& run, std::string_view event,
                           const std::string& hash);
  static void begin(batch_draft& made, known_run& run, std::string_view id,
                    const RunEvent::Began& event);
  static void end(batch_draft& made, known_run& run, std::string_view id, RunSummary summary);

  result<void> add_removal(rocksdb::WriteBatch& batch, removal_draft& gone, std::string_view run,
                           const JournalHead& head);
  result<void> add_removal_of_names(rocksdb::WriteBatch& batch, removal_draft& gone,
                                    const journal_keys::name_rows& rows, std::uint64_t number,
                                    std::set<std::string>& unnamed);
  result<void> write_removal(batch_draft& made, removal_draft& gone, journal_write how);
  result<std::optional<std::string>> row_that_names_run(const std::string& key);

  bool must_exist_;
  rocksdb_database data_;
  journal_reader reader_;
  manifest_mark manifest_;
  journal_state state_;
  bool writes_ = false; ///< it has taken its token
  bool unsynced_ = false;
  std::uint64_t log_bytes_unsynced_max_ = 0;
  std::uint64_t files_version_ = 0; ///< of RocksDB's list of files, when it was noted
  std::unordered_map<std::string, known_run> tails_; ///< of runs that go on: bounded
  std::vector<std::string> released_;                ///< blobs that no run names any more
};

} // namespace troupe
