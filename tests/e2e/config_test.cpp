#include "tests/e2e/e2e.hpp"

#include <csignal>

/// Configuration as users see it: `troupe config`, `troupe node`, and what is refused.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class configuration : public e2e_test {
protected:
  std::string file(const std::string& text) const {
    auto path = user.path() / "troupe.yaml";
    write_file(path, text);
    return path.string();
  }
};

TEST_F(configuration, is_shown_with_what_the_file_the_environment_and_flags_say) {
  auto path =
      file("telemetry:\n  sample_ratio: 0.25\n  log_level: warning\nqueue:\n  tasks_max: 7\n");
  auto shown = user.troupe({"config", "show", "--config", path, "--set", "queue.tasks_max=9"},
                           {{"TROUPE_TELEMETRY_LOG_LEVEL", "error"}});
  ASSERT_TRUE(shown.ok()) << shown.shown();
  EXPECT_THAT(shown.out, HasSubstr("sample_ratio: 0.25")) << "the file over the default";
  EXPECT_THAT(shown.out, HasSubstr("log_level: error")) << "the environment over the file";
  EXPECT_THAT(shown.out, HasSubstr("tasks_max: 9")) << "a flag over everything";
}

TEST_F(configuration, is_shown_as_json_with_where_it_came_from) {
  auto path = file("queue:\n  tasks_max: 7\n");
  auto shown = user.troupe({"config", "show", "--json", "--config", path});
  ASSERT_TRUE(shown.ok()) << shown.shown();
  bool found = false;
  auto told = shown.parsed();
  for (const auto& key : told.at("keys"))
    if (key.at("key") == "queue.tasks_max") {
      found = true;
      EXPECT_EQ(key.at("value"), 7);
      EXPECT_EQ(key.at("from"), path + ":2");
    }
  EXPECT_TRUE(found) << shown.out;
  auto valid = user.troupe({"config", "check", "--json", "--config", path});
  EXPECT_EQ(valid.parsed().at("valid"), true) << valid.shown();
  auto wrong = user.troupe({"config", "check", "--json", "--set", "queue.tasks_max=none"});
  EXPECT_EQ(wrong.ended.code, 78) << wrong.shown();
  EXPECT_THAT(error_message(wrong.parsed()), HasSubstr("tasks_max"));
}

TEST_F(configuration, that_was_shown_can_be_read_back) {
  auto shown = user.troupe({"config", "show"});
  ASSERT_TRUE(shown.ok()) << shown.shown();
  auto checked = user.troupe({"config", "check", "--config", file(shown.out)});
  EXPECT_TRUE(checked.ok()) << checked.shown() << shown.out;
}

TEST_F(configuration, with_a_mistake_is_refused_with_file_line_and_column) {
  struct mistake {
    std::string text;
    std::string place;
    std::string word;
  };
  std::vector<mistake> mistakes{
      {"cluster:\n  name: fleet\n  colour: red\n", ":3:3", "colour"},
      {"queue:\n  tasks_max: lots\n", ":2:14", "tasks_max"},
      {"telemetry:\n  sample_ratio: 1.5\n", ":2:17", "sample_ratio"},
      {"telemetry:\n\tsample_ratio: 1\n", ":2:", ""},
      {"node:\n  listen: 192.0.2.1:4000\n", ":2:11", "loopback"},
  };
  for (const auto& wrong : mistakes) {
    auto path = file(wrong.text);
    for (auto command : {std::vector<std::string>{"config", "check", "--config", path},
                         std::vector<std::string>{"node", "--config", path},
                         std::vector<std::string>{"up", "--nodes", "1", "--config", path}}) {
      auto checked = user.troupe(command, {}, 10s);
      EXPECT_EQ(checked.ended.code, 78) << wrong.text << command[0] << checked.shown();
      EXPECT_THAT(checked.err, AllOf(HasSubstr(path + wrong.place), HasSubstr(wrong.word)));
    }
  }
}

TEST_F(configuration, from_an_unknown_variable_or_flag_is_refused_by_name) {
  auto variable = user.troupe({"config", "check"}, {{"TROUPE_QUEUE_COLOUR", "red"}});
  EXPECT_EQ(variable.ended.code, 78) << variable.shown();
  EXPECT_THAT(variable.err, HasSubstr("TROUPE_QUEUE_COLOUR"));
  auto flag = user.troupe({"config", "check", "--set", "queue.colour=red"});
  EXPECT_EQ(flag.ended.code, 78) << flag.shown();
  EXPECT_THAT(flag.err, HasSubstr("queue.colour"));
}

TEST_F(configuration, in_a_file_that_is_missing_is_refused) {
  auto checked = user.troupe({"config", "check", "--config", "nowhere.yaml"});
  EXPECT_EQ(checked.ended.code, 78) << checked.shown();
  EXPECT_THAT(checked.err, HasSubstr("nowhere.yaml"));
}

TEST_F(configuration, reaches_the_nodes_of_up) {
  cluster one{user, {.nodes = 1, .environment = {{"TROUPE_CLUSTER_NAME", "from-outside"}}}};
  auto status = user.troupe({"status", "--json"});
  ASSERT_TRUE(status.ok()) << status.shown();
  EXPECT_EQ(status.parsed().at("cluster"), "from-outside");
}

TEST_F(configuration, of_a_lone_node_lets_it_say_where_it_listens_on_a_terminal) {
  auto settings = file("node:\n  data: " + (user.path() / "lone").string() + "\n");
  // `script` runs it on a terminal and passes on its output.
  process_options options;
  options.program = "/usr/bin/script";
  options.arguments = {"-qefc", program_under_test().string() + " node --config " + settings,
                       "/dev/null"};
  process node{std::move(options)};
  std::string said;
  for (auto deadline = clock::now() + 20s; clock::now() < deadline;) {
    auto line = node.read_line(20s);
    if (!line)
      break;
    said += *line + "\n";
    if (said.find("ready") != std::string::npos)
      break;
  }
  EXPECT_THAT(said, AllOf(HasSubstr("listening at 127.0.0.1:"), HasSubstr("ready")));
  EXPECT_THAT(said, ::testing::Not(HasSubstr("{"))) << "lines for people, not JSON";
  node.send_signal(SIGTERM);
  EXPECT_TRUE(node.wait(20s)) << said;
}

TEST_F(configuration, runs_one_node_in_the_foreground) {
  auto secret = user.path() / "secret";
  write_file(secret, std::string(64, 'a') + "\n");
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  auto peer = "127.0.0.1:" + std::to_string(free_port());
  auto path =
      file("cluster:\n  name: lone\n  secret_file: " + secret.string() + "\nnode:\n  name: lonely\n"
           + "  listen: " + peer + "\n  data: " + (user.path() / "lone").string() + "\n");
  auto node = user.start({"node", "--config", path});
  json status;
  for (auto deadline = clock::now() + 20s; clock::now() < deadline && !node.wait(0s);) {
    auto asked = user.troupe(
        {"status", "--json", "--peer", peer, "--cluster", "lone", "--secret-file", secret.string()},
        {}, 10s);
    if (asked.ok()) {
      status = asked.parsed();
      break;
    }
  }
  ASSERT_TRUE(status.is_object()) << node.output() << node.errors();
  EXPECT_EQ(nodes_in(status).at("lonely").at("pid"), node.pid());
  node.send_signal(SIGTERM);
  EXPECT_EQ(node.wait(20s).value_or(exit_state{}).code, 0) << node.errors();
}

} // namespace

} // namespace troupe::tests
