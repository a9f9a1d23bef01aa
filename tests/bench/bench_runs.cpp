// Durable runs: tasks of three steps, alone and 32 at once, from another process; no-op tasks; the
// way back to 100,000 unfinished tasks; what a task takes in the journal. The yardsticks are synced
// puts of RocksDB by as many threads, and the same runs with `durability: off`.
#include "actors/agents/mind.hpp"
#include "config/limits/work.hpp"
#include "messages/journal.pb.h"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/submitter.hpp"
#include "tests/bench/synced_puts.hpp"
#include "tests/bench/two_processes.hpp"

#include <unistd.h>

#include <optional>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::info_of;
using test::whole_node;
using test::whole_node_options;

constexpr unsigned steps = 3;     ///< of each task, and as many waits for the disk,
constexpr unsigned waits = 1 + 3; ///< with the one for the run's beginning
constexpr std::uint64_t at_once = 32;

/// Asks a model three times, one after the other.
struct thrice_mind {
  struct state {
    unsigned asked = 0;
  };
  std::pair<state, commands> decide(state&& now, mind_event happened) const {
    commands todo;
    if (std::holds_alternative<message_received>(happened))
      now.asked = 0;
    auto* answer = std::get_if<model_answered>(&happened);
    if (answer && answer->error.code != ec::none) {
      todo.emplace_back(reply_failed{answer->error});
    } else if (now.asked == steps) {
      todo.emplace_back(reply_with{});
    } else {
      ask_model next{++now.asked, {}, false, {}};
      next.call.set_model("p/m");
      auto* question = next.call.add_messages();
      question->set_role("user");
      question->set_content(std::to_string(now.asked));
      todo.push_back(std::move(next));
    }
    return {now, std::move(todo)};
  }
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view) { return true; }
};

/// Never ends.
struct endless_mind {
  struct state {};
  std::pair<state, commands> decide(state&&, mind_event) const { return {}; }
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view) { return true; }
};

template <class Mind>
void add_task_role(role_table& all, const std::string& called) {
  role made;
  made.info.set_name(called);
  made.info.set_for_tasks(true);
  made.time_max = std::chrono::hours{1};
  made.make = [] { return make_mind<Mind>(); };
  all[called] = std::make_shared<const role>(std::move(made));
}

whole_node_options on_disk(const std::filesystem::path& data) {
  whole_node_options options;
  options.data = data;
  add_task_role<thrice_mind>(options.more_roles, "thrice");
  add_task_role<endless_mind>(options.more_roles, "endless");
  auto& provider = options.providers.providers.emplace_back();
  provider.name = "p";
  provider.calls_max = 1'000;
  provider.kind = provider_config::api::simulated;
  provider.simulate = {{"output_tokens", "1"}};
  options.cfg.agents.pool_size = static_cast<std::uint32_t>(at_once);
  return options;
}

Graph graph_of(const std::string& yaml) {
  auto made = parse_graph(yaml, "bench");
  if (!made)
    throw std::runtime_error(to_string(made.error()));
  return std::move(*made);
}

value_map list_of(std::uint64_t count) {
  value_map inputs;
  auto& items = *inputs["items"].mutable_list();
  for (std::uint64_t i = 0; i < count; ++i)
    items.add_items()->set_integer(static_cast<std::int64_t>(i));
  return inputs;
}

/// A node in a process of its own, which does the runs that this one submits.
class other_owner {
public:
  other_owner()
      : process_([this](const auto& announce, const auto& wait) {
          whole_node node{1, {info_of(2)}, on_disk(folder_.path())};
          announce(node.listen());
          wait();
          ::_exit(0);
        }) {}
  const std::string& place() const { return place_; }

private:
  temporary_folder folder_;
  other_process process_;
  std::string place_ = process_.place();
};

// -- tasks of three steps -------------------------------------------------------------------------

