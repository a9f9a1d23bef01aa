#pragma once

#include "messages/agents.pb.h"
#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
#include "messages/values.pb.h"
#include "persistence/files.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Snapshots of agents by name. Calls block on the disk; used by one thread at a time.
class state_store {
public:
  virtual ~state_store() = default;

  virtual result<std::optional<Snapshot>> get(std::string_view agent) = 0;
  /// Returns when the bytes are on disk.
  virtual result<void> put(std::string_view agent, const Snapshot& snapshot) = 0;
  /// How many agents have a snapshot.
  virtual result<std::uint64_t> count() = 0;
};

/// RocksDB in `folder`, created if missing. Writes are synced; a full disk is refused with
/// `storage_failed` before RocksDB can abort (below 64 MiB free). Damage beyond a torn tail is
/// `bad_message` (the node then ends with code 65); every other error is `storage_failed`.
/// `free_space` is asked before each write.
result<std::unique_ptr<state_store>>
open_state_store(const std::filesystem::path& folder,
                 free_space_source free_space = free_disk_bytes);

/// For tests and the simulator.
std::unique_ptr<state_store> make_memory_state_store();

/// Blobs by their SHA-256. Calls block on the disk; used by one thread at a time.
class blob_store {
public:
  virtual ~blob_store() = default;

  /// Idempotent; the returned reference has hash and size.
  virtual result<BlobRef> put(std::string_view bytes) = 0;
  /// Nothing if it is not here. Bytes that no longer match their hash are `storage_failed`.
  virtual result<std::optional<std::string>> get(std::string_view sha256) = 0;
};

/// Files named by their hash in `folder`, two levels, written to a temporary name and renamed, with
/// up to `memory_bytes_max` of the last used ones in memory. A blob has at most
/// `limits::document_bytes_max` bytes. A damaged one is healed by storing it again.
result<std::unique_ptr<blob_store>> open_blob_store(const std::filesystem::path& folder,
                                                    std::size_t memory_bytes_max,
                                                    free_space_source free_space = free_disk_bytes);

std::unique_ptr<blob_store> make_memory_blob_store();

/// 32 bytes.
std::string sha256(std::string_view bytes);

} // namespace troupe
