#pragma once

#include "messages/agents.pb.h"
#include "messages/errors.hpp"
#include "messages/payload_kinds.hpp"
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

/// A state that is to be written, with the hashes of all blobs that it names; or, if there is a
/// `change`, only what it changes in the state that is there; or, if there are `steps`, only these,
/// and the state stays as it is. With it go the steps of messages that are `settled`.
struct state_write {
  std::string_view agent;
  const Snapshot& snapshot;
  std::span<const std::string> blobs = {};
  const StateChange* change = nullptr;
  const StepsMade* steps = nullptr;
  const google::protobuf::RepeatedPtrField<MessageKey>* settled = nullptr;
};

/// Snapshots of agents by name, which blobs each of them names, and the steps of messages that are
/// not done. Calls block on the disk; used by one thread at a time.
class state_store {
public:
  virtual ~state_store() = default;

  /// With all changes since it was written whole.
  virtual result<std::optional<Snapshot>> get(std::string_view agent) = 0;
  /// The messages to that agent that were begun and are not settled, each with all its steps.
  virtual result<std::vector<StepsMade>> open_messages_of(std::string_view agent) = 0;
  /// Returns when all of them are on disk, together with the fact that each agent names exactly
  /// these blobs; or none of them is. No agent stands in it twice, unless with steps alone. Returns
  /// the hashes that one of the agents named before and no longer names. `storage_failed`: a change
  /// does not follow on what is there.
  virtual result<std::vector<std::string>> put(std::span<const state_write> many) = 0;
  result<std::vector<std::string>> put(std::string_view agent, const Snapshot& snapshot,
                                       std::span<const std::string> blobs = {}) {
    state_write one{agent, snapshot, blobs};
    return put(std::span<const state_write>{&one, 1});
  }
  result<std::vector<std::string>> put(std::string_view agent, const StateChange& change) {
    state_write one{agent, Snapshot::default_instance(), {}, &change};
    return put(std::span<const state_write>{&one, 1});
  }
  result<std::vector<std::string>> put(const StepsMade& steps) {
    state_write one{steps.message().agent(), Snapshot::default_instance(), {}, nullptr, &steps,
                    &steps.settled()};
    return put(std::span<const state_write>{&one, 1});
  }
  /// How many agents have a snapshot.
  virtual result<std::uint64_t> count() = 0;

  /// Whether any agent names the blob with that hash. Needs no agent to be loaded.
  virtual result<bool> names(std::string_view sha256) = 0;
  /// False: the store has states from a version that did not record what they name.
  virtual bool knows_names() const { return true; }

  /// As `blob_store::free_bytes`.
  virtual result<std::uint64_t> free_bytes() { return ~std::uint64_t{0}; }
  /// As `blob_store::broken`.
  virtual bool broken() const { return false; }
};

struct state_store_options {
  bool must_exist = false; ///< this node has had a store: a folder without one is damage
  free_space_source free_space = free_disk_bytes;
  /// For tests: changes how RocksDB is opened.
  std::function<void(rocksdb::Options&)> adjust = {};
};

/// RocksDB in `folder`, created if missing. Writes are synced. On a full disk (below 64 MiB free),
/// writes are refused with `storage_failed` before RocksDB can abort, and reading goes on. Damage
/// beyond a torn tail is `bad_message` (the node then ends with code 65); every other error is
/// `storage_failed`. `free_space` is called before each write.
///
/// After a failed write, the state of the disk is unknown: the write is answered `outcome_unknown`,
/// and the store is `broken` from then on.
result<std::unique_ptr<state_store>> open_state_store(const std::filesystem::path& folder,
                                                      state_store_options options = {});

/// For tests and the simulator.
std::unique_ptr<state_store> make_memory_state_store();

} // namespace troupe
