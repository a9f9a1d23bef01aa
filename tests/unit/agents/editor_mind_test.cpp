#include "actors/agents/editor_mind.hpp"
#include "messages/values.pb.h"

#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

Value answer(std::string quote, std::int64_t first, std::int64_t last) {
  ValueMap made;
  set_field(made, "quote", value_of(std::move(quote)));
  set_field(made, "first_line", value_of(first));
  set_field(made, "last_line", value_of(last));
  return value_of(std::move(made));
}

Value reading(std::string called, std::vector<Value> answers, std::int64_t unverified = 0) {
  ValueMap made;
  set_field(made, "name", value_of(std::move(called)));
  set_field(made, "size_bytes", value_of(std::int64_t{1234567}));
  set_field(made, "lines", value_of(std::int64_t{20}));
  set_field(made, "summary", value_of("A *licence*."));
  set_field(made, "answers", value_of(std::move(answers)));
  set_field(made, "unverified", value_of(unverified));
  return value_of(std::move(made));
}

Value note(const char* why_field, std::string called, std::string why) {
  ValueMap made;
  set_field(made, "name", value_of(std::move(called)));
  set_field(made, why_field, value_of(std::move(why)));
  return value_of(std::move(made));
}

message_received editing(std::vector<Value> readings, std::vector<Value> skipped = {}) {
  ValueMap input;
  set_field(input, "question", value_of("What must I give?"));
  set_field(input, "readings", value_of(std::move(readings)));
  set_field(input, "skipped", value_of(std::move(skipped)));
  return task_with(std::move(input));
}

struct editor_test : ::testing::Test {
  reading_mind subject{"editor"};
};

TEST_F(editor_test, asks_the_model_which_verified_quotations_are_best) {
  auto todo = subject.decide(editing({reading("A", {answer("give the source", 4, 5)}),
                                      reading("B", {answer("give a copy", 7, 7)})}));
  auto ask = the<ask_model>(todo);
  auto text = user_message(ask);
  EXPECT_NE(text.find("<passage source=\"A lines 4-5\">\ngive the source\n</passage>"),
            std::string::npos);
  EXPECT_NE(text.find("<passage source=\"B lines 7-7\">"), std::string::npos);
  EXPECT_NE(text.find("Question: What must I give?"), std::string::npos);
}

TEST_F(editor_test, writes_the_whole_report) {
  subject.decide(editing({reading("A", {answer("You must\ngive the source.", 4, 5)}),
                          reading("B_1", {}), note("not_read", "image.png", "it is no text")},
                         {note("why", "huge.log", "it is larger than 32 MB")}));
  auto todo = subject.decide(answer_of(1, "> give the source.\nSource: A lines 4-5\n"));
  EXPECT_EQ(text_of(todo), "# What must I give?\n"
                           "\n"
                           "## Best answers\n"
                           "\n"
                           "> give the source.\n"
                           "\n"
                           "A, line 5\n"
                           "\n"
                           "## Documents\n"
                           "\n"
                           "### A\n"
                           "\n"
                           "1,234,567 bytes, 20 lines.\n"
                           "\n"
                           "A \\*licence\\*.\n"
                           "\n"
                           "Best answer, lines 4-5:\n"
                           "\n"
                           "> You must\n"
                           "> give the source.\n"
                           "\n"
                           "### B\\_1\n"
                           "\n"
                           "1,234,567 bytes, 20 lines.\n"
                           "\n"
                           "A \\*licence\\*.\n"
                           "\n"
                           "This document holds no answer.\n"
                           "\n"
                           "## Not read\n"
                           "\n"
                           "- image.png: it is no text\n"
                           "- huge.log: it is larger than 32 MB\n"
                           "\n"
                           "---\n"
                           "\n"
                           "Made from 2 documents; summaries and answers chosen by the model "
                           "offline/extractive. Every quotation was found in its document.\n");
  EXPECT_EQ(the<reply_with>(todo).reply.output().text(), text_of(todo));
}

TEST_F(editor_test, drops_and_counts_what_no_document_says) {
  subject.decide(editing({reading("A", {answer("give the source", 4, 4)}, 2)}));
  auto text = text_of(subject.decide(answer_of(1, "> pay me\nSource: A lines 4-4\n")));
  EXPECT_EQ(text.find("pay me"), std::string::npos);
  EXPECT_NE(text.find("3 quotations that were not there were left out."), std::string::npos);
  EXPECT_NE(text.find("The model chose none"), std::string::npos);
}

TEST_F(editor_test, asks_no_model_when_no_document_answers) {
  auto todo = subject.decide(editing({reading("A", {})}));
  auto text = text_of(todo);
  EXPECT_NE(text.find("None of the documents holds an answer."), std::string::npos);
  EXPECT_NE(text.find("no model was asked"), std::string::npos);
}

TEST_F(editor_test, reports_even_if_nothing_could_be_read) {
  auto text = text_of(subject.decide(editing({}, {note("why", "a", "it cannot be read")})));
  EXPECT_NE(text.find("- a: it cannot be read"), std::string::npos);
  EXPECT_EQ(text.find("## Documents"), std::string::npos);
}

TEST_F(editor_test, fails_if_the_model_does) {
  subject.decide(editing({reading("A", {answer("give", 1, 1)})}));
  EXPECT_EQ(failure_of(subject.decide(no_model(1, ec::timed_out))), ec::timed_out);
}

TEST_F(editor_test, refuses_a_task_without_readings) {
  EXPECT_EQ(failure_of(subject.decide(task_with({}))), ec::invalid_argument);
}

} // namespace
} // namespace troupe
