#include "tests/sim/workload.hpp"

#include "actors/coordination/graph_yaml.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t keepers = 6;
constexpr std::size_t librarians = 3;
constexpr std::size_t talkative = 4; ///< quick agents, and talkers
constexpr auto fact_time = 20s;
constexpr std::size_t items_max = 24;
constexpr std::size_t quick_items_max = 100;

Graph read_graph(std::string_view yaml) {
  auto graph = parse_graph(yaml, "simulated.yaml");
  if (!graph)
    throw std::runtime_error{to_string(graph.error())};
  return std::move(*graph);
}

/// A graph of one step for each of the roles: step0, step1, ..., last. Each has a task for each of
/// `items`, which works on what the step before gave for it. Tasks of `quick` are told the number
/// of their run; their owner does them itself, agents do the others.
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
    yaml += "  - id: " + id + "\n    role: " + called + "\n    for_each: " + list + "\n    input: {"
            + (called == "quick" ? "run: $inputs.run, " : "")
            + "item: $item}\n    attempts: 10\n    limits: {time: 3s}\n";
    list = "$tasks." + id;
  }
  return read_graph(yaml + "result: " + list + "\n");
}

const Graph& graph_of(graph_kind kind) {
  static const Graph all[] = {graph_of_steps("tellers", {"teller"}),
                              graph_of_steps("mixed", {"quick", "teller", "quick"}),
                              graph_of_steps("quick", {"quick", "quick"})};
  return all[static_cast<std::size_t>(kind)];
}

} // namespace

std::size_t tasks_of_item(graph_kind kind) {
  return static_cast<std::size_t>(graph_of(kind).tasks_size());
}

workload::workload(world& in, std::uint64_t seed, std::chrono::nanoseconds until)
    : world_(in), dice_(seed, 5), until_(in.now() + until), rest_max_(dice_.between(10ms, 500ms)) {
  for (std::size_t i = 0; i < in.clients(); ++i) {
    std::vector<machine> nodes;
    for (std::size_t n = 0; n < in.nodes(); ++n)
      nodes.push_back((n + i) % in.nodes());
    clients_.push_back(std::make_unique<client>(in.on(), in.client_machine(i), session_id{100 + i},
                                                std::move(nodes), dice_));
  }
}

void workload::begin() {
  for (std::size_t lane = 0; lane < lanes * clients_.size(); ++lane) {
    ++busy_;
    next(lane);
  }
}

bool workload::done() const { return busy_ == 0 && waiting().empty(); }

std::vector<std::string> workload::waiting() const {
  std::vector<std::string> all;
  for (const auto& one : clients_)
    for (auto& text : one->silent_since(std::chrono::nanoseconds{-1}))
      all.push_back(std::move(text));
  return all;
}

std::uint64_t workload::repetitions() const {
  std::uint64_t sum = 0;
  for (const auto& one : clients_)
    sum += one->repetitions();
  return sum;
}

void workload::next(std::size_t lane) {
  world_.on().when.later(dice_.between(1ms, rest_max_), [this, lane] {
    if (world_.now() >= until_) {
      --busy_;
      return;
    }
    switch (dice_.below(10)) {
      case 0:
      case 1:
        return submit(lane);
      case 2:
        return store_document(lane);
      case 3:
        return ask_librarian(lane);
      case 4:
        return tell(lane, to_quick_, "quick/");
      case 5:
        return tell(lane, to_talkers_, "talker/");
      default:
        return tell_fact(lane);
    }
  });
}

void workload::tell_fact(std::size_t lane) {
  auto& fact = *facts_.emplace_back(std::make_unique<told_fact>());
  fact.keeper = "keeper/" + std::to_string(dice_.below(keepers));
  fact.text = "fact-" + std::to_string(facts_.size());
  AgentMessage message;
  message.set_text(fact.text);
  auto request = make_envelope(message_kind::request, address::of_agent(name{fact.keeper}),
                               std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &fact, asked](envelope& reply) {
    auto failed = failure_in(reply);
    fact.answer = failed ? failed->code : ec::none;
    fact.why = failed ? failed->message : "";
    fact.took = world_.now() - asked;
    next(lane);
  });
}

