#pragma once

#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace troupe {

/// What a supervisor does, in the words and by the rules of OTP (Erlang/OTP, "supervisor"):
/// children are started in order and stopped in reverse. A child that ends is restarted
/// (`one_for_one`). When more than `intensity` restarts fall within `period`, the supervisor stops
/// its children and itself, and its parent decides. After the first restart in a period, restarts
/// back off.
class supervisor_logic {
public:
  struct options {
    std::uint32_t intensity;
    std::chrono::nanoseconds period;
    std::chrono::nanoseconds backoff_min{std::chrono::milliseconds{1}};
    std::chrono::nanoseconds backoff_max{std::chrono::seconds{1}};
  };

  enum class reaction : std::uint8_t { restart, give_up, ignore };
  struct decision {
    reaction what = reaction::ignore;
    std::chrono::nanoseconds after{0}; ///< until the restart
  };

  supervisor_logic(options given, std::size_t children);

  /// The order in which children are started; stopping goes through it backwards.
  std::size_t children() const noexcept { return running_.size(); }

  void started(std::size_t child);
  /// A child has ended. `asked`: it was told to end.
  decision ended(std::size_t child, bool asked, instant now);

  /// From now on nothing is restarted. The next child to stop, or nothing left: `children()`.
  std::size_t next_to_stop();
  bool stopping() const noexcept { return now_ != phase::keeping; }
  /// It stops because restarts were of no use: its own end is a fault.
  bool has_given_up() const noexcept { return now_ == phase::given_up; }

  bool invariants() const;

private:
  enum class phase : std::uint8_t {
    keeping,  ///< a child that ends by a fault is restarted
    stopping, ///< it was asked to stop: what ends stays ended
    given_up, ///< the same, because too many restarts came close together
  };

  options given_;
  std::vector<bool> running_;
  std::deque<instant> restarts_; ///< within the period
  phase now_ = phase::keeping;
};

} // namespace troupe
