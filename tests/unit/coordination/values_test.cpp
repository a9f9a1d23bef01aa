#include "actors/coordination/queue_logic.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <gmock/gmock.h>

/// Unreadable values are refused where they are made and reported where they arrive.
namespace troupe::tests {
namespace {

using ::testing::HasSubstr;

Value maps(int levels) {
  Value made;
  auto at = &made;
  for (int level = 0; level < levels; ++level)
    at = &(*at->mutable_map()->mutable_fields())["a"];
  at->set_text("core");
  return made;
}

const auto deepest = maps(limits::value_depth_max);
const auto too_deep = maps(limits::value_depth_max + 1);
/// Deeper than this version parses. A newer version with other limits might send it.
const auto unreadable = maps(limits::message_depth_max);

class queue_values : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  queue_logic logic{{2, 3}, roles, counted};
  hand by{logic, service::queue, node_b};
};

TEST_F(queue_values, an_offer_that_cannot_be_read_fails_its_tasks_at_once) {
  TaskOffer offer;
  offer.set_owner(to_bytes(node_a));
  for (std::uint32_t index : {1u, 2u}) {
    auto task = offer.add_tasks();
    task->set_run(to_bytes(run_id{5, 5}));
    task->set_index(index);
    task->set_attempt(3);
    task->set_role("reader");
    (*task->mutable_input())["x"] = unreadable;
  }
  by.tell(std::move(offer));
  EXPECT_TRUE(by.take<TaskWork>().empty());
  auto failed = by.take_envelopes<TaskDone>();
  ASSERT_EQ(failed.size(), 2u);
  for (std::uint32_t i = 0; i < 2; ++i) {
    const auto& done = *failed[i].body.as<TaskDone>();
    EXPECT_EQ(failed[i].target, address::of(service::coordinator, node_a));
    EXPECT_EQ(done.index(), i + 1);
    EXPECT_EQ(done.attempt(), 3u);
    EXPECT_EQ(done.failure().code(), static_cast<std::uint32_t>(ec::bad_message));
    EXPECT_THAT(done.failure().message(), HasSubstr("cannot read this TaskOffer"));
  }
  EXPECT_EQ(by.out.unread, std::vector{payload_kind::TaskOffer});
}

TEST_F(queue_values, what_is_no_offer_at_all_is_logged_and_counted) {
  by.clear(); // it asked for the members when it started
  envelope message;
  message.body = payload::from_wire(payload_kind::TaskOffer, byte_slice::copy_of("\x0f"));
  by.give(std::move(message));
  EXPECT_TRUE(by.out.sends.empty());
  EXPECT_EQ(by.out.logs.size(), 1u);
  EXPECT_EQ(by.out.unread, std::vector{payload_kind::TaskOffer});
}

using coordinator_values = coordinator;

TEST_F(coordinator_values, a_result_that_cannot_be_read_fails_its_task_at_once) {
  submit(many(1));
  auto made = about<TaskDone>(only_offer().task);
  made.set_output(bytes_of(unreadable));
  by.tell(std::move(made));
  EXPECT_TRUE(offers().empty()) << "nobody else's result could be read either";
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_THAT(ended.failure().message(), HasSubstr("cannot read this TaskDone"));
  EXPECT_EQ(by.out.unread, std::vector{payload_kind::TaskDone});
}

TEST_F(coordinator_values, an_offer_that_was_not_read_is_not_made_again) {
  submit(many(1));
  auto made = about<TaskDone>(only_offer().task);
  *made.mutable_failure() = to_proto({ec::bad_message, "cannot read this TaskOffer"});
  by.tell(std::move(made));
  EXPECT_TRUE(offers().empty());
  EXPECT_EQ(by.only<RunEnded>().tasks(0).attempts(), 1u);
}

TEST_F(coordinator_values, nobody_waits_for_an_answer_to_what_it_does_not_take) {
  envelope newer;
  newer.kind = message_kind::request;
  newer.sender = client;
  newer.body = payload::from_wire(payload_kind{143}, byte_slice::copy_of("x"));
  by.give(std::move(newer));
  EXPECT_THAT(by.only<Failure>().message(), HasSubstr("does not know messages of kind 143"));
  by.tell(TaskOffer{});
  EXPECT_EQ(by.out.logs.size(), 1u) << "an event is logged";
}

TEST_F(coordinator_values, inputs_and_literals_that_are_too_deep_are_refused_by_name) {
  RunSubmit submitted;
  *submitted.mutable_graph() = graph_of("graph: g\ninputs: {x: {type: list}}\n"
                                        "tasks: [{id: t, role: reader, input: {f: $inputs.x}}]\n");
  auto& input = (*submitted.mutable_inputs())["x"];
  *input.mutable_list()->add_items() = deepest;
  by.ask(submitted, client);
  auto refused = by.only<Failure>();
  EXPECT_EQ(refused.code(), static_cast<std::uint32_t>(ec::invalid_argument));
  EXPECT_THAT(refused.message(), HasSubstr("the inputs of the run, field \"x[0]"));

  RunSubmit literal;
  *literal.mutable_graph() = graph_of("graph: g\ntasks: [{id: t7, role: reader, input: {f: 1}}]\n");
  *(*literal.mutable_graph()->mutable_tasks(0)->mutable_input())["f"].mutable_literal() = too_deep;
  by.ask(literal, client);
  EXPECT_THAT(by.only<Failure>().message(), HasSubstr("task t7, field \"f\""));
}

TEST_F(coordinator_values, results_that_are_as_deep_as_may_be_go_into_no_list) {
  submit(graph_of("graph: g\ntasks:\n  - {id: each, role: reader, for_each: [1, 2]}\n"
                  "  - {id: all, role: reader, input: {f: $tasks.each}}\n"));
  for (const auto& one : offers()) {
    auto made = about<TaskDone>(one.task);
    made.set_output(bytes_of(one.task.index() == 0 ? deepest : maps(1)));
    by.tell(std::move(made));
  }
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_THAT(ended.failure().message(),
              ::testing::AllOf(HasSubstr("all"), HasSubstr("the results of `each`"),
                               HasSubstr("at most 32 lists and maps within each other")));
}

TEST_F(coordinator_values, a_result_of_the_run_that_cannot_be_made_is_its_failure) {
  submit(graph_of("graph: g\ntasks: [{id: each, role: reader, for_each: [1]}]\n"
                  "result: $tasks.each\n"));
  auto made = about<TaskDone>(only_offer().task);
  made.set_output(bytes_of(deepest));
  by.tell(std::move(made));
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_FALSE(ended.has_result());
  EXPECT_THAT(ended.failure().message(), HasSubstr("the result of the run: the results of `each`"));
}

TEST_F(coordinator_values, failures_with_too_many_words_are_told_as_such_at_the_end) {
  constexpr int tasks = 7'000; // of 8 KiB each: more than a message can carry
  submit(many(tasks));
  std::string words(limits::failure_bytes_max, 'x');
  for (auto all = offers(); !all.empty(); all = offers())
    for (const auto& one : all) {
      auto made = about<TaskDone>(one.task);
      *made.mutable_failure() = to_proto({ec::invalid_argument, words});
      by.tell(std::move(made));
    }
  while (by.armed(timer_go_on)) { // the end of a large run is assembled in several steps
    by.out.timers.clear();
    by.fire(timer_go_on);
  }
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_LE(ended.ByteSizeLong(), limits::content_bytes_max);
  EXPECT_THAT(ended.failure().message(), HasSubstr("more than a message may have"));
}

// -- clients that come back -------------------------------------------------------------------

class coordinator_returns : public coordinator {
protected:
  static constexpr std::uint32_t timer_gone = 6;

