#include "tests/e2e/e2e.hpp"

#include <csignal>

/// `troupe send librarian/KEY`: it knows what it was told, from any client and after any restart.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class librarian : public e2e_test {
protected:
  command_result send(const std::string& key, const std::string& text,
                      std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"send", "librarian/" + key, text});
    return user.troupe(more);
  }

  void tell(const std::string& key, const std::string& text) const {
    auto told = send(key, text);
    EXPECT_TRUE(told.ok()) << told.shown();
  }
};

/// A key of an agent whose home is that node.
std::string key_on(const cluster& where, const std::string& node_name) {
  for (int i = 0;; ++i)
    if (auto key = "key-" + std::to_string(i); home_name(where, "librarian/" + key) == node_name)
      return key;
}

TEST_F(librarian, answers_with_a_quotation_and_its_source) {
  cluster three{user};
  tell("town", "Remember the folder " + documents().string());
  auto asked = send("town", "When does the harbour open?");
  ASSERT_TRUE(asked.ok()) << asked.shown();
  EXPECT_THAT(asked.out, AllOf(HasSubstr("The harbour opens at six in the morning."),
                               HasSubstr("alpha.txt"), Not(HasSubstr("baker"))));
}

TEST_F(librarian, says_that_it_was_not_told) {
  cluster one{user, {.nodes = 1}};
  auto empty = send("new", "When does the harbour open?");
  ASSERT_TRUE(empty.ok()) << empty.shown();
  EXPECT_THAT(empty.out, HasSubstr("I was not told"));
  tell("new", "Remember: Bread is baked twice a day.");
  auto other = send("new", "Which planets have rings?");
  ASSERT_TRUE(other.ok()) << other.shown();
  EXPECT_THAT(other.out, HasSubstr("I was not told"));
}

TEST_F(librarian, remembers_texts_files_and_folders_by_key) {
  cluster three{user};
  tell("a", "Remember: The password of the gate is heron.");
  tell("a", "Remember the file " + (documents() / "beta.txt").string());
  EXPECT_THAT(send("a", "What is the password of the gate?").out, HasSubstr("heron"));
  EXPECT_THAT(send("a", "How often is bread baked?").out, HasSubstr("twice a day"));
  EXPECT_THAT(send("b", "What is the password of the gate?").out, HasSubstr("I was not told"))
      << "another key is another agent";
}

TEST_F(librarian, is_the_same_from_every_node) {
  cluster three{user};
  tell("shared", "Remember: The ferry leaves from pier four.");
  for (const auto& node : three.nodes()) {
    auto asked = send("shared", "Which pier does the ferry leave from?", {"--peer", node.address});
    ASSERT_TRUE(asked.ok()) << asked.shown();
    EXPECT_THAT(asked.out, HasSubstr("pier four")) << "asked at " << node.name;
  }
}

TEST_F(librarian, knows_it_still_after_its_home_was_killed) {
  cluster three{user};
  for (const auto& node : std::vector{three.nodes()}) {
    auto key = key_on(three, node.name);
    tell(key, "Remember: The ferry leaves from pier four.");
    ::kill(node.pid, SIGKILL);
    auto after = three.await_restart(node.name, node.pid);
    await_status(user, [&](const json& status) {
      auto now = nodes_in(status).at(node.name);
      return now.at("state") == "up" && now.value("pid", 0) == after;
    });
    auto asked = send(key, "Which pier does the ferry leave from?");
    ASSERT_TRUE(asked.ok()) << asked.shown();
    EXPECT_THAT(asked.out, HasSubstr("pier four")) << "at home on " << node.name;
  }
}

TEST_F(librarian, knows_it_still_after_the_whole_cluster_was_killed_and_started_again) {
  {
    cluster first{user};
    tell("old", "Remember the folder " + documents().string());
    first.up().send_signal(SIGKILL);
    first.up().wait(10s);
    for (const auto& node : first.nodes())
      EXPECT_TRUE(wait_for_end(node.pid, 10s));
  }
  std::filesystem::remove_all(documents().parent_path() / "documents");
  cluster again{user};
  auto asked = send("old", "When does the harbour open?");
  ASSERT_TRUE(asked.ok()) << asked.shown();
  EXPECT_THAT(asked.out, HasSubstr("six in the morning")) << "it keeps the text, not the path";
}

TEST_F(librarian, that_lives_on_a_node_that_is_down_is_unavailable_by_name) {
  cluster three{user, {.arguments = {"--no-restart"}}};
  auto there = key_on(three, "node-2"), elsewhere = key_on(three, "node-1");
  tell(there, "Remember: The ferry leaves from pier four.");
  tell(elsewhere, "Remember: The market is on Monday.");
  ::kill(three.node("node-2").pid, SIGKILL);
  await_status(
      user, [](const json& status) { return nodes_in(status).at("node-2").at("state") == "down"; });
  auto asked = send(there, "Which pier does the ferry leave from?");
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr("node-2"));
  EXPECT_THAT(send(elsewhere, "When is the market?").out, HasSubstr("Monday"));
}

TEST_F(librarian, is_told_of_a_folder_that_cannot_be_read_only_after_an_error) {
  cluster one{user, {.nodes = 1}};
  auto missing = send("x", "Remember the folder /nowhere/at/all");
  EXPECT_EQ(missing.ended.code, 64) << missing.shown();
  EXPECT_THAT(missing.err, HasSubstr("/nowhere/at/all"));
  EXPECT_THAT(send("x", "What do you know?").out, HasSubstr("I was not told"));
}

TEST_F(librarian, answers_in_json_with_the_trace) {
  cluster one{user, {.nodes = 1}};
  tell("j", "Remember: The ferry leaves from pier four.");
  auto asked = send("j", "Which pier does the ferry leave from?", {"--json"});
  ASSERT_TRUE(asked.ok()) << asked.shown();
  auto answer = asked.parsed();
  EXPECT_THAT(answer.at("text").get<std::string>(), HasSubstr("pier four"));
  auto trace = user.troupe({"trace", answer.at("trace_id"), "--json"});
  ASSERT_TRUE(trace.ok()) << trace.shown();
  EXPECT_EQ(trace_in(trace.parsed()).id, answer.at("trace_id"));
}

TEST_F(librarian, answers_many_clients_at_once) {
  cluster three{user};
  tell("busy", "Remember: The ferry leaves from pier four.");
  std::vector<process> clients;
  for (int i = 0; i < 12; ++i)
    clients.push_back(
        user.start({"send", "librarian/busy", "Which pier does the ferry leave from?", "--peer",
                    three.nodes()[static_cast<std::size_t>(i) % 3].address}));
  for (auto& client : clients) {
    EXPECT_EQ(client.wait(60s).value_or(exit_state{}).code, 0) << client.errors();
    client.wait_for_closed_output(10s);
    EXPECT_THAT(client.output(), HasSubstr("pier four"));
  }
}

} // namespace

} // namespace troupe::tests
