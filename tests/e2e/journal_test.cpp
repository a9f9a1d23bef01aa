#include "tests/e2e/simulator.hpp"

#include <csignal>
#include <filesystem>

/// `troupe journal`, and nodes whose journal is damaged.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int exit_damaged = 65, exit_unavailable = 69;

class journal : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - reply: \"{question}\"\n");
    role("asker", "open/any");
  }
  std::filesystem::path node_data() const { return user.data() / "node-1"; }
  std::filesystem::path place() const { return node_data() / "journal"; }
  std::string folder() const { return place().string(); }

  /// A durable run that node-1 owns, to its end. Its id. `word` stands in its events and nowhere
  /// else.
  std::string run_with(const cluster& where, const std::string& word) {
    write_file(user.path() / "own.yaml", "graph: own\ntasks:\n  - {id: only, role: asker, input: "
                                         "{text: \""
                                             + word + "\"}}\nresult: $tasks.only\n");
    auto ran = user.troupe({"run", (user.path() / "own.yaml").string(), "--durability", "sync",
                            "--peer", where.node("node-1").address});
    EXPECT_TRUE(ran.ok()) << ran.shown();
    EXPECT_THAT(ran.out.substr(0, 100), HasSubstr(word.substr(0, word.find(' '))));
    auto listed = user.troupe({"runs", "--json"}).parsed();
    for (const auto& run : listed.at("runs"))
      if (seen_.insert(run.at("run").get<std::string>()).second)
        return run.at("run");
    ADD_FAILURE() << "no new run is listed";
    return {};
  }
  std::string state_of(const std::string& run) {
    auto shown = user.troupe({"runs", "show", run, "--json"});
    return shown.ok() ? shown.parsed().at("state").get<std::string>() : shown.shown();
  }
  /// Changes one bit where the word first stands in a log of the journal.
  void flip_bit_in(const std::string& word) {
    for (const auto& file : std::filesystem::directory_iterator(place())) {
      if (file.path().extension() != ".log")
        continue;
      auto bytes = read_file(file.path());
      auto at = bytes.find(word);
      if (at == std::string::npos)
        continue;
      bytes[at] = static_cast<char>(bytes[at] ^ 4);
      return write_file(file.path(), bytes);
    }
    FAIL() << "no log of the journal has \"" << word << '"';
  }
  command_result journal_command(const char* what, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"journal", what, folder()};
    words.insert(words.end(), more.begin(), more.end());
    return user.troupe(words);
  }

private:
  std::set<std::string> seen_;
};

TEST_F(journal, of_a_node_that_runs_is_left_alone) {
  cluster one{user, {.nodes = 1}};
  run_with(one, "untouched");
  for (const char* what : {"check", "export"}) {
    auto refused = journal_command(what);
    EXPECT_EQ(refused.ended.code, exit_unavailable) << refused.shown();
    EXPECT_THAT(refused.err, HasSubstr("a node is using " + node_data().string()));
    EXPECT_EQ(refused.out, "");
  }
  auto refused = journal_command("salvage", {(user.path() / "new").string(), "--json"});
  EXPECT_EQ(refused.ended.code, exit_unavailable) << refused.shown();
  EXPECT_EQ(refused.parsed().at("error").at("code"), "refused");
  EXPECT_FALSE(std::filesystem::exists(user.path() / "new"));
}

