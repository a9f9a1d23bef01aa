#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace troupe {

/// A disk for RocksDB that loses its power, or fails. Files are in a real folder; what is synced is
/// only remembered, so that after a power loss what was not can be taken away from them. So are the
/// names of files: one that was given to a file is only sure when its folder was synced.
///
/// Operations are counted: each append, sync, new file, rename and deletion is one. At the chosen
/// one the power goes (nothing happens any more), or an error is returned.
class unreliable_disk : public rocksdb::FileSystemWrapper {
public:
  enum class end { none, power_lost, io_error, no_space };

  unreliable_disk(end how, std::uint64_t at);
  const char* Name() const override { return "unreliable_disk"; }

  std::uint64_t operations() const { return operations_; }
  bool reached() const { return operations_ >= at_; }
  /// From now on nothing happens any more.
  void lose_power();

  /// Takes from the files what was not synced: all of it, a part, or a part whose last 512 bytes
  /// are not what was written; and undoes renames whose folder was not synced, the last ones first.
  /// To be called when nobody uses them any more.
  void take_unsynced(std::mt19937_64& random);

  rocksdb::Env* env() { return env_.get(); }

  // -- for RocksDB ------------------------------------------------------------------------------
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* made,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>*,
                                       rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported();
  }
  rocksdb::IOStatus ReuseWritableFile(const std::string&, const std::string&,
                                      const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSWritableFile>*,
                                      rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported();
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* made,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // -- for its files ----------------------------------------------------------------------------
  /// An operation takes place as a whole before the power is lost, or not at all: a store that
  /// failed is left as it is, with threads that go on.
  [[nodiscard]] auto hold() { return std::unique_lock{mutex_}; }
  rocksdb::IOStatus operation();
  void written(const std::string& path, std::uint64_t bytes);
  void synced(const std::string& path);
  void names_synced(const std::string& folder);

private:
  struct extent {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };

  /// Its folder has not been synced since.
  struct rename {
    std::string from, to;
    std::optional<std::string> before; ///< the bytes of the file that had that name
  };
  void undo(const rename& one);

  end how_;
  std::uint64_t at_;
  std::recursive_mutex mutex_; ///< RocksDB writes files from threads of its own
  std::uint64_t operations_ = 0;
  std::map<std::string, extent> files_;
  std::vector<rename> renames_;
  std::unique_ptr<rocksdb::Env> env_;
};

} // namespace troupe
