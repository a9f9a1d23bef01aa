#include "config/limits/runs.hpp"
#include "tests/unit/agents/durable_task.hpp"

/// Steps that fail, and attempts that end before their steps.
namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_steps_ends : durable_task {
  envelope cancel() {
    return make_cancel({session_id{9}, sequence}, address::of(service::queue, this_node),
                       address::of_agent(name{"planner#3"}, this_node));
  }
  bool armed(std::chrono::nanoseconds after) const {
    for (const auto& one : scene.out.timers)
      if (one.id == 5 && one.after == after)
        return true;
    return false;
  }
};

TEST_F(agent_steps_ends, a_failure_that_does_not_pass_is_an_outcome) {
  auto call = asked_once();
  auto sent = give(reply_failure(call, {ec::unknown_model, "no gpt-5 here"}));
  EXPECT_EQ(told(sent).steps(0).kind(), static_cast<std::uint32_t>(payload_kind::Failure));
  auto done = keep(sent.at(0));
  EXPECT_EQ(failure_of(done).code, ec::unknown_model);
  auto again = begin();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(failure_of(again).code, ec::unknown_model);
  EXPECT_EQ(failure_of(again).message, "no gpt-5 here");
}

TEST_F(agent_steps_ends, an_answer_that_is_a_refusal_is_an_outcome) {
  auto call = asked_once();
  auto refusal = answer("I would rather not");
  refusal.set_finish(FINISH_REFUSED);
  auto sent = give(reply_to(call, refusal));
  EXPECT_EQ(told(sent).steps(0).kind(), static_cast<std::uint32_t>(payload_kind::ModelAnswer));
  keep(sent.at(0));
  auto again = begin();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(failure_of(again).code, ec::refused);
}

TEST_F(agent_steps_ends, a_failure_that_may_pass_is_tried_again_by_the_next_attempt) {
  for (auto code : {ec::overloaded, ec::unavailable, ec::provider_failed, ec::timed_out}) {
    owner = {};
    auto call = asked_once();
    auto done = give(reply_failure(call, {code, "later"}));
    ASSERT_EQ(done.size(), 1u) << "it is not recorded";
    EXPECT_EQ(failure_of(done).code, code);
    auto again = begin();
    EXPECT_EQ(told(again).steps(0).kind(), 0u);
  }
}

TEST_F(agent_steps_ends, an_answer_without_words_may_pass_too) {
  auto call = asked_once();
  auto done = give(reply_to(call, answer("")));
  EXPECT_EQ(failure_of(done).code, ec::provider_failed);
  EXPECT_EQ(done.back().body.as<Failure>()->input_tokens(), 3u) << "it was paid for";
}

TEST_F(agent_steps_ends, a_failure_that_the_mind_goes_on_from_is_recorded_with_its_next_step) {
  auto call = asked_once("?a|b");
  auto sent = give(reply_failure(call, {ec::overloaded, "later"}));
  auto made = told(sent);
  ASSERT_EQ(made.steps_size(), 2);
  EXPECT_EQ(made.steps(0).number(), 1u);
  EXPECT_EQ(made.steps(0).kind(), static_cast<std::uint32_t>(payload_kind::Failure));
  EXPECT_EQ(made.steps(1).number(), 2u);
  EXPECT_EQ(made.steps(1).kind(), 0u);
  auto called = keep(sent[0]);
  EXPECT_EQ(called.at(0).body.as<ModelRequest>()->messages(0).content(), "ba!overloaded;");
  auto again = begin();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(told(again).steps(0).number(), 2u) << "the failure is a fact, its call is not made";
  EXPECT_EQ(told(again).steps_size(), 1);
}

TEST_F(agent_steps_ends, is_cancelled_at_once_while_it_waits_for_the_owner) {
  auto sent = begin("a");
  auto done = give(cancel());
  ASSERT_EQ(done.size(), 1u) << "there is no call to take back";
  EXPECT_EQ(failure_of(done).code, ec::cancelled);
  EXPECT_TRUE(give(reply_to(sent[0], StepsKept{})).empty()) << "late";

  auto call = asked_once();
  auto outcome = give(reply_to(call, answer("geese")));
  done = give(cancel());
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(failure_of(done).code, ec::cancelled);
  EXPECT_TRUE(give(reply_to(outcome.at(0), StepsKept{})).empty()) << "late";
}

TEST_F(agent_steps_ends, is_cancelled_with_its_call) {
  auto call = asked_once();
  auto done = give(cancel());
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].kind, message_kind::cancel);
  EXPECT_EQ(done[0].id, call.id);
  EXPECT_EQ(failure_of(done).code, ec::cancelled);
}

TEST_F(agent_steps_ends, a_late_answer_means_nothing_to_the_next_task) {
  auto sent = begin("a");
  give(cancel());
  auto next = give(request_for(work()));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_TRUE(give(reply_to(sent[0], StepsKept{})).empty());
  EXPECT_EQ(keep(next[0]).size(), 1u);
}

