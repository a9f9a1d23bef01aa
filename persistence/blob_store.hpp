#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"
#include "persistence/blob_bytes.hpp"
#include "persistence/files.hpp"
#include "persistence/sha256.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What a blob store knows about a blob besides its bytes.
struct blob_entry {
  std::string sha256;
  std::uint64_t size_bytes = 0;
  instant used; ///< when it was stored or needed last
};

/// Blobs by their SHA-256. The store does not know who needs a blob, nor when it may go
/// (actors/storage knows). Calls block on the disk; used by one thread at a time. `now` is
/// wall-clock time, because it is compared after a restart.
class blob_store {
public:
  virtual ~blob_store() = default;

  /// Stores all of them, or says why not all. When it returns they are on disk, with as few syncs
  /// as for one blob. Idempotent: storing an existing blob counts as a use. The references have
  /// hash and size, in the order of `many`.
  virtual result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) = 0;
  result<BlobRef> put(std::string_view bytes, instant now);

  /// Nothing if it is not here. Bytes that no longer match their hash are `storage_failed`.
  virtual result<std::optional<blob_bytes>> get(std::string_view sha256) = 0;

  /// Whether `get` would find its bytes in memory.
  virtual bool in_memory(const std::string& /*sha256*/) const { return false; }

  /// The sizes of the blobs that are here; nothing for the others. Their time of use becomes `now`
  /// (written without a sync, and only if it differs by more than `grain`).
  virtual result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain) = 0;

  /// Deletes those that were last used before `before`; returns how many.
  virtual result<std::size_t> remove(std::span<const std::string> hashes, instant before) = 0;

  /// The next blobs by hash after `after`, at most `at_most`.
  virtual result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) = 0;

  virtual std::uint64_t count() const = 0;
  virtual std::uint64_t bytes() const = 0;

  /// On the disk. A store that has none says that there is no end to it.
  virtual result<std::uint64_t> free_bytes() { return ~std::uint64_t{0}; }

  /// A write failed in a way that leaves the state of the disk unknown: from then on everything is
  /// refused, and the process must be restarted (docs/decisions/0009).
  virtual bool broken() const { return false; }
};

struct blob_store_options {
  std::size_t memory_bytes_max = 0; ///< of the last used ones
  bool must_exist = false;          ///< this node has had a store: a folder without one is damage
  free_space_source free_space = free_disk_bytes;
};

/// `folder` has an index of all blobs, and the small blobs themselves, in RocksDB, so that
/// thousands of them are one write. Larger blobs are files named by their hash, in two levels of
/// folders; they are written to a temporary name, synced and renamed before the index names them. A
/// file that the index does not name (after a crash between the two) is added when the store is
/// opened. A blob has at most `limits::document_bytes_max` bytes. Storing a damaged blob again
/// heals it.
///
/// Damage of the index is `bad_message` (the node then ends with code 65); every other error is
/// `storage_failed`. Below `limits::disk_free_bytes_min` nothing is stored.
result<std::unique_ptr<blob_store>> open_blob_store(const std::filesystem::path& folder,
                                                    blob_store_options options = {});

/// For tests and the simulator.
std::unique_ptr<blob_store> make_memory_blob_store();

} // namespace troupe
