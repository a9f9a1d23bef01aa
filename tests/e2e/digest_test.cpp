#include "tests/e2e/e2e.hpp"

#include <algorithm>

/// The main job: three nodes together read the licences of this machine.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class digesting : public e2e_test {
protected:
  /// Runs digest and returns the report from --output.
  std::string report_of(const std::filesystem::path& folder, std::vector<std::string> more = {}) {
    auto file = user.path() / "report.md";
    more.insert(more.end(), {"--output", file.string()});
    auto ran = user.troupe(digest(folder, question, more));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    return read_file(file);
  }
};

/// The licence documents that are not links to others.
std::vector<std::string> real_licences() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{licences})
    if (entry.is_regular_file() && !entry.is_symlink())
      names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(digesting, the_licences_quotes_each_verbatim_with_its_lines) {
  cluster three{user};
  auto report = report_of(licences);
  for (const auto& name : real_licences())
    EXPECT_THAT(report, HasSubstr(name));
  EXPECT_THAT(report, HasSubstr(question));
  auto quotations = quotations_in(report);
  EXPECT_GE(quotations.size(), 8u) << report;
  std::set<std::string> quoted;
  for (const auto& quotation : quotations) {
    ASSERT_THAT(quotation.document, Not(IsEmpty())) << "no place is said of: " << quotation.text;
    auto text = read_file(licences / quotation.document);
    EXPECT_THAT(folded_lines(text, quotation.first_line, quotation.last_line),
                HasSubstr(folded(quotation.text)))
        << quotation.document << " lines " << quotation.first_line << "-" << quotation.last_line;
    quoted.insert(quotation.document);
  }
  for (const char* name : {"GPL-2", "GPL-3", "MPL-2.0"})
    EXPECT_THAT(quoted, Contains(name));
}

TEST_F(digesting, is_done_by_all_three_nodes) {
  cluster three{user};
  report_of(licences);
  auto status = user.troupe({"status", "--json"}).parsed();
  std::size_t sum = 0;
  for (const auto& [name, node] : nodes_in(status)) {
    EXPECT_GE(node.at("tasks_done").get<std::size_t>(), 1u) << name;
    sum += node.at("tasks_done").get<std::size_t>();
  }
  EXPECT_EQ(sum, real_licences().size() + 1) << "a reader for each document and an editor";
}

TEST_F(digesting, gives_the_same_report_each_time_and_on_any_number_of_nodes) {
  std::string three_nodes, again;
  {
    cluster three{user};
    three_nodes = report_of(licences);
    again = report_of(licences, {"--peer", three.node("node-3").address});
  }
  EXPECT_EQ(three_nodes, again);
  home other{program_under_test()};
  cluster one{other, {.nodes = 1}};
  auto alone = other.troupe(digest(licences));
  ASSERT_TRUE(alone.ok()) << alone.shown();
  EXPECT_EQ(alone.out, three_nodes);
}

TEST_F(digesting, gives_the_report_that_earlier_versions_gave) {
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe(digest(documents(), "Who pays a fee, and how much?"));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_EQ(ran.out, read_file(TROUPE_SOURCE_DIR "/tests/data/three_documents.md"));
}

TEST_F(digesting, prints_the_report_alone_on_standard_output) {
  cluster one{user, {.nodes = 1}};
  auto report = report_of(documents());
  auto ran = user.troupe(digest(documents()));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_EQ(ran.out, report) << "progress goes to standard error";
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
}

TEST_F(digesting, tells_of_each_task_in_json) {
  cluster three{user};
  auto ran = user.troupe(digest(licences, question, {"--json"}));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto told = ran.parsed();
  EXPECT_EQ(told.at("ok"), true);
  EXPECT_THAT(told.at("tasks"), SizeIs(real_licences().size() + 1));
  std::set<std::string> nodes;
  for (const auto& task : told.at("tasks")) {
    EXPECT_EQ(task.at("ok"), true) << task;
    EXPECT_EQ(task.at("attempts"), 1) << task;
    nodes.insert(task.at("node").get<std::string>());
  }
  EXPECT_THAT(nodes, SizeIs(3));
  EXPECT_THAT(told.at("result").dump(), HasSubstr("GPL-3"));
  EXPECT_THAT(told.at("trace_id").get<std::string>(), SizeIs(32));
}

TEST_F(digesting, cannot_write_its_report_says_so_before_it_works) {
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe(digest(documents(), question, {"--output", "/nowhere/report.md"}));
  EXPECT_EQ(ran.ended.code, 73) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("/nowhere/report.md"));
  EXPECT_EQ(nodes_in(user.troupe({"status", "--json"}).parsed()).at("node-1").at("tasks_done"), 0);
}

TEST_F(digesting, can_be_done_for_several_clients_at_once) {
  cluster three{user};
  auto alone = report_of(licences);
  std::vector<process> clients;
  for (const auto& node : three.nodes())
    clients.push_back(user.start(digest(licences, question, {"--peer", node.address})));
  for (auto& client : clients) {
    EXPECT_EQ(client.wait(120s).value_or(exit_state{}).code, 0) << client.errors();
    client.wait_for_closed_output(10s);
    EXPECT_EQ(client.output(), alone);
  }
}

TEST_F(digesting, one_document_by_another_graph_answers_the_question) {
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe({"run", "ask", "--input", "file=" + (documents() / "alpha.txt").string(),
                          "--input", "question=When does the harbour open?"});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, HasSubstr("six in the morning"));
}

} // namespace

} // namespace troupe::tests
