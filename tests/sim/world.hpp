#pragma once

#include "actors/agents/role.hpp"
#include "tests/sim/process.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

struct world_options {
  std::size_t nodes = 1;
  std::size_t clients = 0; ///< machines for clients with links (client.hpp)
  role_table roles;
  node_config cfg = {};
  network_options network = {};
  /// Makes the HTTP client of a life; none: there is only the offline model.
  std::function<std::unique_ptr<http_port>(process&)> provider = {};
  /// How long a logic waits for its turn: drawn between these.
  std::chrono::nanoseconds turn_min = std::chrono::microseconds{1};
  std::chrono::nanoseconds turn_max = std::chrono::microseconds{1};
};

/// A cluster in one thread, on simulated time: nodes (process.hpp) with disks, connected by a
/// network, all of it from a seed. The same seed gives the same history, which `trace_hash` shows.
class world {
public:
  world(std::uint64_t seed, world_options options);
  world(std::uint64_t seed, std::size_t nodes, role_table roles, node_config cfg = {});
  ~world();

  ground& on() noexcept { return on_; }
  std::size_t nodes() const noexcept { return nodes_.size(); }
  std::size_t clients() const noexcept { return options_.clients; }
  node_id id(std::size_t index) const;
  /// Null: it does not run.
  process* running(std::size_t index) { return nodes_[index].life.get(); }
  disk& disk_of(std::size_t index) { return nodes_[index].storage; }
  /// The machine of a client.
  machine client_machine(std::size_t index) const noexcept { return nodes_.size() + index; }
  std::uint64_t lives(std::size_t index) const { return nodes_[index].lives; }

  /// Begins the next life of a node that does not run.
  void start(std::size_t index);
  /// Ends the node's process. `silent`: its machine loses its power, so nobody hears of it.
  void kill(std::size_t index, bool silent = false);
  /// Stops it in order; it then does not run.
  void stop(std::size_t index);
  /// A node whose process has ended by itself is started again after that long; zero: never.
  std::chrono::nanoseconds restarts_after{0};

  /// Until every node that runs sees all others up. False: not within `at_most`.
  bool settle(std::chrono::nanoseconds at_most = std::chrono::seconds{30});

  /// Sends as a client of node `index` that has no link. Answers appear in `received`. A node that
  /// is down takes nothing.
  message_id send(std::size_t index, envelope message);

  /// Runs until `done` returns true, or `at_most` of simulated time has passed.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most);

  instant now() const noexcept { return on_.when.now(); }
  std::uint64_t trace_hash() const noexcept { return on_.hash ^ on_.net.hash(); }
  std::uint64_t lost() const noexcept { return on_.lost; }

private:
  struct node {
    node(NodeInfo described, std::uint64_t seed, std::size_t at, const agenda& when)
        : self(std::move(described)), storage(seed, at, when) {}
    NodeInfo self;
    disk storage;
    std::unique_ptr<process> life;
    std::uint64_t lives = 0;
  };

  void life_is_over(std::size_t index, std::uint64_t life, bool silent);

  world_options options_;
  ground on_;
  std::deque<node> nodes_;
  std::uint64_t client_sequence_ = 0;

public:
  std::deque<envelope>& received = on_.received;
  std::function<bool(const envelope&)>& lose = on_.lose;
};

} // namespace troupe::sim
