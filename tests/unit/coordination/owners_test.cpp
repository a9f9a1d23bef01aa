#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "tests/unit/coordination/timed_cluster.hpp"

/// Several owners at once: none gives up a task that only waits, none waits for a lost task, none
/// starves.
namespace troupe::tests {
namespace {

struct owners_case {
  std::uint32_t owners;
  std::string role;
};

class several_owners : public ::testing::TestWithParam<owners_case> {};

TEST_P(several_owners, finish_with_four_times_as_many_tasks_as_slots_and_nothing_done_twice) {
  auto [owners, role] = GetParam();
  timed_cluster cluster{{std::max(3u, owners), 10}};
  cluster.takes = [](const Task&) { return 4500ms; };
  auto slots = static_cast<int>(10 * std::max(3u, owners));
  for (std::uint32_t owner = 0; owner < owners; ++owner)
    cluster.submit(owner, alike(4 * slots, 5s, role));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }));
  for (auto& [number, result] : cluster.results)
    EXPECT_TRUE(result.ended->ok()) << number << ": " << result.ended->failure().message();
  auto tasks = 4 * static_cast<std::uint64_t>(slots) * owners;
  EXPECT_LE(static_cast<double>(cluster.begun), 1.02 * static_cast<double>(tasks));
  EXPECT_EQ(cluster.counted.plain().late_results, 0u);
  auto rounds = static_cast<int>(4 * owners) + 1;
  EXPECT_LE(cluster.now - instant{1'000s}, rounds * 4600ms) << "the slots are at work all the time";
}

INSTANTIATE_TEST_SUITE_P(numbers, several_owners,
                         ::testing::Values(owners_case{2, "reader"}, owners_case{3, "reader"},
                                           owners_case{5, "reader"}, owners_case{3, "noop"}),
                         [](const auto& tested) {
                           return std::to_string(tested.param.owners) + "_of_" + tested.param.role;
                         });

TEST(owners, share_the_slots_of_a_node_however_much_each_has_waiting) {
  timed_cluster cluster{{.nodes = 2, .slots = 4, .capacity = 100}}; // how much is offered at once
  cluster.submit(0, alike(400, 10s));
  cluster.run_for(2500ms);
  auto begun = cluster.begun;
  auto small = cluster.submit(1, alike(16, 10s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.results.contains(small); }));
  EXPECT_LE(cluster.results[small].at - instant{1'000s}, 2500ms + 6s) << "four turns of one second";
  EXPECT_GE(cluster.begun - begun, 16u + 16u) << "the other has as much meanwhile";
}

TEST(owners, hear_of_tasks_that_were_lost_on_the_way) {
  for (auto lost : {payload_kind::TaskOffer, payload_kind::TaskDone, payload_kind::TaskStarted}) {
    timed_cluster cluster{{3, 4}};
    int left = 3;
    cluster.loses = [&](const envelope& message) {
      return message.body.kind() == lost && message.sender.node != message.target.node
             && left-- > 0;
    };
    auto run = cluster.submit(0, alike(24, 10s));
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }, 1min)) << to_string(lost);
    EXPECT_TRUE(cluster.results[run].ended->ok());
    EXPECT_LE(cluster.now - instant{1'000s}, 10s) << "before the time of any task is over";
    if (lost == payload_kind::TaskStarted) {
      EXPECT_EQ(cluster.begun, 24u) << "the queue still has what it began";
    }
  }
}

TEST(owners, do_not_give_up_a_task_because_it_waits_for_long) {
  timed_cluster cluster{{2, 1}};
  cluster.takes = [](const Task&) { return 50s; };
  cluster.submit(0, alike(8, 51s));
  cluster.submit(1, alike(8, 51s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }));
  EXPECT_TRUE(cluster.results[1].ended->ok());
  EXPECT_TRUE(cluster.results[2].ended->ok());
  EXPECT_EQ(cluster.begun, 16u);
}

TEST(owners, offer_elsewhere_what_a_queue_that_was_started_again_has_forgotten) {
  timed_cluster cluster{{2, 4}};
  cluster.submit(0, alike(16, 10s));
  cluster.run_for(500ms);
  cluster.restart(1, service::queue);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }, 1min));
  EXPECT_TRUE(cluster.results[1].ended->ok());
  EXPECT_LE(cluster.now - instant{1'000s}, 10s);
}

TEST(owners, leave_a_node_alone_whose_queue_says_nothing) {
  timed_cluster cluster{{3, 4}};
  bool silent = true;
  cluster.loses = [&](const envelope& message) {
    return silent && message.target == address::of(service::queue, timed_cluster::id_of(2));
  };
  cluster.submit(0, alike(120, 10s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }, 1min));
  EXPECT_TRUE(cluster.results[1].ended->ok());
  EXPECT_EQ(cluster.begun, 120u);
  silent = false;
  cluster.run_for(3s);
  std::set<node_id> used;
  cluster.loses = [&](const envelope& message) {
    if (message.body.kind() == payload_kind::TaskWork)
      used.insert(message.target.node);
    return false;
  };
  cluster.submit(0, alike(40, 10s));
  cluster.run_until([&] { return cluster.all_ended(); }, 1min);
  EXPECT_EQ(used.size(), 3u) << "it has spoken again";
}

