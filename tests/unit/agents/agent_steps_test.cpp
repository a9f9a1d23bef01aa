#include "actors/agents/simple_minds.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "tests/unit/agents/durable_task.hpp"

/// The steps of a task of a durable run.
namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_steps : durable_task {};

TEST_F(agent_steps, a_call_is_made_when_its_owner_has_recorded_that_it_begins) {
  auto sent = begin("a");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, message_kind::request);
  EXPECT_EQ(sent[0].target, address::of(service::coordinator, owner_node));
  EXPECT_EQ(sent[0].sender, address::of_agent(name{"planner#3"}, this_node));
  auto made = told(sent);
  EXPECT_EQ(run_from_bytes(made.run()), (run_id{5, 6}));
  EXPECT_EQ(made.index(), 7u);
  EXPECT_EQ(made.attempt(), 1u);
  ASSERT_EQ(made.steps_size(), 1);
  EXPECT_EQ(made.steps(0).number(), 1u);
  EXPECT_EQ(made.steps(0).kind(), 0u);
  EXPECT_EQ(made.steps(0).what(), "chat gpt-5");
  EXPECT_NE(made.steps(0).asked(), 0u);
  auto called = keep(sent[0]);
  ASSERT_EQ(called.size(), 1u);
  EXPECT_EQ(called[0].target, address::of(service::models, this_node));
  ASSERT_TRUE(called[0].body.as<ModelRequest>());
  EXPECT_FALSE(called[0].body.as<ModelRequest>()->stream()) << "nobody reads a task's pieces";
}

TEST_F(agent_steps, its_mind_hears_an_outcome_when_its_owner_has_recorded_it) {
  auto call = asked_once();
  auto sent = give(reply_to(call, answer("geese")));
  ASSERT_EQ(sent.size(), 1u);
  auto made = told(sent);
  ASSERT_EQ(made.steps_size(), 1);
  EXPECT_EQ(made.steps(0).number(), 1u);
  EXPECT_EQ(made.steps(0).kind(), static_cast<std::uint32_t>(payload_kind::ModelAnswer));
  EXPECT_EQ(made.steps(0).asked(), owner.records.at(1).asked());
  EXPECT_EQ(made.steps(0).heard(), 1u);
  ModelAnswer recorded;
  ASSERT_TRUE(recorded.ParseFromString(made.steps(0).outcome()));
  EXPECT_EQ(recorded.text(), "geese");
  auto done = keep(sent[0]);
  EXPECT_EQ(text_of(done), "a=geese;");
  EXPECT_EQ(done[0].body.as<AgentReply>()->input_tokens(), 3u);
}

TEST_F(agent_steps, a_recorded_outcome_is_heard_again_without_a_call) {
  auto call = asked_once("a|b");
  auto sent = give(reply_to(call, answer("geese")));
  keep(sent[0]);
  scene.out.debugs = true;
  auto again = begin();
  ASSERT_EQ(again.size(), 1u) << "the second question, after the recorded answer to the first";
  auto made = told(again);
  ASSERT_EQ(made.steps_size(), 1);
  EXPECT_EQ(made.steps(0).number(), 2u);
  EXPECT_EQ(made.attempt(), 2u);
  auto called = keep(again[0]);
  EXPECT_EQ(called.at(0).body.as<ModelRequest>()->messages(0).content(), "ba=geese;");
  auto told_last = give(reply_to(called[0], answer("ducks")));
  auto done = keep(told_last.at(0));
  EXPECT_EQ(text_of(done), "a=geese;b=ducks;");
  EXPECT_EQ(done[0].body.as<AgentReply>()->input_tokens(), 3u) << "the first paid for its own";
  EXPECT_EQ(owner.begun_again, 0u);
}

TEST_F(agent_steps, says_at_debug_what_is_replayed) {
  auto call = asked_once();
  auto sent = give(reply_to(call, answer("geese")));
  keep(sent[0]);
  new_slot();
  outputs out;
  out.debugs = true;
  step_context context{scene.now, scene.random, out, nullptr};
  slot->step(context, request_for(work()));
  auto says = [](const log_line& line) {
    return line.text.find("step 1 (chat gpt-5)") != line.text.npos
           && line.text.find("replayed") != line.text.npos;
  };
  EXPECT_EQ(std::count_if(out.logs.begin(), out.logs.end(), says), 1);
}

