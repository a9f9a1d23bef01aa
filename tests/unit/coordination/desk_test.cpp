#include "actors/coordination/desk_logic.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "messages/values.pb.h"
#include "telemetry/span.hpp"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {
namespace {

const auto desk_client = address::of_session({42}, node_a);

SpanData span_of(trace_id trace, std::uint64_t id, std::uint64_t parent, std::int64_t start) {
  SpanData made;
  made.set_trace_hi(trace.hi);
  made.set_trace_lo(trace.lo);
  made.set_span(id);
  made.set_parent(parent);
  made.set_start_ns(start);
  return made;
}

struct kept_traces final : trace_source {
  std::vector<SpanData> spans;
  std::optional<trace_id> last;

  std::vector<SpanData> spans_of(trace_id trace) const override {
    std::vector<SpanData> found;
    for (const auto& span : spans)
      if (span.trace_hi() == trace.hi && span.trace_lo() == trace.lo)
        found.push_back(span);
    return found;
  }
  std::optional<trace_id> last_trace() const override { return last; }
};

std::string trace_bytes(trace_id trace) { return to_bytes(run_id{trace.hi, trace.lo}); }

class desk : public ::testing::Test {
protected:
  kept_traces traces;
  RunsListed runs;      ///< the coordinator's answer
  AgentsCounted agents; ///< the answer of service::roles
  SlotsCounted slots;   ///< the queue's answer
  desk_logic logic{{"demo"},
                   [] {
                     NodeStatus status;
                     *status.mutable_info() = make_member(node_a, MEMBER_UP).info();
                     status.set_tasks_done(11);
                     for (auto called : {"echo", "reader"})
                       status.add_roles()->set_name(called);
                     return status;
                   },
                   traces};
  hand by{logic, service::desk};

