#include "config/limits/simulate.hpp"
#include "nodes/cli/command_table.hpp"
#include "nodes/cli/commands.hpp"

#include <array>
#include <limits>
#include <tuple>

namespace troupe::cli {

void add_simulate(command_table& table) {
  auto simulate = std::make_shared<simulate_command>();
  auto app = table.add("simulate", "Run a provider of models that is none, to test against",
                       "  troupe simulate --port 8080\n"
                       "  troupe simulate --port 8080 --latency \"median=300ms p99=4s\" "
                       "--tokens-per-second 50\n"
                       "  troupe simulate --port 8080 --rules faults.yaml --ledger calls.jsonl\n"
                       "  curl -H \"X-Simulate-Fault: rate_limited\" ...   in one request\n\n"
                       "Speaks OpenAI's API (base URL http://127.0.0.1:8080/v1) and Anthropic's\n"
                       "(http://127.0.0.1:8080). docs/simulate.md lists rules, faults and what is "
                       "billed.",
                       simulate, cmd_simulate);
  app->add_option("--port", simulate->port, "Where it listens; 0 takes a free port")
      ->type_name("N")
      ->check(CLI::Range(0, int{std::numeric_limits<std::uint16_t>::max()}))
      ->required();
  app->add_option("--address", simulate->address, "The address (default: 127.0.0.1)")
      ->type_name("ADDRESS")
      ->check(is_given);
  for (auto [flag, key, type, what] :
       {std::array{"--latency", "latency", "TIME",
                   "Until an answer begins: 200ms, \"median=300ms p99=4s\", or "
                   "\"p50=300ms p90=900ms p99=4s\""},
        std::array{"--tokens-per-second", "tokens_per_second", "N", "How fast answers are made"},
        std::array{"--output-tokens", "output_tokens", "N", "How long they are: N or MIN-MAX"},
        std::array{"--fault", "fault", "NAME", "What goes wrong with every call"}})
    app->add_option_function<std::string>(
           flag,
           [simulate, key = std::string{key}](const std::string& value) {
             simulate->usual.emplace_back(key, value);
           },
           what)
        ->type_name(type);
  app->add_option("--rules", simulate->rules, "Which calls are answered how (YAML)")
      ->type_name("FILE")
      ->check(is_given);
  app->add_option("--seed", simulate->seed, "Of answers, latencies and shares (default: 0)")
      ->type_name("N");
  app->add_option("--ledger", simulate->ledger, "Keep what is billed in this file; GET /ledger")
      ->type_name("FILE")
      ->check(is_given);
  app->add_option("--prices", simulate->prices, "What models cost (YAML)")
      ->type_name("FILE")
      ->check(is_given);
  for (auto [flag, to, what] :
       {std::tuple{"--requests-per-minute", &simulate->requests_per_minute,
                   "Refuse what is more (429), for each key; answers say what is left"},
        std::tuple{"--tokens-per-minute", &simulate->tokens_per_minute, "The same, of tokens"}})
    app->add_option(flag, *to, what)
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, limits::simulate_per_minute_max));
  app->add_flag("--strict", simulate->strict, "Refuse what the real APIs refuse");
  app->add_option("--models", simulate->models, "Serve only these (default: any name)")
      ->type_name("NAME,NAME")
      ->delimiter(',');
  app->add_option("--threads", simulate->threads, "I/O threads (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, limits::simulate_threads_max));
}

} // namespace troupe::cli
