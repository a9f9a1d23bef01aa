#include "actors/llm/failing/attempt_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using instant = attempt_plan::instant;
using what = attempt_plan::advice::what;

class a_call : public ::testing::Test {
protected:
  void begin(std::vector<std::uint16_t> order, instant deadline = instant{1'060s}) {
    plan_.emplace(std::move(order), terms_, deadline);
  }
  attempt_plan::advice next(std::uint64_t random = ~std::uint64_t{0}) {
    auto made = plan_->next(
        now_, [&](auto candidate, instant) { return blocked_ != candidate; }, budget_, random);
    EXPECT_TRUE(plan_->invariants());
    return made;
  }
  /// The candidate that is asked now; -1: nobody.
  int asked(std::uint64_t random = 0) {
    auto made = next(random);
    return made.kind == what::start ? made.candidate : -1;
  }
  void fail(ec code, unsigned status = 0, std::optional<std::chrono::nanoseconds> after = {}) {
    plan_->failed(plan_->count(), now_, {{code, "words"}, status, true, after});
  }
  std::string error() const {
    auto why = plan_->error([](auto candidate) { return "m" + std::to_string(candidate); });
    return std::string{to_string(why.code)} + ": " + why.message;
  }

  attempt_limits terms_;
  retry_budget budget_;
  instant now_{1'000s};
  int blocked_ = -1;
  std::optional<attempt_plan> plan_;
};

TEST_F(a_call, is_tried_again_and_then_elsewhere) {
  begin({4, 2});
  EXPECT_EQ(asked(), 4);
  EXPECT_EQ(next().kind, what::wait) << "one at a time";
  fail(ec::provider_failed, 500);
  EXPECT_EQ(asked(), 4) << "no pause was drawn";
  fail(ec::provider_failed, 500);
  EXPECT_EQ(asked(), 2);
  fail(ec::refused, 401);
  EXPECT_EQ(next().kind, what::over);
  EXPECT_EQ(error(), "refused: no model answered in 3 attempts: 1. m4 after 0 ms: words; 2. m4 "
                     "after 0 ms: words; 3. m2 after 0 ms: words");
}

TEST_F(a_call, waits_a_random_part_of_a_pause_that_doubles) {
  terms_.each = terms_.all = 20;
  begin({0});
  std::chrono::nanoseconds most = 250ms;
  for (int attempt = 0; attempt < 9; ++attempt) {
    ASSERT_EQ(asked(), 0);
    fail(ec::unavailable);
    auto half = static_cast<std::uint64_t>(most.count() / 2);
    auto waits = next(half);
    ASSERT_EQ(waits.kind, what::wait);
    EXPECT_EQ(waits.until, now_ + most / 2) << attempt;
    EXPECT_EQ(next(0).until, waits.until) << "it is drawn once";
    now_ = waits.until;
    most = std::min<std::chrono::nanoseconds>(2 * most, 8s);
  }
}

TEST_F(a_call, obeys_retry_after_up_to_its_deadline) {
  begin({0}, instant{1'020s});
  EXPECT_EQ(asked(), 0);
  fail(ec::overloaded, 429, 15s);
  auto waits = next(0);
  EXPECT_EQ(waits.until, instant{1'015s});
  now_ = instant{1'015s};
  EXPECT_EQ(asked(), 0);
  begin({0}, instant{1'020s});
  EXPECT_EQ(asked(), 0);
  fail(ec::overloaded, 429, 15s);
  EXPECT_EQ(next().kind, what::over);
  EXPECT_THAT(error(), HasSubstr("the time is too short to wait for it"));
}

TEST_F(a_call, asks_another_one_rather_than_wait_for_long) {
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  fail(ec::overloaded, 429, 15s);
  EXPECT_EQ(asked(), 1);
  fail(ec::refused, 401);
  auto waits = next(0);
  EXPECT_EQ(waits.kind, what::wait);
  EXPECT_EQ(waits.until, instant{1'015s}) << "nobody else is left";
}

TEST_F(a_call, asks_another_one_rather_than_one_that_has_got_too_many) {
  for (std::optional<std::chrono::nanoseconds> after :
       {std::optional<std::chrono::nanoseconds>{}, {std::chrono::nanoseconds{1s}}}) {
    begin({0, 1});
    EXPECT_EQ(asked(), 0);
    fail(ec::overloaded, 429, after);
    EXPECT_EQ(next().candidate, 1);
  }
}

TEST_F(a_call, is_not_tried_again_after_its_first_piece) {
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  plan_->began_to_answer(1);
  EXPECT_EQ(next().kind, what::wait);
  fail(ec::provider_failed, 200);
  EXPECT_EQ(next().kind, what::over);
  EXPECT_EQ(error(), "provider_failed: words") << "one attempt needs no list";
}

TEST_F(a_call, ends_with_a_request_that_is_wrong) {
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  fail(ec::invalid_argument, 400);
  EXPECT_EQ(next().kind, what::over);
}

TEST_F(a_call, ends_at_its_deadline_and_names_who_has_not_answered) {
  begin({0});
  EXPECT_EQ(asked(), 0);
  now_ = instant{1'060s};
  EXPECT_EQ(next().kind, what::over);
  EXPECT_EQ(error(), "timed_out: no model answered in 1 attempt: 1. m0 has not answered; there is "
                     "no time left");
}

TEST_F(a_call, gives_each_a_share_of_the_time_while_others_are_left) {
  begin({0, 1, 2});
  EXPECT_EQ(next().until, instant{1'020s});
  now_ = instant{1'020s};
  fail(ec::refused);
  EXPECT_EQ(next().until, instant{1'040s});
  now_ = instant{1'030s};
  fail(ec::refused);
  EXPECT_EQ(next().until, instant::max()) << "the last one has all that is left";
}

TEST_F(a_call, asks_one_that_was_silent_again_after_the_others) {
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  fail(ec::timed_out);
  EXPECT_EQ(asked(), 1);
  fail(ec::refused, 401);
  EXPECT_EQ(asked(), 0);
}

TEST_F(a_call, passes_over_whose_breaker_is_open_and_waits_for_it_if_nobody_is_left) {
  blocked_ = 0;
  begin({0, 1});
  EXPECT_EQ(asked(), 1);
  fail(ec::refused);
  auto waits = next();
  EXPECT_EQ(waits.kind, what::wait);
  now_ = waits.until;
  blocked_ = -1;
  EXPECT_EQ(asked(), 0);
  blocked_ = 0;
  begin({0});
  for (; next().kind == what::wait; now_ += 250ms)
    ASSERT_LT(now_, instant{1'010s});
  EXPECT_THAT(error(),
              HasSubstr("unavailable: no model was asked: the calls of these models fail"));
}

TEST_F(a_call, takes_further_attempts_from_the_budget) {
  while (budget_.take(now_)) {
  }
  begin({0, 1});
  EXPECT_EQ(asked(), 0) << "the first is free";
  fail(ec::unavailable);
  EXPECT_EQ(asked(), 1) << "nor does another one cost anything";
  fail(ec::unavailable);
  EXPECT_EQ(next(0).kind, what::over);
  EXPECT_THAT(error(), HasSubstr("too many calls of this node fail to try it again"));
}

TEST_F(a_call, is_hedged_once) {
  terms_.hedge = 2s;
  begin({0, 1, 2});
  EXPECT_EQ(asked(), 0);
  EXPECT_EQ(next().until, instant{1'002s});
  now_ = instant{1'002s};
  EXPECT_EQ(asked(), 1);
  now_ = instant{1'010s};
  EXPECT_EQ(next().kind, what::wait);
  EXPECT_THAT(plan_->running(), ::testing::ElementsAre(1, 2));
  plan_->began_to_answer(2);
  plan_->called_off(1, now_);
  EXPECT_THAT(plan_->running(), ::testing::ElementsAre(2));
  EXPECT_EQ(next().kind, what::wait);
}

TEST_F(a_call, goes_on_with_the_hedge_when_the_first_fails) {
  terms_.hedge = 2s;
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  now_ = instant{1'002s};
  EXPECT_EQ(asked(), 1);
  plan_->failed(1, now_, {{ec::invalid_argument, "words"}, 400, true, {}});
  EXPECT_EQ(next().kind, what::wait);
  plan_->failed(2, now_, {{ec::unavailable, "words"}, 0, true, {}});
  EXPECT_EQ(next().kind, what::over);
}

TEST_F(a_call, asks_a_better_model_for_a_poor_answer_without_the_budget) {
  while (budget_.take(now_)) {
  }
  begin({0, 1});
  EXPECT_EQ(asked(), 0);
  plan_->not_accepted(1, now_, "its score is 0.2");
  EXPECT_EQ(asked(), 1);
}

} // namespace
} // namespace troupe
