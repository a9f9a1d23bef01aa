#pragma once

#include "config/limits/mailboxes.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// How many bytes of messages wait in all mailboxes of one node. Each mailbox has a bound of its
/// own, but there may be a million of them. So the links, which bring messages from outside, ask
/// here and stop reading while the node holds too much. Mailboxes drain without any help from
/// links, so a node that has stopped reading will read again.
///
/// Thread-safe. Every thread counts in a cell of its own, which costs a few nanoseconds per
/// message. A sum walks over the cells of all threads that ever sent or received (about ten). Cells
/// are not freed before the object.
class queued_bytes {
public:
  queued_bytes();
  ~queued_bytes();
  queued_bytes(const queued_bytes&) = delete;
  queued_bytes& operator=(const queued_bytes&) = delete;

  void add(std::size_t bytes) noexcept {
    // Only its own thread writes to a cell.
    auto& held = own().held;
    held.store(held.load(std::memory_order_relaxed) + static_cast<std::int64_t>(bytes),
               std::memory_order_relaxed);
  }
  void remove(std::size_t bytes) noexcept {
    // Ordered against `when_room`: either `when_room` sees this, or this sees that somebody waits.
    own().held.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_seq_cst);
    if (awaited_.load(std::memory_order_seq_cst))
      resume_if_room();
  }

  std::uint64_t total() const noexcept;

  /// More bytes wait than a node may hold: bring nothing in from outside now. Cheap: ask before
  /// each read.
  bool too_many() const noexcept { return total() > limits::node_queued_bytes_max; }

  /// Calls `resume` once, as soon as at most `limits::node_queued_bytes_resume` wait; at once if
  /// that is already so. The call comes from any thread, without a lock held; `resume` must be
  /// quick.
  void when_room(std::function<void()> resume);

private:
  struct cell {
    std::thread::id owner;
    cell* next = nullptr;
    alignas(64) std::atomic<std::int64_t> held{0};
  };
  struct recent {
    std::uint64_t of = 0; ///< the number of the object that `mine` belongs to
    cell* mine = nullptr;
  };

  cell& own() noexcept {
    auto& last = last_used();
    return last.of == number_ ? *last.mine : own_slowly(last);
  }
  static recent& last_used() noexcept {
    thread_local recent last;
    return last;
  }
  cell& own_slowly(recent& last) noexcept;
  void resume_if_room();

  const std::uint64_t number_; ///< of this object; never given twice in a process
  std::atomic<cell*> cells_{nullptr};
  std::atomic<bool> awaited_{false};
  std::mutex mutex_; ///< of who waits
  std::vector<std::function<void()>> waiting_;
};

} // namespace troupe