TEST_F(agent_steps_ends, an_attempt_that_the_owner_does_not_want_ends) {
  auto sent = begin("ab");
  auto call = std::move(keep(sent[0]).at(0));
  auto done = give(reply_failure(sent[1], {ec::cancelled, "another attempt"}));
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].kind, message_kind::cancel) << "the call that is on its way";
  EXPECT_EQ(done[0].id, call.id);
  EXPECT_EQ(failure_of(done).code, ec::cancelled);
  EXPECT_TRUE(scene.out.logs.empty()) << "nobody waits for it";
}

TEST_F(agent_steps_ends, an_owner_that_cannot_record_leaves_it_to_another_attempt) {
  for (auto code : {ec::storage_failed, ec::unavailable, ec::overloaded, ec::refused}) {
    auto sent = begin("a");
    auto done = give(reply_failure(sent[0], {code, "no room"}));
    ASSERT_EQ(done.size(), 1u);
    auto why = failure_of(done);
    EXPECT_EQ(why.code, ec::unavailable);
    EXPECT_NE(why.message.find("step 1 (chat gpt-5): no room"), why.message.npos) << why.message;
  }
  auto sent = begin("a");
  auto done = give(reply_failure(sent[0], {ec::too_large, "48 MiB"}));
  EXPECT_EQ(failure_of(done).code, ec::too_large) << "the next would be as large";
}

TEST_F(agent_steps_ends, an_owner_that_is_silent_is_told_again) {
  auto call = asked_once();
  scene.now += 4s;
  auto sent = give(reply_to(call, answer("geese")));
  auto first = told(sent);
  scene.now += limits::step_kept_timeout - 4s;
  EXPECT_TRUE(give(timer_fired{5}).empty()) << "the second record has waited for less";
  EXPECT_TRUE(armed(4s));
  scene.now -= limits::step_kept_timeout - 4s;
  for (std::uint16_t times : {2, 3, 4}) {
    scene.now += limits::step_kept_timeout;
    auto again = give(timer_fired{5});
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].id, sent[0].id);
    EXPECT_EQ(again[0].attempt, times);
    EXPECT_EQ(again[0].target, sent[0].target);
    EXPECT_EQ(told(again).SerializeAsString(), first.SerializeAsString());
    EXPECT_TRUE(armed(limits::step_kept_timeout));
  }
  EXPECT_EQ(keep(sent[0]).size(), 1u) << "the task has ended";
  EXPECT_TRUE(give(reply_to(sent[0], StepsKept{})).empty()) << "late";
}

TEST_F(agent_steps_ends, the_record_that_has_waited_longest_is_told_again_first) {
  auto sent = begin("ab");
  auto call = std::move(keep(sent.at(0)).at(0));
  scene.now += 4s;
  EXPECT_EQ(give(reply_to(call, answer("geese"))).size(), 1u);
  scene.now += limits::step_kept_timeout - 4s;
  auto again = give(timer_fired{5});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].id, sent.at(1).id);
  EXPECT_TRUE(armed(4s));
}

TEST_F(agent_steps_ends, looks_after_the_owner_only_while_it_waits_for_it) {
  auto sent = begin("a");
  EXPECT_TRUE(armed(limits::step_kept_timeout));
  auto call = std::move(keep(sent[0]).at(0));
  scene.now += limits::step_kept_timeout;
  EXPECT_TRUE(give(timer_fired{5}).empty());
  EXPECT_TRUE(scene.out.timers.empty());
  auto outcome = give(reply_to(call, answer("geese")));
  EXPECT_TRUE(armed(limits::step_kept_timeout));
  keep(outcome.at(0));
  EXPECT_TRUE(armed({})) << "the task has ended";
}

TEST_F(agent_steps_ends, is_stopped_while_it_waits_for_the_owner) {
  begin("a");
  auto done = std::move(scene.stop(*slot).sends);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(failure_of(done).code, ec::unavailable);
}

TEST_F(agent_steps_ends, the_state_of_a_slot_is_none_of_its_durable_tasks) {
  kind.durable = true;
  auto loads = begin("a");
  ASSERT_TRUE(loads.at(0).body.as<SnapshotGet>());
  SnapshotFound found;
  found.set_found(true);
  found.mutable_snapshot()->set_role("planner");
  found.mutable_snapshot()->set_state("before");
  found.mutable_snapshot()->set_version(6);
  auto sent = give(reply_to(loads[0], found));
  auto call = std::move(keep(sent.at(0)).at(0));
  EXPECT_EQ(call.body.as<ModelRequest>()->messages(0).content(), "a");
  auto outcome = give(reply_to(call, answer("geese")));
  auto done = keep(outcome.at(0));
  EXPECT_EQ(text_of(done), "a=geese;") << "nothing is written before";
}

} // namespace
} // namespace troupe
