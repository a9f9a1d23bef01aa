#include "actors/llm/routing/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr instant start_time{1'000s};

model_price priced(nano_usd input, nano_usd output) {
  model_price made;
  made.base = {input, output, input, input, output};
  return made;
}

/// Four models: the larger, the dearer; `huge` has the longest context, `tiny` the shortest.
class a_route : public ::testing::Test {
protected:
  a_route() {
    add("tiny", model_tier::small, 1, 8'000);
    add("mini", model_tier::small, 2, 100'000);
    add("middle", model_tier::medium, 10, 100'000);
    add("huge", model_tier::large, 100, 1'000'000);
    route_.name = "auto";
    route_.rules = usual_rules();
  }
  void add(const std::string& model, model_tier tier, nano_usd cents, std::uint64_t context) {
    static const std::vector<model_price> prices{priced(1, 1), priced(2, 2), priced(10, 10),
                                                 priced(100, 100)};
    route_candidate made;
    made.provider = "api";
    made.model = model;
    made.can.tier = tier;
    made.can.context_tokens = context;
    made.is_known = true;
    for (const auto& one : prices)
      if (one.base.input == cents)
        made.price = &one;
    candidates_.push_back(made);
    health_.push_back(candidate_health::fine);
  }
  router& made() {
    if (!router_)
      router_.emplace(route_, candidates_);
    return *router_;
  }
  routing_decision decide(const route_question& asked, instant now = start_time) {
    return made().decide(asked, health_, now);
  }
  std::vector<std::string> models(const route_question& asked, instant now = start_time) {
    std::vector<std::string> all;
    for (auto index : decide(asked, now).order)
      all.push_back(candidates_[index].model);
    return all;
  }
  static route_question asks(task_type task, double complexity) {
    route_question asked;
    asked.task = task;
    asked.complexity = complexity;
    asked.input_tokens = 100;
    return asked;
  }

  route_config route_;
  std::vector<route_candidate> candidates_;
  std::vector<candidate_health> health_;
  std::optional<router> router_;
};

TEST_F(a_route, chooses_the_tier_by_task_and_complexity) {
  auto tier = [&](task_type task, double complexity) {
    return decide(asks(task, complexity)).used_tier;
  };
  EXPECT_EQ(tier(task_type::code_generation, 0.81), model_tier::large);
  EXPECT_EQ(tier(task_type::code_generation, 0.8), model_tier::small) << "only above it";
  EXPECT_EQ(tier(task_type::planning, 0.61), model_tier::medium);
  EXPECT_EQ(tier(task_type::analysis, 0.99), model_tier::medium);
  EXPECT_EQ(tier(task_type::analysis, 0.6), model_tier::small);
  EXPECT_EQ(tier(task_type::other, 1), model_tier::small);
}

TEST_F(a_route, takes_the_cheapest_of_its_tier_and_then_those_that_can_do_more) {
  EXPECT_THAT(models(asks(task_type::planning, 0.7)),
              ElementsAre("middle", "huge", "tiny", "mini"));
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("tiny", "mini", "middle", "huge"));
}

TEST_F(a_route, never_asks_a_model_whose_context_is_too_short) {
  auto asked = asks(task_type::other, 0);
  asked.input_tokens = 7'000;
  asked.output_tokens = 1'001;
  EXPECT_THAT(models(asked), ElementsAre("mini", "middle", "huge"));
  asked.input_tokens = 100'000;
  EXPECT_THAT(models(asked), ElementsAre("huge"));
  asked.input_tokens = 2'000'000;
  auto made = decide(asked);
  EXPECT_THAT(made.order, IsEmpty());
  EXPECT_THAT(why_nobody(made, candidates_),
              HasSubstr("api/huge: the prompt does not fit its context"));
}

TEST_F(a_route, leaves_room_for_an_answer_that_its_caller_does_not_bound) {
  auto asked = asks(task_type::other, 0);
  asked.input_tokens = 7'501;
  EXPECT_THAT(models(asked), ElementsAre("mini", "middle", "huge")) << "500 are expected";
  asked.input_tokens = 7'500;
  EXPECT_THAT(models(asked), ElementsAre("tiny", "mini", "middle", "huge"));
}

TEST_F(a_route, counts_the_answer_that_the_class_of_the_call_allows) {
  route_.classes = {{0, "", {}, 1'000, ""}};
  auto asked = asks(task_type::other, 0);
  asked.input_tokens = 7'001;
  EXPECT_THAT(models(asked), ElementsAre("mini", "middle", "huge"));
  asked.output_tokens = 999;
  EXPECT_THAT(models(asked), ElementsAre("tiny", "mini", "middle", "huge")) << "its own";
  candidates_[1].can.output_tokens = 999;
  router_.reset();
  asked.output_tokens = 0;
  EXPECT_THAT(models(asked), ElementsAre("middle", "huge"));
}

TEST_F(a_route, explains_only_settings_that_are_used) {
  route_.classes = {{0, "", 0.3, 500, ""}};
  auto asked = asks(task_type::other, 0);
  EXPECT_THAT(explain(decide(asked), route_, candidates_),
              HasSubstr("settings: from 0.00: temperature 0.30 output_tokens 500\n"));
  asked.output_tokens = 70;
  EXPECT_THAT(explain(decide(asked), route_, candidates_),
              HasSubstr("settings: from 0.00: temperature 0.30\n"));
}

TEST_F(a_route, never_asks_a_model_that_lacks_what_the_call_has) {
  candidates_[0].can.tools = false;
  candidates_[1].can.images = false;
  candidates_[2].can.json_schema = false;
  candidates_[3].can.output_tokens = 50;
  auto asked = asks(task_type::other, 0);
  asked.tools = true;
  EXPECT_THAT(models(asked), ElementsAre("mini", "middle", "huge"));
  asked.images = true;
  EXPECT_THAT(models(asked), ElementsAre("middle", "huge"));
  asked.json_schema = true;
  EXPECT_THAT(models(asked), ElementsAre("huge"));
  asked.output_tokens = 51;
  EXPECT_THAT(models(asked), IsEmpty());
}

TEST_F(a_route, does_not_ask_who_fails_unless_everybody_does) {
  health_[0] = candidate_health::failing;
  health_[1] = candidate_health::waiting;
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("middle", "huge"));
  health_.assign(4, candidate_health::failing);
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("tiny", "mini", "middle", "huge"));
}

TEST_F(a_route, keeps_its_order_with_the_policy_fixed) {
  route_.policy = route_policy::fixed;
  std::swap(candidates_[0], candidates_[3]);
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("huge", "mini", "middle", "tiny"));
}

TEST_F(a_route, compares_what_the_call_will_cost_with_the_policy_cheapest) {
  route_.policy = route_policy::cheapest;
  auto one = priced(1'000, 1), other = priced(1, 100);
  candidates_[0].price = &one;   // dear to read, cheap to write
  candidates_[1].price = &other; // the other way round
  candidates_[2].price = nullptr;
  auto asked = asks(task_type::other, 0);
  asked.input_tokens = 10;
  asked.output_tokens = 1'000;
  EXPECT_THAT(models(asked), ElementsAre("tiny", "mini", "huge", "middle"))
      << "11,000 against 100,010 and 101,000; no price is no low price";
  asked.input_tokens = 1'000;
  asked.output_tokens = 10;
  EXPECT_THAT(models(asked), ElementsAre("mini", "huge", "tiny", "middle"));
}

TEST_F(a_route, asks_the_fastest_and_now_and_then_another_to_learn) {
  route_.policy = route_policy::fastest;
  for (std::size_t i = 0; i < 4; ++i)
    made().first_piece(i, std::chrono::milliseconds{100 * (4 - i)}, start_time);
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("huge", "middle", "mini", "tiny"));
  int others = 0;
  for (int call = 0; call < 100; ++call) {
    auto first = models(asks(task_type::other, 0), start_time + 5s).front();
    others += first != "huge";
  }
  EXPECT_EQ(others, 3) << "each once, until it is heard of";
}

TEST_F(a_route, applies_the_settings_of_the_class_of_the_call) {
  route_.classes = {{0, "", 0.3, 100, ""}, {0.5, "api/huge", 0.7, 500, ""}};
  EXPECT_EQ(decide(asks(task_type::other, 0.49)).settings, 0u);
  auto hard = decide(asks(task_type::other, 0.5));
  EXPECT_EQ(hard.settings, 1u);
  EXPECT_EQ(candidates_[hard.order.front()].model, "huge") << "the class names it";
}

TEST_F(a_route, wants_a_quantization_only_where_somebody_has_it) {
  route_.classes = {{0, "", {}, 0, "int8"}};
  EXPECT_EQ(models(asks(task_type::other, 0)).size(), 4u);
  router_.reset();
  candidates_[2].can.quantization = "int8";
  EXPECT_THAT(models(asks(task_type::other, 0)), ElementsAre("middle"));
}

TEST_F(a_route, explains_what_it_chose) {
  candidates_[0].can.context_tokens = 50;
  health_[1] = candidate_health::failing;
  auto asked = asks(task_type::planning, 0.71);
  asked.is_estimated = true;
  auto told = explain(decide(asked), route_, candidates_);
  EXPECT_EQ(told, "route auto: by_complexity\n"
                  "call: planning, complexity 0.71 (estimated), about 100 tokens\n"
                  "tier: rule 2: planning or analysis above 0.60 takes medium\n"
                  "1. api/middle (medium, $0.0000060)\n"
                  "2. api/huge (large, $0.000060)\n"
                  "not api/tiny: the prompt does not fit its context\n"
                  "not api/mini: its calls failed lately\n");
  EXPECT_EQ(summary_of(decide(asked), candidates_),
            "by_complexity: planning 0.71 takes medium; api/middle");
}

TEST_F(a_route, decides_soon_among_fifty_models) {
  for (int i = 0; i < 46; ++i)
    add("more-" + std::to_string(i), model_tier::medium, 10, 100'000);
  constexpr int calls = 2'000;
  std::size_t asked = 0;
  auto begin = std::clock();
  for (int i = 0; i < calls; ++i)
    asked += decide(asks(task_type::planning, 0.7)).order.size();
  auto each = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / calls;
  EXPECT_EQ(asked, 50u * calls);
  std::cout << each * 1e6 << " us of the processor a decision\n";
}

TEST(a_question, is_read_from_the_call) {
  ModelRequest call;
  call.add_messages()->set_role("system");
  auto* said = call.add_messages();
  said->set_role("user");
  said->set_content("Plan the migration step by step, and prove that no step loses data.");
  auto* image = call.add_messages();
  image->set_role("user");
  image->add_parts()->set_text("Plan the roadmap of it.");
  image->add_parts()->mutable_image()->set_url("http://host/a.png");
  call.add_tools()->set_name("search");
  call.mutable_json_answer()->set_schema("{}");
  call.set_max_output_tokens(70);
  auto asked = question_of(call);
  EXPECT_EQ(asked.task, task_type::planning);
  EXPECT_TRUE(asked.is_estimated);
  EXPECT_TRUE(asked.tools && asked.images && asked.json_schema);
  EXPECT_EQ(asked.output_tokens, 70u);
  EXPECT_GT(asked.input_tokens, 1'600u);
  call.set_task("other");
  call.set_complexity(0.25);
  auto said_so = question_of(call);
  EXPECT_EQ(said_so.task, task_type::other);
  EXPECT_EQ(said_so.complexity, 0.25);
  EXPECT_FALSE(said_so.is_estimated);
  EXPECT_FALSE(mistake_in(call));
  call.set_complexity(1.5);
  EXPECT_TRUE(mistake_in(call)->starts_with("the complexity of a call is a number from 0 to 1"));
  call.set_task("guessing");
  EXPECT_TRUE(mistake_in(call)->ends_with("or other, not \"guessing\""));
}

} // namespace
} // namespace troupe
