#include "actors/coordination/queue_watch.hpp"

#include "config/limits/runs.hpp"
#include "tests/unit/coordination/owner_parts.hpp"

namespace troupe::tests {
namespace {

class queue_watches : public owner_parts {
protected:
  queue_watches() { watch.start(self); }
  queue_watch watch{nodes, attempts, runs, 4};

  /// Asks, and gives what node b was asked.
  TasksAsked ask() {
    out = {};
    auto where = context();
    watch.ask(where);
    for (auto& [target, asked] : sent<TasksAsked>())
      if (target.node == node_b)
        return asked;
    ADD_FAILURE() << "node b was not asked";
    return {};
  }
  static TasksHeld held(const TasksAsked& asked) {
    TasksHeld answer;
    answer.set_round(asked.round());
    return answer;
  }
};

TEST_F(queue_watches, ask_each_queue_for_what_it_was_offered) {
  auto& run = add(many(3));
  offer(run, 0);
  offer(run, 1);
  offer(run, 1);
  auto asked = ask();
  EXPECT_EQ(sent<TasksAsked>().size(), 2u);
  EXPECT_TRUE(asked.complete());
  EXPECT_EQ(asked.owner(), to_bytes(node_a));
  ASSERT_EQ(asked.tasks_size(), 1) << "one group for each run";
  EXPECT_EQ(asked.tasks(0).index_size(), 2);
  EXPECT_EQ(out.timers.size(), 1u) << "it asks again";
}

TEST_F(queue_watches, ask_nobody_who_has_nothing) {
  auto where = context();
  watch.ask(where);
  EXPECT_TRUE(out.empty());
}

TEST_F(queue_watches, find_an_attempt_lost_that_its_queue_has_not_known_for_long) {
  auto& run = add(many(2));
  offer(run, 1);
  offer(run, 1);
  auto& known = at(run, 0);
  auto& lost = at(run, 1);
  auto answer = [&] {
    auto asked = ask();
    auto made = held(asked);
    auto group = made.add_running();
    group->set_run(asked.tasks(0).run());
    group->add_index(known.task);
    group->add_attempt(1);
    return watch.on_held(made, node_b, now);
  };
  auto first = answer();
  EXPECT_EQ(first.started, std::vector<attempt*>{&known});
  EXPECT_TRUE(first.lost.empty()) << "it may still be on its way";
  now += limits::offer_lost_after;
  EXPECT_EQ(answer().lost, std::vector<attempt*>{&lost});
}

TEST_F(queue_watches, find_a_queue_silent_that_does_not_answer_and_hear_of_it_again) {
  auto& a = offer(add(many(1)), 1);
  ask();
  now += limits::queue_silence_max - 1ms;
  EXPECT_TRUE(watch.find_silent(now).empty());
  ask();
  now += 1ms;
  auto silent = watch.find_silent(now);
  ASSERT_EQ(silent.size(), 1u) << "a later question does not begin the wait anew";
  EXPECT_EQ(silent[0].node, 1u);
  EXPECT_EQ(silent[0].attempts, std::vector<attempt*>{&a});
  EXPECT_TRUE(nodes.is_silent(1));
  a.run->state->hold_back(a.task, true);
  release(a);
  auto asked = ask();
  EXPECT_TRUE(asked.tasks().empty()) << "is anybody there?";
  watch.on_held(held(asked), node_b, now);
  EXPECT_FALSE(nodes.is_silent(1));
}

} // namespace
} // namespace troupe::tests
