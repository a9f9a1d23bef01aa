#include "tests/e2e/e2e.hpp"

#include <csignal>

/// `troupe up`: one cluster per folder, existing folders, and nodes that die.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class up : public e2e_test {};

TEST_F(up, where_another_one_runs_starts_what_is_missing) {
  cluster first{user, {.nodes = 1}};
  auto second = user.troupe({"up", "--nodes", "1"});
  EXPECT_TRUE(second.ok()) << second.shown();
  EXPECT_THAT(second.out,
              AllOf(HasSubstr(user.data().string()), HasSubstr(std::to_string(first.up().pid())),
                    HasSubstr("all its nodes are running")))
      << "it names the folder and the process that has it";
  EXPECT_EQ(user.troupe({"up", "--set", "nonsense=1"}).ended.code, 78);
  EXPECT_TRUE(user.troupe({"status"}).ok()) << "the first goes on";
}

TEST_F(up, with_other_settings_than_those_in_force_is_refused_with_the_difference) {
  write_file(user.path() / "own.yaml", "agents: {idle: 7s}\n");
  write_file(user.path() / "other.yaml", "agents: {idle: 8s}\nqueue: {tasks_max: 70}\n");
  cluster first{user, {.nodes = 1, .arguments = {"--config", "own.yaml"}}};
  for (const std::vector<std::string>& same :
       {std::vector<std::string>{"up", "--config", "own.yaml"},
        {"up", "--set", "agents.idle=7s"},
        {"up", "--set", "agents.idle=7000ms"},
        {"up"}}) {
    auto second = user.troupe(same);
    EXPECT_TRUE(second.ok()) << second.shown();
    EXPECT_THAT(second.out, HasSubstr("all its nodes are running"));
  }
  auto other = user.troupe({"up", "--config", "other.yaml"});
  EXPECT_EQ(other.ended.code, 64) << other.shown();
  EXPECT_THAT(other.err, AllOf(HasSubstr("no effect"), HasSubstr("agents.idle is 7s there, not 8s"),
                               HasSubstr("queue.tasks_max"), HasSubstr("troupe down")));
  auto set = user.troupe({"up", "--set", "agents.idle=9s", "--no-restart"});
  EXPECT_EQ(set.ended.code, 64) << set.shown();
  EXPECT_THAT(set.err, AllOf(HasSubstr("not 9s"), HasSubstr("--no-restart")));
}

TEST_F(up, several_at_once_all_end_with_one_cluster) {
  constexpr int many = 5;
  std::vector<process> started;
  for (int i = 0; i < many; ++i)
    started.push_back(user.start({"up", "--nodes", "2", "--detach", "--json"}));
  int joined = 0;
  for (auto& one : started) {
    auto ended = one.wait(command_deadline);
    ASSERT_TRUE(ended) << one.errors();
    ASSERT_TRUE(one.wait_for_closed_output(command_deadline));
    auto out = one.output();
    EXPECT_EQ(ended->code, 0) << out << one.errors();
    joined += out.find("already_running") != out.npos ? 1 : 0;
  }
  EXPECT_EQ(joined, many - 1) << "one has started it";
  EXPECT_EQ(nodes_in(user.troupe({"status", "--json"}).parsed()).size(), 2u);
  EXPECT_TRUE(user.troupe({"down"}).ok());
}

TEST_F(up, with_another_number_of_nodes_is_refused_with_the_difference) {
  {
    cluster three{user};
    auto second = user.troupe({"up", "--nodes", "2"});
    EXPECT_EQ(second.ended.code, 69) << second.shown();
    EXPECT_THAT(second.err, HasSubstr("it has 3 nodes, not 2"));
  }
  auto other = user.troupe({"up", "--nodes", "2"});
  EXPECT_EQ(other.ended.code, 64) << other.shown();
  EXPECT_THAT(other.err, AllOf(HasSubstr("3"), HasSubstr("2"), HasSubstr(user.data().string())));
}

TEST_F(up, keeps_the_identity_of_its_nodes) {
  std::map<std::string, std::string> before;
  {
    cluster first{user, {.nodes = 2}};
    for (const auto& node : first.nodes())
      before[node.name] = node.id;
  }
  cluster again{user, {.nodes = 2}};
  for (const auto& node : again.nodes())
    EXPECT_EQ(node.id, before.at(node.name));
}

TEST_F(up, that_was_killed_takes_its_nodes_with_it_and_leaves_no_obstacle) {
  cluster killed{user};
  auto nodes = killed.nodes();
  killed.up().send_signal(SIGKILL);
  EXPECT_EQ(killed.up().wait(10s)->signal, SIGKILL);
  for (const auto& node : nodes)
    EXPECT_TRUE(wait_for_end(node.pid, 10s)) << node.name;
  EXPECT_TRUE(std::filesystem::exists(user.data() / "cluster.yaml")) << "the leftovers are there";

  auto asked = user.troupe({"status"}, {}, 2s);
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr("troupe up"));
  EXPECT_EQ(user.troupe({"down"}, {}, 5s).ended.code, 69) << "nothing runs there";
  cluster again{user};
  EXPECT_TRUE(user.troupe({"status"}).ok());
}

TEST_F(up, starts_a_node_that_died_again) {
  cluster three{user};
  auto before = three.node("node-2");
  ::kill(before.pid, SIGKILL);
  auto after = three.await_restart("node-2", before.pid);
  EXPECT_NE(after, before.pid);
  EXPECT_EQ(three.node("node-2").id, before.id);
  await_status(user, [&](const json& status) {
    for (const auto& [name, node] : nodes_in(status))
      if (node.at("state") != "up")
        return false;
    return nodes_in(status).at("node-2").value("pid", 0) == after;
  });
}

TEST_F(up, without_restarts_goes_on_with_the_other_nodes) {
  cluster three{user, {.arguments = {"--no-restart"}}};
  ::kill(three.node("node-3").pid, SIGKILL);
  auto ended =
      three.await_event([](const json& event) { return event.at("event") == "node_exited"; });
  EXPECT_EQ(ended.at("name"), "node-3");
  auto status = await_status(
      user, [](const json& now) { return nodes_in(now).at("node-3").at("state") == "down"; });
  EXPECT_EQ(nodes_in(status).at("node-1").at("state"), "up");
  EXPECT_EQ(nodes_in(status).at("node-2").at("state"), "up");
}

TEST_F(up, sees_that_a_node_has_stopped_answering_and_that_it_answers_again) {
  cluster three{user};
  auto silent = three.node("node-3").pid;
  auto state_is = [](const std::string& state) {
    return [state](const json& now) { return nodes_in(now).at("node-3").at("state") == state; };
  };
  ::kill(silent, SIGSTOP);
  await_status(user, state_is("down"));
  ::kill(silent, SIGCONT);
  await_status(user, state_is("up"));
}

TEST_F(up, says_what_is_wrong_with_a_damaged_folder) {
  { cluster one{user, {.nodes = 1}}; }
  write_file(user.data() / "cluster.yaml", "nodes: {\n");
  auto asked = user.troupe({"up", "--nodes", "1"});
  EXPECT_EQ(asked.ended.code, 65) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr((user.data() / "cluster.yaml").string()));
}

TEST_F(up, keeps_the_secret_for_its_user) {
  cluster one{user, {.nodes = 1}};
  auto mode = std::filesystem::status(user.data() / "secret").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(read_file(user.data() / "secret").size(), 65u) << "64 hex digits and a newline";
}

} // namespace

} // namespace troupe::tests
