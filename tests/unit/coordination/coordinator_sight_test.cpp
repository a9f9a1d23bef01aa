#include "actors/coordination/coordinator_logic.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/spans.pb.h"
#include "messages/values.pb.h"
#include "telemetry/trace_words.hpp"
#include "tests/unit/coordination/hand.hpp"

#include <gmock/gmock.h>

/// What the coordinator reports (progress, ends, spans), and how runs are called off.
namespace troupe::tests {
namespace {

constexpr std::uint32_t timer_progress = 1, timer_deadline = 2;
const auto owners_client = address::of_session({42}, node_a);
const trace_context sampled{{1, 2}, {}, 1};

class coordinator_sight : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  coordinator_logic logic{{2, limits::status_runs_max + 1}, roles, counted};
  hand by{logic, service::coordinator};

  std::string submit(std::string_view yaml, bool progress, trace_context trace = {},
                     address from = owners_client) {
    RunSubmit submit;
    *submit.mutable_graph() = graph_of(yaml);
    submit.set_want_progress(progress);
    by.ask(std::move(submit), std::move(from), trace);
    return by.only<RunAccepted>().run();
  }
  std::vector<Task> offers() {
    std::vector<Task> all;
    for (auto& offer : by.take<TaskOffer>())
      for (auto& task : offer.tasks())
        all.push_back(task);
    return all;
  }
  void started(const Task& task) { by.tell(about<TaskStarted>(task)); }
  void done(const Task& task, std::optional<failure> why = {}) {
    auto made = about<TaskDone>(task);
    made.set_queue_wait_us(1'500);
    set_usage(made, {100, 10, 2'000});
    if (why)
      *made.mutable_failure() = to_proto(*why);
    by.tell(std::move(made));
  }
  static std::string text_of(const SpanData& span, const std::string& key) {
    for (const auto& a : span.attributes())
      if (a.key() == key)
        return a.has_integer()  ? std::to_string(a.integer())
               : a.has_number() ? std::to_string(a.number() * 1e9)
                                : a.text();
    return "";
  }
};

constexpr auto two = "graph: two\ntasks:\n  - {id: a, role: reader}\n  - {id: b, role: reader}\n";

TEST_F(coordinator_sight, tells_of_progress_at_intervals_and_at_the_end) {
  submit(two, true);
  EXPECT_TRUE(by.armed(timer_progress));
  auto tasks = offers();
  started(tasks[0]);
  EXPECT_TRUE(by.take<RunProgress>().empty()) << "not before the timer";
  by.fire(timer_progress);
  auto progress = by.only<RunProgress>();
  EXPECT_EQ(progress.running(), 1u);
  EXPECT_EQ(progress.queued(), 1u);
  EXPECT_EQ(progress.total(), 2u);
  EXPECT_EQ(progress.last(), "a");
  EXPECT_EQ(progress.node(), to_bytes(node_a));
  by.clear();
  done(tasks[0]);
  EXPECT_TRUE(by.armed(timer_progress));
  EXPECT_TRUE(by.take<RunProgress>().empty());
  done(tasks[1]);
  auto last = by.take_envelopes<RunProgress>();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].body.as<RunProgress>()->done(), 2u);
  EXPECT_EQ(last[0].target, owners_client);
  EXPECT_EQ(by.take<RunEnded>().size(), 1u);
  by.fire(timer_progress);
  EXPECT_TRUE(by.out.sends.empty()) << "there is nothing left to tell";
}

TEST_F(coordinator_sight, adds_up_what_all_attempts_used) {
  submit(two, false, sampled);
  auto tasks = offers();
  done(tasks[0], failure{ec::agent_failed, "once"});
  auto again = offers();
  ASSERT_EQ(again.size(), 1u);
  done(again[0]);
  by.out.spans.clear();
  done(tasks[1]);
  auto ended = by.only<RunEnded>();
  EXPECT_EQ(ended.input_tokens(), 300u);
  EXPECT_EQ(ended.output_tokens(), 30u);
  EXPECT_EQ(ended.cost_nano_usd(), 6'000);
  const auto& root = by.out.spans.back();
  ASSERT_EQ(root.name(), "invoke_workflow two");
  EXPECT_EQ(text_of(root, "gen_ai.usage.input_tokens"), "300");
  EXPECT_EQ(text_of(root, "troupe.cost_usd"), std::to_string(6'000.0));
}

TEST_F(coordinator_sight, keeps_progress_to_itself_unless_asked) {
  submit(two, false);
  EXPECT_FALSE(by.armed(timer_progress));
  for (const auto& task : offers())
    done(task);
  EXPECT_TRUE(by.take<RunProgress>().empty());
}

TEST_F(coordinator_sight, lists_its_runs_the_oldest_first) {
  auto first = submit(two, false);
  for (std::size_t i = 0; i < limits::status_runs_max; ++i) {
    by.now += 1ms;
    submit(two, false);
  }
  done(offers()[0]);
  by.ask(RunsQuery{}, address::of(service::desk, node_a));
  auto listed = by.only<RunsListed>();
  EXPECT_EQ(listed.total(), limits::status_runs_max + 1);
  ASSERT_EQ(static_cast<std::size_t>(listed.runs_size()), limits::status_runs_max);
  EXPECT_EQ(listed.runs(0).run(), first);
  EXPECT_EQ(listed.runs(0).graph(), "two");
  EXPECT_EQ(listed.runs(0).done(), 1u);
  EXPECT_EQ(listed.runs(0).total(), 2u);
}

TEST_F(coordinator_sight, fails_a_run_whose_result_no_message_can_carry) {
  submit("graph: large\ntasks:\n  - {id: a, role: reader}\nresult: $tasks.a\n", false);
  auto task = offers()[0];
  TaskDone made;
  made.set_run(task.run());
  made.set_index(task.index());
  made.set_attempt(task.attempt());
  made.set_output(bytes_of(text_value(std::string(limits::payload_bytes_max, 'x'))));
  by.tell(std::move(made));
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.failure().code(), static_cast<std::uint32_t>(ec::too_large));
  EXPECT_FALSE(ended.has_result());
  EXPECT_EQ(ended.tasks_size(), 1);
}

TEST_F(coordinator_sight, cancels_a_run_everywhere) {
  by.tell(make_members({make_member(node_a, MEMBER_UP), make_member(node_b, MEMBER_UP),
                        make_member(node_c, MEMBER_UP)}));
  auto run = submit(two, false);
  auto tasks = offers();
  RunCancel cancel;
  cancel.set_run(run);
  by.ask(cancel, address::of_session({43}, node_a));
  auto orders = by.take_envelopes<TaskCancel>();
  EXPECT_EQ(orders.size(), 2u) << "the nodes that were offered a task";
  for (auto& order : orders)
    EXPECT_EQ(order.body.as<TaskCancel>()->run(), run);
  auto ends = by.take_envelopes<RunEnded>();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].target, owners_client);
  EXPECT_EQ(ends[1].kind, message_kind::reply);
  auto ended = *ends[0].body.as<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.failure().code(), static_cast<std::uint32_t>(ec::cancelled));
  EXPECT_EQ(ended.tasks(1).failure().code(), static_cast<std::uint32_t>(ec::cancelled));
  done(tasks[0]);
  EXPECT_EQ(counted.plain().late_results, 1u);
  by.ask(cancel, owners_client);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::not_found);
}

