#include "actors/agents/reader_mind.hpp"
#include "messages/values.pb.h"

#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

const std::string document =
    "The Licence\n\nYou may copy it.\nYou must give\nthe source.\n\nThe end.\n";

message_received reading(BlobRef blob) {
  ValueMap input;
  set_field(input, "document", value_of_blob(std::move(blob)));
  set_field(input, "question", value_of("What must I\ngive?"));
  return task_with(std::move(input));
}

struct reader_test : ::testing::Test {
  reading_mind subject{"reader"};
  std::string summary_prompt, answer_prompt;
  std::uint32_t summary_request = 0, answer_request = 0;
  int documents = 0;

  void read(const std::string& bytes) {
    auto hash = "h" + std::to_string(++documents);
    subject.documents.keep(hash, bytes);
    for (auto& todo : subject.decide(reading(blob_named("TERMS", hash, bytes.size())))) {
      auto& ask = std::get<ask_model>(todo);
      EXPECT_FALSE(ask.stream_to_reply);
      auto summary = ask.call.purpose() == "summary";
      (summary ? summary_prompt : answer_prompt) = user_message(ask);
      (summary ? summary_request : answer_request) = ask.request;
    }
  }
  ValueMap finish(const std::string& summary, const std::string& answer) {
    EXPECT_TRUE(subject.decide(answer_of(answer_request, answer)).empty());
    return the<reply_with>(subject.decide(answer_of(summary_request, summary)))
        .reply.output()
        .map();
  }
};

TEST_F(reader_test, asks_for_a_summary_and_for_quotations) {
  read(document);
  EXPECT_EQ(summary_prompt.find("Question:"), std::string::npos);
  EXPECT_NE(summary_prompt.find("Summarise the document \"TERMS\" in at most 3 sentences"),
            std::string::npos);
  EXPECT_NE(answer_prompt.find("\nQuestion: What must I give?\n"), std::string::npos);
  EXPECT_NE(answer_prompt.find("<passage source=\"TERMS lines "), std::string::npos);
}

TEST_F(reader_test, finds_each_quotation_again_and_says_on_which_lines) {
  read(document);
  auto output =
      finish("A licence.\nShort.", "> You must give the source.\nSource: TERMS lines 1-7\n");
  EXPECT_EQ(text_field(output, "name"), "TERMS");
  EXPECT_EQ(integer_field(output, "size_bytes"), static_cast<std::int64_t>(document.size()));
  EXPECT_EQ(integer_field(output, "lines"), 7);
  EXPECT_EQ(text_field(output, "summary"), "A licence. Short.");
  EXPECT_FALSE(find_field(output, "no_answer")->flag());
  ASSERT_EQ(list_field(output, "answers").items_size(), 1);
  const auto& answer = list_field(output, "answers").items(0).map();
  EXPECT_EQ(text_field(answer, "quote"), "You must give\nthe source.");
  EXPECT_EQ(integer_field(answer, "first_line"), 4);
  EXPECT_EQ(integer_field(answer, "last_line"), 5);
  EXPECT_EQ(text_field(answer, "source"), "TERMS lines 4-5");
}

TEST_F(reader_test, drops_and_counts_quotations_that_do_not_stand_there) {
  read(document);
  auto output = finish("s", "> You must pay.\nSource: TERMS lines 1-7\n\n> You may copy it.\n");
  EXPECT_EQ(integer_field(output, "unverified"), 1);
  ASSERT_EQ(list_field(output, "answers").items_size(), 1);
  EXPECT_EQ(text_field(list_field(output, "answers").items(0).map(), "quote"), "You may copy it.");
}

