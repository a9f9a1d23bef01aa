#pragma once

#include "tests/unit/coordination/coordinator_fixture.hpp"
#include "tests/unit/coordination/journal_of_hand.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::tests {

inline constexpr std::uint32_t timer_gone = 6, timer_journal = 8;

/// A coordinator on node `a` whose runs are durable, with the journal of its node. It can be killed
/// at any moment; the next one finds what was written.
class durable_owner : public ::testing::Test {
protected:
  struct life {
    life(const role_table& roles, metrics& counted, std::uint64_t number)
        : logic(options(), roles, counted), by(logic, service::coordinator, node_a, number << 32) {}
    static coordinator_options options() {
      coordinator_options made;
      made.capacity = 4;
      made.has_journal = true;
      made.durability = DURABILITY_SYNC;
      return made;
    }
    coordinator_logic logic;
    hand by;
  };

  role_table roles = some_roles();
  metrics counted;
  journal_of_hand journal;
  std::uint64_t lives = 0;
  std::unique_ptr<life> now;

  void SetUp() override { restart(); }
  hand& by() { return now->by; }
  void written() { journal.answer(by()); }
  /// `kill -9`, and the node is there again: what was not written is lost.
  void restart() {
    now = std::make_unique<life>(roles, counted, ++lives);
    by().tell(make_members({make_member(node_a, MEMBER_UP, 4)}));
    written();
  }

  RunSubmit submission(Graph graph) {
    RunSubmit made;
    *made.mutable_graph() = std::move(graph);
    return made;
  }
  /// Submits it and returns its id once it is accepted.
  std::string accepted(Graph graph) {
    by().ask(submission(std::move(graph)), client);
    written();
    return by().only<RunAccepted>().run();
  }
  std::vector<Task> offers() {
    std::vector<Task> all;
    for (auto& offer : by().take<TaskOffer>())
      for (auto& task : *offer.mutable_tasks())
        all.push_back(std::move(task));
    return all;
  }
  void done(const Task& task, std::string output = "done") {
    auto made = about<TaskDone>(task);
    made.set_output(bytes_of(text_value(std::move(output))));
    by().tell(std::move(made));
  }
  /// Does each offered task, with its id and its input as its result, until none is offered.
  void work_off() {
    for (auto all = offers(); !all.empty(); all = offers())
      for (const auto& task : all)
        done(task, result_of_task(task));
  }
  static std::string result_of_task(const Task& task) {
    std::string text = task.id() + "(";
    for (const auto& [field, value] :
         std::map<std::string, Value>{task.input().begin(), task.input().end()})
      text += field + "=" + value.ShortDebugString();
    return text + ")";
  }
};

/// One task, then one for each of three things, then one for each of these, then one over all.
inline RunSubmit spread() {
  RunSubmit made;
  *made.mutable_graph() = graph_of(R"(
graph: spread
inputs: {things: {type: list, required: true}}
tasks:
  - {id: first, role: editor, input: {text: hello}}
  - {id: each, role: reader, for_each: $inputs.things, input: {one: $item, of: $tasks.first}}
  - {id: again, role: reader, for_each: $tasks.each, input: {one: $item}}
  - {id: last, role: editor, input: {all: $tasks.again}}
result: $tasks.last
)");
  (*made.mutable_inputs())["things"] =
      list_value({text_value("a"), text_value("b"), text_value("c")});
  return made;
}

} // namespace troupe::tests