TEST_F(coordinator_sight, has_room_again_after_a_run_was_cancelled) {
  for (int i = 0; i < 3; ++i) {
    RunCancel cancel;
    cancel.set_run(submit(two, false));
    EXPECT_EQ(offers().size(), 2u) << "all that this node works on at once";
    by.tell(cancel);
    by.clear();
  }
}

TEST_F(coordinator_sight, cancels_what_waits_for_a_place_or_for_another_try) {
  std::string yaml = "graph: wide\ninputs: {l: {type: list, default: [1,2,3,4,5,6,7,8]}}\ntasks:\n"
                     "  - {id: a, role: reader, for_each: $inputs.l}\n";
  auto run = submit(yaml, true);
  auto tasks = offers();
  ASSERT_EQ(tasks.size(), 2u);
  done(tasks[0], failure{ec::overloaded, "full"});
  done(tasks[1], failure{ec::agent_failed, "fell"});
  RunCancel cancel;
  cancel.set_run(run);
  by.tell(cancel);
  EXPECT_EQ(by.take<RunEnded>().size(), 1u);
  by.clear();
  by.now += 1min;
  for (std::uint32_t timer : {1, 2, 3})
    by.fire(timer);
  EXPECT_TRUE(by.out.sends.empty());
}

TEST_F(coordinator_sight, ends_the_runs_of_a_client_that_is_gone) {
  submit(two, false);
  submit(two, false, {}, address::of_session({43}, node_a));
  by.clear();
  SessionClosed closed;
  closed.set_session(42);
  closed.set_left(true);
  by.tell(closed);
  auto ends = by.take_envelopes<RunEnded>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].target, owners_client);
  EXPECT_EQ(by.take<TaskCancel>().size(), 1u);
}

