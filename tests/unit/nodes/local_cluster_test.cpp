#include "tests/unit/nodes/fake_nodes.hpp"

#include "config/base/file_handle.hpp"

namespace troupe {

TEST_F(local_cluster_of_fakes, nodes_become_ready_and_are_stopped_in_reverse_order) {
  for (int i = 0; i < 3; ++i)
    add("obedient");
  auto end = run();
  EXPECT_EQ(end.code, 0) << end.message;
  EXPECT_EQ(content("stopped"), "node-3\nnode-2\nnode-1\n");
  EXPECT_EQ(seen_.count("cluster ready"), 1u);
  EXPECT_EQ(seen_.log.back(), "exited node-1 0");
  EXPECT_EQ(seen_.last_node.address, "127.0.0.1:1");
  EXPECT_EQ(seen_.last_node.http_address, "h");
}

TEST_F(local_cluster_of_fakes, nodes_do_not_inherit_settings_of_the_supervising_process) {
  ::setenv("TROUPE_NODE_NAME", "wrong", 1);
  add("obedient");
  EXPECT_EQ(run().code, 0);
  ::unsetenv("TROUPE_NODE_NAME");
  EXPECT_EQ(content("environment"), "0\n");
}

TEST_F(local_cluster_of_fakes, the_words_of_a_node_that_cannot_start_are_told) {
  add("failing");
  auto end = run();
  EXPECT_EQ(end.code, 73) << "as the node's own";
  EXPECT_NE(end.message.find("exit code 73): the disk is"), std::string::npos) << end.message;
}

TEST_F(local_cluster_of_fakes, inherit_no_descriptor_and_no_folder) {
  file_handle kept{::open("/dev/null", O_RDONLY)}; // without O_CLOEXEC, like a shell's descriptors
  add("obedient");
  std::string descriptors, where;
  seen_.on_ready = [&] {
    auto process = fs::path("/proc") / std::to_string(seen_.pids.back().second);
    for (const auto& entry : fs::directory_iterator(process / "fd"))
      descriptors += entry.path().filename().string() + " ";
    where = fs::read_symlink(process / "cwd");
    ask_to_stop();
  };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(descriptors.find(std::to_string(kept.get()) + " "), std::string::npos) << descriptors;
  EXPECT_EQ(where, "/");
}

TEST_F(local_cluster_of_fakes, a_node_that_fails_at_the_first_start_fails_the_cluster) {
  add("obedient");
  add("damaged");
  auto end = run();
  EXPECT_EQ(end.code, 65);
  EXPECT_EQ(end.message, "node-2 ended before it was ready (exit code 65): the store is damaged");
  EXPECT_EQ(seen_.count("cluster ready"), 0u);
  EXPECT_EQ(seen_.count("stopping"), 1u);
}

TEST_F(local_cluster_of_fakes, a_program_that_cannot_be_run_is_said) {
  add("obedient");
  options_.nodes[0].command.program = folder_ / "missing";
  auto end = run();
  EXPECT_EQ(end.code, 69);
  EXPECT_NE(end.message.find("cannot run the node's program"), std::string::npos);
}

TEST_F(local_cluster_of_fakes, a_node_that_never_becomes_ready_fails_the_cluster) {
  add("silent");
  add("obedient");
  options_.ready_timeout = 50ms;
  auto end = run();
  EXPECT_EQ(end.code, 69);
  EXPECT_NE(end.message.find("node-1 was not ready within"), std::string::npos) << end.message;
}

TEST_F(local_cluster_of_fakes, the_trouble_in_the_log_of_a_node_that_never_becomes_ready_is_told) {
  add("troubled");
  options_.nodes[0].log = folder_ / "log.jsonl";
  std::ofstream(folder_ / "log.jsonl") << R"({"level":"error","message":"of an earlier process"})"
                                       << "\n";
  options_.ready_timeout = 1500ms;
  auto end = run();
  EXPECT_NE(end.message.find("within 1.5 s: no socket: Too many open files"), std::string::npos)
      << end.message;
}

TEST_F(local_cluster_of_fakes, a_node_that_does_not_stop_is_killed) {
  add("stubborn");
  options_.stop_timeout = 20ms;
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 137"), 1u);
}

TEST_F(local_cluster_of_fakes, the_others_are_stopped_in_order_after_one_had_to_be_killed) {
  add("obedient");
  add("stubborn");
  options_.stop_timeout = 10min;
  seen_.on_stopping = [this] { ::kill(seen_.pid_of("node-2"), SIGKILL); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-2 137"), 1u);
  EXPECT_EQ(content("stopped"), "node-1\n");
}

TEST_F(local_cluster_of_fakes, asking_twice_kills_at_once) {
  add("stubborn");
  options_.stop_timeout = 10min;
  options_.insist_after = 0ms;
  seen_.on_stopping = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 137"), 1u);
}

TEST_F(local_cluster_of_fakes, two_signals_at_once_are_one_wish_to_stop) {
  add("obedient");
  options_.insist_after = 10min;
  seen_.on_stopping = [this] { ask_to_stop(); };
  EXPECT_EQ(run().code, 0);
  EXPECT_EQ(seen_.count("exited node-1 0"), 1u);
}

} // namespace troupe