void tasks_of_three_steps() {
  other_owner owner;
  whole_node client{2, {info_of(1)}};
  client.dial(1, owner.place());
  if (!client.wait_for_members())
    throw std::runtime_error("the nodes do not find each other");
  auto one = graph_of("graph: one\ntasks: [{id: only, role: thrice}]\n");
  auto submitted = [&](std::uint64_t count, std::uint64_t open) {
    return drive<submitter>(client, submissions{.graph = one,
                                                .count = count,
                                                .at_once = open,
                                                .durability = DURABILITY_SYNC,
                                                .owner = whole_node::id_of(1)});
  };
  std::string row(100, 'x');
  compare(
      "a durable run of one task with three steps, alone", "ms", 5,
      [&] { return submitted(200, 1) / 1e3; }, "four synced puts of RocksDB",
      [&] { return waits * 1e3 / synced_puts(1, 800, row); });
  compare(
      "durable runs of one task with three steps, 32 at once (aim: 5000)", "1/s", 5,
      [&] { return 1e6 / submitted(4'000, at_once); }, "synced puts of RocksDB, 32 threads",
      [&] { return synced_puts(at_once, 300, row); });
}

// -- no-op tasks ----------------------------------------------------------------------------------

double noop_tasks(Durability durability) {
  temporary_folder folder;
  whole_node node{1, {}, on_disk(folder.path())};
  node.wait_for_members();
  auto graph = graph_of("graph: many\ninputs: {items: {type: list, required: true}}\n"
                        "tasks: [{id: a, role: noop, for_each: $inputs.items}]\n");
  auto us = drive<submitter>(node, submissions{.graph = std::move(graph),
                                               .inputs = list_of(limits::run_tasks_max),
                                               .durability = durability});
  return static_cast<double>(limits::run_tasks_max) * 1e6 / us;
}

// -- recovery -------------------------------------------------------------------------------------

constexpr std::uint64_t runs = 10, unfinished_each = 10'000; ///< and as many that are done

/// Submits the runs and tells when each was accepted; then it waits until they have got so far.
class leaver : public logic {
public:
  explicit leaver(std::promise<double>* done) : done_(done) {}
  void start(step_context& context, const address& self) override {
    auto graph = graph_of("graph: half\ninputs: {items: {type: list, required: true}}\n"
                          "tasks:\n  - {id: a, role: noop, for_each: $inputs.items}\n"
                          "  - {id: b, role: endless, for_each: $tasks.a}\n");
    for (std::uint64_t i = 1; i <= runs; ++i) {
      RunSubmit run;
      *run.mutable_graph() = graph;
      *run.mutable_inputs() = list_of(unfinished_each);
      run.set_durability(DURABILITY_SYNC);
      auto message = make_envelope(message_kind::request,
                                   address::of(service::coordinator, self.node), std::move(run));
      message.id = {session_id{7}, i};
      message.sender = self;
      context.out.send(std::move(message));
    }
  }
  void step(step_context&, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    if (auto why = failure_in(*message))
      throw std::runtime_error(why->message);
    if (message->body.as<RunAccepted>() && ++accepted_ == runs)
      done_->set_value(0);
  }

private:
  std::promise<double>* done_;
  std::uint64_t accepted_ = 0;
};

/// Until a node that was killed with 100,000 unfinished tasks has read them again, and does a run.
void recovery() {
  temporary_folder folder;
  {
    other_process first{[&](const auto& announce, const auto& wait) {
      whole_node node{1, {}, on_disk(folder.path())};
      node.wait_for_members();
      drive<leaver>(node);
      auto done = runs * (1 + unfinished_each); // each run has begun, and each `a` has ended
      while (node.host().counted.plain().journal_records < done)
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
      announce("there");
      wait();
      ::_exit(0);
    }};
  }
  auto begun = std::chrono::steady_clock::now();
  whole_node node{1, {}, on_disk(folder.path())};
  node.wait_for_members();
  drive<submitter>(node, builtin_graph("graphs/chain.yaml"), std::uint64_t{1});
  report("from the start of a node until it goes on with 100,000 unfinished tasks, as many done",
         "s", seconds_since(begun), "aim: 5");
}

// -- bytes ----------------------------------------------------------------------------------------

void journal_bytes() {
  constexpr std::uint64_t tasks = 2'000;
  temporary_folder folder;
  std::uint64_t written = 0;
  {
    whole_node node{1, {}, on_disk(folder.path())};
    node.wait_for_members();
    auto graph = graph_of("graph: many\ninputs: {items: {type: list, required: true}}\n"
                          "tasks: [{id: a, role: thrice, for_each: $inputs.items}]\n");
    auto submitted = [&](std::uint64_t count) {
      drive<submitter>(
          node,
          submissions{.graph = graph, .inputs = list_of(count), .durability = DURABILITY_SYNC});
      return node.host().counted.plain().journal_bytes.load();
    };
    auto of_one = submitted(1);
    written = submitted(tasks + 1) - of_one - of_one;
  }
  std::uint64_t payloads = 0;
  auto store = open_journal(folder.path() / "journal");
  if (!store)
    throw std::runtime_error(store.error().message);
  auto ended = (*store)->ended(RunPhase{}, "", 2);
  if (!ended)
    throw std::runtime_error(ended.error().message);
  for (const auto& run : ended->runs())
    for (std::uint64_t after = 0;;) {
      auto page = (*store)->read(run.run(), after, 1U << 20);
      if (!page || !*page)
        throw std::runtime_error("a run cannot be read");
      for (const auto& bytes : (*page)->events) {
        RunEvent event;
        event.ParseFromString(bytes);
        payloads += event.step().step().outcome().size() + event.task_succeeded().output().size();
      }
      after += (*page)->events.size();
      if (!(*page)->more)
        break;
    }
  report("bytes in the journal for a task of three steps, without payloads", "B",
         static_cast<double>(written - payloads) / static_cast<double>(tasks), "aim: 400");
}

} // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  tasks_of_three_steps(); // first: its process is made while this one has no threads
  recovery();
  journal_bytes();
  compare(
      "no-op tasks through one durable run of 100,000 (aim: 50000)", "1/s", 5,
      [] { return noop_tasks(DURABILITY_SYNC); }, "the same run with durability: off",
      [] { return noop_tasks(DURABILITY_OFF); });
}
