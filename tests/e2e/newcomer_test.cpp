#include "tests/e2e/e2e.hpp"

#include <csignal>

/// What a newcomer types, and what each command says if something is wrong.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class newcomer : public e2e_test {};

TEST_F(newcomer, is_told_how_to_start_a_cluster_when_there_is_none) {
  std::vector<std::vector<std::string>> commands{
      {"status"}, {"send", "librarian/me", "hello"}, {"trace", "last"}, digest(documents())};
  for (const auto& command : commands) {
    auto asked = user.troupe(command, {}, 2s);
    EXPECT_EQ(asked.ended.code, 69) << command[0] << ": " << asked.shown();
    EXPECT_THAT(asked.err, HasSubstr("troupe up")) << command[0];
    EXPECT_THAT(asked.out, IsEmpty()) << command[0];
  }
}

TEST_F(newcomer, gets_errors_as_json_where_json_was_asked_for) {
  auto asked = user.troupe({"status", "--json"}, {}, 2s);
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(error_message(asked.parsed()), HasSubstr("troupe up"));
}

TEST_F(newcomer, is_told_when_nobody_listens_at_a_peer) {
  auto asked = user.troupe({"status", "--peer", "127.0.0.1:1"}, {}, 2s);
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr("127.0.0.1:1"));
}

TEST_F(newcomer, sees_every_node_in_the_status) {
  cluster three{user};
  auto status = user.troupe({"status", "--json"});
  ASSERT_TRUE(status.ok()) << status.shown();
  auto nodes = nodes_in(status.parsed());
  ASSERT_THAT(nodes, SizeIs(3));
  for (const auto& expected : three.nodes()) {
    const auto& node = nodes.at(expected.name);
    EXPECT_EQ(node.at("id"), expected.id);
    EXPECT_EQ(node.at("pid"), expected.pid);
    EXPECT_EQ(node.at("address"), expected.address);
    EXPECT_EQ(node.at("state"), "up");
    EXPECT_EQ(node.at("tasks_done"), 0);
    EXPECT_EQ(node.at("queue_length"), 0);
    EXPECT_GT(node.at("rss_bytes").get<std::size_t>(), 1'000'000u);
    for (const char* role : {"librarian", "reader", "editor"})
      EXPECT_THAT(node.at("roles").dump(), HasSubstr(role));
  }
  auto words = user.troupe({"status"});
  ASSERT_TRUE(words.ok()) << words.shown();
  for (const auto& node : three.nodes())
    EXPECT_THAT(words.out, AllOf(HasSubstr(node.name), HasSubstr(node.address)));
}

TEST_F(newcomer, reaches_the_cluster_by_a_node_or_by_a_folder) {
  auto folder = (user.path() / "elsewhere").string();
  cluster two{user, {.nodes = 2, .arguments = {"--data", folder}}};
  EXPECT_EQ(user.troupe({"status"}).ended.code, 69) << "it is not the default cluster";
  EXPECT_THAT(nodes_in(user.troupe({"status", "--json", "--data", folder}).parsed()), SizeIs(2));
  for (const auto& node : two.nodes()) {
    auto asked = user.troupe({"status", "--json", "--data", folder, "--peer", node.address});
    ASSERT_TRUE(asked.ok()) << asked.shown();
    EXPECT_THAT(nodes_in(asked.parsed()), SizeIs(2));
  }
}

TEST_F(newcomer, starts_in_the_background_and_is_told_what_is_kept) {
  auto up = user.troupe({"up", "--nodes", "3", "--detach"});
  ASSERT_TRUE(up.ok()) << up.shown();
  auto status = user.troupe({"status", "--json"});
  ASSERT_TRUE(status.ok()) << status.shown();
  std::vector<pid_t> pids;
  for (const auto& [name, node] : nodes_in(status.parsed()))
    pids.push_back(node.at("pid"));
  EXPECT_THAT(pids, SizeIs(3));

  auto down = user.troupe({"down"});
  EXPECT_TRUE(down.ok()) << down.shown();
  EXPECT_THAT(down.out, HasSubstr(user.data().string()));
  for (pid_t pid : pids)
    EXPECT_FALSE(is_running(pid)) << "down returns when all nodes have ended";
  EXPECT_EQ(user.troupe({"status"}, {}, 2s).ended.code, 69);
  EXPECT_EQ(user.troupe({"down"}, {}, 2s).ended.code, 69) << "there is nothing to stop";
}

