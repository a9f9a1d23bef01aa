#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <csignal>
#include <set>
#include <string>
#include <vector>

/// What a run that goes on makes of things that are changed meanwhile.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

class versions : public simulated_models {
protected:
  void write_roles(const std::string& words) {
    write_file(roles() / "scholar.yaml",
               "role: scholar\ndescription: Reads\nmind: reader\nmodel: open/reads\ntasks: true\n"
               "prompts:\n  summary: \""
                   + words + " in short: {{passages}}\"\n  answer: \"" + words
                   + " {{question}} in {{passages}}\"\n");
    write_file(roles() / "teller.yaml",
               "role: teller\ndescription: Tells\nmind: chat\nmodel: open/tells\ntasks: true\n"
               "prompts:\n  answer: \""
                   + words + " {{text}}\"\n");
  }
  std::string graph() {
    auto file = user.path() / "own.yaml";
    write_file(file, R"(graph: own
inputs: {document: {type: file, required: true}}
tasks:
  - {id: read, role: scholar, input: {document: $inputs.document, question: "What is it?"}}
  - {id: tell, role: teller, needs: [read], input: {text: of geese}}
result: $tasks.tell
)");
    return file.string();
  }
  std::vector<std::string> run() {
    auto document = user.path() / "geese.txt";
    write_file(document, "Geese are birds.\n");
    return {"run", graph(), "--input", "document=" + document.string(), "--durability", "sync"};
  }
  std::size_t calls(const std::string& model, const std::string& outcome = "answered") {
    auto all = provider_->calls();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const json& one) {
      return one["model"] == model && one["outcome"] == outcome;
    }));
  }
  /// Waits until one step of the run is recorded, while another is on its way.
  ::testing::AssertionResult await_recorded_step(const std::string& run_id) {
    std::string last;
    for (auto end = clock::now() + 30s; clock::now() < end;) { // each question is a process
      auto told = user.troupe({"runs", "show", run_id, "--steps", "--json"});
      last = told.shown();
      if (!told.ok())
        continue;
      std::multiset<std::string> outcomes;
      auto shown = told.parsed();
      for (const auto& task : shown.at("tasks"))
        for (const auto& step : task.at("steps"))
          outcomes.insert(step.at("outcome").get<std::string>());
      if (outcomes.contains("recorded") && outcomes.contains("open"))
        return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << last;
  }
};

TEST_F(versions, an_edited_prompt_changes_nothing_for_a_run_that_goes_on) {
  simulate(R"(  - contains: once more What is it?
    first: 1
    latency: 60s
  - model: tells
    reply: "{question}"
)");
  write_roles("once more");
  cluster three{user, {.nodes = 3}};
  auto arguments = run();
  arguments.push_back("--detach");
  auto begun = user.troupe(arguments);
  ASSERT_TRUE(begun.ok()) << begun.shown();
  auto id = begun.out.substr(0, begun.out.find('\n'));
  ASSERT_TRUE(await_recorded_step(id));
  EXPECT_EQ(calls("reads"), 1u) << "the summary";
  write_roles("quite otherwise");
  auto before = three.nodes();
  for (const auto& node : before)
    ::kill(node.pid, SIGKILL);
  for (const auto& node : before)
    three.await_restart(node.name, node.pid);
  auto ended = user.troupe({"runs", "attach", id});
  ASSERT_TRUE(ended.ok()) << ended.shown();
  EXPECT_EQ(ended.out, "once more of geese\n") << "a prompt that had not been asked is kept, too";
  EXPECT_EQ(calls("reads"), 2u) << "the summary was recorded: " << provider_->calls().dump(2);
  EXPECT_EQ(calls("tells"), 1u);
  auto shown = user.troupe({"runs", "show", id, "--json"}).parsed();
  EXPECT_EQ(shown.at("state"), "succeeded");
  EXPECT_GE(shown.at("resumed"), 1);

  auto next = user.troupe(run());
  ASSERT_TRUE(next.ok()) << next.shown();
  EXPECT_EQ(next.out, "quite otherwise of geese\n");
}

} // namespace
} // namespace troupe::tests
