#pragma once

#include "persistence/blob_store.hpp"
#include "persistence/journal/journal_rows.hpp"
#include "persistence/open_messages.hpp"
#include "persistence/state_store.hpp"
#include "tests/sim/agenda.hpp"
#include "tests/sim/dice.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::sim {

/// The process ends within a step: thrown out of the logic, which never catches it.
struct process_ends {
  bool silent = false; ///< with the power of its machine
};

/// What goes wrong at a write, each once in so many; zero: never.
struct disk_faults {
  std::uint64_t refuses_once_in = 0; ///< `storage_failed`: nothing was written (a full disk)
  std::uint64_t fails_once_in = 0;   ///< what was written is unknown, and the node must end
  std::uint64_t power_lost_once_in = 0;
};

/// The disk of one simulated machine: it outlives the lives of its node. What a store writes is
/// visible at once, and safe when it is synced. When the machine stops, of what was not synced the
/// last part is lost: how much, the dice say.
class disk {
public:
  /// `when` outlives it.
  disk(std::uint64_t seed, std::size_t number, const agenda& when)
      : dice_(seed, 1000 + number), when_(when) {}

  std::unique_ptr<state_store> open_states();
  std::unique_ptr<blob_store> open_blobs();
  std::unique_ptr<journal_store> open_journal();

  /// The machine has stopped: what is on the disk from now on.
  void stop();

  disk_faults faults;

  struct blob {
    std::string bytes;
    instant used;
  };
  /// All that a disk holds.
  struct image {
    std::map<std::string, Snapshot, std::less<>> states;
    std::map<std::string, std::set<std::string>> named;     ///< hashes, by agent
    std::map<std::string, open_messages, std::less<>> open; ///< with their steps, by agent
    std::map<std::string, blob, std::less<>> blobs;
    journal_rows journal;
  };
  const image& seen() const noexcept { return seen_; }
  /// What is there after a power loss, at least.
  const image& safe() const noexcept { return safe_; }
  /// The longest time for which an event of a run was written and not synced when the machine
  /// stopped, or until it was; syncs that were refused begin it anew.
  std::chrono::nanoseconds unsynced_max() const noexcept { return unsynced_max_; }

  /// For the stores. A change that is written and not synced.
  using change = std::function<void(image&)>;
  void write(change what);
  void sync();
  /// Written and synced, unless something goes wrong.
  result<void> write_safely(change what);
  /// The same, not synced, of the journal. What is refused or fails, fails as above.
  result<void> write_unsynced(change what);
  bool broken() const noexcept { return broken_; }

private:
  void note_unsynced_time(std::optional<instant> from_now_on);

  dice dice_;
  const agenda& when_;
  image seen_;
  image safe_;
  std::optional<instant> unsynced_since_; ///< the first event that is not synced was written
  std::chrono::nanoseconds unsynced_max_{0};
  std::vector<change> unsynced_;
  bool broken_ = false; ///< until the node has been started again
};

} // namespace troupe::sim
