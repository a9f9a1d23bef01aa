#include "tests/unit/nodes/fake_nodes.hpp"

#include <thread>

namespace troupe {

TEST_F(local_cluster_of_fakes, a_node_that_is_killed_is_started_again) {
  add("obedient");
  add("obedient");
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_back = [this] { ask_to_stop(); };
  auto end = run();
  EXPECT_EQ(end.code, 0) << end.message;
  ASSERT_EQ(seen_.pids.size(), 3u);
  EXPECT_EQ(seen_.pids[1].first, seen_.pids[2].first);
  EXPECT_NE(seen_.pids[1].second, seen_.pids[2].second);
  EXPECT_EQ(seen_.count("exited " + seen_.pids[1].first + " 137"), 1u);
}

TEST_F(local_cluster_of_fakes, a_node_that_keeps_dying_is_tried_again_with_growing_pauses) {
  add("crashing");
  seen_.on_ready = {};
  seen_.on_restarting = [this] {
    if (seen_.delays.size() == 6)
      ask_to_stop();
  };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.delays, (std::vector<std::chrono::milliseconds>{1ms, 2ms, 4ms, 4ms, 4ms, 4ms}));
  EXPECT_EQ(seen_.reasons[0], "exit code 1");
}

TEST_F(local_cluster_of_fakes, the_pauses_begin_anew_after_a_time_of_being_ready) {
  add("crashing");
  options_.period = 0ms;
  seen_.on_ready = {};
  seen_.on_restarting = [this] {
    if (seen_.delays.size() == 3)
      ask_to_stop();
  };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.delays, (std::vector<std::chrono::milliseconds>{1ms, 1ms, 1ms}));
}

TEST_F(local_cluster_of_fakes, a_node_whose_port_is_taken_is_waited_for_until_it_is_free) {
  add("blocked");
  std::ofstream(folder_ / "busy") << "yes";
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_restarting = [this] {
    if (seen_.delays.size() == 8)
      fs::remove(folder_ / "busy");
  };
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("back node-1"), 1u);
  EXPECT_EQ(seen_.reasons[0], "killed by signal 9 (Killed)");
  EXPECT_EQ(seen_.reasons[1], "exit code 69: 127.0.0.1:1 is taken");
}

TEST_F(local_cluster_of_fakes, tells_how_each_node_is_and_why) {
  add("obedient");
  add("blocked");
  options_.backoff_min = options_.backoff_max = 10min;
  std::ofstream(folder_ / "busy") << "yes";
  seen_.on_ready = [this] {
    EXPECT_EQ(published_.at(0).phase, node_phase::ready);
    ::kill(seen_.pid_of("node-2"), SIGKILL);
  };
  seen_.on_restarting = [this] {
    if (seen_.delays.size() == 1)
      ask_to_start(); // otherwise it restarts in ten minutes
    else
      ask_to_stop();
  };
  std::vector<supervised_node> at_stop;
  seen_.on_stopping = [&] { at_stop = published_; };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(asked_, 1u);
  ASSERT_EQ(at_stop.size(), 2u);
  EXPECT_EQ(at_stop[1].phase, node_phase::waiting);
  EXPECT_EQ(at_stop[1].why, "exit code 69: 127.0.0.1:1 is taken");
  EXPECT_EQ(at_stop[1].pid, 0);
  EXPECT_GT(at_stop[1].next_try_unix_ms, 0);
}

TEST_F(local_cluster_of_fakes, a_node_that_is_given_up_comes_back_when_that_is_asked_for) {
  add("obedient");
  add("misconfigured");
  seen_.on_ready = [this] { ::kill(seen_.pid_of("node-2"), SIGUSR1); };
  seen_.on_given_up = [this] { ask_to_start(); };
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("back node-2"), 1u);
  EXPECT_EQ(content("stopped"), "node-1\n") << "the other one was not touched";
}

TEST_F(local_cluster_of_fakes, a_node_that_gives_no_more_signs_of_life_is_killed_and_comes_back) {
  add("pulsing");
  options_.silence_max = 50ms;
  seen_.on_ready = {};
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("hangs node-1: it gave no sign of life for 0.05 s"), 1u);
  EXPECT_EQ(seen_.reasons[0], "it gave no sign of life for 0.05 s");
}

TEST_F(local_cluster_of_fakes, what_a_node_said_long_before_is_not_why_it_hangs) {
  add("pulsing");
  options_.nodes[0].log = folder_ / "log.jsonl";
  options_.silence_max = 50ms;
  seen_.on_ready = [this] {
    std::ofstream(folder_ / "log.jsonl") << R"({"level":"warning","message":"a stranger"})"
                                         << "\n";
  };
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("hangs node-1: it gave no sign of life for 0.05 s"), 1u);
}

TEST_F(local_cluster_of_fakes, time_in_which_the_supervisor_was_stopped_counts_for_no_node) {
  add("pulsing");
  options_.silence_max = 1s;
  std::jthread later;
  seen_.on_ready = [&] {
    std::this_thread::sleep_for(1200ms);
    later = std::jthread([this] {
      std::this_thread::sleep_for(50ms);
      ask_to_stop();
    });
  };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("hangs node-1: it gave no sign of life for 1 s"), 0u);
  EXPECT_TRUE(seen_.reasons.empty());
}

TEST_F(local_cluster_of_fakes, a_node_that_never_listens_again_is_killed_and_tried_again) {
  add("mute_later");
  options_.ready_timeout = 3s; // also for the first start
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_restarting = [this] {
    if (seen_.delays.size() == 2)
      std::ofstream(folder_ / "cured") << "yes";
  };
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("hangs node-1: it did not listen within 3 s"), 1u);
}

TEST_F(local_cluster_of_fakes, the_others_go_on_when_a_node_is_given_up) {
  add("obedient");
  add("misconfigured");
  seen_.on_ready = [this] { ::kill(seen_.pid_of("node-2"), SIGUSR1); };
  seen_.on_given_up = [this] { ask_to_stop(); };
  auto end = run();
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(seen_.count("exited node-2 78"), 1u); // 78: a restart does not help
  EXPECT_TRUE(seen_.delays.empty());
  EXPECT_EQ(content("stopped"), "node-1\n");
}

TEST_F(local_cluster_of_fakes, a_node_whose_disk_failed_is_started_again) {
  add("ends_74");
  seen_.on_ready = [this] { ::kill(seen_.pid_of("node-1"), SIGUSR1); };
  seen_.on_back = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 74"), 1u);
  EXPECT_EQ(seen_.count("back node-1"), 1u);
}

TEST_F(local_cluster_of_fakes, a_node_whose_data_is_damaged_is_not) {
  add("ends_65");
  seen_.on_ready = [this] { ::kill(seen_.pid_of("node-1"), SIGUSR1); };
  seen_.on_given_up = [this] { ask_to_stop(); };
  run();
  EXPECT_EQ(seen_.count("exited node-1 65"), 1u);
  EXPECT_TRUE(seen_.delays.empty());
}

TEST_F(local_cluster_of_fakes, nothing_is_started_again_when_that_is_not_wanted) {
  add("obedient");
  add("obedient");
  options_.restart = false;
  seen_.on_ready = [this] { ::kill(seen_.pids.back().second, SIGKILL); };
  seen_.on_given_up = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.pids.size(), 2u);
}

} // namespace troupe