TEST_F(coordinator_sight, a_run_whose_client_is_gone_ends_after_its_agents) {
  submit(two, false, sampled);
  auto tasks = offers();
  started(tasks[0]);
  SessionClosed closed;
  closed.set_session(42);
  closed.set_left(true);
  by.tell(closed);
  EXPECT_TRUE(by.out.spans.empty()) << "an agent is still at work";
  done(tasks[0], failure{ec::cancelled, "the run was cancelled"});
  ASSERT_EQ(by.out.spans.size(), 1u);
  EXPECT_EQ(text_of(by.out.spans[0], "troupe.cancel.reason"), "client_gone");
  EXPECT_EQ(by.take<RunEnded>().size(), 1u);
}

TEST_F(coordinator_sight, tells_submitters_when_the_node_stops) {
  submit(two, false);
  by.stop();
  EXPECT_EQ(by.only<RunEnded>().failure().code(), static_cast<std::uint32_t>(ec::unavailable));
}

TEST_F(coordinator_sight, records_the_run_and_leaves_attempts_to_those_who_do_them) {
  submit(two, false, {{1, 2}, {9}, 1});
  auto tasks = offers();
  EXPECT_EQ(tasks[0].trace_lo(), 2u);
  EXPECT_EQ(tasks[0].trace_flags(), 1u);
  EXPECT_NE(tasks[0].span(), tasks[1].span());
  EXPECT_EQ(tasks[0].previous_span(), 0u);
  EXPECT_GT(tasks[0].ready_ns(), 0);
  by.now += 1ms;
  done(tasks[0], failure{ec::agent_failed, "fell"});
  auto again = offers();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_NE(again[0].span(), tasks[0].span());
  EXPECT_EQ(again[0].previous_span(), tasks[0].span());
  EXPECT_EQ(again[0].ready_ns(), by.now.time_since_epoch().count()) << "when the first had failed";
  done(tasks[1]);
  done(again[0]);
  ASSERT_EQ(by.out.spans.size(), 1u);
  const auto& root = by.out.spans[0];
  EXPECT_EQ(root.name(), "invoke_workflow two");
  EXPECT_EQ(root.parent(), 9u);
  EXPECT_EQ(root.span(), tasks[0].run_span());
  EXPECT_FALSE(root.failed()) << "the run succeeded in the end";
  for (const auto& line : by.out.logs)
    EXPECT_NE(line.level, log_level::warning) << line.text;
  EXPECT_EQ(text_of(root, "gen_ai.workflow.name"), "two");
  EXPECT_EQ(text_of(root, "troupe.tasks"), "2");
  EXPECT_EQ(text_of(root, "troupe.tasks.retried"), "1");
  ASSERT_EQ(root.events_size(), 1);
  EXPECT_EQ(root.events(0).name(), "retry");
  EXPECT_EQ(root.events(0).attributes(1).text(), "agent_failed");
  for (const auto& one : root.attributes())
    EXPECT_TRUE(may_have(*row_of(root.name()), one.key())) << one.key();
}

TEST_F(coordinator_sight, records_the_attempts_of_a_lost_node_itself) {
  auto members = [](MemberState b) {
    return make_members({make_member(node_a, MEMBER_UP, 2, {"noop"}), make_member(node_b, b)});
  };
  by.tell(members(MEMBER_UP));
  submit(two, false, sampled);
  auto tasks = offers();
  by.now += 3ms;
  started(tasks[1]);
  auto began = by.now;
  by.now += 4ms;
  by.tell(members(MEMBER_DOWN));
  ASSERT_EQ(by.out.spans.size(), 2u);
  const auto &lost = by.out.spans[0], &begun = by.out.spans[1];
  EXPECT_EQ(lost.name(), "task a");
  EXPECT_EQ(lost.status_message(), "the node node-b is down");
  EXPECT_EQ(text_of(lost, "troupe.task.node"), "node-b");
  EXPECT_EQ(text_of(lost, "troupe.task.outcome"), "lost");
  EXPECT_EQ(text_of(lost, "troupe.task.wait_ms"), "") << "it was not begun";
  EXPECT_EQ(text_of(begun, "troupe.task.wait_ms"), std::to_string(3e9));
  ASSERT_EQ(begun.events_size(), 3);
  EXPECT_EQ(begun.events(2).name(), "started");
  EXPECT_EQ(begun.events(2).at_ns(), began.time_since_epoch().count());
  EXPECT_NE(lost.span(), tasks[0].span()) << "that id is the node's, should it live after all";
  EXPECT_EQ(lost.parent(), tasks[0].run_span());
  auto id = lost.span();
  by.tell(members(MEMBER_UP));
  auto again = offers();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].previous_span(), id);
}

