#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace troupe::tests {

namespace {

constexpr std::string_view greeting = "listening on ";

std::vector<std::string> with_command(std::vector<std::string> arguments) {
  if (std::find(arguments.begin(), arguments.end(), "--port") == arguments.end())
    arguments.insert(arguments.begin(), {"--port", "0"});
  arguments.insert(arguments.begin(), "simulate");
  return arguments;
}

} // namespace

simulator::simulator(const home& where, std::vector<std::string> arguments)
    : process_(where.start(with_command(std::move(arguments)))) {
  auto line = process_.read_line(command_deadline);
  if (!line || !line->starts_with(greeting))
    throw std::runtime_error("troupe simulate does not listen: " + process_.errors());
  url_ = line->substr(greeting.size());
}

json simulator::calls() const {
  auto told = http_get(url_ + "/ledger");
  return told.status == 200 ? json::parse(told.body)["calls"] : json::array();
}

bool simulator::wait_for_outcome(const std::string& outcome, clock::duration at_most) const {
  for (auto end = clock::now() + at_most; clock::now() < end;)
    for (const auto& one : calls()) // each question is a connection of its own: no busy loop
      if (one["outcome"] == outcome)
        return true;
  return false;
}

void simulated_models::simulate(const std::string& rules, std::vector<std::string> arguments,
                                const std::string& more) {
  write_file(user.path() / "rules.yaml", "rules:\n" + rules);
  arguments.insert(arguments.end(), {"--rules", (user.path() / "rules.yaml").string(), "--ledger",
                                     ledger().string()});
  provider_.emplace(user, std::move(arguments));
  configure("providers:\n  open:\n    kind: openai\n    base_url: " + provider_->url() + "/v1\n"
            + more + "  claude:\n    kind: anthropic\n    base_url: " + provider_->url() + "\n"
            + more);
}

void simulated_models::TearDown() {
  provider_.reset();
  own_roles::TearDown();
}

} // namespace troupe::tests
