#include "config/prices.hpp"

#include "config/config.hpp"
#include "config/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe {
namespace {

std::vector<model_price> prices_in(const std::string& text) {
  auto root = parse_yaml(text, "prices.yaml");
  auto read = read_prices(*root);
  if (!read) {
    ADD_FAILURE() << to_string(read.error());
    return {};
  }
  return *read;
}

TEST(prices, are_whole_nano_dollars_for_a_token) {
  auto all = prices_in("- {model: m, input: 2.5, cached: 0.125, output: 10, date: d, source: s}\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].base.input, 2'500);
  EXPECT_EQ(all[0].base.cached, 125);
  EXPECT_EQ(all[0].base.cache_written, 2'500) << "as input, if nothing is said";
  EXPECT_EQ(all[0].cost_of({1'000, 100, 400, 0, 0}), 600 * 2'500 + 400 * 125 + 100 * 10'000);
}

TEST(prices, count_each_token_once) {
  auto all = prices_in("- {model: m, input: 3, cached: 0.3, cache_written: 3.75, output: 15, "
                       "reasoning: 20, request: 0.01, date: d, source: s}\n");
  EXPECT_EQ(all.at(0).cost_of({100, 50, 30, 20, 10}),
            10'000'000 + 50 * 3'000 + 30 * 300 + 20 * 3'750 + 40 * 15'000 + 10 * 20'000);
  EXPECT_EQ(all[0].cost_of({10, 5, 999, 999, 999}), 10'000'000 + 10 * 300 + 5 * 20'000)
      << "a provider that counts more of a part than of the whole";
}

TEST(prices, of_calls_are_shown_with_the_digits_that_count) {
  EXPECT_EQ(money_text(0), "$0.00");
  EXPECT_EQ(money_text(12'345'600'000), "$12.35");
  EXPECT_EQ(money_text(420'000'000), "$0.42");
  EXPECT_EQ(money_text(4'210'000), "$0.0042");
  EXPECT_EQ(money_text(1), "$0.0000000010");
  EXPECT_DOUBLE_EQ(usd_of(4'210'000), 0.00421);
}

TEST(prices, are_lower_for_a_batch) {
  auto all = prices_in("- {model: m, input: 3, output: 15, request: 0.00001, batch: 0.5, date: d, "
                       "source: s}\n");
  EXPECT_EQ(all.at(0).cost_of({100, 10, 0, 0, 0, true}), (10'000 + 100 * 3'000 + 10 * 15'000) / 2);
  EXPECT_EQ(all[0].cost_of({100, 10, 0, 0, 0, false}), 10'000 + 100 * 3'000 + 10 * 15'000);
}

TEST(prices, change_for_long_prompts) {
  auto all = prices_in("- model: m\n  input: 3\n  output: 15\n  date: d\n  source: s\n"
                       "  above: {tokens: 200000, input: 6, output: 22.5}\n");
  EXPECT_EQ(all.at(0).cost_of({200'000, 1, 0, 0, 0}), 200'000 * 3'000 + 15'000);
  EXPECT_EQ(all[0].cost_of({200'001, 1, 0, 0, 0}), 200'001LL * 6'000 + 22'500);
}

TEST(prices, are_those_of_the_model_and_its_dated_versions) {
  const auto& all = known_prices();
  EXPECT_GT(all.size(), 10u);
  auto named = [&](std::string_view model) {
    auto found = find_price(all, model);
    return found ? found->model : "none";
  };
  EXPECT_EQ(named("gpt-4o"), "gpt-4o");
  EXPECT_EQ(named("gpt-4o-2024-08-06"), "gpt-4o");
  EXPECT_EQ(named("gpt-4o-mini"), "gpt-4o-mini");
  EXPECT_EQ(named("gpt-4o-audio"), "none");
  EXPECT_EQ(named("claude-3-5-haiku-latest"), "claude-3-5-haiku");
  EXPECT_EQ(named("llama"), "none");
  std::vector<model_price> two(2);
  two[0].model = "claude-sonnet-4";
  two[1].model = "gpt-4";
  auto of_two = [&](std::string_view model) {
    auto found = find_price(two, model);
    return found ? found->model : "none";
  };
  EXPECT_EQ(of_two("claude-sonnet-4-20250514"), "claude-sonnet-4");
  EXPECT_EQ(of_two("gpt-4-0613"), "gpt-4");
  EXPECT_EQ(of_two("gpt-4-2024-08-06"), "gpt-4");
  for (auto other : {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-",
                     "claude-sonnet-4-001", "gpt-4-1", "gpt-41106"})
    EXPECT_EQ(of_two(other), "none") << other << " is another model, at another price";
  for (const auto& one : all)
    EXPECT_THAT(one.date, ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}")) << one.model;
}

TEST(prices, say_what_is_wrong_with_them) {
  auto root = parse_yaml("- {model: m, input: -1, output: 1, date: d, source: s}\n", "prices.yaml");
  auto read = read_prices(*root);
  ASSERT_FALSE(read);
  EXPECT_THAT(to_string(read.error()), ::testing::StartsWith("prices.yaml:1:21: "));
}

} // namespace
} // namespace troupe