TEST_F(coordinator_sight, a_cancelled_run_ends_when_its_agents_have_given_up) {
  auto run = submit(two, false, sampled);
  auto tasks = offers();
  started(tasks[0]);
  RunCancel cancel;
  cancel.set_run(run);
  cancel.set_reason(CANCEL_INTERRUPTED);
  by.ask(cancel, owners_client);
  EXPECT_FALSE(by.take<TaskCancel>().empty()) << "the nodes hear of it at once";
  EXPECT_TRUE(by.take<RunEnded>().empty()) << "an agent is still at work";
  done(tasks[0], failure{ec::cancelled, "the run was cancelled"});
  auto ends = by.take<RunEnded>();
  ASSERT_EQ(ends.size(), 2u) << "the submitter and who cancelled it";
  EXPECT_THAT(ends[0].failure().message(), ::testing::HasSubstr("interrupted"));
  ASSERT_EQ(by.out.spans.size(), 1u);
  const auto& root = by.out.spans[0];
  EXPECT_TRUE(root.failed());
  EXPECT_EQ(text_of(root, "error.type"), "cancelled");
  EXPECT_EQ(text_of(root, "troupe.cancel.reason"), "interrupted");
}

TEST_F(coordinator_sight, a_cancelled_run_does_not_wait_for_ever) {
  auto run = submit(two, false, sampled);
  auto tasks = offers();
  started(tasks[0]);
  RunCancel cancel;
  cancel.set_run(run);
  by.tell(cancel);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  constexpr std::uint32_t timer_closing = 7;
  ASSERT_TRUE(by.armed(timer_closing));
  by.now += limits::run_close_patience;
  by.fire(timer_closing);
  EXPECT_EQ(by.take<RunEnded>().size(), 1u);
}

TEST_F(coordinator_sight, records_nothing_of_a_trace_that_is_not_sampled) {
  submit(two, false, {{1, 2}, {9}, 0});
  auto tasks = offers();
  EXPECT_EQ(tasks[0].trace_lo(), 2u);
  EXPECT_EQ(tasks[0].span(), 9u);
  for (const auto& task : tasks)
    done(task);
  EXPECT_TRUE(by.out.spans.empty());
}

std::string lines_of(const outputs& out) {
  std::string all;
  for (const auto& line : out.logs)
    all += line.text + "\n";
  return all;
}

TEST_F(coordinator_sight, tells_the_story_of_a_run_at_debug_and_only_then) {
  for (bool wanted : {true, false}) {
    by.clear();
    by.out.debugs = wanted;
    RunSubmit submit;
    *submit.mutable_graph() = many(1);
    by.ask(std::move(submit), owners_client);
    auto task = by.only<TaskOffer>().tasks(0);
    started(task);
    TaskDone done;
    done.set_run(task.run());
    done.set_attempt(1);
    *done.mutable_failure() = to_proto({ec::agent_failed, "it broke"});
    by.tell(done);
    task = by.only<TaskOffer>().tasks(0);
    done.clear_failure();
    done.set_attempt(2);
    done.set_output(bytes_of(text_value("x")));
    by.tell(done);
    if (!wanted) {
      EXPECT_TRUE(by.out.logs.empty()) << lines_of(by.out);
      continue;
    }
    auto lines = lines_of(by.out);
    std::size_t at = 0;
    for (auto part :
         {"is accepted", "has ready tasks", "has started", "(attempt 1) of run", "is offered",
          "has started", "came to nothing", "will be tried again: it broke", "(attempt 2) of run",
          "is offered", "is done", "has ended"}) {
      auto found = lines.find(part, at);
      ASSERT_NE(found, std::string::npos) << part << " in\n" << lines;
      at = found + 1;
    }
  }
}

} // namespace
} // namespace troupe::tests
