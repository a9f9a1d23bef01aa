#pragma once

#include "messages/errors.hpp"
#include "nodes/simulate/behaviour.hpp"
#include "nodes/simulate/price_list.hpp"
#include "nodes/simulate/simulated_limits.hpp"
#include "nodes/simulate/simulation_rules.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct simulation_options {
  std::string listen = "127.0.0.1:0"; ///< ADDRESS:PORT
  behaviour usual;                    ///< unless a rule or a header of the request says otherwise
  simulation_rules rules;
  price_list prices;
  simulated_limits::per_minute most; ///< for each key
  std::uint64_t seed = 0;
  std::filesystem::path ledger_file; ///< empty: nothing is kept
  bool strict = false;               ///< refuses what the real APIs refuse
  std::vector<std::string> models;   ///< empty: any name
  std::size_t threads = 1;
};

/// A provider of models that is none: it answers as OpenAI's and Anthropic's APIs do, as fast or as
/// slowly and as wrongly as it is told (docs/simulate.md). It has threads of its own.
class simulated_provider {
public:
  /// `log` must outlive it. `invalid_argument`, `unavailable`: it cannot listen there.
  /// `storage_failed`, `bad_message`: the ledger.
  static result<std::unique_ptr<simulated_provider>> open(simulation_options options,
                                                          log_sink& log);
  ~simulated_provider();

  std::string address() const;

  /// Takes no more calls and waits for those that are open, at most so long. Returns how many were
  /// left.
  std::size_t drain(std::chrono::milliseconds at_most);

private:
  struct state;
  explicit simulated_provider(std::unique_ptr<state> parts);
  std::unique_ptr<state> state_;
};

} // namespace troupe
