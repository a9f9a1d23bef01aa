#include "actors/llm/routing/answer_score.hpp"

#include <gtest/gtest.h>

#include <string>

namespace troupe {
namespace {

double score(const std::string& text, Finish finish = FINISH_STOP, bool wants_json = false) {
  ModelRequest asked;
  if (wants_json)
    asked.mutable_json_answer();
  ModelAnswer answer;
  answer.set_text(text);
  answer.set_finish(finish);
  return answer_score(asked, answer);
}

TEST(answer_score, is_high_for_an_answer_and_low_for_none) {
  EXPECT_GT(score("Lisbon."), 0.8);
  EXPECT_EQ(score(" \n"), 0.0);
  EXPECT_EQ(score("No.", FINISH_REFUSED), 0.0);
  EXPECT_LT(score("I don't know which one."), 0.3);
  EXPECT_LT(score("It is", FINISH_LENGTH), 0.5);
  EXPECT_GT(score("", FINISH_TOOL_CALLS), 0.8);
}

TEST(answer_score, wants_json_where_json_was_asked_for) {
  EXPECT_GT(score("{\"a\": 1}", FINISH_STOP, true), 0.8);
  EXPECT_EQ(score("{\"a\": ", FINISH_STOP, true), 0.0);
}

TEST(answer_score, falls_with_words_that_hedge) {
  EXPECT_GT(score("It might rain."), 0.8);
  EXPECT_LT(score("It might rain, or perhaps snow."), 0.8);
  EXPECT_GE(score("maybe maybe maybe maybe maybe maybe maybe maybe"), 0.5);
}

} // namespace
} // namespace troupe
