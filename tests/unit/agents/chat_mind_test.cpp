#include "actors/agents/chat_mind.hpp"
#include "messages/values.pb.h"

#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::testing;

std::unique_ptr<mind> chat_with(std::string_view answer_prompt) {
  script says;
  says.role_name = "tester";
  says.model = "offline";
  says.prompts["answer"] = *prompt_template::parse(answer_prompt);
  return make_mind<chat_mind>(std::make_shared<const script>(std::move(says)));
}

TEST(chat_mind, asks_the_model_of_its_role_what_it_was_asked) {
  auto todo = mind_of_role("assistant")->decide(said("May I\nsell copies?"));
  auto ask = the<ask_model>(todo);
  EXPECT_EQ(ask.call.model(), "offline");
  EXPECT_EQ(ask.call.max_output_tokens(), 1000u);
  EXPECT_EQ(ask.call.purpose(), "answer");
  EXPECT_EQ(ask.call.messages(0).role(), "system");
  EXPECT_NE(user_message(ask).find("\nQuestion: May I sell copies?\n"), std::string::npos);
  EXPECT_TRUE(ask.stream_to_reply);
}

TEST(chat_mind, replies_with_what_the_model_says) {
  auto subject = mind_of_role("assistant");
  subject->decide(said("why?"));
  auto todo = subject->decide(answer_of(1, "because"));
  EXPECT_EQ(text_of(todo), "because");
  EXPECT_EQ(the<reply_with>(todo).reply.output().text(), "because");
}

TEST(chat_mind, shows_the_model_passages_of_the_documents_in_its_input) {
  reading_mind subject{"assistant"};
  subject.documents.keep("h", "You may sell copies.\n");
  ValueMap input;
  set_field(input, "question", value_of("May I sell copies?"));
  set_field(input, "document", value_of_blob(blob_named("terms")));
  auto prompt_text = user_message(the<ask_model>(subject.decide(task_with(input))));
  EXPECT_NE(
      prompt_text.find("<passage source=\"terms lines 1-1\">\nYou may sell copies.\n</passage>"),
      std::string::npos)
      << prompt_text;
  EXPECT_NE(prompt_text.find("Question: May I sell copies?"), std::string::npos);
}

TEST(chat_mind, fails_if_a_document_cannot_be_read) {
  reading_mind subject{"assistant"};
  subject.documents.lose("h", {ec::unavailable, "node-2 is down"});
  auto todo = subject.decide(said("why?", {blob_named("terms")}));
  EXPECT_EQ(failure_of(todo), ec::unavailable);
  EXPECT_NE(the<reply_failed>(todo).why.message.find("terms"), std::string::npos);
}

TEST(chat_mind, passes_a_failure_of_the_model_on) {
  auto subject = mind_of_role("assistant");
  subject->decide(said("why?"));
  EXPECT_EQ(failure_of(subject->decide(no_model(1, ec::overloaded))), ec::overloaded);
}

TEST(chat_mind, says_in_words_that_there_is_no_answer) {
  auto subject = mind_of_role("assistant");
  auto ask = the<ask_model>(subject->decide(said("why?")));
  EXPECT_EQ(ask.hold_back, "NO ANSWER");
  EXPECT_EQ(text_of(subject->decide(answer_of(1, "NO ANSWER\n"))),
            "I found no answer to that in what I was given.");
}

TEST(chat_mind, fills_fields_of_a_task_into_its_prompt) {
  ValueMap input;
  set_field(input, "tone", value_of("kindly"));
  set_field(input, "words", value_of(std::int64_t{20}));
  set_field(input, "text", value_of("hello"));
  auto todo = chat_with("Say {{text}} {{tone}} in {{words}} words")->decide(task_with(input));
  EXPECT_EQ(user_message(the<ask_model>(todo)), "Say hello kindly in 20 words");
}

TEST(chat_mind, refuses_a_task_that_lacks_a_field_of_its_prompt) {
  auto todo = chat_with("Say it {{tone}}")->decide(task_with({}));
  EXPECT_EQ(failure_of(todo), ec::invalid_argument);
  EXPECT_NE(the<reply_failed>(todo).why.message.find("\"tone\""), std::string::npos);
}

TEST(chat_mind, refuses_documents_that_its_prompt_has_no_place_for) {
  EXPECT_EQ(failure_of(chat_with("{{text}}")->decide(said("hello", {blob_named("terms")}))),
            ec::invalid_argument);
}

TEST(chat_mind, refuses_an_empty_message) {
  EXPECT_EQ(failure_of(mind_of_role("assistant")->decide(said(""))), ec::invalid_argument);
}

} // namespace
} // namespace troupe
