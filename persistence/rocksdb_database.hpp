#pragma once

#include "messages/errors.hpp"
#include "persistence/files.hpp"
#include "persistence/write_mark.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A RocksDB database of ours: opening it gives the right words for what can be wrong, writes are
/// synced, and it is not touched again after a failed write. One thread at a time.
///
/// Each write has a number. The number of the last acknowledged write is in a mark beside the
/// database, so that a log that was cut can be distinguished from the torn tail of a crash
/// (`write_mark`).
class rocksdb_database {
public:
  struct words {
    std::string holds;       ///< "the states of the agents"; empty: damage is told without advice
    std::string last_resort; ///< what removing the folder means: "agents that know nothing"
  };

  /// Changes how it is opened, for what one database needs beyond the others.
  using adjustment = std::function<void(rocksdb::Options&)>;

  rocksdb_database(std::filesystem::path folder, words called, free_space_source free_space,
                   adjustment adjust = {});
  /// Another folder, opened in the same way.
  rocksdb_database(std::filesystem::path folder, const rocksdb_database& as)
      : rocksdb_database(std::move(folder), as.called_, as.free_space_, as.adjust_) {}
  rocksdb_database(const rocksdb_database&) = delete;
  rocksdb_database& operator=(const rocksdb_database&) = delete;
  ~rocksdb_database() { close(); }

  /// `must_exist`: a folder without a database is damage. With less than
  /// `limits::disk_free_bytes_last` free, the database is opened only for reading.
  result<void> open(bool must_exist);
  /// For looking at what is there: nothing is written, and what is missing is damage.
  result<void> open_to_read();
  void close() noexcept;
  bool is_open() const noexcept { return db_ != nullptr; }
  bool read_only() const noexcept { return read_only_; }

  /// Nothing if there is no such row.
  result<std::optional<std::string>> get(std::string_view key);
  std::unique_ptr<rocksdb::Iterator> rows() {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator({}));
  }

  /// `outcome_unknown` if it failed: the log may still have it, the state of the disk is unknown,
  /// and the database is `broken`. `write` is the number for the mark; without a sync there is
  /// none.
  result<void> write_synced(rocksdb::WriteBatch& batch, std::uint64_t write);
  result<void> write_unsynced(rocksdb::WriteBatch& batch);
  /// Makes durable what was written without a sync; `write` is the number of the last of those.
  result<void> sync(std::uint64_t write);
  bool broken() const noexcept { return broken_; }

  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Bytes that may still be written.
  result<std::uint64_t> free_bytes() const { return free_space_(folder_); }
  /// For what only one database uses. It is open.
  rocksdb::DB& engine() noexcept { return *db_; }

  /// The names of the tables that it consists of.
  std::vector<std::string> tables() const;

  /// Damage if writes after `last_write` were acknowledged.
  result<void> check_mark(std::uint64_t last_write);

  /// `storage_failed` if writing `bytes` would leave less than `least` on the disk. Once there is
  /// room again, reopens for writing a database that was opened only for reading.
  result<void> make_room(std::uint64_t bytes, std::uint64_t least);

  failure damaged(const std::string& what) const;
  failure failed(std::string_view doing, const std::string& why) const;

  /// Turns what it throws into a failure.
  template <class T, class Work>
  result<T> guarded(Work work) {
    if (broken_)
      return unexpected{failed("using", "a write failed before: the node must be restarted")};
    try {
      return work();
    } catch (const std::exception& e) {
      return unexpected{failed("using", e.what())};
    }
  }

private:
  failure opening_failure(const rocksdb::Status& status) const;
  rocksdb::Options options() const;
  result<void> written(const rocksdb::Status& status);
  result<void> advance_mark(std::uint64_t write);

  std::filesystem::path folder_;
  words called_;
  free_space_source free_space_;
  adjustment adjust_;
  write_mark mark_;
  std::unique_ptr<rocksdb::DB> db_;
  bool read_only_ = false;
  bool broken_ = false;
};

inline rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

} // namespace troupe
