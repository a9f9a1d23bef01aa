#pragma once

#include "messages/payload_kinds.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tests {

inline std::string reader_file(const std::string& word) {
  return "role: reader\ndescription: Reads\nmind: chat\ntasks: true\nlimits: {time: 7s}\nprompts: "
         "{answer: \""
         + word + " {{text}}\"}\n";
}

inline std::shared_ptr<role> reader_role(const std::string& word) {
  auto made = parse_role(reader_file(word), "reader.yaml");
  EXPECT_TRUE(made) << (made ? "" : to_string(made.error()));
  return std::make_shared<role>(made ? *std::move(made) : role{});
}

/// An owner whose role `reader` is a YAML file.
class owner_of_versions : public durable_owner {
protected:
  void SetUp() override {
    roles["reader"] = reader_role("before");
    durable_owner::SetUp();
  }
  void members(std::vector<node_id> up, std::uint64_t incarnation = 1) {
    std::vector<Member> all;
    for (auto node : up) {
      all.push_back(make_member(node, MEMBER_UP, 4));
      all.back().mutable_info()->set_incarnation(node == node_a ? 1 : incarnation);
    }
    by().tell(make_members(std::move(all)));
  }
  std::vector<std::pair<node_id, Task>> offers_by_node() {
    std::vector<std::pair<node_id, Task>> all;
    for (auto& sent : by().take_envelopes<TaskOffer>())
      for (auto& task : *sent.body.as<TaskOffer>()->mutable_tasks())
        all.emplace_back(sent.target.node, std::move(task));
    return all;
  }
  void refuse(const Task& task, node_id by_node, RefusalReason why,
              const std::string& needed = "version 1 of the mind chat (node-b has version 2)") {
    TasksRefused made;
    *made.add_tasks() = about<TasksRefused::One>(task);
    made.set_reason(why);
    *made.mutable_failure() = to_proto({ec::unavailable, needed});
    by().tell(std::move(made), address::of(service::queue, by_node));
  }
  /// Its first call is made and has this outcome.
  void record_step(const Task& task, const std::string& outcome, std::uint32_t version = 0) {
    for (bool ended : {false, true}) {
      auto made = about<StepsMade>(task);
      auto& step = *made.add_steps();
      step.set_number(1);
      step.set_what("chat gpt-5");
      step.set_mind_version(version);
      if (ended) {
        step.set_kind(static_cast<std::uint32_t>(payload_kind::ModelAnswer));
        step.set_outcome(outcome);
      }
      by().ask(std::move(made), address::of_agent(name{"reader#1"}, node_a));
    }
    written();
    EXPECT_EQ(by().take<StepsKept>().size(), 2u);
  }
  RunShown shown(const std::string& run, bool steps = false) {
    RunAsked asked;
    asked.set_run(run);
    asked.set_steps(steps);
    by().ask(std::move(asked), client);
    written();
    return by().only<RunShown>();
  }
};

} // namespace troupe::tests