TEST(owners, have_an_attempt_called_off_that_another_takes_the_place_of) {
  timed_cluster cluster{{2, 2}};
  cluster.roles["editor"] = make_role("editor");
  // The queue's message that the task's time is over gets lost, so only the owner knows.
  cluster.takes = [](const Task& task) { return task.attempt() == 1 ? 1h : 1s; };
  cluster.loses = [](const envelope& message) {
    return message.body.kind() == payload_kind::TaskDone
           && message.sender.node != message.target.node;
  };
  cluster.submit(0, alike(4, 2s));
  cluster.run_for(30s);
  EXPECT_EQ(cluster.at_work(), 0u) << "no agent works on what nobody waits for";
}

TEST(owners, that_are_gone_have_nothing_done_for_them) {
  timed_cluster cluster{{2, 4}};
  cluster.takes = [](const Task&) { return 9min; };
  cluster.submit(1, alike(16, 10min));
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.at_work(), 8u);
  cluster.down.insert(timed_cluster::id_of(1));
  cluster.announce();
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.at_work(), 4u) << "those of the node that is gone itself";
}

TEST(owners, whose_coordinator_began_anew_have_nothing_done_for_the_old_one) {
  timed_cluster cluster{{2, 4}};
  cluster.takes = [](const Task&) { return 9min; };
  cluster.submit(1, alike(16, 10min));
  cluster.run_for(5s);
  ASSERT_EQ(cluster.at_work(), 8u);
  cluster.restart(1, service::coordinator);
  cluster.run_for(limits::owner_silence_max + 1s);
  EXPECT_EQ(cluster.at_work(), 0u);
}

TEST(owners, whose_clients_said_good_bye_have_free_slots_at_once) {
  timed_cluster cluster{{2, 4}};
  cluster.takes = [](const Task&) { return 25s; };
  cluster.submit(0, alike(40, 1min), 7);
  cluster.run_for(1s);
  EXPECT_EQ(cluster.at_work(), 8u);
  SessionClosed closed;
  closed.set_session(7);
  closed.set_left(true);
  cluster.tell(0, service::coordinator, std::move(closed));
  cluster.takes = [](const Task&) { return 10ms; };
  auto next = cluster.submit(1, alike(1, 1min));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.results.contains(next); }, 1s));
}

TEST(owners, whose_clients_lost_their_link_have_free_slots_when_these_do_not_come_back) {
  timed_cluster cluster{{2, 4}};
  cluster.takes = [](const Task&) { return 25s; };
  cluster.submit(0, alike(40, 1min), 7);
  cluster.run_for(1s);
  ASSERT_EQ(cluster.at_work(), 8u);
  SessionClosed closed;
  closed.set_session(7);
  cluster.tell(0, service::coordinator, std::move(closed));
  cluster.takes = [](const Task&) { return 10ms; };
  auto next = cluster.submit(1, alike(1, 1min));
  cluster.run_for(limits::client_return_max - 100ms);
  EXPECT_EQ(cluster.at_work(), 8u) << "the client may be on its way back";
  EXPECT_FALSE(cluster.results.contains(next));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.results.contains(next); }, 1s));
}

TEST(owners, have_free_slots_within_a_moment_though_agents_do_not_obey) {
  timed_cluster cluster{{1, 4}};
  cluster.takes = [](const Task&) { return 25s; };
  cluster.obeys = [](const Task&) { return false; };
  auto run = cluster.submit(0, alike(40, 1min));
  cluster.run_for(1s);
  ASSERT_EQ(cluster.at_work(), 4u);
  RunCancel cancel;
  cancel.set_run(cluster.run_of(run));
  cluster.tell(0, service::coordinator, cancel);
  cluster.run_for(100ms);
  EXPECT_EQ(cluster.replaced, 4u);
  EXPECT_EQ(cluster.at_work(), 0u);
  auto begun = cluster.begun;
  cluster.submit(0, alike(4, 1min));
  cluster.run_for(1ms);
  EXPECT_EQ(cluster.begun - begun, 4u) << "all slots are free";
}

TEST(owners, that_lose_messages_of_all_kinds_see_their_runs_through_and_leave_nothing_behind) {
  for (std::uint64_t seed = 1; seed <= 50 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    timed_cluster cluster{{3, 3, 20, seed}};
    std::mt19937_64 draw{seed};
    cluster.takes = [&](const Task&) { return std::chrono::milliseconds{draw() % 3'000}; };
    cluster.obeys = [&](const Task&) { return draw() % 2 == 0; };
    cluster.loses = [&](const envelope& message) { // but no client's request and no end of a run
      return message.sender.node && message.sender.node != message.target.node && draw() % 50 == 0;
    };
    for (std::uint32_t owner = 0; owner < 3; ++owner) {
      auto graph = alike(30, 5s);
      for (auto& task : *graph.mutable_tasks())
        task.set_attempts(limits::task_attempts_max);
      cluster.submit(owner, graph);
    }
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_ended(); }, 10min)) << "a run hangs";
    for (auto& [number, result] : cluster.results)
      EXPECT_TRUE(result.ended->ok()) << result.ended->failure().message();
    cluster.run_for(limits::owner_silence_max + 10s);
    EXPECT_EQ(cluster.at_work(), 0u);
    EXPECT_EQ(cluster.counted.plain().tasks_running, 0u);
    EXPECT_EQ(cluster.counted.plain().queue_length, 0u);
  }
}

} // namespace
} // namespace troupe::tests
