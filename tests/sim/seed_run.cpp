#include "tests/sim/seed_run.hpp"

#include "tests/sim/checks.hpp"
#include "tests/sim/minds.hpp"
#include "tests/sim/provider.hpp"
#include "tests/sim/workload.hpp"

#include <algorithm>

namespace troupe::sim {

using namespace std::chrono_literals;

namespace {

constexpr auto busy_time = 40s;   ///< in which clients ask and faults happen
constexpr auto quiet_time = 180s; ///< at most, until everything is answered

world_options options_of(std::uint64_t seed, const role_table& roles) {
  dice drawn{seed, 6};
  world_options options;
  options.nodes = 1 + drawn.below(4);
  options.clients = 1 + drawn.below(3);
  options.roles = roles;
  options.cfg.agents.pool_size = static_cast<std::uint32_t>(1 + drawn.below(4));
  options.cfg.agents.idle = std::chrono::ceil<std::chrono::milliseconds>(drawn.between(200ms, 5s));
  options.cfg.storage.blob_keep =
      std::chrono::ceil<std::chrono::milliseconds>(drawn.between(1s, 30s));
  options.cfg.models.offline_delay =
      std::chrono::ceil<std::chrono::milliseconds>(drawn.between(1ms, 800ms));
  options.network.latency_min = drawn.between(20us, 1ms);
  options.network.latency_max = options.network.latency_min + drawn.between(0ms, 20ms);
  options.network.lost_once_in = drawn.once_in(2) ? 0 : 20 + drawn.below(200);
  options.turn_max = drawn.between(1us, drawn.once_in(4) ? 2ms : 50us);
  auto& far = options.cfg.catalog.providers.emplace_back();
  far.name = "far";
  far.base_url = "http://far/v1";
  return options;
}

provider::options provider_of(std::uint64_t seed) {
  dice drawn{seed, 7};
  provider::options how;
  how.pieces = 1 + drawn.below(30);
  how.pieces_of_event = 8;
  how.latency_max = drawn.between(100us, 500ms);
  how.refuses_once_in = drawn.once_in(2) ? 2 + drawn.below(10) : 0;
  how.cuts_once_in = drawn.once_in(2) ? 2 + drawn.below(20) : 0;
  return how;
}

} // namespace

seed_report run_seed(std::uint64_t seed, std::function<void(const std::string&)> trace) {
  auto answers = std::make_shared<quick_answers>();
  auto listener = std::make_shared<chain_listener>();
  auto options = options_of(seed, simulated_roles(answers, listener));
  dice of_provider{seed, 8};
  provider_ledger ledger;
  options.provider = [&, how = provider_of(seed)](process& node) {
    return std::make_unique<provider>(node, how, of_provider, ledger);
  };
  world w{seed, std::move(options)};
  w.on().trace = std::move(trace);
  w.on().debugs = bool{w.on().trace};
  checker checks{w, *answers, ledger};
  listener->hears = [&checks](std::int64_t answer) { checks.hears(answer); };
  checks.talkers_say = provider::text_of(provider_of(seed).pieces);
  fault_maker faults{w, seed, busy_time};
  workload asked{w, seed, busy_time};
  auto begun = w.now();
  faults.begin();
  asked.begin();
  w.run_until([&] { return faults.over() && asked.done(); }, busy_time + quiet_time);
  w.run_until([] { return false; }, 5s); // what nobody waits for may still be given up
  checks.await_left_runs(quiet_time);
  seed_report report;
  report.seed = seed;
  report.simulated_seconds = std::chrono::duration<double>(w.now() - begun).count();
  report.repetitions = asked.repetitions();
  report.steps = w.on().steps;
  report.failed_steps = w.on().failed_steps;
  for (std::size_t i = 0; i < w.nodes(); ++i)
    report.lives += w.lives(i);
  report.faults = faults.made();
  report.facts = asked.facts().size();
  report.acknowledged = static_cast<std::size_t>(
      std::count_if(asked.facts().begin(), asked.facts().end(),
                    [](const auto& fact) { return fact->answer == ec::none; }));
  report.documents = asked.documents().size();
  report.runs = asked.runs().size();
  report.runs_ended_well = static_cast<std::size_t>(
      std::count_if(asked.runs().begin(), asked.runs().end(),
                    [](const auto& run) { return run->ended && run->ended->ok(); }));
  report.whole_answers = ledger.whole;
  report.bad_answers = ledger.refused + ledger.cut;
  if (!ledger.open.empty())
    report.wrong.push_back(std::to_string(ledger.open.size()) + " calls of the provider are open");
  checks.pauses = faults.made().contains(fault::pause);
  for (auto& what : checks.judge(asked))
    report.wrong.push_back(std::move(what));
  report.done_by_owners = checks.of_runs().done_by_owners();
  report.ended_alone = checks.of_runs().ended_alone();
  report.paid_again = checks.of_steps().paid_again();
  report.taken_up = checks.taken_up();
  report.hash = w.trace_hash();
  return report;
}

std::string to_string(const seed_report& report) {
  auto text =
      "seed " + std::to_string(report.seed) + ": " + std::to_string(report.lives) + " lives, "
      + std::to_string(report.steps) + " steps (" + std::to_string(report.failed_steps)
      + " failed), " + std::to_string(report.facts) + " facts ("
      + std::to_string(report.acknowledged) + " acknowledged), " + std::to_string(report.documents)
      + " documents, " + std::to_string(report.runs) + " runs ("
      + std::to_string(report.runs_ended_well) + " well), " + std::to_string(report.repetitions)
      + " repetitions, " + std::to_string(report.done_by_owners) + " tasks of owners, "
      + std::to_string(report.ended_alone) + " ended alone, " + std::to_string(report.paid_again)
      + " calls paid again, " + std::to_string(report.whole_answers) + " whole and "
      + std::to_string(report.bad_answers) + " bad answers of models, "
      + std::to_string(report.taken_up) + " messages taken up";
  for (const auto& [kind, times] : report.faults)
    text += ", " + std::to_string(times) + " x " + std::string{to_string(kind)};
  return text;
}

} // namespace troupe::sim
