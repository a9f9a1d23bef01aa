#include "tests/e2e/e2e.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>

/// What ends frees its blobs; what is remembered is stored at the agent's home.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class storage : public e2e_test {
protected:
  command_result send(const std::string& agent, const std::string& text,
                      std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"send", agent, text});
    return user.troupe(more);
  }
  /// A figure of `troupe status`, summed over the nodes.
  static std::uint64_t sum(const json& status, const char* figure) {
    std::uint64_t all = 0;
    for (const auto& [name, node] : nodes_in(status))
      all += node.at(figure).get<std::uint64_t>();
    return all;
  }
  std::filesystem::path tiny_files(int count) const {
    auto folder = user.path() / "tiny";
    std::filesystem::create_directory(folder);
    for (int i = 0; i < count; ++i)
      std::ofstream(folder / std::to_string(i)) << "Parcel x" << i << " goes by the ferry.\n";
    return folder;
  }
};

/// A key of an agent whose home is not that node.
std::string key_off(const cluster& where, const std::string& node_name, int from = 0) {
  for (int i = from;; ++i)
    if (auto key = "key-" + std::to_string(i); home_name(where, "librarian/" + key) != node_name)
      return key;
}

TEST_F(storage, what_was_remembered_is_at_home_when_the_node_that_took_it_is_gone) {
  cluster three{user};
  auto taker = three.nodes().front();
  std::vector<std::string> keys;
  for (int i = 0; i < 3; ++i)
    keys.push_back("librarian/" + key_off(three, taker.name, 10 * i));
  for (const auto& agent : keys) {
    auto told =
        send(agent, "Remember the folder " + documents().string(), {"--peer", taker.address});
    ASSERT_TRUE(told.ok()) << told.shown();
  }
  // Nobody restarts the node.
  ::kill(three.up().pid(), SIGSTOP);
  ::kill(taker.pid, SIGKILL);
  for (const auto& agent : keys)
    for (const auto& node : three.nodes())
      if (node.name != taker.name) {
        auto asked = send(agent, "When does the harbour open?", {"--peer", node.address});
        EXPECT_TRUE(asked.ok()) << asked.shown();
        EXPECT_THAT(asked.out, AllOf(HasSubstr("opens at six"), HasSubstr("alpha.txt")));
      }
  ::kill(three.up().pid(), SIGCONT);
  three.await_restart(taker.name, taker.pid);
}

TEST_F(storage, thousands_of_tiny_files_are_there_after_a_kill) {
  cluster one{user, {.nodes = 1}};
  auto told = send("librarian/tiny", "Remember the folder " + tiny_files(2'000).string());
  ASSERT_TRUE(told.ok()) << told.shown();
  EXPECT_THAT(told.out, HasSubstr("2000 documents"));
  auto before = one.nodes().front().pid;
  ::kill(before, SIGKILL);
  one.await_restart("node-1", before);
  auto status = user.troupe({"status", "--json"});
  EXPECT_EQ(sum(status.parsed(), "blobs"), 2'000u);
  auto asked = send("librarian/tiny", "How does parcel x1234 go?");
  ASSERT_TRUE(asked.ok()) << asked.shown();
  EXPECT_THAT(asked.out, HasSubstr("x1234 goes by the ferry"));
}

TEST_F(storage, agents_that_have_nothing_to_do_leave_and_come_back_with_what_they_know) {
  cluster three{user, {.arguments = {"--set", "agents.idle=100ms"}}};
  ASSERT_TRUE(send("librarian/ada", "Remember: The ferry leaves from pier four.").ok());
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(send("echo/" + std::to_string(i), "hello").ok());
  auto run = user.troupe(digest(documents()));
  ASSERT_TRUE(run.ok()) << run.shown();
  auto status = await_status(
      user, [](const json& now) { return sum(now, "agents") == 0; }, 120s);
  EXPECT_EQ(sum(status, "agents"), 0u);
  auto asked = send("librarian/ada", "Which pier does the ferry leave from?");
  EXPECT_THAT(asked.out, HasSubstr("pier four"));
}

TEST_F(storage, blobs_that_nobody_names_go_and_those_that_an_agent_names_stay) {
  cluster one{user, {.nodes = 1, .arguments = {"--set", "storage.blob_keep=1s"}}};
  auto told = send("librarian/ada", "Remember the file " + (documents() / "alpha.txt").string());
  ASSERT_TRUE(told.ok()) << told.shown();
  auto run = user.troupe(digest(documents(), question, {"--durability", "off"}));
  ASSERT_TRUE(run.ok()) << run.shown();
  auto status = await_status(user, [](const json& now) { return sum(now, "blobs") == 1; });
  EXPECT_EQ(sum(status, "blobs"), 1u) << "alpha.txt, which is named";
  auto before = one.nodes().front().pid;
  ::kill(before, SIGKILL);
  one.await_restart("node-1", before);
  auto asked = send("librarian/ada", "When does the harbour open?");
  EXPECT_THAT(asked.out, HasSubstr("opens at six"));
}

TEST_F(storage, a_store_that_is_gone_is_noticed) {
  {
    cluster one{user, {.nodes = 1}};
    ASSERT_TRUE(send("librarian/ada", "Remember: The ferry leaves from pier four.").ok());
    one.stop();
  }
  for (const char* store : {"state", "blobs", "journal"}) {
    auto folder = user.data() / "node-1" / store, aside = user.path() / "aside";
    std::filesystem::rename(folder, aside);
    auto up = user.troupe({"up", "--nodes", "1"});
    EXPECT_EQ(up.ended.code, 65) << up.shown();
    EXPECT_THAT(up.err + up.out, AllOf(HasSubstr("is gone"), HasSubstr("mount")));
    std::filesystem::remove_all(folder);
    std::filesystem::rename(aside, folder);
  }
  cluster again{user, {.nodes = 1}};
  EXPECT_THAT(send("librarian/ada", "Which pier does the ferry leave from?").out,
              HasSubstr("pier four"));
}

TEST_F(storage, without_space_nothing_new_is_taken_and_what_is_there_is_read) {
  constexpr std::uintmax_t tib = std::uintmax_t{1} << 40;
  if (std::filesystem::space(user.path()).available >= tib)
    GTEST_SKIP() << "storage.free_min is 1 TiB at most, and " << user.path().string()
                 << " has more space: with TMPDIR on a smaller disk this runs";
  {
    cluster one{user, {.nodes = 1}};
    ASSERT_TRUE(send("librarian/ada", "Remember: The ferry leaves from pier four.").ok());
    one.stop();
  }
  {
    cluster full{user, {.nodes = 1, .arguments = {"--set", "storage.free_min=1TiB"}}};
    auto fact = send("librarian/ada", "Remember: The bridge opens at noon.");
    EXPECT_FALSE(fact.ok());
    EXPECT_THAT(fact.err,
                AllOf(HasSubstr("no new fact is taken"), HasSubstr("this message has no effect")));
    auto file = send("librarian/ada", "Remember the file " + (documents() / "alpha.txt").string());
    EXPECT_FALSE(file.ok());
    EXPECT_THAT(file.err, HasSubstr("no new document is taken"));
    EXPECT_THAT(send("librarian/ada", "Which pier does the ferry leave from?").out,
                HasSubstr("pier four"));
    full.stop();
  }
  cluster again{user, {.nodes = 1}};
  EXPECT_TRUE(send("librarian/ada", "Remember: The bridge opens at noon.").ok());
}

} // namespace

} // namespace troupe::tests
