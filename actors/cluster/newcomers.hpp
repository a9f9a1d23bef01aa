#pragma once

#include "messages/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace troupe {

/// The connections at one door that have not shown who they are. The problem: anybody who may
/// connect can keep any number of silent connections open, so a door that stops accepting when it
/// is full locks everybody out. This one makes room instead: it asks the connection that has done
/// least to leave, and among those the oldest.
///
/// A connection that has proven itself is no longer here and is never asked to leave. Thread-safe;
/// each call looks at no more connections than the door holds. `leave` is called outside the lock.
class newcomers {
public:
  /// What a connection has done so far, from the least to the most.
  enum class milestone : std::uint8_t {
    silent, ///< connected, sent nothing
    spoke,  ///< sent bytes that are no whole Hello yet
    hello,  ///< sent a valid Hello; its proof is missing
  };

  /// `at_most`: if there are more, the lowest-ranked one is asked to leave.
  explicit newcomers(std::size_t at_most) : at_most_(at_most) {}

  /// A connection has been accepted; `enter` or `gone_before_it_entered` follows.
  void comes() { coming_.fetch_add(1, std::memory_order_relaxed); }
  void gone_before_it_entered() { coming_.fetch_sub(1, std::memory_order_relaxed); }

  /// Adds a connection that has come. `leave` makes it go, from any thread, and `left` follows.
  void enter(std::uint64_t number, instant now, std::function<void()> leave);
  void reached(std::uint64_t number, milestone step);
  void left(std::uint64_t number);

  /// Asks connections to leave until no more than `at_most` stay. False: none had to.
  bool make_room(instant now);
  /// Asks one to leave even if the door is not full, because something else has run out. False:
  /// there is none.
  bool ask_one_to_leave(instant now);

  /// Includes those that were asked to leave and have not yet gone.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t at_most() const { return at_most_; }
  /// Whoever accepts connections should wait. Either those that were asked to leave are still
  /// there, or too many come at once: a connection that enters must be read before so many others
  /// have entered that it counts as old.
  bool crowded() const;
  /// How many have been asked to leave so far.
  std::uint64_t asked_to_leave() const { return asked_.load(std::memory_order_relaxed); }

private:
  struct one {
    instant entered{};
    milestone done = milestone::silent;
    bool leaving = false;
    std::function<void()> leave;
  };

  std::function<void()> take_least(instant now);

  const std::size_t at_most_;
  mutable std::mutex mutex_; ///< of the next two
  std::map<std::uint64_t, one> inside_;
  std::size_t staying_ = 0;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> coming_{0};
  std::atomic<std::uint64_t> asked_{0};
};

} // namespace troupe
