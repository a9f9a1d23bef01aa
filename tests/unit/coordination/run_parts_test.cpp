#include "actors/coordination/run_state.hpp"
#include "config/limits/runs.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

/// Work that a run does in parts, and what it keeps.
namespace troupe::tests {
namespace {

constexpr std::uint32_t wide = 3 * limits::run_work_per_call_max;

std::unique_ptr<run_state> begin(const Graph& graph, value_map inputs = {}) {
  auto made = run_state::create(graph, std::move(inputs), nullptr);
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return made ? *std::move(made) : nullptr;
}

value_map numbers(std::uint32_t size) {
  value_map inputs;
  auto list = inputs["l"].mutable_list();
  for (std::uint32_t i = 0; i < size; ++i)
    list->add_items()->set_integer(i);
  return inputs;
}

/// Layer b works on the elements of a, and one task gets all results of a.
const auto layers = graph_of(R"(
graph: g
inputs: {l: {type: list}}
tasks:
  - {id: a, role: r, for_each: $inputs.l, input: {n: $item}}
  - {id: b, role: s, for_each: $tasks.a, input: {n: $item}}
  - {id: all, role: t, input: {list: $tasks.a, of: $tasks.b}}
result: $tasks.a
)");

std::uint32_t do_all_work(run_state& run) {
  std::uint32_t parts = 0;
  for (; run.has_more_work(); ++parts)
    run.go_on();
  return parts;
}

std::vector<std::uint32_t> take(run_state& run, std::uint32_t role) {
  std::vector<std::uint32_t> taken;
  while (run.has_ready(role)) {
    taken.push_back(run.take_ready(role));
    run.offered(taken.back());
  }
  return taken;
}

TEST(run_parts, a_wide_step_unfolds_in_parts_of_a_bounded_size) {
  auto run = begin(layers, numbers(wide));
  EXPECT_TRUE(run->has_more_work());
  EXPECT_LE(run->size(), limits::run_work_per_call_max);
  EXPECT_FALSE(run->ended());
  EXPECT_GE(do_all_work(*run), 6u) << "two layers are made, one of them is made ready";
  EXPECT_EQ(run->count().total(), 2 * wide + 1);
  auto ready = take(*run, 0);
  ASSERT_EQ(ready.size(), wide);
  for (std::uint32_t i = 0; i < wide; ++i)
    EXPECT_EQ(run->id_of(ready[i]), "a[" + std::to_string(i) + "]");
  Task task;
  ASSERT_TRUE(run->fill_task(ready[wide - 1], task));
  EXPECT_EQ(task.input().at("n").integer(), wide - 1);
  EXPECT_EQ(task.label(), "a " + std::to_string(wide - 1));
}

/// A task that will be tried again waits, but not for what made it ready before.
TEST(run_parts, a_task_that_failed_between_two_parts_is_not_made_ready_by_the_next) {
  auto run = begin(layers, numbers(wide));
  while (!run->has_ready(0))
    run->go_on();
  succeed(*run, take(*run, 0).at(0), text_value("r"), {});
  std::vector<std::uint32_t> held;
  bool in_between = false;
  do {
    for (auto task : take(*run, 1)) {
      run->hold_back(task, true);
      held.push_back(task);
      in_between = in_between || run->has_more_work();
    }
    run->go_on();
  } while (run->has_more_work() || run->has_ready(1));
  EXPECT_TRUE(in_between);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(run->id_of(held[0]), "b[0]");
}

TEST(run_parts, a_run_that_is_cut_short_while_it_unfolds_tells_of_each_step) {
  auto run = begin(layers, numbers(wide));
  failure why{ec::cancelled, "enough"};
  RunEnded ended;
  run->report(ended, &why);
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.failure().message(), "enough");
  EXPECT_EQ(ended.tasks_size(), 3);
}

TEST(run_parts, tasks_that_are_not_run_are_given_up_in_parts) {
  auto graph = graph_of("graph: g\ninputs: {l: {type: list}}\ntasks:\n"
                        "  - {id: one, role: r}\n"
                        "  - {id: a, role: s, for_each: $inputs.l, input: {x: $tasks.one}}\n");
  auto run = begin(graph, numbers(wide));
  do_all_work(*run);
  run->failed(take(*run, 0).at(0), {ec::agent_failed, "broken"}, {});
  EXPECT_FALSE(run->ended());
  EXPECT_LE(run->count().failed, limits::run_work_per_call_max / limits::given_up_weight + 1);
  EXPECT_GE(do_all_work(*run), 3u);
  EXPECT_TRUE(run->ended());
  EXPECT_EQ(run->count().failed, wide + 1);
}

TEST(run_parts, the_list_of_many_results_is_put_together_in_parts) {
  constexpr std::uint32_t size = 100;
  auto run = begin(layers, numbers(size));
  for (std::uint32_t role = 0; role < 2; ++role)
    for (auto task : take(*run, role))
      succeed(*run, task, list_value({text_value(std::string(200, 'x'))}), {});
  auto all = take(*run, 2).at(0);
  auto before = run->kept_bytes();
  int parts = 1;
  for (;; ++parts) {
    std::size_t bytes = 5'000;
    auto made = run->prepare(all, bytes);
    ASSERT_TRUE(made);
    EXPECT_GT(run->kept_bytes(), before) << "what is made of results counts too";
    if (*made)
      break;
    EXPECT_EQ(bytes, 0u);
  }
  EXPECT_GT(parts, 5);
  for (int attempt = 0; attempt < 2; ++attempt) {
    Task task;
    ASSERT_TRUE(run->fill_task(all, task));
    EXPECT_EQ(task.input_size(), 0);
    EXPECT_EQ(run->kept_bytes(), before) << "the task takes it along";
    ValueMap shared;
    ASSERT_TRUE(parse_message(shared, task.shared_input()));
    for (auto field : {"list", "of"}) {
      const auto& items = shared.fields().at(field).list().items();
      ASSERT_EQ(items.size(), static_cast<int>(size));
      EXPECT_EQ(items[99].list().items(0).text(), std::string(200, 'x'));
    }
  }
  succeed(*run, all, text_value("end"), {});
  run_state::copy_cursor at;
  std::string result;
  for (parts = 1;; ++parts) {
    std::size_t bytes = 5'000;
    auto made = run->report_result(result, at, bytes);
    ASSERT_TRUE(made);
    if (*made)
      break;
  }
  EXPECT_GT(parts, 2);
  EXPECT_EQ(value_of(result).list().items_size(), static_cast<int>(size));
  for (parts = 1; run->forget_tasks(50); ++parts) {
  }
  EXPECT_EQ(parts, 5) << "of 201 tasks";
}

TEST(run_parts, a_large_element_is_given_as_bytes) {
  auto graph = graph_of("graph: g\ninputs: {l: {type: list}}\ntasks:\n"
                        "  - {id: a, role: r, for_each: $inputs.l, input: {n: $item, x: 1}}\n");
  value_map inputs;
  inputs["l"] = list_value({text_value(std::string(5'000, 'x')), text_value("small")});
  auto run = begin(graph, std::move(inputs));
  auto ready = take(*run, 0);
  Task large, small;
  ASSERT_TRUE(run->fill_task(ready[0], large));
  ASSERT_TRUE(run->fill_task(ready[1], small));
  ValueMap shared;
  ASSERT_TRUE(parse_message(shared, large.shared_input()));
  EXPECT_EQ(shared.fields().at("n").text().size(), 5'000u);
  EXPECT_EQ(large.input_size(), 1);
  EXPECT_EQ(small.input().at("n").text(), "small");
  EXPECT_TRUE(small.shared_input().empty());
}

TEST(run_parts, keeps_only_results_that_something_refers_to) {
  auto graph = graph_of("graph: g\ntasks:\n  - {id: a, role: r}\n  - {id: b, role: r, needs: [a]}\n"
                        "  - {id: c, role: r, input: {x: $tasks.b}}\n");
  auto run = begin(graph);
  succeed(*run, take(*run, 0).at(0), text_value(std::string(1'000, 'x')), {});
  EXPECT_EQ(run->kept_bytes(), 0u);
  succeed(*run, take(*run, 0).at(0), text_value(std::string(1'000, 'x')), {});
  EXPECT_EQ(run->kept_bytes(), 1'003u);
}

} // namespace
} // namespace troupe::tests
