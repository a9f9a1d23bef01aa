// The calls of models that a message to a durable agent makes, and what is left of them after a
// crash.

#include "tests/unit/agents/message_steps.hpp"

#include "actors/agents/simple_minds.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "telemetry/trace_words.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

constexpr session_id other_client{78};

/// Its questions do not depend on what it was told before.
struct forgetful_mind : planned_mind {
  std::pair<state, commands> decide(state&& now, mind_event happened) const {
    auto [next, todo] = planned_mind::decide(std::move(now), std::move(happened));
    next.before.clear();
    return {std::move(next), std::move(todo)};
  }
};

TEST_F(message_steps, a_call_is_on_disk_before_it_is_made_and_its_outcome_before_it_is_heard) {
  auto loading = give(message("a", 1));
  auto begun = give(*stored(loading.at(0)));
  ASSERT_EQ(begun.size(), 1u);
  ASSERT_TRUE(begun[0].body.as<StepsMade>());
  EXPECT_EQ(begun[0].target, address::of(service::state, this_node));
  auto called = give(*stored(begun[0]));
  EXPECT_EQ(question(called), "a");
  auto ended = give(reply_to(called[0], durable_task::answer("geese")));
  ASSERT_EQ(ended.size(), 1u);
  auto made = ended[0].body.as<StepsMade>();
  ASSERT_TRUE(made);
  EXPECT_EQ(made->steps(0).kind(), static_cast<std::uint32_t>(payload_kind::ModelAnswer));
  auto writing = give(*stored(ended[0]));
  ASSERT_EQ(writing.size(), 1u);
  auto put = writing[0].body.as<SnapshotPut>();
  ASSERT_TRUE(put) << "state and reply in one batch";
  EXPECT_EQ(put->snapshot().sessions(0).replies_size(), 1);
  ASSERT_EQ(put->settled_size(), 1) << "the steps go with it";
  EXPECT_EQ(put->settled(0).number(), 1u);
  auto done = give(*stored(writing[0]));
  EXPECT_EQ(text_of(done), "a=geese;");
  EXPECT_EQ(open(), 0u);
}

TEST_F(message_steps, a_call_whose_outcome_is_recorded_is_not_made_again_after_a_crash) {
  auto called = ask("a|b", 1);
  called = answer(called.at(0), "geese");
  EXPECT_EQ(question(called), "ba=geese;");
  answer_and_crash(called.at(0), "ducks");
  auto done = ask("a|b", 1, 2);
  EXPECT_EQ(text_of(done), "a=geese;b=ducks;") << "no call is made";
  EXPECT_EQ(notes_of(done), "");
  EXPECT_EQ(counted.plain().steps_unknown, 0u);
  EXPECT_EQ(open(), 0u);
  EXPECT_EQ(state(), "a|b");
  crash();
  done = ask("a|b", 1, 3);
  EXPECT_EQ(text_of(done), "a=geese;b=ducks;") << "now the reply is on disk";
  EXPECT_EQ(state(), "a|b");
}

TEST_F(message_steps, a_call_that_was_in_flight_begins_again_and_that_is_told) {
  auto called = ask("a|b", 1);
  answer(called.at(0), "geese");
  for (std::uint16_t attempt = 2; attempt <= 3; ++attempt) {
    crash();
    called = ask("a|b", 1, attempt);
    EXPECT_EQ(question(called), "ba=geese;") << "the first is not asked again";
    EXPECT_EQ(counted.plain().steps_unknown, attempt - 1u);
  }
  auto done = answer(called.at(0), "ducks");
  EXPECT_EQ(text_of(done), "a=geese;b=ducks;");
  EXPECT_EQ(notes_of(done), "possibly paid twice: 2 calls;") << "once in each life";
  auto again = ask("a|b", 1, 4);
  EXPECT_EQ(notes_of(again), "possibly paid twice: 2 calls;") << "the same reply";
}

