#include "actors/llm/failing/retry_choice.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

attempt_failure failed(ec code, unsigned status = 0, bool was_sent = true) {
  return {{code, "words"}, status, was_sent, {}};
}

TEST(retry_choice, tries_again_what_may_pass) {
  for (auto [code, status] :
       {std::pair{ec::overloaded, 429u}, std::pair{ec::provider_failed, 500u},
        std::pair{ec::overloaded, 503u}, std::pair{ec::unavailable, 0u},
        std::pair{ec::timed_out, 0u}, std::pair{ec::provider_failed, 200u},
        std::pair{ec::invalid_argument, 408u}, std::pair{ec::overloaded, 529u}})
    EXPECT_EQ(choose_retry(failed(code, status)), retry_choice::anywhere) << status;
}

TEST(retry_choice, asks_another_model_for_what_this_one_cannot) {
  for (auto [code, status] : {std::pair{ec::refused, 401u}, std::pair{ec::unknown_model, 404u},
                              std::pair{ec::too_large, 413u}, std::pair{ec::provider_failed, 501u},
                              std::pair{ec::provider_failed, 418u}})
    EXPECT_EQ(choose_retry(failed(code, status)), retry_choice::elsewhere) << status;
  EXPECT_EQ(choose_retry(failed(ec::invalid_argument, 0, false)), retry_choice::elsewhere)
      << "its API cannot say it";
}

TEST(retry_choice, does_not_repeat_what_is_wrong_or_not_waited_for) {
  EXPECT_EQ(choose_retry(failed(ec::invalid_argument, 400)), retry_choice::never);
  EXPECT_EQ(choose_retry(failed(ec::cancelled)), retry_choice::never);
}

TEST(an_illness, is_what_a_breaker_counts) {
  EXPECT_TRUE(is_illness(failed(ec::provider_failed, 500)));
  EXPECT_TRUE(is_illness(failed(ec::overloaded, 503)));
  EXPECT_TRUE(is_illness(failed(ec::overloaded, 529)));
  EXPECT_TRUE(is_illness(failed(ec::unknown_model, 404))) << "it is asked again, but seldom";
  EXPECT_TRUE(is_illness(failed(ec::unavailable)));
  EXPECT_FALSE(is_illness(failed(ec::overloaded, 429))) << "it is for the pace";
  EXPECT_FALSE(is_illness(failed(ec::overloaded, 0, false))) << "it was never asked";
  EXPECT_FALSE(is_illness(failed(ec::refused, 401)));
  EXPECT_FALSE(is_illness(failed(ec::invalid_argument, 400)));
}

} // namespace
} // namespace troupe