TEST_F(newcomer, stops_the_foreground_cluster_in_order_by_ctrl_c) {
  cluster three{user};
  three.up().send_signal(SIGINT);
  std::vector<std::string> ended;
  for (int i = 0; i < 3; ++i)
    ended.push_back(
        three.await_event([](const json& event) { return event.at("event") == "node_exited"; })
            .at("name"));
  EXPECT_THAT(ended, ::testing::ElementsAre("node-3", "node-2", "node-1"));
  EXPECT_EQ(three.up().wait(10s)->code, 0);
}

TEST_F(newcomer, sees_readable_lines_without_json) {
  auto up = user.start({"up", "--nodes", "2"});
  int nodes_told = 0;
  while (auto line = up.read_line(20s)) {
    nodes_told += line->find("127.0.0.1:") != std::string::npos;
    if (nodes_told == 2)
      break;
  }
  EXPECT_EQ(nodes_told, 2) << up.output() << up.errors();
  up.send_signal(SIGINT);
  EXPECT_EQ(up.wait(20s).value_or(exit_state{}).code, 0) << up.errors();
  EXPECT_THAT(up.output(), ::testing::Not(HasSubstr("\x1b["))) << "colours only on a terminal";
}

TEST_F(newcomer, who_types_nonsense_gets_64_and_a_hint) {
  std::vector<std::vector<std::string>> commands{{"nonsense"},
                                                 {"up", "--nodes", "0"},
                                                 {"up", "--nodes", "many"},
                                                 {"send", "librarian/me"},
                                                 {"send", "no-key-here", "hello"},
                                                 {"run"},
                                                 {"status", "--nonsense"},
                                                 {"status", "--peer", "nonsense"},
                                                 {"trace", "nonsense"}};
  for (const auto& command : commands) {
    auto asked = user.troupe(command, {}, 10s);
    EXPECT_EQ(asked.ended.code, 64) << command.back() << ": " << asked.shown();
    EXPECT_THAT(asked.err, ::testing::Not(IsEmpty())) << command.back();
  }
}

TEST_F(newcomer, who_misspells_is_told_what_was_probably_meant) {
  struct mistake {
    std::vector<std::string> typed;
    std::string told;
  };
  const std::vector<mistake> all{
      {{"nosuch"}, "unknown command \"nosuch\" (`troupe --help` shows more)"},
      {{"statsu", "--json"}, "unknown command \"statsu\" (did you mean status?)"},
      {{"sned", "librarian/me", "hello"}, "unknown command \"sned\" (did you mean send?)"},
      {{"config", "chekc"}, "unknown command \"chekc\" (did you mean check?) (`troupe config"},
      {{"up", "--nods", "3"}, "unknown option --nods (did you mean --nodes?) (`troupe up"},
      {{"send", "--timeuot=3s"}, "unknown option --timeuot (did you mean --timeout?)"},
      {{"--verison"}, "unknown option --verison (did you mean --version?)"},
      {{"down", "now"}, "unexpected argument \"now\""}};
  for (const auto& [typed, told] : all) {
    auto asked = user.troupe(typed);
    EXPECT_EQ(asked.ended.code, 64) << asked.shown();
    auto said = asked.err.empty() ? error_message(asked.parsed()) : asked.err;
    EXPECT_THAT(said, HasSubstr(told));
  }
}

TEST_F(newcomer, finds_help_everywhere) {
  auto help = user.troupe({"--help"});
  EXPECT_TRUE(help.ok()) << help.shown();
  for (const char* command :
       {"up", "down", "status", "send", "run", "trace", "graphs", "roles", "config", "node"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    EXPECT_TRUE(user.troupe({command, "--help"}).ok()) << command;
  }
}

TEST_F(newcomer, is_told_where_roles_are_listed_when_one_is_unknown) {
  cluster one{user, {.nodes = 1}};
  auto asked = user.troupe({"send", "poet/me", "hello"});
  EXPECT_EQ(asked.ended.code, 64) << asked.shown();
  EXPECT_THAT(asked.err, AllOf(HasSubstr("poet"), HasSubstr("troupe roles")));
  auto roles = user.troupe({"roles"});
  EXPECT_TRUE(roles.ok()) << roles.shown();
  EXPECT_THAT(roles.out, AllOf(HasSubstr("librarian"), HasSubstr("reader"), HasSubstr("editor")));
}

TEST_F(newcomer, gets_no_trace_of_an_unknown_id) {
  cluster one{user, {.nodes = 1}};
  auto asked = user.troupe({"trace", std::string(32, '7')});
  EXPECT_EQ(asked.ended.code, 1) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr(std::string(32, '7')));
}

} // namespace

} // namespace troupe::tests
