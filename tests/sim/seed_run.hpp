#pragma once

#include "tests/sim/faults.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::sim {

/// One seed: a cluster, what its clients ask and what goes wrong, all drawn from the seed; and what
/// was found.
struct seed_report {
  std::uint64_t seed = 0;
  std::vector<std::string> wrong; ///< empty: all is as it must be
  std::uint64_t hash = 0;
  double simulated_seconds = 0;
  std::uint64_t steps = 0;
  std::uint64_t failed_steps = 0;
  std::uint64_t lives = 0; ///< of all nodes
  std::map<fault, std::uint64_t> faults;
  std::size_t facts = 0, acknowledged = 0, documents = 0, runs = 0, runs_ended_well = 0;
  std::uint64_t repetitions = 0;  ///< requests that clients sent again
  std::size_t done_by_owners = 0; ///< tasks of runs that ended well
  std::size_t ended_alone = 0;    ///< durable runs that nobody waited for
  std::size_t paid_again = 0;     ///< calls of models whose outcome was lost with a node
  std::uint64_t whole_answers = 0, bad_answers = 0; ///< of the provider
  std::size_t taken_up = 0;                         ///< messages with steps, after a crash
};

/// `trace` gets a line for everything that happens. May be empty.
seed_report run_seed(std::uint64_t seed, std::function<void(const std::string&)> trace = {});

/// "seed 7: 3 lives, ..."
std::string to_string(const seed_report& report);

} // namespace troupe::sim
