#include "actors/coordination/run_state.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {
namespace {

using status = run_state::status;

std::unique_ptr<run_state> begin_run(const Graph& graph, value_map inputs = {}) {
  auto made = run_state::create(graph, std::move(inputs), nullptr);
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return made ? *std::move(made) : nullptr;
}

/// The ids of all ready tasks, taken out.
std::vector<std::uint32_t> take_ready(run_state& run) {
  std::vector<std::uint32_t> taken;
  for (std::uint32_t role = 0; role < run.roles().size(); ++role)
    while (run.has_ready(role))
      taken.push_back(run.take_ready(role));
  return taken;
}

std::vector<std::string> ready_ids(run_state& run) {
  std::vector<std::string> ids;
  for (auto task : take_ready(run)) {
    ids.push_back(run.id_of(task));
    run.offered(task);
  }
  return ids;
}

std::uint32_t task_of(const run_state& run, const std::string& id) {
  for (std::uint32_t task = 0; task < run.size(); ++task)
    if (run.id_of(task) == id)
      return task;
  ADD_FAILURE() << "no task " << id;
  return 0;
}

result<Task> make_task(run_state& run, std::uint32_t task) {
  Task made;
  if (auto filled = run.fill_task(task, made); !filled)
    return unexpected{std::move(filled).error()};
  return made;
}

using ids = std::vector<std::string>;

Graph digest() {
  return graph_of(R"(
graph: digest
inputs: {dir: {type: folder, required: true}, question: {type: text}}
tasks:
  - id: read
    role: reader
    for_each: $inputs.dir.documents
    input: {document: $item, question: $inputs.question}
  - id: edit
    role: editor
    input: {readings: $tasks.read, skipped: $inputs.dir.skipped}
result: $tasks.edit
)");
}

value_map folder(std::vector<std::string> names) {
  std::vector<Value> documents;
  for (auto& called : names)
    documents.push_back(blob_value(called));
  value_map inputs;
  inputs["dir"] = map_value({{"documents", list_value(documents)}, {"skipped", list_value({})}});
  inputs["question"] = text_value("why?");
  return inputs;
}

TEST(run_state, unfolds_a_for_each_over_an_input_at_once) {
  auto run = begin_run(digest(), folder({"GPL-3", "MIT"}));
  EXPECT_EQ(run->count().total(), 3u);
  EXPECT_EQ(ready_ids(*run), (ids{"read[0]", "read[1]"}));
  EXPECT_EQ(run->label_of(0), run->label_of(task_of(*run, run->id_of(0))));
  EXPECT_EQ(run->label_of(task_of(*run, "read[1]")), "read MIT");
  auto task = make_task(*run, task_of(*run, "read[0]"));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->role(), "reader");
  EXPECT_EQ(task->label(), "read GPL-3");
  EXPECT_EQ(task->attempt(), 1u);
  EXPECT_EQ(task->input().at("document").blob().name(), "GPL-3");
  EXPECT_EQ(task->input().at("question").text(), "why?");
}

