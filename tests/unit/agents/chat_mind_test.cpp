#include "actors/agents/chat_mind.hpp"
#include "messages/values.pb.h"

#include "tests/unit/agents/minds_testing.hpp"

#include <gmock/gmock.h>

namespace troupe {
namespace {

using namespace troupe::tests;

/// Each variable is a field of the input, or the answer to another prompt.
typed_template text_with_fields(std::string_view text) {
  auto made = typed_template::parse(text, {.others_are_texts = true});
  EXPECT_TRUE(made) << text;
  return made ? *made : typed_template{};
}

std::unique_ptr<mind> chat_with(std::string_view answer_prompt) {
  script says;
  says.role_name = "tester";
  says.model = "offline";
  says.prompts["answer"] = text_with_fields(answer_prompt);
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

TEST(chat_mind, asks_its_prompts_in_the_order_in_which_they_use_each_other) {
  script says;
  says.role_name = "poet";
  says.prompts["answer"] = text_with_fields("{{text}}: {{draft}}, {{critique}}");
  says.prompts["critique"] = text_with_fields("judge {{draft}}");
  says.prompts["draft"] = text_with_fields("write on {{text}}");
  says.prompts["system"] = text_with_fields("Be brief.");
  auto subject = make_mind<chat_mind>(std::make_shared<const script>(says));
  for (int i = 0; i < 2; ++i) { // the second message knows nothing of the first
    auto draft = the<ask_model>(subject->decide(said("geese")));
    EXPECT_EQ(draft.call.purpose(), "draft");
    EXPECT_EQ(user_message(draft), "write on geese");
    EXPECT_FALSE(draft.stream_to_reply);
    auto critique = the<ask_model>(subject->decide(answer_of(draft.request, "honk")));
    EXPECT_EQ(user_message(critique), "judge honk");
    auto answer = the<ask_model>(subject->decide(answer_of(critique.request, "loud")));
    EXPECT_EQ(user_message(answer), "geese: honk, loud");
    EXPECT_TRUE(answer.stream_to_reply);
    EXPECT_EQ(text_of(subject->decide(answer_of(answer.request, "Honk!"))), "Honk!");
  }
}

TEST(chat_mind, asks_at_once_what_needs_nothing_of_each_other) {
  script says;
  says.role_name = "judge";
  says.prompts["answer"] = text_with_fields("{{good}} or {{bad}}");
  says.prompts["bad"] = text_with_fields("against {{text}}");
  says.prompts["good"] = text_with_fields("for {{text}}");
  auto subject = make_mind<chat_mind>(std::make_shared<const script>(says));
  auto todo = subject->decide(said("geese"));
  ASSERT_EQ(todo.size(), 2u);
  auto bad = std::get<ask_model>(todo[0]), good = std::get<ask_model>(todo[1]);
  EXPECT_TRUE(subject->decide(answer_of(good.request, "yes")).empty());
  EXPECT_EQ(user_message(the<ask_model>(subject->decide(answer_of(bad.request, "no")))),
            "yes or no");
}

TEST(chat_mind, a_prompt_of_its_own_hides_a_field_of_that_name) {
  script says;
  says.role_name = "poet";
  says.prompts["answer"] = text_with_fields("{{draft}}");
  says.prompts["draft"] = text_with_fields("write");
  auto subject = make_mind<chat_mind>(std::make_shared<const script>(says));
  ValueMap input;
  set_field(input, "draft", value_of("mine"));
  auto draft = the<ask_model>(subject->decide(task_with(input)));
  EXPECT_EQ(user_message(draft), "write");
  EXPECT_EQ(failure_of(subject->decide(no_model(draft.request, ec::overloaded))), ec::overloaded);
}

TEST(chat_mind, fills_fields_of_a_task_into_its_prompt) {
  ValueMap input;
  set_field(input, "tone", value_of("kindly"));
  set_field(input, "words", value_of(std::int64_t{20}));
  set_field(input, "text", value_of("hello"));
  auto todo = chat_with("Say {{text}} {{tone}} in {{words}} words")->decide(task_with(input));
  EXPECT_EQ(user_message(the<ask_model>(todo)), "Say hello kindly in 20 words");
}

TEST(chat_mind, tells_a_route_how_hard_its_task_is) {
  auto complexity_of = [](Value said) {
    ValueMap input;
    set_field(input, "text", value_of("hello"));
    set_field(input, "complexity", std::move(said));
    auto subject = chat_with("{{text}}");
    auto call = the<ask_model>(subject->decide(task_with(input))).call;
    return call.has_complexity() ? call.complexity() : -1;
  };
  Value number;
  number.set_number(0.7);
  EXPECT_EQ(complexity_of(number), 0.7);
  EXPECT_EQ(complexity_of(value_of(std::int64_t{1})), 1);
  EXPECT_EQ(complexity_of(value_of(std::int64_t{2})), -1);
  EXPECT_EQ(complexity_of(value_of("0.7")), -1);
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

class conversing : public ::testing::Test {
protected:
  void make(history_limits limits) {
    script says;
    says.role_name = "tester";
    says.prompts["system"] = text_with_fields("Be brief.");
    says.prompts["answer"] = text_with_fields("{{text}}");
    says.history = limits;
    subject = make_mind<chat_mind>(std::make_shared<const script>(std::move(says)));
  }
  /// The prompt's messages as "role: content".
  std::vector<std::string> say(const std::string& text, const std::string& answer) {
    auto asked = the<ask_model>(subject->decide(said(text)));
    std::vector<std::string> all;
    for (const auto& message : asked.call.messages())
      all.push_back(message.role() + ": " + message.content());
    EXPECT_EQ(text_of(subject->decide(answer_of(1, answer))), answer);
    return all;
  }

  std::unique_ptr<mind> subject;
};

TEST_F(conversing, sends_the_turns_before_with_each_message) {
  make({10, 1'000});
  EXPECT_THAT(say("My name is Ada.", "Hello Ada."),
              ::testing::ElementsAre("system: Be brief.", "user: My name is Ada."));
  EXPECT_THAT(say("Who am I?", "Ada."),
              ::testing::ElementsAre("system: Be brief.", "user: My name is Ada.",
                                     "assistant: Hello Ada.", "user: Who am I?"));
}

/// A signature counts for the model that wrote it alone (decision 0028).
TEST_F(conversing, sends_back_what_was_said_and_not_what_was_thought) {
  make({10, 1'000});
  subject->decide(said("My name is Ada."));
  auto answer = answer_of(1, "Hello Ada.");
  auto* thought = answer.answer.add_parts()->mutable_thinking();
  thought->set_text("A name.");
  thought->set_signature("EqQB");
  answer.answer.add_parts()->set_text("Hello Ada.");
  EXPECT_EQ(text_of(subject->decide(std::move(answer))), "Hello Ada.");
  auto asked = the<ask_model>(subject->decide(said("Who am I?")));
  ASSERT_EQ(asked.call.messages_size(), 4);
  EXPECT_EQ(asked.call.messages(2).content(), "Hello Ada.");
  EXPECT_EQ(asked.call.messages(2).parts_size(), 0);
  EXPECT_EQ(subject->snapshot().find("EqQB"), std::string::npos);
}

TEST_F(conversing, goes_on_after_a_restart) {
  make({10, 1'000});
  say("My name is Ada.", "Hello Ada.");
  auto saved = subject->snapshot();
  make({10, 1'000});
  ASSERT_TRUE(subject->restore(saved));
  EXPECT_EQ(say("Who am I?", "Ada.").size(), 4u);
  EXPECT_FALSE(subject->restore("\xff\xff"));
}

TEST_F(conversing, forgets_the_oldest_turns_first) {
  make({2, 1'000});
  for (auto* text : {"one", "two", "three"})
    say(text, "yes");
  EXPECT_THAT(say("four", "yes"),
              ::testing::ElementsAre("system: Be brief.", "user: two", "assistant: yes",
                                     "user: three", "assistant: yes", "user: four"));
  make({10, 20});
  say("a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h", "yes");
  EXPECT_THAT(say("two", "yes"), ::testing::ElementsAre("system: Be brief.", "user: two"))
      << "a turn that is too long by itself is forgotten too";
}

TEST_F(conversing, does_not_count_a_message_that_failed) {
  make({10, 1'000});
  subject->decide(said("lost"));
  subject->decide(model_answered{1, {}, {ec::provider_failed, "no"}});
  subject->decide(said("given up"));
  subject->decide(cancelled{});
  EXPECT_EQ(say("kept", "yes").size(), 2u);
  EXPECT_EQ(say("next", "yes").size(), 4u);
}

TEST_F(conversing, keeps_nothing_without_a_history) {
  make({});
  say("My name is Ada.", "Hello Ada.");
  EXPECT_EQ(say("Who am I?", "?").size(), 2u);
  EXPECT_EQ(subject->snapshot(), "");
}

} // namespace
} // namespace troupe
