#include "tests/unit/llm/routed_fixture.hpp"

#include <string>
#include <utility>

namespace troupe {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(a_routed_call, has_the_settings_of_its_class_where_its_asker_says_none) {
  route.classes = {{0, "", 0.3, 100, ""}};
  begin();
  give(asks(5));
  EXPECT_EQ(settings_.temperature(), 0.3);
  EXPECT_EQ(settings_.max_output_tokens(), 100u);
}

TEST_F(a_routed_call, has_the_limit_of_its_class_before_the_usual_one_of_a_role) {
  route.classes = {{0, "", 0.3, 100, ""}};
  begin();
  auto of_role = [&](std::uint64_t number, const std::string& model, std::uint32_t limit) {
    auto request = asks(number, model);
    request.body.as<ModelRequest>()->set_role("reader");
    request.body.as<ModelRequest>()->set_max_output_tokens(limit);
    give(std::move(request));
    return settings_.max_output_tokens();
  };
  EXPECT_EQ(of_role(5, "auto", 0), 100u);
  EXPECT_EQ(of_role(6, "auto", 70), 70u) << "its role says so";
  EXPECT_EQ(of_role(7, "other/two", 0), 1000u) << "no route";
  give(asks(8, "other/two"));
  EXPECT_EQ(settings_.max_output_tokens(), 0u) << "no role";
}

TEST_F(a_routed_call, has_the_usual_limit_of_a_role_where_its_class_has_none) {
  begin();
  auto request = asks(5);
  request.body.as<ModelRequest>()->set_role("reader");
  give(std::move(request));
  EXPECT_EQ(settings_.max_output_tokens(), 1000u);
}

TEST_F(a_routed_call, has_the_class_of_the_complexity_that_its_asker_says) {
  route.classes = {{0, "", 0.3, 100, ""}, {0.5, "", 0.7, 500, ""}};
  begin();
  auto request = asks(5);
  request.body.as<ModelRequest>()->set_complexity(0.9);
  give(std::move(request));
  EXPECT_EQ(settings_.max_output_tokens(), 500u);
}

TEST_F(a_routed_call, takes_the_tier_of_the_task_that_its_asker_says) {
  route.policy = route_policy::by_complexity;
  route.models = {"api/gpt-4o-mini", "other/gpt-4o"};
  route.rules = {{{task_type::planning}, 0, model_tier::large}};
  begin();
  give(asks(5));
  auto request = asks(6);
  request.body.as<ModelRequest>()->set_task("planning");
  give(std::move(request));
  EXPECT_THAT(asked(), ElementsAre("api", "other"));
}

TEST_F(a_routed_call, costs_what_all_of_its_attempts_cost) {
  have_prices();
  route.attempts.hedge = 2s;
  for (bool streams : {true, false}) {
    begin();
    auto request = asks(5);
    request.body.as<ModelRequest>()->set_stream(streams);
    give(std::move(request));
    wait();
    auto out = end("Yes.");
    EXPECT_EQ(answer_in(out), "other/two: Yes.");
    EXPECT_EQ(cost_in(out), 107) << "the prompt of the one that was called off is paid, too";
  }
}

TEST_F(a_routed_call, costs_the_prompts_of_attempts_that_failed_in_their_answer) {
  have_prices();
  route.attempts.each = 1;
  begin();
  give(asks(5));
  end("malformed");
  auto out = end("Yes.");
  EXPECT_EQ(answer_in(out), "other/two: Yes.");
  EXPECT_EQ(cost_in(out), 107);
  give(asks(6));
  end("", 500);
  out = end("Yes.");
  EXPECT_EQ(cost_in(out), 7) << "what was refused is not paid";
}

TEST_F(a_routed_call, costs_what_others_cost_before_the_offline_model_answers) {
  have_prices();
  route.policy = route_policy::cascade;
  route.models = {"api/one", "offline"};
  route.classes = {{0, "api/one", {}, 0, ""}};
  begin();
  give(asks(5));
  auto asked_for = end("I don't know.");
  const auto& passed = asked_for.sends.back();
  ASSERT_EQ(passed.target, address::of(service::offline));
  ModelAnswer answer;
  answer.set_text("Yes.");
  auto out = give(reply_to(passed, std::move(answer)));
  EXPECT_EQ(cost_in(out), 100);
}

TEST_F(a_routed_call, tells_what_its_attempts_cost_if_none_answers) {
  have_prices();
  route.attempts.each = 1;
  begin();
  give(asks(5));
  end("malformed");
  auto out = end("malformed");
  ASSERT_THAT(out.sends, ::testing::Not(IsEmpty()));
  EXPECT_EQ(out.sends.back().body.as<Failure>()->cost_nano_usd(), 107);
}

} // namespace troupe
