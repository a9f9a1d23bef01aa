#include "tests/e2e/e2e.hpp"

/// `troupe graphs`, `troupe run NAME --help`, users' own graphs, and what is refused before it
/// starts.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class graphs : public e2e_test {
protected:
  command_result run_graph(const std::string& yaml, std::vector<std::string> more = {}) {
    write_file(user.path() / "own.yaml", yaml);
    more.insert(more.begin(), {"run", "./own.yaml"});
    return user.troupe(more);
  }
};

TEST_F(graphs, are_listed_without_a_cluster) {
  auto listed = user.troupe({"graphs"});
  ASSERT_TRUE(listed.ok()) << listed.shown();
  EXPECT_THAT(listed.out, AllOf(HasSubstr("digest"), HasSubstr("chain"), HasSubstr("fan")));
  auto told = user.troupe({"graphs", "--json"});
  ASSERT_TRUE(told.ok()) << told.shown();
  EXPECT_THAT(told.parsed().dump(), HasSubstr(R"("name":"digest")"));
}

TEST_F(graphs, say_what_inputs_they_take) {
  auto help = user.troupe({"run", "digest", "--help"});
  ASSERT_TRUE(help.ok()) << help.shown();
  EXPECT_THAT(help.out, AllOf(HasSubstr("dir"), HasSubstr("folder"), HasSubstr("question"),
                              HasSubstr("/usr/share/common-licenses")));
}

TEST_F(graphs, run_from_a_file_of_ones_own) {
  cluster two{user, {.nodes = 2}};
  auto ran = run_graph("graph: own\n"
                       "tasks:\n"
                       "  - {id: one, role: noop}\n"
                       "  - {id: two, role: noop, needs: [one]}\n"
                       "  - {id: three, role: noop, needs: [one, two]}\n",
                       {"--json"});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.parsed().at("tasks"), SizeIs(3));
}

TEST_F(graphs, with_a_cycle_are_refused_with_its_members) {
  cluster one{user, {.nodes = 1}};
  auto ran = run_graph("graph: own\n"
                       "tasks:\n"
                       "  - {id: free, role: noop}\n"
                       "  - {id: hen, role: noop, needs: [egg]}\n"
                       "  - {id: egg, role: noop, needs: [hen, free]}\n");
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, AllOf(HasSubstr("own.yaml:4"), HasSubstr("hen"), HasSubstr("egg"),
                             ::testing::Not(HasSubstr("free"))));
}

TEST_F(graphs, with_an_unknown_role_are_refused_with_its_line) {
  cluster one{user, {.nodes = 1}};
  auto ran = run_graph("graph: own\ntasks:\n  - id: a\n    role: poet\n");
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, AllOf(HasSubstr("own.yaml:"), HasSubstr("poet")));
}

TEST_F(graphs, with_a_role_that_does_no_tasks_are_refused_with_its_place) {
  cluster one{user, {.nodes = 1}};
  auto ran = run_graph("graph: own\ntasks:\n  - id: a\n    role: librarian\n");
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, AllOf(HasSubstr("own.yaml:4:11"), HasSubstr("does tasks")));
}

TEST_F(graphs, without_a_wanted_input_are_refused_with_its_place) {
  auto graph = "graph: own\ninputs:\n  word: {type: text, required: true}\n"
               "tasks:\n  - {id: a, role: noop}\n";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--input", "word="}}) {
    auto ran = run_graph(graph, more);
    EXPECT_EQ(ran.ended.code, 64) << ran.shown();
    EXPECT_THAT(ran.err, AllOf(HasSubstr("own.yaml:3:3"), HasSubstr("`word`")));
  }
}

TEST_F(graphs, that_need_a_task_that_is_not_there_are_refused) {
  cluster one{user, {.nodes = 1}};
  auto ran = run_graph("graph: own\ntasks:\n  - {id: a, role: noop, needs: [ghost]}\n");
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, AllOf(HasSubstr("own.yaml:3"), HasSubstr("ghost")));
}

TEST_F(graphs, with_a_mistake_in_their_yaml_are_refused_with_its_place) {
  cluster one{user, {.nodes = 1}};
  for (const char* text :
       {"graph: own\ntasks: {\n", "graph: own\ntasks:\n  - {id: a, rolle: noop}\n"}) {
    auto ran = run_graph(text);
    EXPECT_EQ(ran.ended.code, 64) << text << ran.shown();
    EXPECT_THAT(ran.err, HasSubstr("own.yaml:"));
  }
}

TEST_F(graphs, without_an_input_that_they_need_are_refused_with_its_example) {
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe({"run", "digest", "--input", "dir=" + documents().string()});
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("question"));
  EXPECT_EQ(nodes_in(user.troupe({"status", "--json"}).parsed()).at("node-1").at("tasks_done"), 0);
}

TEST_F(graphs, with_an_input_that_they_do_not_know_are_refused) {
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe(digest(documents(), question, {"--input", "colour=red"}));
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("colour"));
}

TEST_F(graphs, that_nobody_knows_are_refused_with_those_there_are) {
  cluster one{user, {.nodes = 1}};
  auto unknown = user.troupe({"run", "digset"});
  EXPECT_EQ(unknown.ended.code, 64) << unknown.shown();
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("digset"), HasSubstr("digest")));
  auto missing = user.troupe({"run", "./nowhere.yaml"});
  EXPECT_EQ(missing.ended.code, 64) << missing.shown();
  EXPECT_THAT(missing.err, HasSubstr("nowhere.yaml"));
}

} // namespace

} // namespace troupe::tests