TEST_F(agent_steps, a_call_whose_outcome_nobody_knows_begins_again) {
  asked_once();
  auto again = begin();
  auto made = told(again);
  ASSERT_EQ(made.steps_size(), 1);
  EXPECT_EQ(made.steps(0).number(), 1u);
  EXPECT_EQ(made.steps(0).kind(), 0u);
  auto called = keep(again[0]);
  EXPECT_EQ(owner.begun_again, 1u) << "the owner counts it: it may be paid for twice";
  EXPECT_TRUE(called.at(0).body.as<ModelRequest>());
}

TEST_F(agent_steps, a_role_may_have_it_that_such_a_call_is_not_made_again) {
  kind.asks_unknown_again = false;
  asked_once();
  owner.records.at(1).set_unknown(true);
  auto again = begin();
  ASSERT_EQ(again.size(), 1u) << "no call, no record";
  EXPECT_EQ(failure_of(again).code, ec::outcome_unknown);
  EXPECT_FALSE(info(ec::outcome_unknown).may_retry);
  EXPECT_NE(failure_of(again).message.find("step 1 (chat gpt-5)"), std::string::npos);
  owner.records.at(1).set_unknown(false); // it has failed in a way that may pass
  again = begin();
  EXPECT_EQ(told(again).steps_size(), 1);
}

TEST_F(agent_steps, a_mind_that_asks_something_else_than_before_ends_its_task) {
  auto call = asked_once();
  auto sent = give(reply_to(call, answer("geese")));
  keep(sent[0]);
  auto again = begin("b");
  auto why = failure_of(again);
  ASSERT_EQ(again.size(), 1u) << "no call, no record";
  EXPECT_EQ(why.code, ec::nondeterminism);
  EXPECT_FALSE(info(why.code).may_retry);
  EXPECT_NE(why.message.find("step 1 "), why.message.npos) << why.message;
  EXPECT_NE(why.message.find("recorded is chat gpt-5, "), why.message.npos) << why.message;
  EXPECT_NE(why.message.find("asked was chat gpt-5, "), why.message.npos) << why.message;
  auto embeds = begin("A");
  EXPECT_NE(failure_of(embeds).message.find("asked was embeddings tiny, "), why.message.npos);
}

TEST_F(agent_steps, the_same_holds_for_a_call_that_only_began) {
  asked_once();
  auto again = begin("b");
  EXPECT_EQ(failure_of(again).code, ec::nondeterminism);
}

TEST_F(agent_steps, a_mind_that_leaves_a_recorded_step_out_ends_its_task) {
  auto call = asked_once("a|b");
  auto sent = give(reply_to(call, answer("geese")));
  keep(keep(sent[0]).at(0));
  ASSERT_EQ(owner.records.size(), 2u);
  auto again = begin("a");
  auto why = failure_of(again);
  EXPECT_EQ(why.code, ec::nondeterminism);
  EXPECT_NE(why.message.find("step 2 "), why.message.npos) << why.message;
}

TEST_F(agent_steps, steps_have_their_numbers_in_the_order_of_asking) {
  auto sent = begin("aB");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(told(sent, 0).steps(0).number(), 1u);
  EXPECT_EQ(told(sent, 1).steps(0).number(), 2u);
  EXPECT_EQ(told(sent, 1).steps(0).what(), "embeddings tiny");
  auto second = keep(sent[1]);
  EXPECT_TRUE(second.at(0).body.as<EmbeddingRequest>()) << "one does not wait for the other";
  EXPECT_TRUE(keep(sent[0]).at(0).body.as<ModelRequest>());
}

TEST_F(agent_steps, another_attempt_hears_outcomes_in_the_order_of_the_first) {
  auto sent = begin("ab|c");
  auto a = std::move(keep(sent[0]).at(0)), b = std::move(keep(sent[1]).at(0));
  auto told_b = give(reply_to(b, answer("late")));
  auto told_a = give(reply_to(a, answer("first")));
  EXPECT_TRUE(keep(told_a.at(0)).empty()) << "the one that came before it is not recorded yet";
  auto third = keep(told_b.at(0));
  ASSERT_EQ(third.size(), 1u);
  auto c = std::move(keep(third[0]).at(0));
  EXPECT_EQ(c.body.as<ModelRequest>()->messages(0).content(), "cb=late;");
  auto told_c = give(reply_to(c, answer("last")));
  auto done = keep(told_c.at(0));
  EXPECT_EQ(text_of(done), "b=late;a=first;c=last;");
  auto again = begin();
  EXPECT_EQ(text_of(again), "b=late;a=first;c=last;");
}

