#include "tests/sim/run_workload.hpp"

#include "actors/coordination/graph_yaml.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t items_max = 24;
constexpr std::size_t quick_items_max = 100;
constexpr std::size_t chains_max = 6;
constexpr std::size_t recent = 8; ///< runs that clients remember
constexpr auto attach_pause = 1s;
constexpr int attach_tries = 30;

Graph read_graph(std::string_view yaml) {
  auto graph = parse_graph(yaml, "simulated.yaml");
  if (!graph)
    throw std::runtime_error{to_string(graph.error())};
  return std::move(*graph);
}

/// A graph of one step for each of the roles: step0, step1, ..., last. Each has a task for each of
/// `items`, which works on what the step before gave for it. Tasks of `quick` and `chain` are told
/// the number of their run. Owners do those of `quick` themselves, agents do the others.
Graph graph_of_steps(const std::string& title, const std::vector<std::string>& roles) {
  std::string yaml = "graph: " + title
                     + "\ndescription: simulated\ninputs:\n"
                       "  run: {type: integer, required: true, help: its number, example: \"1\"}\n"
                       "  items: {type: list, required: true, help: what to do, example: \"[1]\"}\n"
                       "tasks:\n";
  std::string list = "$inputs.items";
  for (const auto& called : roles) {
    auto number = &called - roles.data();
    auto id = &called == &roles.back() ? "last" : "step" + std::to_string(number);
    bool is_told = called == "quick" || called == "chain";
    yaml += "  - id: " + id + "\n    role: " + called + "\n    for_each: " + list + "\n    input: {"
            + (is_told ? "run: $inputs.run, " : "")
            + "item: $item}\n    attempts: 10\n    limits: {time: 3s}\n";
    list = "$tasks." + id;
  }
  return read_graph(yaml + "result: " + list + "\n");
}

const Graph& graph_of(graph_kind kind) {
  static const Graph all[graph_kinds] = {
      graph_of_steps("tellers", {"teller"}), graph_of_steps("mixed", {"quick", "teller", "quick"}),
      graph_of_steps("quick", {"quick", "quick"}), graph_of_steps("chains", {"chain"})};
  return all[static_cast<std::size_t>(kind)];
}

std::size_t most_items(graph_kind kind) {
  switch (kind) {
    case graph_kind::quick:
      return quick_items_max;
    case graph_kind::chains:
      return chains_max;
    default:
      return items_max;
  }
}

} // namespace

std::size_t tasks_of_item(graph_kind kind) {
  return static_cast<std::size_t>(graph_of(kind).tasks_size());
}

/// With a key it may be one that was submitted before: then it is wanted once more.
asked_run& run_workload::draw() {
  auto& run = *runs_.emplace_back(std::make_unique<asked_run>());
  run.number = static_cast<std::int64_t>(runs_.size());
  run.graph = static_cast<graph_kind>(dice_.below(graph_kinds));
  run.items = 1 + dice_.below(most_items(run.graph));
  static constexpr Durability kinds[] = {DURABILITY_OFF, DURABILITY_ASYNC, DURABILITY_SYNC,
                                         DURABILITY_SYNC};
  run.durability = kinds[dice_.below(std::size(kinds))];
  if (!run.durable() || !dice_.once_in(3))
    return run;
  if (with_keys_.empty() || dice_.once_in(2)) {
    run.key = "key " + std::to_string(run.number);
    with_keys_.push_back(&run);
    return run;
  }
  auto first = with_keys_.size() - std::min(with_keys_.size(), recent);
  const auto& before = *with_keys_[first + dice_.below(with_keys_.size() - first)];
  run.key = before.key;
  run.number = before.number;
  run.graph = before.graph;
  run.items = before.items;
  return run;
}

void run_workload::submit(client& by, heard then) {
  auto& run = draw();
  RunSubmit wanted;
  *wanted.mutable_graph() = graph_of(run.graph);
  wanted.set_durability(run.durability);
  wanted.set_key(run.key);
  (*wanted.mutable_inputs())["run"].set_integer(run.number);
  for (std::size_t i = 0; i < run.items; ++i)
    (*wanted.mutable_inputs())["items"].mutable_list()->add_items()->set_integer(
        static_cast<std::int64_t>(i));
  auto to = address::of(service::coordinator);
  if (!run.key.empty()) // all submissions with a key go to one node, wherever they come from
    to.node = world_.id(static_cast<std::size_t>(run.number) % world_.nodes());
  begin(by, run, make_envelope(message_kind::request, to, std::move(wanted)), then);
}

