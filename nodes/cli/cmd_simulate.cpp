#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/streams.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/simulate/simulated_provider.hpp"

#include <poll.h>

#include <csignal>
#include <cstdio>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

cli_result<simulation_options> options_of(const simulate_command& wanted) {
  simulation_options made;
  made.listen = wanted.address + ":" + std::to_string(wanted.port);
  made.seed = wanted.seed;
  made.ledger_file = wanted.ledger;
  made.strict = wanted.strict;
  made.models = wanted.models;
  made.threads = wanted.threads;
  made.most = {wanted.requests_per_minute, wanted.tokens_per_minute};
  for (const auto& [key, value] : wanted.usual)
    if (auto problem = set_behaviour(made.usual, key, value); !problem.empty())
      return unexpected{usage_error(std::string{"--"}.append(key).append(": ").append(problem))};
  if (!wanted.rules.empty()) {
    auto rules = simulation_rules::load(wanted.rules);
    if (!rules)
      return unexpected{error_of(to_string(rules.error()))};
    made.rules = std::move(*rules);
  }
  if (!wanted.prices.empty()) {
    auto prices = price_list::load(wanted.prices);
    if (!prices)
      return unexpected{error_of(to_string(prices.error()))};
    made.prices = std::move(*prices);
  }
  return made;
}

} // namespace

int cmd_simulate(const simulate_command& wanted) {
  auto options = options_of(wanted);
  if (!options)
    return report(options.error());
  interrupts asked; // before any thread starts, since threads inherit the mask
  std::signal(SIGPIPE, SIG_IGN);
  log_options logged;
  logged.level = log_level::warning;
  logged.json = false;
  auto log = make_log_sink(logged);
  auto provider = simulated_provider::open(std::move(*options), *log);
  if (!provider)
    return report(provider.error().code == ec::unavailable
                          || provider.error().code == ec::invalid_argument
                      ? cli_error{exit_unavailable, "unavailable", provider.error().message}
                      : error_of_files(provider.error()));
  print("listening on http://" + (*provider)->address() + "\n");
  std::fflush(stdout);
  pollfd wait{asked.fd(), POLLIN, 0};
  while (asked.take() == 0)
    ::poll(&wait, 1, -1);
  // Those that are open get their answers, unless somebody asks again.
  for (std::chrono::seconds left = limits::simulate_drain_timeout; left.count() > 0; left -= 1s)
    if ((*provider)->drain(1s) == 0 || asked.take() != 0)
      break;
  return exit_ok;
}

} // namespace troupe::cli