  void link_lost() {
    SessionClosed closed;
    closed.set_session(42);
    by.tell(closed);
  }
  /// Repeats the submission with the same number, from the client's present address.
  void submit_again(address from) {
    RunSubmit submit;
    *submit.mutable_graph() = many(1);
    auto again = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                               std::move(submit));
    again.sender = std::move(from);
    again.id = {{77}, 1};
    again.attempt = 2;
    by.give(std::move(again));
  }
};

TEST_F(coordinator_returns, a_run_waits_a_while_for_a_client_that_lost_its_link) {
  submit(many(1));
  auto task = only_offer().task;
  link_lost();
  EXPECT_TRUE(by.take<RunEnded>().empty());
  EXPECT_TRUE(by.armed(timer_gone));
  by.now += limits::client_return_max - 1ms;
  by.fire(timer_gone);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  by.now += 1ms;
  by.fire(timer_gone);
  EXPECT_EQ(by.only<RunEnded>().failure().code(), static_cast<std::uint32_t>(ec::cancelled));
}

TEST_F(coordinator_returns, a_client_that_came_back_hears_the_end_where_it_is_now) {
  auto run = submit(many(1));
  auto task = only_offer().task;
  link_lost();
  submit_again(address::of_session({42}, node_b));
  EXPECT_EQ(by.only<RunAccepted>().run(), run);
  by.now += 2 * limits::client_return_max;
  by.fire(timer_gone);
  link_lost(); // the node of the old link notices later
  by.now += 2 * limits::client_return_max;
  by.fire(timer_gone);
  EXPECT_TRUE(by.take<RunEnded>().empty());
  done(task);
  auto ends = by.take_envelopes<RunEnded>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].target, address::of_session({42}, node_b));
}

TEST_F(coordinator_returns, a_submission_that_is_repeated_and_not_known_is_not_begun) {
  submit_again(client);
  EXPECT_EQ(by.only<Failure>().code(), static_cast<std::uint32_t>(ec::outcome_unknown));
  EXPECT_TRUE(offers().empty());
}

} // namespace
} // namespace troupe::tests
