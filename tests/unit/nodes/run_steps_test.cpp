#include "messages/errors.hpp"
#include "nodes/cli/run_steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// The steps of a run's tasks as people and programs see them.
namespace troupe::cli {

namespace {

using ::testing::HasSubstr;

StepShown made(const std::string& task, std::uint32_t number, const std::string& what,
               StepState state) {
  StepShown step;
  step.set_task(task);
  step.set_number(number);
  step.set_what(what);
  step.set_state(state);
  step.set_attempts(1);
  return step;
}

shown_steps some_steps() {
  shown_steps steps;
  auto& answered = *steps.Add() = made("read[0]", 1, "chat gpt-5", STEP_RECORDED);
  answered.set_attempts(2);
  answered.set_unknown(1);
  answered.set_input_tokens(70);
  answered.set_output_tokens(8);
  answered.set_cost_nano_usd(9'000'000);
  auto& failed = *steps.Add() = made("read[0]", 2, "chat", STEP_RECORDED);
  *failed.mutable_failure() = to_proto({ec::invalid_argument, "no\nmodel"});
  *steps.Add() = made("read[1]", 1, "tool search Paris", STEP_UNKNOWN);
  *steps.Add() = made("read[1]", 2, "random", STEP_OPEN);
  return steps;
}

TEST(run_steps, are_shown_with_their_outcome_their_cost_and_what_may_have_been_paid_twice) {
  auto text = steps_text(some_steps(), false);
  EXPECT_THAT(text, HasSubstr("TASK     STEP  KIND        ASKED         OUTCOME   ATTEMPTS"));
  EXPECT_THAT(text, HasSubstr("read[0]  1     model call  chat gpt-5    recorded  2"));
  EXPECT_THAT(text, HasSubstr("70→8"));
  EXPECT_THAT(text, HasSubstr("possibly paid twice: 1 call\n"));
  EXPECT_THAT(text, HasSubstr("read[0]  2     model call  chat          failed    1"));
  EXPECT_THAT(text, HasSubstr("no\\nmodel"));
  EXPECT_THAT(text, HasSubstr("read[1]  1     tool        search Paris  unknown   1"));
  EXPECT_THAT(text, HasSubstr("read[1]  2     random      -             open      1"));
  EXPECT_EQ(steps_text({}, false), "\nno steps\n");
}

TEST(run_steps, stand_in_json_with_their_tasks) {
  json shown{{"tasks", json::array({json{{"task", "first"}}, json{{"task", "read[0]"}}})}};
  add_steps(shown, some_steps());
  EXPECT_TRUE(shown["tasks"][0]["steps"].empty());
  auto& steps = shown["tasks"][1]["steps"];
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0]["number"], 1);
  EXPECT_EQ(steps[0]["kind"], "model call");
  EXPECT_EQ(steps[0]["asked"], "chat gpt-5");
  EXPECT_EQ(steps[0]["outcome"], "recorded");
  EXPECT_EQ(steps[0]["attempts"], 2);
  EXPECT_EQ(steps[0]["unknown"], 1);
  EXPECT_EQ(steps[0]["cost_usd"], 0.009);
  EXPECT_FALSE(steps[0].contains("error"));
  EXPECT_EQ(steps[1]["error"]["message"], "no\nmodel");
}

TEST(run_steps, of_tasks_that_are_not_listed_stand_in_json_too) {
  json shown{{"tasks", json::array({json{{"task", "read[0]"}}})}};
  add_steps(shown, some_steps());
  ASSERT_EQ(shown["tasks"].size(), 2u);
  EXPECT_EQ(shown["tasks"][0]["steps"].size(), 2u);
  EXPECT_EQ(shown["tasks"][1]["task"], "read[1]");
  EXPECT_EQ(shown["tasks"][1]["steps"].size(), 2u);
  EXPECT_EQ(shown["tasks"][1]["steps"][0]["outcome"], "unknown");
}

TEST(run_steps, are_cut_for_people_when_there_are_very_many) {
  shown_steps steps;
  for (std::uint32_t number = 1; number <= 502; ++number)
    *steps.Add() = made("one", number, "chat", STEP_RECORDED);
  EXPECT_THAT(steps_text(steps, false), HasSubstr("and 2 more steps; --json has all\n"));
}

} // namespace

} // namespace troupe::cli
