#pragma once

#include "persistence/blob_store.hpp"
#include "persistence/rocksdb_database.hpp"

#include <rocksdb/write_batch.h>

#include <unordered_map>

namespace troupe {

/// What a blob store knows about its blobs, and the small blobs themselves, as RocksDB rows:
///
///     "i" hash   size, time of use, where the bytes are
///     "d" hash   the bytes of a small one
///     "l"        writes ever, blobs, bytes, a digest of all hashes: an index that lost a file no
///                longer adds up to it
class blob_index {
public:
  blob_index(const std::filesystem::path& folder, free_space_source free_space);

  result<void> open(bool must_exist);
  bool read_only() const noexcept { return data_.read_only(); }
  bool broken() const noexcept { return data_.broken(); }
  result<std::uint64_t> free_bytes() const { return data_.free_bytes(); }
  const std::filesystem::path& folder() const noexcept { return folder_; }

  struct row {
    std::uint64_t size_bytes = 0;
    instant used;
    bool in_file = false;
  };
  result<std::optional<row>> find(std::string_view hash);
  /// The bytes of a small one.
  result<std::optional<blob_bytes>> small(std::string_view hash);

  struct totals {
    std::uint64_t writes = 0; ///< ever
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t digest = 0;

    void add(std::string_view hash, std::uint64_t size_bytes);
    void remove(std::string_view hash, std::uint64_t size_bytes);
    friend bool operator==(const totals&, const totals&) = default;
  };
  const totals& sum() const noexcept { return sum_; }

  /// Rows to be written together.
  class changes {
  public:
    bool empty() const noexcept { return rows_ == 0; }

  private:
    friend class blob_index;
    rocksdb::WriteBatch batch_;
    std::size_t rows_ = 0;
    std::vector<std::pair<std::string, std::uint64_t>> added_;
  };
  void add(changes& to, const blob_entry& blob, bool in_file, std::string_view small_bytes);
  result<void> write(changes& todo);

  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain);

  struct removed_blob {
    std::string sha256;
    bool in_file = false;
  };
  result<std::vector<removed_blob>> remove(std::span<const std::string> hashes, instant before);

  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most);

  result<void> make_room(std::uint64_t bytes, std::uint64_t least) {
    return data_.make_room(bytes, least);
  }

private:
  result<void> check_totals();
  instant used(std::string_view hash, const row& known) const;

  std::filesystem::path folder_;
  rocksdb_database data_;
  totals sum_;
  /// Uses that could not be written on a full disk; at most one per blob.
  std::unordered_map<std::string, instant> unwritten_uses_;
};

} // namespace troupe
