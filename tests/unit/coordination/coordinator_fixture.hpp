#pragma once

#include "actors/coordination/coordinator_logic.hpp"
#include "config/limits/runs.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {

/// Timers of the coordinator.
inline constexpr std::uint32_t timer_progress = 1, timer_deadline = 2, timer_retry = 3,
                               timer_held = 4, timer_go_on = 5;
inline const auto client = address::of_session({42}, node_a);

/// An offered task and the node that it was sent to.
struct offered_task {
  node_id node;
  Task task;
};

/// A coordinator on node `a` that works on two tasks at once and takes at most three runs.
class coordinator : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  coordinator_logic logic{{2, 3}, roles, counted};
  hand by{logic, service::coordinator};

  void three_nodes() {
    by.tell(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP),
                          make_member(node_c, MEMBER_UP)}));
  }
  void states(MemberState b, MemberState c) {
    by.tell(make_members(
        {make_member(node_a, MEMBER_UP), make_member(node_b, b), make_member(node_c, c)}));
  }
  std::string submit(Graph graph, bool progress = false, trace_context trace = {}) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    submit.set_want_progress(progress);
    by.ask(std::move(submit), client, trace);
    return by.only<RunAccepted>().run();
  }
  std::vector<offered_task> offers() {
    std::vector<offered_task> all;
    for (auto& sent : by.take_envelopes<TaskOffer>()) {
      EXPECT_EQ(sent.target.svc, service::queue);
      EXPECT_EQ(sent.sender, address::of(service::coordinator, node_a));
      for (auto& task : *sent.body.as<TaskOffer>()->mutable_tasks())
        all.push_back({sent.target.node, task});
    }
    return all;
  }
  offered_task only_offer() {
    auto all = offers();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? offered_task{} : all.front();
  }
  void started(const Task& task) { by.tell(about<TaskStarted>(task)); }
  void done(const Task& task, std::string output = "done") {
    auto made = about<TaskDone>(task);
    made.set_output(bytes_of(text_value(std::move(output))));
    by.tell(std::move(made));
  }
  void failed(const Task& task, ec code) {
    auto made = about<TaskDone>(task);
    *made.mutable_failure() = to_proto({code, "it failed"});
    by.tell(std::move(made));
  }
  void refused(const Task& task) {
    TasksRefused made;
    *made.add_tasks() = about<TasksRefused::One>(task);
    by.tell(std::move(made));
  }
  /// Lets an interval pass and returns what each queue is asked.
  std::map<node_id, TasksAsked> asked() {
    by.now += limits::held_interval;
    by.fire(timer_held);
    std::map<node_id, TasksAsked> all;
    for (auto& sent : by.take_envelopes<TasksAsked>())
      all[sent.target.node] = *sent.body.as<TasksAsked>();
    return all;
  }
  enum class held_as { waiting, running, reported };
  /// Answers for the queue that it holds these tasks.
  void held(const TasksAsked& question, std::vector<std::pair<Task, held_as>> tasks) {
    TasksHeld answer;
    answer.set_round(question.round());
    for (const auto& [task, as] : tasks) {
      auto group = as == held_as::waiting   ? answer.add_waiting()
                   : as == held_as::running ? answer.add_running()
                                            : answer.add_reported();
      group->set_run(task.run());
      group->add_index(task.index());
      group->add_attempt(task.attempt());
    }
    by.tell(std::move(answer));
  }
  static std::map<node_id, int> count_by_node(const std::vector<offered_task>& all) {
    std::map<node_id, int> counts;
    for (const auto& one : all)
      ++counts[one.node];
    return counts;
  }
};

} // namespace troupe::tests