void workload::store_document(std::size_t lane) {
  auto& document = *documents_.emplace_back(std::make_unique<told_document>());
  document.librarian = "librarian/" + std::to_string(dice_.below(librarians));
  BlobPut put;
  put.set_name("document-" + std::to_string(documents_.size()));
  put.set_bytes("The " + put.name() + " says that the key is under the mat. It says no more.");
  client_of(lane).ask(
      make_envelope(message_kind::request, address::of(service::blobs), std::move(put)),
      [this, lane, &document](envelope& reply) {
        if (auto stored = reply.body.as<BlobStored>())
          remember(lane, document, std::move(*stored->mutable_blob()));
        else
          next(lane);
      });
}

void workload::remember(std::size_t lane, told_document& document, BlobRef blob) {
  document.sha256 = blob.sha256();
  AgentMessage message;
  message.set_text("Remember the file " + blob.name());
  *message.add_documents() = std::move(blob);
  auto request = make_envelope(message_kind::request, address::of_agent(name{document.librarian}),
                               std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &document, asked](envelope& reply) {
    auto failed = failure_in(reply);
    document.answer = failed ? failed->code : ec::none;
    document.took = world_.now() - asked;
    next(lane);
  });
}

void workload::ask_librarian(std::size_t lane) {
  AgentMessage message;
  message.set_text("Where is the key?");
  auto whom = "librarian/" + std::to_string(dice_.below(librarians));
  auto request =
      make_envelope(message_kind::request, address::of_agent(name{whom}), std::move(message));
  request.remaining = fact_time;
  client_of(lane).ask(std::move(request), [this, lane](envelope&) { next(lane); });
}

void workload::tell(std::size_t lane, std::vector<std::unique_ptr<told_text>>& all,
                    std::string agent) {
  auto& told = *all.emplace_back(std::make_unique<told_text>());
  told.agent = std::move(agent) + std::to_string(dice_.below(talkative));
  told.text = "text-" + std::to_string(all.size());
  AgentMessage message;
  message.set_text(told.text);
  auto request =
      make_envelope(message_kind::request, address::of_agent(name{told.agent}), std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &told, asked](envelope& reply) {
    auto failed = failure_in(reply);
    told.answer = failed ? failed->code : ec::none;
    if (auto said = reply.body.as<AgentReply>())
      told.reply = said->text();
    told.took = world_.now() - asked;
    next(lane);
  });
}

void workload::submit(std::size_t lane) {
  auto& run = *runs_.emplace_back(std::make_unique<asked_run>());
  run.number = static_cast<std::int64_t>(runs_.size());
  run.graph = static_cast<graph_kind>(dice_.below(3));
  run.durable = dice_.below(2) == 0;
  run.items = 1 + dice_.below(run.graph == graph_kind::quick ? quick_items_max : items_max);
  RunSubmit wanted;
  *wanted.mutable_graph() = graph_of(run.graph);
  wanted.set_durability(run.durable ? DURABILITY_SYNC : DURABILITY_OFF);
  (*wanted.mutable_inputs())["run"].set_integer(run.number);
  for (std::size_t i = 0; i < run.items; ++i)
    (*wanted.mutable_inputs())["items"].mutable_list()->add_items()->set_integer(
        static_cast<std::int64_t>(i));
  auto answered = [this, lane, &run](envelope& reply) {
    if (auto failed = failure_in(reply)) {
      run.refused = failed->code;
      next(lane);
    } else {
      run.accepted = true;
      run.id = reply.body.as<RunAccepted>()->run();
    }
  };
  auto asked = world_.now();
  auto others = [this, lane, &run, asked](envelope& event) {
    auto end = event.body.as<RunEnded>();
    if (!end)
      return;
    run.ended = std::move(*end);
    run.took = world_.now() - asked;
    next(lane);
  };
  client_of(lane).ask(
      make_envelope(message_kind::request, address::of(service::coordinator), std::move(wanted)),
      answered, others);
}

} // namespace troupe::sim