  void members(MemberState b, MemberState c) {
    by.tell(make_members(
        {make_member(node_a, MEMBER_UP), make_member(node_b, b), make_member(node_c, c)}));
  }
  void ask_status(bool whole) {
    begin_status(whole);
    answer_all<RunsQuery>(runs);
    answer_all<AgentsQuery>(agents);
    answer_all<SlotsQuery>(slots);
  }
  void begin_status(bool whole) {
    StatusQuery query;
    query.set_whole_cluster(whole);
    by.ask(query, desk_client);
  }
  void ask_trace(bool whole, std::optional<trace_id> trace = {}) {
    TraceQuery query;
    query.set_whole_cluster(whole);
    if (trace)
      query.set_trace(trace_bytes(*trace));
    by.ask(query, desk_client);
  }
  template <class Query, class Message>
  void answer_all(const Message& message) {
    for (auto& asked : by.take_envelopes<Query>())
      answer(asked, message);
  }
  template <class Query>
  std::map<node_id, envelope> questions() {
    std::map<node_id, envelope> asked;
    for (auto& sent : by.take_envelopes<Query>()) {
      EXPECT_EQ(sent.target.svc, service::desk);
      EXPECT_EQ(sent.kind, message_kind::request);
      asked.emplace(sent.target.node, std::move(sent));
    }
    return asked;
  }
  template <class Message>
  void answer(const envelope& question, Message message) {
    by.give(reply_to(question, std::move(message)));
  }
  static NodeStatus status_of(node_id node, std::uint64_t done) {
    NodeStatus status;
    *status.mutable_info() = make_member(node, MEMBER_UP).info();
    status.set_tasks_done(done);
    return status;
  }
  static TraceFound found(trace_id trace, std::vector<SpanData> spans) {
    TraceFound made;
    made.set_trace(trace_bytes(trace));
    for (auto& span : spans)
      *made.add_spans() = std::move(span);
    return made;
  }
};

TEST_F(desk, makes_the_spans_of_a_client_spans_of_this_node) {
  SpansMade made;
  *made.add_spans() = span_of({1, 2}, 3, 0, 10);
  made.mutable_spans(0)->set_service("whatever the client says");
  made.mutable_spans(0)->set_node(to_bytes(node_b));
  *made.add_spans() = span_of({0, 0}, 4, 0, 10);
  for (int i = 0; i < 100; ++i)
    *made.add_spans() = span_of({1, 2}, std::uint64_t{5} + static_cast<std::uint64_t>(i), 3, 10);
  by.tell(made);
  ASSERT_EQ(by.out.spans.size(), 63u) << "64 are looked at; one is of no trace";
  EXPECT_EQ(by.out.spans[0].service(), "troupe-cli");
  EXPECT_EQ(by.out.spans[0].node(), "");
  EXPECT_GT(by.out.spans[0].end_ns(), by.out.spans[0].start_ns());
  by.clear();
  set(*made.mutable_spans(0), "text", std::string(9'000, 'x'));
  for (auto& span : *made.mutable_spans())
    span.set_name(std::string(5'000, 'x'));
  by.tell(made);
  EXPECT_TRUE(by.out.spans.empty()) << "too much for one message";
}

TEST_F(desk, answers_for_itself) {
  ask_status(false);
  auto status = by.only<NodeStatus>();
  EXPECT_EQ(status.tasks_done(), 11u);
  EXPECT_EQ(status.state(), MEMBER_UP);
}

TEST_F(desk, asks_the_coordinator_of_its_node_for_the_runs) {
  begin_status(false);
  answer_all<AgentsQuery>(agents);
  answer_all<SlotsQuery>(slots);
  auto asked = by.take_envelopes<RunsQuery>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target, address::of(service::coordinator, node_a));
  EXPECT_TRUE(by.take<NodeStatus>().empty());
  runs.add_runs()->set_graph("digest");
  runs.set_total(7);
  answer(asked[0], runs);
  auto status = by.only<NodeStatus>();
  ASSERT_EQ(status.runs_size(), 1);
  EXPECT_EQ(status.runs(0).graph(), "digest");
  EXPECT_EQ(status.runs_total(), 7u);
}

void count(google::protobuf::RepeatedPtrField<RoleCount>& to, const std::string& role,
           std::uint32_t number) {
  auto added = to.Add();
  added->set_role(role);
  added->set_count(number);
}

TEST_F(desk, asks_the_roles_and_the_queue_of_its_node_for_agents_and_slots) {
  begin_status(false);
  auto of_roles = by.take_envelopes<AgentsQuery>();
  auto of_queue = by.take_envelopes<SlotsQuery>();
  ASSERT_EQ(of_roles.size(), 1u);
  ASSERT_EQ(of_queue.size(), 1u);
  EXPECT_EQ(of_roles[0].target, address::of(service::roles, node_a));
  EXPECT_EQ(of_queue[0].target, address::of(service::queue, node_a));
  count(*agents.mutable_roles(), "reader", 5);
  count(*agents.mutable_roles(), "unheard", 1);
  count(*slots.mutable_roles(), "reader", 2);
  answer(of_queue[0], slots);
  answer_all<RunsQuery>(runs);
  EXPECT_TRUE(by.take<NodeStatus>().empty());
  answer(of_roles[0], agents);
  auto status = by.only<NodeStatus>();
  ASSERT_EQ(status.roles_size(), 2) << "the node's own, in their order";
  EXPECT_EQ(status.roles(0).agents(), 0u);
  EXPECT_EQ(status.roles(1).name(), "reader");
  EXPECT_EQ(status.roles(1).agents(), 5u);
  EXPECT_EQ(status.roles(1).busy(), 2u);
}

TEST_F(desk, answers_without_the_fields_of_those_that_do_not_answer) {
  begin_status(false);
  ASSERT_EQ(by.out.timers.size(), 1u);
  EXPECT_LT(by.out.timers[0].after, limits::desk_query_timeout) << "another desk waits for it";
  by.fire(by.out.timers[0].id);
  auto alone = by.only<NodeStatus>();
  EXPECT_EQ(alone.tasks_done(), 11u);
  EXPECT_EQ(alone.roles_size(), 2) << "without counts";
  by.clear();
  auto starting = to_proto(failure{ec::unavailable, "it starts"});
  count(*slots.mutable_roles(), "reader", 2);
  begin_status(false);
  answer_all<RunsQuery>(starting);
  answer_all<AgentsQuery>(starting);
  answer_all<SlotsQuery>(slots);
  auto status = by.only<NodeStatus>();
  EXPECT_EQ(status.tasks_done(), 11u);
  EXPECT_EQ(status.roles(1).agents(), 0u);
  EXPECT_EQ(status.roles(1).busy(), 2u);
}

TEST_F(desk, answers_alone_when_it_knows_no_other) {
  ask_status(true);
  auto cluster = by.only<ClusterStatus>();
  EXPECT_EQ(cluster.cluster(), "demo");
  EXPECT_EQ(cluster.nodes_size(), 1);
}

TEST_F(desk, composes_the_answers_of_all_in_the_order_of_their_names) {
  members(MEMBER_UP, MEMBER_UP);
  ask_status(true);
  auto asked = questions<StatusQuery>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_FALSE(asked[node_b].body.as<StatusQuery>()->whole_cluster());
  answer(asked[node_c], status_of(node_c, 33));
  EXPECT_TRUE(by.take<ClusterStatus>().empty());
  by.out.timers.clear();
  answer(asked[node_b], status_of(node_b, 22));
  ASSERT_EQ(by.out.timers.size(), 1u);
  EXPECT_EQ(by.out.timers[0].after, 0ns) << "nobody is waited for any more";
  auto sent = by.take_envelopes<ClusterStatus>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, desk_client);
  EXPECT_EQ(sent[0].id.sequence, 1u);
  auto& cluster = *sent[0].body.as<ClusterStatus>();
  ASSERT_EQ(cluster.nodes_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cluster.nodes(i).tasks_done(), static_cast<std::uint64_t>(11 * (i + 1)));
    EXPECT_EQ(cluster.nodes(i).state(), MEMBER_UP);
  }
}

TEST_F(desk, names_members_that_are_not_up_and_those_that_do_not_answer) {
  members(MEMBER_UP, MEMBER_DOWN);
  ask_status(true);
  auto asked = questions<StatusQuery>();
  ASSERT_EQ(asked.size(), 1u) << "who is down is not asked";
  ASSERT_EQ(by.out.timers.size(), 1u);
  EXPECT_EQ(by.out.timers[0].after, limits::desk_query_timeout);
  by.fire(by.out.timers[0].id);
  auto cluster = by.only<ClusterStatus>();
  ASSERT_EQ(cluster.nodes_size(), 3);
  EXPECT_EQ(cluster.nodes(0).state(), MEMBER_UP);
  EXPECT_EQ(cluster.nodes(1).state(), MEMBER_UNKNOWN);
  EXPECT_EQ(cluster.nodes(1).info().address(), "127.0.0.1:4011");
  EXPECT_EQ(cluster.nodes(2).state(), MEMBER_DOWN);
  EXPECT_EQ(cluster.nodes(2).info().name(), "node-c");
  answer(asked[node_b], status_of(node_b, 22));
  EXPECT_TRUE(by.take<ClusterStatus>().empty()) << "an answer that comes late is dropped";
}

TEST_F(desk, does_not_wait_for_a_member_that_cannot_be_reached) {
  members(MEMBER_UP, MEMBER_DOWN);
  ask_status(true);
  auto asked = questions<StatusQuery>();
  answer(asked[node_b], to_proto(failure{ec::unavailable, "no link"}));
  EXPECT_EQ(by.only<ClusterStatus>().nodes(1).state(), MEMBER_UNKNOWN);
}

TEST_F(desk, bounds_the_questions_that_wait) {
  members(MEMBER_UP, MEMBER_UP);
  for (std::size_t i = 0; i < limits::desk_queries_max; ++i)
    ask_status(true);
  EXPECT_TRUE(by.take<Failure>().empty());
  ask_status(true);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::overloaded);
  by.stop();
  EXPECT_EQ(by.take<Failure>().size(), limits::desk_queries_max) << "nobody is left waiting";
}

constexpr trace_id first{1, 1}, second{2, 2};

TEST_F(desk, finds_a_trace_of_its_own) {
  traces.spans = {span_of(first, 2, 1, 20), span_of(first, 1, 0, 10), span_of(second, 3, 0, 30)};
  ask_trace(false, first);
  auto answer = by.only<TraceFound>();
  EXPECT_EQ(answer.trace(), trace_bytes(first));
  ASSERT_EQ(answer.spans_size(), 2);
  EXPECT_EQ(answer.spans(0).span(), 1u) << "in order of their start";
  traces.last = second;
  ask_trace(false);
  EXPECT_EQ(by.only<TraceFound>().trace(), trace_bytes(second));
}

TEST_F(desk, says_when_nobody_knows_a_trace) {
  ask_trace(false, first);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::not_found);
  ask_trace(false);
  EXPECT_EQ(from_proto(by.only<Failure>()).message, "no trace has been recorded yet");
  members(MEMBER_UP, MEMBER_DOWN);
  ask_trace(true, first);
  auto asked = questions<TraceQuery>();
  answer(asked[node_b], to_proto(failure{ec::not_found, "no"}));
  auto why = from_proto(by.only<Failure>());
  EXPECT_EQ(why.code, ec::not_found);
  EXPECT_NE(why.message.find("no answer from node-c"), std::string::npos) << why.message;
}

