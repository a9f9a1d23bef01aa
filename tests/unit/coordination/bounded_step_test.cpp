#include "config/limits/messages.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

namespace troupe::tests {
namespace {

/// One step does a bounded amount of work, and a timer continues it.
class bounded_step : public coordinator {
protected:
  /// Lets the coordinator continue; false if it has nothing left to do.
  bool go_on() {
    if (!by.armed(timer_go_on))
      return false;
    by.out.timers.clear();
    by.fire(timer_go_on);
    return true;
  }
  void one_node_of(std::uint32_t capacity) {
    by.tell(make_members({make_member(node_a, MEMBER_UP, capacity)}));
    by.clear();
  }
  static Graph wide(const std::string& role, int width, std::size_t bytes) {
    auto graph = graph_of("graph: wide\ninputs: {l: {type: list}, big: {type: text}}\ntasks:\n"
                          "  - {id: a, role: "
                          + role
                          + ", for_each: $inputs.l,"
                            " input: {x: $inputs.big, i: $item}}\n");
    auto list = graph.mutable_inputs(0)->mutable_default_value()->mutable_list();
    for (int i = 0; i < width; ++i)
      list->add_items()->set_integer(i);
    graph.mutable_inputs(1)->mutable_default_value()->set_text(std::string(bytes, 'x'));
    return graph;
  }
};

TEST_F(bounded_step, offers_a_bounded_number_of_tasks) {
  one_node_of(1'000);
  submit(many(600));
  EXPECT_EQ(offers().size(), limits::offers_per_step_max);
  EXPECT_TRUE(go_on());
  EXPECT_EQ(offers().size(), limits::offers_per_step_max);
  EXPECT_TRUE(go_on());
  EXPECT_EQ(offers().size(), 600 - 2 * limits::offers_per_step_max);
  EXPECT_FALSE(go_on());
}

TEST_F(bounded_step, offers_a_bounded_number_of_bytes_and_lets_runs_take_turns) {
  one_node_of(1'000);
  constexpr std::size_t large = 100 * limits::kib;
  std::size_t tasks = 0, others_after = 0, most = 0;
  std::string other;
  auto count = [&] {
    std::size_t bytes = 0;
    for (const auto& one : offers()) {
      bytes += one.task.ByteSizeLong();
      if (one.task.run() == other)
        others_after = tasks;
      ++tasks;
    }
    most = std::max(most, bytes);
  };
  submit(wide("reader", 40, large));
  count();
  other = submit(many(3));
  do
    count();
  while (go_on());
  EXPECT_EQ(tasks, 43u);
  EXPECT_LE(most, limits::offer_bytes_per_step_max + 2 * large);
  EXPECT_LE(others_after, 15u) << "a run that came later does not wait for all of the other";
}

TEST_F(bounded_step, turns_what_all_tasks_are_given_alike_into_bytes_once) {
  one_node_of(4);
  submit(wide("reader", 3, 10'000));
  auto all = offers();
  ASSERT_EQ(all.size(), 3u);
  for (const auto& [node, task] : all) {
    EXPECT_EQ(task.input_size(), 1);
    EXPECT_EQ(task.input().at("i").integer(), static_cast<int>(task.index()));
    ValueMap shared;
    ASSERT_TRUE(shared.ParseFromString(task.shared_input()));
    EXPECT_EQ(shared.fields().at("x").text().size(), 10'000u);
  }
  submit(wide("editor", 2, 10));
  all = offers();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].task.input_size(), 2) << "little is copied as it is";
}

TEST_F(bounded_step, has_a_bounded_number_of_bytes_at_a_node_at_once) {
  one_node_of(100);
  submit(wide("reader", 100, 8 * limits::mib));
  std::vector<offered_task> all;
  for (bool more = true; more; more = go_on())
    for (auto& one : offers())
      all.push_back(std::move(one));
  EXPECT_EQ(all.size(), limits::offered_bytes_max / (8 * limits::mib));
  done(all[0].task);
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(bounded_step, tells_of_a_large_run_in_parts_that_are_one_message) {
  auto run = submit(wide("reader", 2'500, 10));
  by.clear();
  RunCancel cancel;
  cancel.set_run(run);
  by.ask(cancel, address::of_session({43}, node_a));
  int steps = 1;
  EXPECT_TRUE(by.take<RunEnded>().empty());
  RunsQuery query;
  by.ask(query, address::of(service::desk, node_a));
  EXPECT_EQ(by.only<RunsListed>().total(), 0u) << "others are answered meanwhile";
  std::vector<envelope> ends;
  for (; ends.empty() && go_on(); ++steps)
    ends = by.take_envelopes<RunEnded>();
  EXPECT_EQ(steps, 2) << "and one for the question";
  ASSERT_EQ(ends.size(), 2u);
  for (auto& end : ends) {
    auto& ended = *end.body.as<RunEnded>();
    EXPECT_EQ(ended.run(), run);
    EXPECT_FALSE(ended.ok());
    EXPECT_EQ(from_proto(ended.failure()).code, ec::cancelled);
    ASSERT_EQ(ended.tasks_size(), 2'500);
    EXPECT_EQ(ended.tasks(0).task(), "a[0]");
    EXPECT_EQ(ended.tasks(2'499).task(), "a[2499]");
  }
  EXPECT_FALSE(go_on());
}

TEST_F(bounded_step, does_not_grow_with_the_tasks_that_wait_for_another_try) {
  one_node_of(1'000);
  submit(many(1'000));
  std::vector<offered_task> all;
  for (bool more = true; more; more = go_on())
    for (auto& one : offers())
      all.push_back(std::move(one));
  ASSERT_EQ(all.size(), 1'000u);
  for (const auto& one : all)
    failed(one.task, ec::overloaded);
  EXPECT_TRUE(offers().empty());
  by.now += 1s;
  by.fire(timer_retry);
  EXPECT_EQ(offers().size(), limits::offers_per_step_max);
  EXPECT_TRUE(go_on());
}

} // namespace
} // namespace troupe::tests
