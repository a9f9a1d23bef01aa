#pragma once

#include "actors/agents/role.hpp"
#include "actors/logic.hpp"
#include "actors/timer_table.hpp"
#include "config/base/split_mix.hpp"
#include "nodes/wiring.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

namespace troupe::sim {

/// Numbers from a seed (SplitMix64).
class seeded_random : public random_source {
public:
  explicit seeded_random(std::uint64_t seed) : numbers_(seed) {}
  std::uint64_t next() override { return numbers_.next(); }

private:
  split_mix numbers_;
};

/// A cluster in one thread: many nodes made of the logics of `nodes/wiring`, on simulated time.
/// Messages take a random time, and `lose` decides which get lost. The same seed gives the same
/// history, which `trace_hash` shows.
class world {
public:
  world(std::uint64_t seed, std::size_t nodes, role_table roles, node_config cfg = {});
  ~world();

  node_id id(std::size_t index) const;

  /// Is called for each message between nodes. True: the message is lost.
  std::function<bool(const envelope&)> lose = [](const envelope&) { return false; };

  /// Every line at debug is made, so that one that cannot be made is found. Counts do without.
  bool debugs = true;

  /// Ends the node's process: its links close, and its messages and timers are lost.
  void kill(std::size_t index);

  /// Sends as a client attached to node `index`. Answers later appear in `received`.
  message_id send(std::size_t index, envelope message);
  std::deque<envelope> received;

  /// Runs until `done` returns true, nothing is left to do, or `at_most` of simulated time has
  /// passed.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most);

  instant now() const noexcept { return now_; }
  std::uint64_t trace_hash() const noexcept { return hash_; }
  std::uint64_t lost() const noexcept { return lost_; }

private:
  struct node;
  struct happening;

  outputs fresh_outputs() const;
  void start(node& n);
  void start_logic(node& n, const address& place, std::unique_ptr<logic> mind);
  void link(node& a, node& b);
  void step(node& n, const address& place, event input);
  void carry_out(node& n, const address& place, outputs out);
  address end_agent(node& n, const name& agent);
  void post(node& from, envelope message);
  void refuse(node& from, envelope message, failure why);
  void deliver(node& n, envelope message);
  void later(std::chrono::nanoseconds after, std::function<void()> what);
  void check_timer(node& n, const address& place);
  node* find(node_id id);

  seeded_random random_;
  instant now_{std::chrono::seconds{1'000'000}};
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<happening> agenda_; ///< a heap by time, then by order of creation
  std::uint64_t made_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t lost_ = 0;
  std::uint64_t client_sequence_ = 0;
};

} // namespace troupe::sim