TEST_F(message_steps, a_mind_that_asks_otherwise_ends_its_message_and_nothing_else) {
  auto called = ask("a", 1);
  auto done = answer(called.at(0), "geese");
  called = ask("b|c", 2);
  answer_and_crash(called.at(0), "ducks");
  auto refused = ask("d", 2, 2);
  EXPECT_EQ(failure_of(refused).code, ec::nondeterminism);
  EXPECT_NE(failure_of(refused).message.find("step 1 "), std::string::npos);
  EXPECT_EQ(open(), 0u);
  EXPECT_EQ(state(), "a") << "the message has no effect";
  refused = ask("b|c", 2, 3);
  EXPECT_EQ(failure_of(refused).code, ec::nondeterminism) << "that is its reply";
  crash();
  refused = ask("b|c", 2, 4);
  EXPECT_EQ(failure_of(refused).code, ec::nondeterminism) << "also for the next life";
  called = ask("e", 3);
  EXPECT_EQ(question(called), "ea");
  done = answer(called.at(0), "swans");
  EXPECT_EQ(text_of(done), "ae=swans;");
}

TEST_F(message_steps, a_mind_that_leaves_a_step_out_ends_its_message_too) {
  auto called = ask("a|b", 1);
  answer(called.at(0), "geese");
  crash();
  auto refused = ask("a", 1, 2);
  EXPECT_EQ(failure_of(refused).code, ec::nondeterminism);
  EXPECT_EQ(open(), 0u);
  called = ask("c", 2);
  EXPECT_EQ(question(called), "c") << "nothing is left of the message";
}

TEST_F(message_steps, when_others_have_changed_the_state_a_message_may_ask_something_else) {
  auto called = ask("a|b|c", 1);
  called = answer(called.at(0), "geese");
  answer_and_crash(called.at(0), "ducks");
  called = ask("d", 5, 1, other_client);
  answer(called.at(0), "bob");
  EXPECT_EQ(open(), 1u) << "ada may still come back";
  called = ask("a|b|c", 1, 2);
  EXPECT_EQ(question(called), "ad") << "not what was asked before";
  EXPECT_EQ(counted.plain().steps_unknown, 1u);
  called = answer(called.at(0), "new geese");
  EXPECT_EQ(question(called), "bda=new geese;");
  answer_and_crash(called.at(0), "new ducks");
  called = ask("a|b|c", 1, 3);
  EXPECT_EQ(question(called), "cda=new geese;b=new ducks;") << "what was recorded last counts";
  auto done = answer(called.at(0), "swans");
  EXPECT_EQ(text_of(done), "da=new geese;b=new ducks;c=swans;");
  EXPECT_EQ(state(), "da|b|c");
  EXPECT_EQ(open(), 0u);
}

TEST_F(message_steps, when_the_prompts_of_its_role_were_edited_too) {
  kind.definition_hash = 1;
  crash();
  auto called = ask("a|b", 1);
  called = answer(called.at(0), "geese");
  answer_and_crash(called.at(0), "ducks");
  kind.definition_hash = 2;
  crash();
  called = ask("a|e", 1, 2);
  EXPECT_EQ(question(called), "ea=geese;") << "what is still asked is not asked again";
  EXPECT_EQ(counted.plain().steps_unknown, 1u);
  auto done = answer(called.at(0), "swans");
  EXPECT_EQ(text_of(done), "a=geese;e=swans;");
}

TEST_F(message_steps, when_others_have_changed_nothing_that_matters_no_call_is_made_again) {
  kind.make = [] { return make_mind<forgetful_mind>(); };
  crash();
  auto called = ask("a", 1);
  answer_and_crash(called.at(0), "geese");
  called = ask("d", 5, 1, other_client);
  auto done = answer(called.at(0), "bob");
  EXPECT_EQ(text_of(done), "d=bob;");
  done = ask("a", 1, 2);
  EXPECT_EQ(text_of(done), "a=geese;");
  EXPECT_EQ(counted.plain().steps_unknown, 0u);
}