TEST_F(desk, refuses_an_id_that_is_none) {
  TraceQuery query;
  query.set_trace("short");
  by.ask(query, desk_client);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::invalid_argument);
}

TEST_F(desk, gathers_the_spans_of_all_nodes_and_names_the_silent) {
  traces.spans = {span_of(first, 1, 0, 10)};
  members(MEMBER_UP, MEMBER_UP);
  ask_trace(true, first);
  auto asked = questions<TraceQuery>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[node_b].body.as<TraceQuery>()->trace(), trace_bytes(first));
  answer(asked[node_b], found(first, {span_of(first, 2, 1, 5)}));
  ASSERT_FALSE(by.out.timers.empty());
  by.fire(by.out.timers.back().id);
  auto answer = by.only<TraceFound>();
  ASSERT_EQ(answer.spans_size(), 2);
  EXPECT_EQ(answer.spans(0).span(), 2u);
  ASSERT_EQ(answer.silent_size(), 1);
  EXPECT_EQ(answer.silent(0), "node-c");
}

TEST_F(desk, counts_a_node_that_cannot_be_reached_among_the_silent) {
  traces.spans = {span_of(first, 1, 0, 10)};
  members(MEMBER_UP, MEMBER_DOWN);
  ask_trace(true, first);
  auto asked = questions<TraceQuery>();
  answer(asked[node_b], to_proto(failure{ec::unavailable, "no link"}));
  auto answer = by.only<TraceFound>();
  ASSERT_EQ(answer.silent_size(), 2);
  EXPECT_EQ(answer.silent(0), "node-b");
  EXPECT_EQ(answer.silent(1), "node-c");
}

TEST_F(desk, finds_the_root_that_began_last_in_the_whole_cluster) {
  traces.spans = {span_of(first, 1, 0, 10), span_of(second, 7, 6, 22)};
  traces.last = first;
  members(MEMBER_UP, MEMBER_UP);
  ask_trace(true);
  auto asked = questions<TraceQuery>();
  EXPECT_TRUE(asked[node_b].body.as<TraceQuery>()->trace().empty());
  answer(asked[node_b], found(second, {span_of(second, 6, 0, 20)}));
  answer(asked[node_c], to_proto(failure{ec::not_found, "none"}));
  EXPECT_TRUE(by.take<TraceFound>().empty());
  asked = questions<TraceQuery>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[node_c].body.as<TraceQuery>()->trace(), trace_bytes(second));
  answer(asked[node_b], found(second, {span_of(second, 6, 0, 20)}));
  answer(asked[node_c], to_proto(failure{ec::not_found, "none"}));
  auto answer = by.only<TraceFound>();
  EXPECT_EQ(answer.trace(), trace_bytes(second));
  EXPECT_EQ(answer.spans_size(), 2);
  EXPECT_EQ(answer.silent_size(), 0) << "not to have any is an answer";
}

} // namespace
} // namespace troupe::tests