TEST(run_state, gives_the_results_of_a_for_each_as_a_list_in_its_order) {
  auto run = begin_run(digest(), folder({"a", "b"}));
  ready_ids(*run);
  succeed(*run, task_of(*run, "read[1]"), text_value("two"), {});
  EXPECT_EQ(ready_ids(*run), ids{});
  succeed(*run, task_of(*run, "read[0]"), text_value("one"), {});
  EXPECT_EQ(ready_ids(*run), ids{"edit"});
  auto task = make_task(*run, task_of(*run, "edit"));
  ASSERT_TRUE(task);
  const auto& readings = task->input().at("readings").list();
  ASSERT_EQ(readings.items_size(), 2);
  EXPECT_EQ(readings.items(0).text(), "one");
  EXPECT_EQ(readings.items(1).text(), "two");
  EXPECT_FALSE(run->ended());
  succeed(*run, task_of(*run, "edit"), text_value("report"), {node_b, {10, 5, 2'000}, 7});
  EXPECT_TRUE(run->ended() && run->ok());
  RunEnded ended;
  run->report(ended);
  EXPECT_TRUE(ended.ok());
  EXPECT_EQ(ended.result().text(), "report");
  ASSERT_EQ(ended.tasks_size(), 3);
  EXPECT_EQ(ended.tasks(2).task(), "edit");
  EXPECT_EQ(ended.tasks(2).node(), to_bytes(node_b));
  EXPECT_EQ(ended.tasks(2).input_tokens(), 10u);
  EXPECT_EQ(ended.tasks(2).cost_nano_usd(), 2'000);
}

TEST(run_state, runs_a_for_each_over_nothing) {
  auto run = begin_run(digest(), folder({}));
  EXPECT_EQ(run->count().total(), 1u);
  EXPECT_EQ(ready_ids(*run), ids{"edit"});
  auto task = make_task(*run, task_of(*run, "edit"));
  EXPECT_EQ(task->input().at("readings").list().items_size(), 0);
}

TEST(run_state, starts_a_task_the_moment_its_inputs_are_there) {
  auto run = begin_run(graph_of(R"(
graph: g
tasks:
  - {id: a, role: x}
  - {id: b, role: x}
  - {id: after-a, role: y, needs: [a]}
  - {id: after-both, role: y, needs: [a, b]}
)"));
  EXPECT_EQ(ready_ids(*run), (ids{"a", "b"}));
  succeed(*run, task_of(*run, "a"), {}, {});
  EXPECT_EQ(ready_ids(*run), ids{"after-a"}) << "b still runs";
  succeed(*run, task_of(*run, "b"), {}, {});
  EXPECT_EQ(ready_ids(*run), ids{"after-both"});
}

TEST(run_state, goes_element_by_element_from_for_each_to_for_each) {
  auto run = begin_run(graph_of(R"(
graph: g
inputs: {names: {type: list, default: [x, y]}}
tasks:
  - {id: a, role: r, for_each: $inputs.names, input: {n: $item}}
  - {id: b, role: r, for_each: $tasks.a.part, input: {n: $item}}
  - {id: c, role: r, for_each: $tasks.b, input: {n: $item, all: $tasks.a}}
result: $tasks.c
)"));
  EXPECT_EQ(run->count().total(), 6u);
  EXPECT_EQ(ready_ids(*run), (ids{"a[0]", "a[1]"}));
  succeed(*run, task_of(*run, "a[1]"), map_value({{"part", text_value("p1")}}), {});
  EXPECT_EQ(ready_ids(*run), ids{"b[1]"}) << "a[0] still runs";
  auto b1 = make_task(*run, task_of(*run, "b[1]"));
  EXPECT_EQ(b1->input().at("n").text(), "p1");
  EXPECT_EQ(b1->label(), "b y");
  succeed(*run, task_of(*run, "b[1]"), text_value("q1"), {});
  EXPECT_EQ(ready_ids(*run), ids{}) << "c wants all of a besides";
  succeed(*run, task_of(*run, "a[0]"), map_value({{"part", text_value("p0")}}), {});
  EXPECT_EQ(ready_ids(*run), (ids{"b[0]", "c[1]"}));
  succeed(*run, task_of(*run, "b[0]"), text_value("q0"), {});
  EXPECT_EQ(ready_ids(*run), ids{"c[0]"});
  succeed(*run, task_of(*run, "c[0]"), text_value("r0"), {});
  succeed(*run, task_of(*run, "c[1]"), text_value("r1"), {});
  ASSERT_TRUE(run->ok());
  RunEnded ended;
  run->report(ended);
  EXPECT_EQ(ended.result().list().items(1).text(), "r1");
}

TEST(run_state, unfolds_over_the_result_of_a_task_when_it_is_there) {
  auto graph = graph_of(R"(
graph: g
tasks:
  - {id: list, role: r}
  - {id: each, role: r, for_each: $tasks.list.items, input: {i: $item.name}}
  - {id: last, role: r, needs: [each]}
)");
  auto run = begin_run(graph);
  EXPECT_EQ(run->count().total(), 3u);
  EXPECT_EQ(ready_ids(*run), ids{"list"});
  auto item = map_value({{"name", text_value("n")}});
  succeed(*run, task_of(*run, "list"), map_value({{"items", list_value({item, item, item})}}), {});
  EXPECT_EQ(run->count().total(), 5u);
  EXPECT_EQ(ready_ids(*run), (ids{"each[0]", "each[1]", "each[2]"}));
  auto task = make_task(*run, task_of(*run, "each[2]"));
  EXPECT_EQ(task->input().at("i").text(), "n");
  EXPECT_EQ(task->label(), "each n");

  auto wrong = begin_run(graph);
  ready_ids(*wrong);
  succeed(*wrong, task_of(*wrong, "list"), map_value({{"items", text_value("none")}}), {});
  EXPECT_TRUE(wrong->ended());
  RunEnded ended;
  wrong->report(ended);
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.tasks(1).failure().message(), "for_each wants a list, found a text");
  EXPECT_EQ(ended.tasks(2).failure().code(), static_cast<std::uint32_t>(ec::task_failed));
  EXPECT_EQ(
      ended.failure().message(),
      "1 of 3 tasks failed, first `each`: for_each wants a list, found a text; 1 was not run");
}

TEST(run_state, goes_on_beside_a_failure_and_says_why_the_rest_was_not_run) {
  auto run = begin_run(graph_of(R"(
graph: g
inputs: {names: {type: list, default: [x, y]}}
tasks:
  - {id: a, role: r, for_each: $inputs.names}
  - {id: b, role: r, for_each: $tasks.a}
  - {id: all, role: r, needs: [b]}
  - {id: end, role: r, needs: [all]}
  - {id: beside, role: r}
result: $tasks.end
)"));
  ready_ids(*run);
  run->failed(task_of(*run, "a[0]"), {ec::agent_failed, "it fell"}, {});
  EXPECT_EQ(run->status_of(task_of(*run, "b[0]")), status::not_run);
  EXPECT_EQ(run->status_of(task_of(*run, "end")), status::not_run);
  EXPECT_FALSE(run->ended()) << "a[1] and beside still run";
  succeed(*run, task_of(*run, "a[1]"), {}, {});
  EXPECT_EQ(ready_ids(*run), ids{"b[1]"}) << "its own element is fine";
  succeed(*run, task_of(*run, "b[1]"), {}, {});
  succeed(*run, task_of(*run, "beside"), {}, {});
  EXPECT_TRUE(run->ended());
  RunEnded ended;
  run->report(ended);
  EXPECT_FALSE(ended.ok() || ended.has_result());
  EXPECT_EQ(ended.failure().code(), static_cast<std::uint32_t>(ec::task_failed));
  EXPECT_EQ(ended.failure().message(), "1 of 7 tasks failed, first `a x`: it fell; 3 were not run");
  std::map<std::string, std::string> why;
  for (const auto& task : ended.tasks())
    why[task.task()] = task.failure().message();
  EXPECT_EQ(why["b[0]"], "not run: it needs `a[0]`, which failed: it fell");
  EXPECT_EQ(why["all"], "not run: it needs `b[0]`, which was not run");
  EXPECT_EQ(why["end"], "not run: it needs `all`, which was not run");
  EXPECT_EQ(why["beside"], "");
}

TEST(run_state, tells_what_an_input_lacks) {
  auto run = begin_run(graph_of(R"(
graph: g
tasks:
  - {id: a, role: r}
  - {id: b, role: r, input: {x: $tasks.a.summary}}
)"));
  ready_ids(*run);
  succeed(*run, task_of(*run, "a"), text_value("plain"), {});
  auto task = make_task(*run, task_of(*run, "b"));
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code, ec::invalid_argument);
  EXPECT_EQ(task.error().message, "the input `x`: there is no field `summary` in a text");
}

TEST(run_state, takes_the_field_of_a_list_as_the_list_of_that_field) {
  auto run = begin_run(graph_of(R"(
graph: g
inputs: {people: {type: list, default: [{name: ada, age: 36}, {name: alan, age: 41}]}}
tasks:
  - {id: a, role: r, input: {ages: $inputs.people.age}}
  - {id: b, role: r, for_each: $inputs.people.name, input: {who: $item}}
)"));
  auto a = make_task(*run, task_of(*run, "a"));
  ASSERT_TRUE(a);
  EXPECT_EQ(a->input().at("ages").list().items(1).integer(), 41);
  auto b = make_task(*run, task_of(*run, "b[1]"));
  ASSERT_TRUE(b);
  EXPECT_EQ(b->input().at("who").text(), "alan");
}

TEST(run_state, leaves_out_an_optional_input_that_was_not_given) {
  auto run = begin_run(graph_of("graph: g\ninputs: {q: {type: text}, l: {type: list}}\ntasks:\n"
                                "  - {id: a, role: r, input: {q: $inputs.q, z: 1}}\n"
                                "  - {id: b, role: r, for_each: $inputs.l}\n"));
  EXPECT_EQ(run->count().total(), 1u);
  auto task = make_task(*run, 0);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->input_size(), 1);
}

TEST(run_state, refuses_more_tasks_than_a_run_may_have) {
  auto graph = graph_of("graph: g\ninputs: {l: {type: list}}\ntasks:\n"
                        "  - {id: a, role: r, for_each: $inputs.l}\n");
  value_map inputs;
  for (std::size_t i = 0; i <= limits::run_tasks_max; ++i)
    inputs["l"].mutable_list()->add_items()->set_integer(1);
  auto run = begin_run(graph, inputs);
  EXPECT_TRUE(run->ended());
  RunEnded ended;
  run->report(ended);
  EXPECT_EQ(ended.tasks(0).failure().code(), static_cast<std::uint32_t>(ec::too_large));
}

TEST(run_state, counts_every_task_once_wherever_it_is) {
  auto run = begin_run(digest(), folder({"a", "b", "c"}));
  auto ready = take_ready(*run);
  run->offered(ready[0]);
  run->offered(ready[1]);
  run->started(ready[1]);
  EXPECT_EQ(run->count().waiting, 2u);
  EXPECT_EQ(run->count().queued, 1u);
  EXPECT_EQ(run->count().running, 1u);
  run->hold_back(ready[1], true);
  EXPECT_EQ(run->attempt_of(ready[1]), 2u);
  run->hold_back(ready[0], false);
  EXPECT_EQ(run->attempt_of(ready[0]), 1u);
  EXPECT_EQ(run->count().waiting, 4u);
  EXPECT_EQ(run->count().total(), 4u);
}

TEST(run_state, refuses_wrong_graphs_and_inputs_with_their_place) {
  auto graph = digest();
  auto missing = run_state::create(graph, {}, nullptr);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ec::invalid_argument);
  role_names known{"reader"};
  auto unknown = run_state::create(graph, folder({}), &known);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message.substr(0, 11), "test.yaml:9");
}

TEST(run_state, ends_a_step_over_an_empty_list_whatever_becomes_of_the_step_of_that_list) {
  auto run = begin_run(graph_of(R"(
graph: g
tasks:
  - {id: x, role: r}
  - {id: y, role: r}
  - {id: listed, role: r, for_each: [], needs: [x]}
  - {id: each, role: r, for_each: $tasks.listed}
  - {id: last, role: r, input: {all: $tasks.each}, needs: [y]}
)"));
  EXPECT_EQ(ready_ids(*run), (ids{"x", "y"}));
  EXPECT_TRUE(run->invariants());
  run->failed(task_of(*run, "x"), {ec::agent_failed, "broken"}, {});
  EXPECT_TRUE(run->invariants());
  succeed(*run, task_of(*run, "y"), text_value("y"), {});
  EXPECT_EQ(ready_ids(*run), ids{"last"}) << "it needs no element, and no element failed";
  EXPECT_TRUE(run->invariants());
}

} // namespace
} // namespace troupe::tests