TEST_F(message_steps, a_message_that_asks_no_model_costs_one_write) {
  kind.make = [] { return make_mind<echo_mind>(); };
  crash();
  auto done = ask("hello", 1);
  EXPECT_EQ(text_of(done), "hello");
  EXPECT_EQ(writes, 1u);
}

TEST_F(message_steps, a_message_that_nobody_repeats_has_none) {
  auto request = message("a", 1);
  request.sender = address::of_agent(name{"planner/bob"}, this_node);
  auto called = played(give(std::move(request)));
  EXPECT_EQ(question(called), "a");
  EXPECT_EQ(writes, 0u);
}

TEST_F(message_steps, a_session_that_is_known_by_them_alone_may_repeat_the_others) {
  ask("a", 4);
  EXPECT_TRUE(ask("b", 5).empty()) << "it waits";
  crash();
  auto second = ask("b", 5, 2);
  EXPECT_EQ(question(second), "b");
  EXPECT_TRUE(ask("a", 4, 2).empty());
  EXPECT_TRUE(ask("c", 3, 2).at(0).body.as<Failure>()) << "it may have been done before";
  auto first = answer(second.at(0), "ducks");
  ASSERT_EQ(first.size(), 2u) << "its reply, and the call of the other";
}

TEST_F(message_steps, a_store_that_does_not_say_whether_it_has_them_ends_the_message) {
  auto loading = give(message("a", 1));
  auto begun = give(*stored(loading.at(0)));
  auto refused = give(reply_failure(begun.at(0), {ec::outcome_unknown, "no room"}));
  ASSERT_EQ(refused.size(), 1u);
  auto why = failure_of(refused);
  EXPECT_EQ(why.code, ec::unavailable);
  EXPECT_EQ(why.message, "the agent's own store has not recorded step 1 (chat gpt-5): no room");
}

TEST_F(message_steps, on_a_full_disk_a_message_goes_on_without_them) {
  auto loading = give(message("a", 1));
  auto begun = give(*stored(loading.at(0)));
  auto called = give(reply_failure(begun.at(0), {ec::storage_failed, "no room"}));
  EXPECT_EQ(question(called), "a");
  auto ended = give(reply_to(called.at(0), durable_task::answer("geese")));
  ASSERT_TRUE(ended.at(0).body.as<StepsMade>());
  auto done = played(give(reply_failure(ended.at(0), {ec::storage_failed, "no room"})));
  EXPECT_EQ(text_of(done), "a=geese;");
}

TEST_F(message_steps, a_store_that_is_silent_is_not_waited_for) {
  auto loading = give(message("a", 1));
  give(*stored(loading.at(0)));
  scene.now += limits::step_kept_timeout;
  auto refused = give(timer_fired{5});
  EXPECT_EQ(failure_of(refused).code, ec::unavailable);
}

TEST_F(message_steps, an_outcome_that_is_too_large_to_keep_ends_the_message) {
  auto called = ask("a", 1);
  auto refused = answer(called.at(0), std::string(limits::open_messages_bytes_max, 'x'));
  EXPECT_EQ(failure_of(refused).code, ec::too_large);
  called = ask("b", 2);
  auto done = answer(called.at(0), "ducks");
  EXPECT_EQ(text_of(done), "b=ducks;");
}

TEST_F(message_steps, the_wait_for_them_is_a_span) {
  auto request = message("a", 1);
  request.trace = {{1, 2}, {3}, trace_context::flag_sampled};
  auto called = played(give(std::move(request)));
  answer(called.at(0), "geese");
  std::vector<std::string> names;
  for (const auto& one : scene.out.spans)
    names.push_back(one.name());
  EXPECT_EQ(names, (std::vector<std::string>{"write state", "load state", "record step",
                                             "chat gpt-5", "record step", "invoke_agent planner"}))
      << "what leaves in the last step";
}

} // namespace
} // namespace troupe
