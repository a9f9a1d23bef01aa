#pragma once

#include "actors/logic.hpp"
#include "tests/sim/agenda.hpp"
#include "tests/sim/dice.hpp"
#include "tests/sim/network.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::sim {

/// A client that sends without a link, as if it were a part of its node: `world::send`.
inline constexpr session_id linkless_session{4711};

/// Faults within steps, each once in so many steps; zero: never.
struct step_faults {
  std::uint64_t throws_once_in = 0; ///< before the logic has seen the event, within, or after
};

/// What all nodes of a world share.
struct ground {
  ground(std::uint64_t seed, network_options options, std::size_t machines)
      : net(when, seed, options, machines), chance(seed, 2), fate(seed, 3) {}

  agenda when;
  network net;
  dice chance; ///< what logics and links draw
  dice fate;   ///< how long a turn waits, and which step fails
  step_faults faults;
  std::chrono::nanoseconds turn_min = std::chrono::microseconds{1};
  std::chrono::nanoseconds turn_max = std::chrono::microseconds{1};

  bool debugs = true; ///< lines at debug are made
  bool checks = true; ///< `invariants()` of every logic that has them, after each step
  std::function<bool(const envelope&)> lose = [](const envelope&) { return false; };
  /// Sees what leaves a logic of that node, before it is delivered. May be empty.
  std::function<void(envelope&, node_id)> sees;
  /// Gets a line for each step, fault and line of the log. Empty: nobody reads.
  std::function<void(const std::string&)> trace;

  std::uint64_t hash = 0xcbf29ce484222325ULL; ///< of all steps
  std::uint64_t steps = 0;
  std::uint64_t failed_steps = 0;
  std::uint64_t lost = 0;
  std::deque<envelope> received;    ///< by the client without a link
  std::vector<std::string> defects; ///< a contract or an invariant was broken

  void mix(std::uint64_t part) noexcept { hash = (hash ^ part) * 0x100000001b3ULL; }

  template <class Text>
  void tell(const Text& text) const {
    if (trace)
      trace(text());
  }
};

} // namespace troupe::sim