TEST_F(agent_steps, what_is_read_is_no_step_and_is_read_again) {
  auto sent = begin("xa|b");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].target.svc, service::blobs);
  auto a = std::move(keep(sent[1]).at(0));
  BlobData read;
  read.set_bytes("page");
  auto after = give(reply_to(sent[0], read));
  ASSERT_EQ(told(after).steps(0).number(), 2u);
  auto b = std::move(keep(after[0]).at(0));
  auto told_b = give(reply_to(b, answer("two")));
  keep(told_b.at(0));
  // The answer to `b` is recorded, and `b` is asked only when the page is there.
  auto again = begin();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].target.svc, service::blobs);
  EXPECT_EQ(told(again, 1).steps(0).number(), 1u) << "nobody knows what came of it";
  EXPECT_TRUE(give(reply_to(again[0], read)).empty());
  auto a_again = std::move(keep(again[1]).at(0));
  auto told_a = give(reply_to(a_again, answer("one")));
  auto done = keep(told_a.at(0));
  EXPECT_EQ(text_of(done), "x=page;b=two;a=one;");
}

TEST_F(agent_steps, what_was_read_is_heard_where_it_was_heard_before) {
  auto sent = begin("xa|b");
  auto a = std::move(keep(sent[1]).at(0));
  auto told_a = give(reply_to(a, answer("one")));
  BlobData read;
  read.set_bytes("page");
  EXPECT_TRUE(give(reply_to(sent[0], read)).empty()) << "the answer came first";
  auto b = keep(told_a.at(0));
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(keep(b[0]).at(0).body.as<ModelRequest>()->messages(0).content(), "ba=one;");

  owner = {};
  sent = begin("xa|b");
  auto first = give(reply_to(sent[0], read)); // now the page comes first
  keep(first.at(0));
  a = std::move(keep(sent[1]).at(0));
  told_a = give(reply_to(a, answer("one")));
  keep(told_a.at(0));
  auto again = begin();
  ASSERT_EQ(again.size(), 1u) << "the recorded answer waits for the page";
  auto after = give(reply_to(again[0], read));
  EXPECT_EQ(told(after).steps(0).number(), 2u);
  EXPECT_EQ(told(after).steps(0).asked(), owner.records.at(2).asked());
}

TEST_F(agent_steps, a_task_that_is_not_durable_tells_nobody_of_its_steps) {
  new_slot();
  auto todo = work();
  todo.mutable_task()->set_durable(false);
  auto sent = give(request_for(std::move(todo)));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].body.as<ModelRequest>());
  auto done = give(reply_to(sent[0], answer("geese")));
  EXPECT_EQ(text_of(done), "a=geese;");
}

TEST_F(agent_steps, an_outcome_of_any_size_is_recorded_as_it_came) {
  std::string text(300'000, 'g');
  auto call = asked_once();
  auto sent = give(reply_to(call, answer(text)));
  keep(sent[0]);
  auto again = begin();
  EXPECT_EQ(text_of(again), "a=" + text + ";");
}

TEST_F(agent_steps, a_mind_that_answers_at_once_has_no_steps) {
  kind.make = [] { return make_mind<echo_mind>(); };
  for (bool sampled : {false, true}) {
    new_slot();
    auto request = request_for(work());
    request.trace = {{1, 2}, {3}, sampled ? trace_context::flag_sampled : std::uint8_t{0}};
    auto done = give(std::move(request));
    ASSERT_EQ(done.size(), 1u);
    EXPECT_TRUE(done[0].body.as<AgentReply>());
  }
}

TEST_F(agent_steps, the_mind_of_a_durable_task_knows_nothing_of_other_tasks) {
  auto call = asked_once();
  auto sent = give(reply_to(call, answer("geese")));
  keep(sent[0]);
  auto again = give(request_for(work())); // in the slot that has done the first
  EXPECT_EQ(text_of(again), "a=geese;") << "else its first question held the plan before";
}

TEST_F(agent_steps, waiting_for_the_owner_counts_as_waiting) {
  std::string many(limits::agent_asks_pending_max + 1, 'a');
  auto sent = begin(many);
  ASSERT_EQ(sent.size(), many.size());
  EXPECT_EQ(failure_of(sent).code, ec::overloaded) << "the last of them";
}

} // namespace
} // namespace troupe
