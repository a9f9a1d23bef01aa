#include "tests/e2e/simulator.hpp"

#include <fstream>
#include <stdexcept>

namespace troupe::tests {

namespace {

constexpr std::string_view greeting = "listening on ";

std::vector<std::string> with_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"simulate", "--port", "0"});
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
  std::filesystem::create_directories(roles());
  write_file(config(), "providers:\n  open:\n    kind: openai\n    base_url: " + provider_->url()
                           + "/v1\n" + more
                           + "  claude:\n    kind: anthropic\n    base_url: " + provider_->url()
                           + "\n" + more + "node:\n  roles: " + roles().string() + "\n");
  user.set("TROUPE_CONFIG", config().string());
}

void simulated_models::role(const std::string& name, const std::string& model,
                            const std::string& more) {
  write_file(roles() / (name + ".yaml"),
             "role: " + name + "\ndescription: Asks " + model + "\nmind: chat\nmodel: " + model
                 + "\ntalk: true\ntasks: true\n" + more + "prompts:\n  answer: \"{{text}}\"\n");
}

command_result simulated_models::send(const std::string& role_name, const std::string& text,
                                      std::vector<std::string> more) {
  std::vector<std::string> words{"send", role_name + "/a", text};
  words.insert(words.end(), more.begin(), more.end());
  return user.troupe(words);
}

command_result simulated_models::run(const std::string& role_name, const std::string& text) {
  write_file(user.path() / "own.yaml", "graph: own\ntasks:\n  - id: only\n    role: " + role_name
                                           + "\n    attempts: 1\n    input: {text: \"" + text
                                           + "\"}\nresult: $tasks.only\n");
  return user.troupe({"run", "./own.yaml"});
}

void simulated_models::TearDown() {
  provider_.reset();
  e2e_test::TearDown();
}

} // namespace troupe::tests
