#include "tests/e2e/e2e.hpp"

#include <fstream>

/// Text that is not UTF-8 and values that are too deep are refused where they enter or are made,
/// with their place. Nobody waits for ever.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class values : public e2e_test {
protected:
  std::filesystem::path file(const std::string& called, const std::string& text) {
    auto path = user.path() / called;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, text);
    return path;
  }

  /// A graph of `tasks` tasks of the role echo. Each gets the result of the one before.
  std::filesystem::path nested(int tasks) {
    std::string text = "graph: nest\ntasks:\n";
    for (int i = 0; i < tasks; ++i)
      text += "  - {id: t" + std::to_string(i) + ", role: echo, input: {previous: "
              + (i == 0 ? "x" : "$tasks.t" + std::to_string(i - 1)) + "}}\n";
    return file("nest.yaml", text + "result: $tasks.t" + std::to_string(tasks - 1) + "\n");
  }
};

TEST_F(values, a_result_that_nests_too_deep_ends_the_run_and_says_where) {
  for (int nodes : {1, 3}) {
    cluster some{user, {.nodes = nodes}};
    auto ran = user.troupe({"run", nested(40).string()}, {}, 20s);
    EXPECT_EQ(ran.ended.code, 1) << ran.shown();
    EXPECT_THAT(ran.err, AllOf(HasSubstr("task t32, its output, field \"previous.previous."),
                               HasSubstr("at most 32 lists and maps within each other"),
                               Not(HasSubstr("libprotobuf"))));
    auto as_json = user.troupe({"run", nested(40).string(), "--json"}, {}, 20s);
    EXPECT_EQ(as_json.ended.code, 1) << as_json.shown();
    EXPECT_THAT(as_json.parsed().dump(), HasSubstr("within each other"));
    EXPECT_TRUE(user.troupe({"run", nested(32).string()}, {}, 20s).ok()) << "as deep as may be";
    EXPECT_EQ(some.stop().code, 0);
    std::filesystem::remove_all(user.data()); // the next cluster has a different number of nodes
  }
}

TEST_F(values, roles_that_are_no_utf8_do_not_start_a_cluster) {
  auto role = file("roles/greeter.yaml", "role: greeter\ndescription: caf\xe9\nmind: echo\n");
  auto started = user.troupe(
      {"up", "--nodes", "1", "--detach", "--set", "node.roles=" + role.parent_path().string()});
  EXPECT_EQ(started.ended.code, 78) << started.shown();
  EXPECT_THAT(started.err, HasSubstr("greeter.yaml:2:17: expected UTF-8 text"));
}

TEST_F(values, graphs_and_names_that_are_no_utf8_are_wrong_use) {
  cluster one{user, {.nodes = 1}};
  auto graph =
      file("g.yaml", "graph: lat\ndescription: caf\xe9\ntasks:\n  - {id: a, role: noop}\n");
  auto ran = user.troupe({"run", graph.string()});
  EXPECT_EQ(ran.ended.code, 64) << ran.shown();
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("g.yaml:2:17: expected UTF-8 text"), Not(HasSubstr("libprotobuf"))));
  auto sent = user.troupe({"send", "librarian/\xff", "hi"});
  EXPECT_EQ(sent.ended.code, 64) << sent.shown();
  EXPECT_THAT(sent.err, AllOf(HasSubstr("UTF-8"), Not(HasSubstr("libprotobuf"))));
  auto other = user.troupe({"status", "--cluster", "caf\xe9"});
  EXPECT_EQ(other.ended.code, 64) << other.shown();
  EXPECT_THAT(other.err, Not(HasSubstr("libprotobuf")));
}

TEST_F(values, files_and_folders_may_be_called_anything) {
  auto graph = file("caf\xe9/g.yaml", "graph: lat\ntasks:\n  - {id: a, role: noop}\n");
  auto data = (user.path() / "d\xe9").string();
  auto started = user.troupe({"up", "--nodes", "1", "--detach", "--data", data});
  ASSERT_TRUE(started.ok()) << started.shown();
  auto ran = user.troupe({"run", graph.string(), "--data", data});
  EXPECT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.err, Not(HasSubstr("libprotobuf")));
  EXPECT_TRUE(user.troupe({"down", "--data", data}).ok());
}

} // namespace

} // namespace troupe::tests
