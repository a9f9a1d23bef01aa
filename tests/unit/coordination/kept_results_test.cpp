#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <gmock/gmock.h>

/// The results that a coordinator keeps are bounded, and a wide run does not make its steps longer.
namespace troupe::tests {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class results_kept : public ::testing::Test {
protected:
  static coordinator_options few_bytes() {
    coordinator_options few{100, 5};
    few.run_results_bytes_max = 20'000;
    few.results_bytes_max = 30'000;
    return few;
  }
  role_table roles = some_roles();
  metrics counted;
  coordinator_logic logic{few_bytes(), roles, counted};
  hand by{logic, service::coordinator};

  /// Submits a run of `size` tasks and one more task that gets all their results.
  std::string submit(int size) {
    std::string all = "0";
    for (int i = 1; i < size; ++i)
      all += ", " + std::to_string(i);
    RunSubmit submit;
    *submit.mutable_graph() =
        graph_of("graph: g\ntasks:\n  - {id: a, role: reader, for_each: [" + all
                 + "]}\n  - {id: b, role: editor, input: {x: $tasks.a}}\n");
    by.ask(std::move(submit), client);
    return by.only<RunAccepted>().run();
  }
  std::vector<Task> offered() {
    std::vector<Task> all;
    for (auto& offer : by.take<TaskOffer>())
      for (auto& task : *offer.mutable_tasks())
        all.push_back(std::move(task));
    return all;
  }
  void done(const Task& task, std::size_t bytes) {
    TaskDone made;
    made.set_run(task.run());
    made.set_index(task.index());
    made.set_attempt(task.attempt());
    made.set_output(bytes_of(text_value(std::string(bytes, 'x'))));
    by.tell(std::move(made));
  }
};

TEST_F(results_kept, a_run_that_keeps_too_much_fails_and_others_go_on) {
  auto run = submit(4);
  auto tasks = offered();
  auto other = submit(1);
  auto others = offered();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(by.take<RunEnded>().empty());
    done(tasks[static_cast<std::size_t>(i)], 8'000);
  }
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.run(), run);
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(from_proto(ended.failure()).code, ec::too_large);
  EXPECT_THAT(ended.failure().message(),
              AllOf(HasSubstr("`a[2]`"), HasSubstr("24027 bytes"), HasSubstr("20000 bytes")));
  EXPECT_EQ(by.take<TaskCancel>().size(), 1u) << "the fourth is not waited for";
  done(others[0], 9'000);
  auto last = offered();
  ASSERT_EQ(last.size(), 1u);
  done(last[0], 1);
  ended = by.only<RunEnded>();
  EXPECT_EQ(ended.run(), other);
  EXPECT_TRUE(ended.ok());
}

TEST_F(results_kept, a_run_whose_last_result_is_too_much_fails_as_well) {
  RunSubmit wanted;
  *wanted.mutable_graph() = graph_of("graph: g\ntasks:\n  - {id: a, role: reader}\n"
                                     "  - {id: b, role: editor, input: {x: $tasks.a}}\n"
                                     "result: $tasks.b\n");
  by.ask(std::move(wanted), client);
  for (auto bytes : {std::size_t{8'000}, std::size_t{15'000}})
    for (const auto& task : offered())
      done(task, bytes);
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(from_proto(ended.failure()).code, ec::too_large);
  EXPECT_THAT(ended.failure().message(), HasSubstr("`b`"));
  EXPECT_FALSE(ended.has_result());
  EXPECT_EQ(ended.tasks_size(), 2);
}

TEST_F(results_kept, of_all_runs_the_one_that_keeps_most_fails) {
  auto small = submit(2), large = submit(2);
  auto tasks = offered();
  for (const auto& task : tasks)
    if (task.run() == large && task.index() == 0)
      done(task, 18'000);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  for (const auto& task : tasks)
    if (task.run() == small)
      done(task, 3'000);
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.run(), large);
  EXPECT_EQ(from_proto(ended.failure()).code, ec::too_large);
  EXPECT_THAT(ended.failure().message(), AllOf(HasSubstr("30000 bytes"), HasSubstr("18014 bytes")));
  auto last = offered();
  ASSERT_EQ(last.size(), 1u);
  done(last[0], 1);
  EXPECT_EQ(by.only<RunEnded>().run(), small);
}

TEST_F(results_kept, what_ended_runs_kept_is_given_back) {
  for (int i = 0; i < 5; ++i) {
    submit(2);
    for (const auto& task : offered())
      done(task, 4'000);
    for (const auto& task : offered())
      done(task, 4'000);
    EXPECT_TRUE(by.only<RunEnded>().ok()) << "run " << i;
  }
}

using wide_run = coordinator;

TEST_F(wide_run, its_list_of_results_is_told_in_parts_and_others_are_answered_meanwhile) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 1'000)}));
  constexpr int size = 300;
  auto graph = graph_of("graph: g\ninputs: {l: {type: list}}\ntasks:\n"
                        "  - {id: a, role: reader, for_each: $inputs.l}\nresult: $tasks.a\n");
  auto list = graph.mutable_inputs(0)->mutable_default_value()->mutable_list();
  for (int i = 0; i < size; ++i)
    list->add_items()->set_integer(i);
  submit(graph);
  std::vector<offered_task> all;
  for (bool more = true; more; more = by.armed(timer_go_on)) {
    by.out.timers.clear();
    by.fire(timer_go_on);
    for (auto& one : offers())
      all.push_back(std::move(one));
  }
  ASSERT_EQ(all.size(), static_cast<std::size_t>(size));
  std::string output(100 * limits::kib, 'x');
  for (const auto& one : all)
    done(one.task, output);
  int steps = 1;
  std::vector<RunEnded> ends;
  for (; ends.empty() && by.armed(timer_go_on); ++steps) {
    by.out.timers.clear();
    by.fire(timer_go_on);
    RunsQuery query;
    by.ask(query, address::of(service::desk, node_a));
    EXPECT_EQ(by.only<RunsListed>().total(), 0u);
    ends = by.take<RunEnded>();
  }
  EXPECT_GE(steps, 4) << "30 MiB, two parts in each turn of this loop";
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_TRUE(ends[0].ok());
  EXPECT_EQ(ends[0].result().list().items_size(), size);
  EXPECT_EQ(ends[0].tasks_size(), size);
}

TEST_F(wide_run, lets_others_in_while_it_unfolds) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 1'000)}));
  constexpr int size = 5 * static_cast<int>(limits::run_work_per_call_max);
  auto graph = graph_of("graph: g\ninputs: {l: {type: list}}\ntasks:\n"
                        "  - {id: a, role: reader, for_each: $inputs.l}\n");
  auto list = graph.mutable_inputs(0)->mutable_default_value()->mutable_list();
  for (int i = 0; i < size; ++i)
    list->add_items()->set_integer(i);
  auto run = submit(graph);
  EXPECT_TRUE(offers().empty()) << "it has not unfolded yet";
  submit(many(1));
  EXPECT_EQ(offers().size(), 1u);
  std::size_t offered = 0;
  int steps = 0;
  for (; by.armed(timer_go_on); ++steps) {
    by.out.timers.clear();
    by.fire(timer_go_on);
    offered += offers().size();
  }
  EXPECT_GE(steps, 9);
  EXPECT_GE(offered, 999u);
  RunCancel cancel;
  cancel.set_run(run);
  by.ask(cancel, client);
  while (by.armed(timer_go_on)) {
    by.out.timers.clear();
    by.fire(timer_go_on);
  }
  auto ended = by.take<RunEnded>();
  ASSERT_EQ(ended.size(), 2u) << "for the canceller and the submitter";
  EXPECT_EQ(ended[0].tasks_size(), size);
}

TEST_F(wide_run, is_given_up_in_parts_when_nobody_hosts_its_role) {
  by.tell(make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}),
                        make_member(node_b, MEMBER_DOWN, 2, {"reader"})}));
  submit(many(1'000), true);
  by.now += limits::placement_patience + 1s;
  by.fire(timer_retry);
  by.fire(timer_progress);
  EXPECT_EQ(by.take<RunProgress>().back().failed(), limits::offers_per_step_max);
  while (by.armed(timer_go_on)) {
    by.out.timers.clear();
    by.fire(timer_go_on);
  }
  EXPECT_EQ(by.only<RunEnded>().tasks_size(), 1'000);
}

} // namespace
} // namespace troupe::tests