/// Some clients leave a durable run as soon as it is accepted.
void run_workload::begin(client& by, asked_run& run, envelope request, const heard& then) {
  bool leaves = run.durable() && dice_.once_in(3);
  auto asked = world_.now();
  auto answered = [this, &by, &run, then, leaves](envelope& reply) {
    auto accepted = reply.body.as<RunAccepted>();
    if (accepted) {
      run.accepted = true;
      run.id = accepted->run();
      run.owner = reply.sender.node;
      run.durability = accepted->durability();
      if (leaves) {
        by.leave(reply.id);
        then();
      }
      return;
    }
    if (run.accepted && run.durable()) // its client cannot wait for it any more, and comes back
      return attach(by, run, attach_tries, then);
    run.refused = failure_in(reply)->code;
    then();
  };
  auto others = [this, &run, then, asked](envelope& event) {
    auto end = event.body.as<RunEnded>();
    if (!end)
      return;
    run.ended = std::move(*end);
    run.took = world_.now() - asked;
    then();
  };
  run.submission = by.ask(std::move(request), answered, others);
}

void run_workload::look_after(client& by, heard then) {
  std::vector<asked_run*> known;
  for (auto at = runs_.rbegin(); at != runs_.rend() && known.size() < recent; ++at)
    if ((*at)->accepted && (*at)->durable())
      known.push_back(at->get());
  if (known.empty())
    return submit(by, std::move(then));
  auto& run = *known[dice_.below(known.size())];
  switch (dice_.below(6)) {
    case 0:
      return cancel(by, run, then);
    case 1:
    case 2:
      // What is asked of a model names its run by its number, which a repetition shares.
      if (run.graph != graph_kind::chains)
        return repeat(by, run, then);
      [[fallthrough]];
    default:
      return attach(by, run, attach_tries, then);
  }
}

envelope run_workload::to_owner(const asked_run& run, payload body) const {
  auto request = make_envelope(message_kind::request, address::of(service::coordinator, run.owner),
                               RunsAsked{});
  request.body = std::move(body);
  return request;
}

/// As `troupe runs attach` does, again and again for a while.
void run_workload::attach(client& by, asked_run& run, int tries, const heard& then) {
  RunAttach wanted;
  wanted.set_run(run.id);
  auto answered = [this, &by, &run, tries, then](envelope& reply) {
    auto why = failure_in(reply);
    if (!why)
      return;
    bool may_pass = why->code != ec::not_found;
    if (!may_pass || tries == 0) {
      run.lost = why->code;
      return then();
    }
    world_.on().when.later(attach_pause,
                           [this, &by, &run, tries, then] { attach(by, run, tries - 1, then); });
  };
  auto others = [&run, then](envelope& event) {
    auto end = event.body.as<RunEnded>();
    if (!end)
      return;
    run.told.push_back(std::move(*end));
    then();
  };
  by.ask(to_owner(run, payload::of(std::move(wanted))), answered, others);
}

void run_workload::cancel(client& by, asked_run& run, const heard& then) {
  RunCancel wanted;
  wanted.set_run(run.id);
  by.ask(to_owner(run, payload::of(std::move(wanted))), [&run, then](envelope& reply) {
    if (auto end = reply.body.as<RunEnded>())
      run.cancelled = std::move(*end);
    then();
  });
}

void run_workload::repeat(client& by, const asked_run& run, const heard& then) {
  auto& again = *runs_.emplace_back(std::make_unique<asked_run>());
  again.number = run.number;
  again.graph = run.graph;
  again.items = run.items;
  again.durability = run.durability;
  again.repeats = true;
  again.keeps_results = dice_.once_in(2);
  RunRetry wanted;
  wanted.set_run(run.id);
  wanted.set_failed(again.keeps_results);
  begin(by, again, to_owner(run, payload::of(std::move(wanted))), then);
}

} // namespace troupe::sim