TEST_F(reader_test, finds_a_quotation_in_the_passage_that_the_model_names) {
  std::string text = "The same sentence.\n\n";
  for (int i = 0; i < 100; ++i)
    text += "Filler of some length that keeps the two apart, number " + std::to_string(i) + ".\n\n";
  text += "The same sentence.\n";
  read(text);
  auto source = answer_prompt.substr(answer_prompt.rfind("<passage source=\"") + 17);
  source = source.substr(0, source.find('"'));
  auto output = finish("s", "> The same sentence.\nSource: " + source + "\n");
  EXPECT_EQ(integer_field(list_field(output, "answers").items(0).map(), "first_line"), 203);
}

TEST_F(reader_test, quotes_a_list_without_the_indentation_that_its_lines_share) {
  read("Intro.\n\n    You must\r\n      (a) give the source,\n\n        and\n      (b) say so.\n");
  auto output = finish("s", "> You must (a) give the source, and (b) say so.\n");
  EXPECT_EQ(text_field(list_field(output, "answers").items(0).map(), "quote"),
            "You must\n(a) give the source,\n\n  and\n(b) say so.");
}

TEST_F(reader_test, says_that_a_document_holds_no_answer) {
  read(document);
  auto output = finish("s", "NO ANSWER");
  EXPECT_TRUE(find_field(output, "no_answer")->flag());
  EXPECT_EQ(list_field(output, "answers").items_size(), 0);
}

TEST_F(reader_test, shows_a_long_document_only_in_part) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "Filler of some length, number " + std::to_string(i) + ".\n\n";
  text += "You must give the whale.\n";
  read(text);
  EXPECT_LT(answer_prompt.size(), 2 * limits::prompt_passages_bytes_max);
  EXPECT_LT(summary_prompt.size(), 2 * limits::summary_passages_bytes_max);
  EXPECT_NE(answer_prompt.find("give the whale"), std::string::npos);
  EXPECT_NE(summary_prompt.find("number 0."), std::string::npos);
}

TEST_F(reader_test, notes_what_is_no_text) {
  subject.documents.keep("image", std::string("\x7f"
                                              "ELF\0\0",
                                              6));
  auto todo = subject.decide(reading(blob_named("image", "image")));
  EXPECT_EQ(text_field(the<reply_with>(todo).reply.output().map(), "not_read"), "it is not text");
}

TEST_F(reader_test, notes_what_is_empty) {
  subject.documents.keep("blank", " \n\n");
  auto todo = subject.decide(reading(blob_named("blank", "blank")));
  EXPECT_EQ(text_field(the<reply_with>(todo).reply.output().map(), "not_read"), "it is empty");
}

TEST_F(reader_test, does_not_even_fetch_what_is_too_large) {
  auto todo = subject.decide(reading(blob_named("huge", "h", limits::document_bytes_max + 1)));
  EXPECT_NE(text_field(the<reply_with>(todo).reply.output().map(), "not_read").find("larger"),
            std::string::npos);
}

TEST_F(reader_test, fails_if_the_document_cannot_be_had) {
  subject.documents.lose("h", {ec::unavailable, "node-3 is down"});
  auto todo = subject.decide(reading(blob_named("TERMS")));
  EXPECT_EQ(failure_of(todo), ec::unavailable);
  EXPECT_EQ(the<reply_failed>(todo).why.message, "cannot read TERMS: node-3 is down");
}

TEST_F(reader_test, fails_if_the_model_does) {
  read(document);
  EXPECT_EQ(failure_of(subject.decide(no_model(answer_request, ec::provider_failed))),
            ec::provider_failed);
}

TEST_F(reader_test, refuses_a_task_without_document_or_question) {
  EXPECT_EQ(failure_of(subject.decide(task_with({}))), ec::invalid_argument);
}

TEST_F(reader_test, begins_anew_after_it_was_cancelled) {
  read(document);
  subject.decide(answer_of(answer_request, "> You may copy it."));
  EXPECT_TRUE(subject.decide(cancelled{}).empty());
  read(document);
  EXPECT_TRUE(find_field(finish("s", "NO ANSWER"), "no_answer")->flag());
}

} // namespace
} // namespace troupe