TEST_F(journal, that_is_whole_is_checked_exported_and_copied) {
  std::string run;
  {
    cluster one{user, {.nodes = 1}};
    run = run_with(one, "a-whole-run");
    one.stop();
  }
  auto checked = user.troupe({"journal", "check", node_data().string()});
  EXPECT_TRUE(checked.ok()) << checked.shown();
  EXPECT_THAT(checked.out,
              AllOf(HasSubstr("1 run (0 not ended)"), HasSubstr("nothing is damaged")));
  auto told = journal_command("check", {"--json"}).parsed();
  EXPECT_EQ(told.at("runs"), 1);
  EXPECT_EQ(told.at("open"), 0);
  EXPECT_GT(told.at("records"), 1);
  EXPECT_TRUE(told.at("damage").empty()) << told;

  auto exported = journal_command("export");
  EXPECT_TRUE(exported.ok()) << exported.shown();
  std::vector<json> events;
  for (std::size_t from = 0; from < exported.out.size();) {
    auto until = exported.out.find('\n', from);
    events.push_back(json::parse(exported.out.substr(from, until - from)));
    from = until + 1;
  }
  ASSERT_EQ(events.size(), told.at("records").get<std::size_t>());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].at("run"), run);
    EXPECT_EQ(events[i].at("number"), i + 1);
  }
  EXPECT_EQ(events.front().at("event").at("began").at("graph").at("name"), "own");
  EXPECT_TRUE(events.back().at("event").contains("finished")) << events.back();

  auto copied = journal_command("salvage", {(user.path() / "new").string()});
  EXPECT_TRUE(copied.ok()) << copied.shown();
  auto again = user.troupe({"journal", "check", (user.path() / "new").string(), "--json"});
  EXPECT_EQ(again.parsed().at("records"), told.at("records")) << again.shown();
}

TEST_F(journal, that_is_damaged_ends_its_node_alone_and_what_is_whole_is_brought_out) {
  std::string damaged, whole;
  {
    cluster three{user, {}};
    // RocksDB gives up the block of 32 KiB in which the damage is.
    damaged = run_with(three, "the-first-of-two " + std::string(40'000, 'x'));
    whole = run_with(three, "the-second-of-two");
    // `up` must not see that the node has ended before its journal is damaged.
    auto before = three.node("node-1").pid;
    ::kill(three.up().pid(), SIGSTOP);
    ::kill(before, SIGKILL);
    flip_bit_in("the-first-of-two");
    ::kill(three.up().pid(), SIGCONT);
    auto killed = [](const json& event) { return event.at("event") == "node_exited"; };
    EXPECT_EQ(three.await_event(killed).at("signal"), SIGKILL);
    auto ended = three.await_event(killed);
    EXPECT_EQ(ended.at("name"), "node-1");
    EXPECT_EQ(ended.at("status"), exit_damaged);
    // The very next thing that happens to it: it is not started again.
    auto next =
        three.await_event([](const json& event) { return event.value("name", "") == "node-1"; });
    EXPECT_EQ(next.at("event"), "node_given_up");
    auto on = user.troupe(
        {"run", (user.path() / "own.yaml").string(), "--peer", three.node("node-2").address});
    EXPECT_TRUE(on.ok()) << on.shown();
    three.stop();
  }
  auto alone = user.troupe({"up"});
  EXPECT_EQ(alone.ended.code, exit_damaged) << alone.shown();
  EXPECT_THAT(alone.err + alone.out, AllOf(HasSubstr(folder()), HasSubstr("offset")));

  auto checked = journal_command("check", {"--json"});
  EXPECT_EQ(checked.ended.code, exit_damaged) << checked.shown();
  auto damage = checked.parsed().at("damage");
  ASSERT_FALSE(damage.empty()) << checked.shown();
  EXPECT_THAT(damage.at(0).at("file").get<std::string>(), HasSubstr(folder()));
  EXPECT_TRUE(damage.at(0).contains("offset")) << damage;
  auto exported = journal_command("export");
  EXPECT_EQ(exported.ended.code, exit_damaged) << exported.shown();
  EXPECT_THAT(exported.out, AllOf(HasSubstr(whole), HasSubstr("the-second-of-two"),
                                  Not(HasSubstr("the-first-of-two"))));

  auto fresh = user.path() / "fresh";
  auto salvaged = journal_command("salvage", {fresh.string()});
  EXPECT_EQ(salvaged.ended.code, exit_damaged) << "it says what is lost: " << salvaged.shown();
  std::filesystem::rename(place(), user.path() / "damaged");
  std::filesystem::rename(fresh, place());
  cluster again{user, {}};
  EXPECT_EQ(state_of(whole), "succeeded");
  auto attached = user.troupe({"runs", "attach", whole});
  EXPECT_TRUE(attached.ok()) << attached.shown();
  EXPECT_THAT(attached.out, HasSubstr("the-second-of-two"));
  auto retried = user.troupe({"runs", "retry", whole});
  EXPECT_TRUE(retried.ok()) << retried.shown();
}

} // namespace

} // namespace troupe::tests
