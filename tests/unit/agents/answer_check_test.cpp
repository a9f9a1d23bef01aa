#include "actors/agents/answer_check.hpp"
#include "config/limits/answers.hpp"
#include "config/limits/dialects.hpp"
#include "messages/model_usage.hpp"
#include "tests/unit/agents/obedient.hpp"

#include <gmock/gmock.h>

/// What models send as an answer and what is none.
namespace troupe {
namespace {

using namespace troupe::tests;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ModelAnswer answer_with(const std::string& text, Finish finish, const std::string& reason) {
  ModelAnswer made;
  made.set_text(text);
  made.set_provider("open");
  made.set_model("m-1");
  made.set_finish(finish);
  made.set_finish_reason(reason);
  made.set_input_tokens(5);
  made.set_output_tokens(7);
  return made;
}

ModelAnswer calling(const std::string& tool) {
  auto made = answer_with("", FINISH_TOOL_CALLS, "tool_calls");
  made.add_parts()->mutable_tool_call()->set_name(tool);
  return made;
}

failure why(const ModelAnswer& answer, const answer_terms& terms = {}) {
  auto fine = check_answer(answer, terms);
  return fine ? failure{} : fine.error();
}

TEST(answer_check, lets_answers_pass) {
  for (auto finish : {FINISH_STOP, FINISH_OTHER, FINISH_LENGTH})
    EXPECT_EQ(why(answer_with("yes", finish, "any")).code, ec::none);
}

TEST(answer_check, quotes_a_refusal) {
  auto refusal = answer_with("", FINISH_REFUSED, "stop");
  refusal.set_refusal("I cannot help\nwith that.");
  auto told = why(refusal);
  EXPECT_EQ(told.code, ec::refused);
  EXPECT_FALSE(info(told.code).may_retry) << "it would be paid for again";
  EXPECT_THAT(told.message, AllOf(HasSubstr("open/m-1 refuses to answer"),
                                  HasSubstr("I cannot help"), Not(HasSubstr("\n"))));
  refusal.set_finish(FINISH_STOP);
  EXPECT_EQ(why(refusal).code, ec::refused) << "its words are enough";
  refusal.set_refusal(std::string(10'000, 'x'));
  EXPECT_LT(why(refusal).message.size(), 2 * limits::quoted_bytes_max);
  EXPECT_THAT(why(answer_with("", FINISH_REFUSED, "content_filter")).message,
              HasSubstr("(content_filter)"));
  EXPECT_THAT(why(answer_with("half of", FINISH_REFUSED, "content_filter")).message,
              HasSubstr("half of"));
}

TEST(answer_check, names_a_tool_that_nobody_offered) {
  auto told = why(calling("get_weather"));
  EXPECT_EQ(told.code, ec::provider_failed);
  EXPECT_THAT(told.message, AllOf(HasSubstr("open/m-1"), HasSubstr("\"get_weather\"")));
  EXPECT_EQ(why(answer_with("", FINISH_TOOL_CALLS, "tool_use")).code, ec::provider_failed);
  auto among_text = calling("get_weather");
  among_text.set_text("Let me see.");
  EXPECT_EQ(why(among_text).code, ec::provider_failed) << "half of an answer";
  ModelRequest with_tools;
  with_tools.add_tools()->set_name("get_weather");
  EXPECT_EQ(why(calling("get_weather"), terms_of(with_tools)).code, ec::none);
}

TEST(answer_check, says_that_there_is_no_text) {
  EXPECT_THAT(why(answer_with("", FINISH_STOP, "stop")).message,
              AllOf(HasSubstr("no text"), HasSubstr("(stop)")));
  EXPECT_EQ(why(answer_with(" \n", FINISH_STOP, "stop")).code, ec::provider_failed);
  EXPECT_THAT(why(answer_with("", FINISH_LENGTH, "length"), {50, false, ""}).message,
              AllOf(HasSubstr("the limit of 50 tokens"), HasSubstr("limits.output_tokens")));
  auto built_in = answer_with("", FINISH_OTHER, "stop");
  built_in.set_provider("offline");
  EXPECT_EQ(why(built_in).code, ec::none) << "of an empty document";
  EXPECT_EQ(why(answer_with("so far", FINISH_PAUSED, "pause_turn")).code, ec::provider_failed);
}

TEST(answer_check, notes_that_an_answer_was_cut) {
  EXPECT_FALSE(note_on(answer_with("yes", FINISH_STOP, "stop"), {50, false, "answer"}));
  auto cut = answer_with("one two", FINISH_LENGTH, "length");
  EXPECT_EQ(note_on(cut, {2, false, "answer"}),
            "the answer of open/m-1 was cut at the limit of 2 tokens");
  EXPECT_EQ(note_on(cut, {0, false, "summary"}),
            "the answer of open/m-1 to the prompt \"summary\" was cut at the model's own limit");
}

struct checked_answers : agent_test {
  /// What the client gets if the model answers that.
  envelope reply_after(const ModelAnswer& answer, const char* said = "model") {
    auto asked = tell(said);
    EXPECT_EQ(asked.size(), 1u);
    auto sent = tell(reply_to(asked.at(0), answer));
    EXPECT_EQ(sent.size(), 1u);
    return std::move(sent.at(0));
  }
};

TEST_F(checked_answers, are_failures_for_every_mind_and_are_paid_for) {
  auto refusal = answer_with("", FINISH_REFUSED, "stop");
  refusal.set_refusal("I cannot help with that.");
  auto reply = reply_after(refusal);
  EXPECT_EQ(code_of(reply), ec::refused);
  ASSERT_TRUE(reply.body.as<Failure>());
  EXPECT_EQ(usage_in(*reply.body.as<Failure>()).output_tokens, 7u);
  auto called = reply_after(calling("get_weather"));
  EXPECT_EQ(code_of(called), ec::provider_failed);
  auto empty = reply_after(answer_with("", FINISH_STOP, "stop"));
  EXPECT_EQ(code_of(empty), ec::provider_failed);
}

TEST_F(checked_answers, that_were_cut_leave_a_note_in_the_reply) {
  auto reply = reply_after(answer_with("one two", FINISH_LENGTH, "length"));
  auto* said = reply.body.as<AgentReply>();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->text(), "one two");
  ASSERT_EQ(said->notes_size(), 1);
  EXPECT_THAT(said->notes(0), HasSubstr("was cut at the model's own limit"));
  auto next = reply_after(answer_with("whole", FINISH_STOP, "stop"));
  EXPECT_EQ(next.body.as<AgentReply>()->notes_size(), 0) << "it was the one before";
}

} // namespace
} // namespace troupe
