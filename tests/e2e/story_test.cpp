#include "tests/e2e/e2e.hpp"

#include <algorithm>
#include <sstream>

/// The log at debug: what became of one run, one message and one link, in the words of all who had
/// to do with it.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class story : public e2e_test {
protected:
  /// The lines of all nodes' logs in the order of their time. Complete once the nodes have ended.
  std::vector<json> lines() const {
    std::vector<json> all;
    for (const auto& folder : std::filesystem::directory_iterator{user.data()}) {
      if (!folder.is_directory())
        continue;
      std::istringstream text{read_file(folder.path() / "log.jsonl")};
      for (std::string line; std::getline(text, line);)
        all.push_back(json::parse(line));
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const json& a, const json& b) { return a.at("ts") < b.at("ts"); });
    return all;
  }

  /// "agent: noop#0 begins task first of ..." for the lines that hold all the words.
  static std::vector<std::string> told(const std::vector<json>& all,
                                       const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const auto& line : all) {
      auto text =
          line.at("component").get<std::string>() + ": " + line.at("message").get<std::string>();
      bool fits = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return text.find(word) != text.npos;
      });
      if (fits)
        found.push_back(std::move(text));
    }
    return found;
  }

  static std::vector<json> of_trace(const std::vector<json>& all, const json& trace) {
    std::vector<json> found;
    std::copy_if(all.begin(), all.end(), std::back_inserter(found),
                 [&](const json& line) { return line.value("trace_id", json()) == trace; });
    return found;
  }
};

TEST_F(story, of_a_run_is_told_task_by_task_and_joined_by_its_ids) {
  cluster three{user, {.arguments = {"--log-level", "debug"}}};
  auto ran = user.troupe({"run", "chain", "--json"});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto run = ran.parsed().at("run").get<std::string>();
  EXPECT_EQ(three.stop().code, 0);

  auto of_run = of_trace(lines(), ran.parsed().at("trace_id"));
  auto at_work = told(of_run, {"agent: ", "of run " + run});
  EXPECT_THAT(at_work, SizeIs(6)) << "two lines a task";
  for (std::string id : {"first", "second", "third"}) {
    auto task = "task " + id + " of run " + run + ", attempt 1";
    auto of_task = told(of_run, {task});
    ASSERT_THAT(of_task, SizeIs(Ge(2u)));
    auto begun = told(of_run, {"agent: noop#", " begins " + task});
    auto settled = told(of_run, {"agent: noop#", " settles " + task + ": done"});
    ASSERT_THAT(begun, SizeIs(1));
    ASSERT_THAT(settled, SizeIs(1));
    EXPECT_EQ(begun[0].substr(0, begun[0].find(" begins")),
              settled[0].substr(0, settled[0].find(" settles")))
        << "by the same agent";
    EXPECT_LT(std::find(at_work.begin(), at_work.end(), begun[0]),
              std::find(at_work.begin(), at_work.end(), settled[0]));
  }
}

TEST_F(story, of_a_message_leads_from_its_agent_to_models_and_its_state) {
  cluster three{user, {.arguments = {"--log-level", "debug"}}};
  ASSERT_TRUE(user.troupe({"send", "librarian/ada", "Remember: geese fly in a V."}).ok());
  auto sent = user.troupe({"send", "librarian/ada", "How do geese fly?", "--json"});
  ASSERT_TRUE(sent.ok()) << sent.shown();
  auto home = home_name(three, "librarian/ada");
  EXPECT_EQ(three.stop().code, 0);

  auto all = lines();
  EXPECT_THAT(told(all, {"roles: starts librarian/ada"}), SizeIs(1));
  EXPECT_THAT(told(all, {"agent: librarian/ada is active"}), SizeIs(1));
  EXPECT_THAT(told(all, {"agent: librarian/ada has its state, version 0"}), SizeIs(1));
  EXPECT_THAT(told(all, {"state: has written the state of librarian/ada: version 1"}), SizeIs(1));
  EXPECT_THAT(told(all, {"agent: librarian/ada leaves"}), SizeIs(1)) << "as its node ended";
  for (const auto& line : all)
    if (line.at("message").get<std::string>().starts_with("librarian/ada ")) {
      EXPECT_EQ(line.at("node"), home);
    }
  auto of_message = of_trace(all, sent.parsed().at("trace_id"));
  auto asks = told(of_message, {"agent: librarian/ada asks "});
  ASSERT_THAT(asks, Not(IsEmpty()));
  auto by = asks[0].substr(asks[0].find(" by ") + 4);
  auto number = by.substr(0, by.find(' '));
  EXPECT_THAT(told(of_message, {"librarian/ada is answered " + number + " with "}), SizeIs(1))
      << asks[0];
  EXPECT_THAT(told(of_message, {"librarian/ada settles message", "done"}), SizeIs(1));
}

TEST_F(story, of_the_links_and_members_is_told_on_both_sides) {
  cluster two{user, {.nodes = 2, .arguments = {"--log-level", "debug"}}};
  EXPECT_EQ(two.stop().code, 0);
  auto all = lines();
  EXPECT_THAT(told(all, {"link: ", "begins: node", "was dialled"}), Not(IsEmpty()));
  for (std::string peer : {"node-1", "node-2"}) {
    EXPECT_THAT(told(all, {"link: ", "with " + peer, "has proven who it is"}), Not(IsEmpty()));
    EXPECT_THAT(told(all, {"link: ", "with " + peer, "works in both directions"}), Not(IsEmpty()));
    EXPECT_THAT(told(all, {"membership: " + peer, " has link "}), Not(IsEmpty()));
    EXPECT_THAT(told(all, {"membership: " + peer, " is up: linked"}), Not(IsEmpty()));
  }
  EXPECT_THAT(told(all, {"membership: view ", "node-1 up", "node-2 up"}), Not(IsEmpty()));
  EXPECT_THAT(told(all, {"supervisor: ", "queue has started"}), SizeIs(2));
  EXPECT_THAT(told(all, {"supervisor: ", "queue ended after it was asked to stop"}), SizeIs(2));
}

TEST_F(story, is_not_told_unless_it_is_asked_for) {
  cluster two{user, {.nodes = 2}};
  ASSERT_TRUE(user.troupe({"run", "chain"}).ok());
  ASSERT_TRUE(user.troupe({"send", "librarian/ada", "Remember: geese fly in a V."}).ok());
  EXPECT_EQ(two.stop().code, 0);
  auto all = lines();
  EXPECT_THAT(all, Not(IsEmpty())) << "there is a log";
  for (const auto& line : all)
    EXPECT_NE(line.at("level"), "debug") << line;
}

TEST_F(story, has_a_level_that_is_checked) {
  for (std::string command : {"up", "node"}) {
    auto loud = user.troupe({command, "--log-level", "loud"});
    EXPECT_EQ(loud.ended.code, 78) << loud.shown();
    EXPECT_THAT(loud.err,
                AllOf(HasSubstr("telemetry.log_level"), HasSubstr("\"loud\""), HasSubstr("debug")));
    EXPECT_THAT(user.troupe({command, "--help"}).out, HasSubstr("--log-level LEVEL"));
  }
}

} // namespace

} // namespace troupe::tests
