#include "config/routes.hpp"

#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class configured_routes : public ::testing::Test {
protected:
  configured_routes()
      : file_(std::filesystem::temp_directory_path()
              / ("troupe-routes-" + std::to_string(::getpid()) + "-"
                 + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml")) {}
  ~configured_routes() override { std::filesystem::remove(file_); }

  config_result<node_config> load(const std::string& text) const {
    std::ofstream{file_} << text;
    config_sources sources;
    sources.file = file_;
    return load_config(sources);
  }
  std::string error_of(const std::string& routes) const {
    auto loaded = load(providers + routes);
    return loaded ? "no error" : to_string(loaded.error());
  }

  const std::string providers = "providers:\n"
                                "  api:\n"
                                "    kind: simulated\n"
                                "    models: [one, two]\n"
                                "    capabilities:\n"
                                "      - {model: one, tier: large, context: 1000, tools: false}\n"
                                "aliases:\n"
                                "  small: api/two\n";
  std::filesystem::path file_;
};

TEST_F(configured_routes, are_read_with_their_defaults) {
  auto cfg = load(providers + "routes:\n  auto:\n    models: [api/one, small, offline]\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  const auto* route = cfg->catalog.find_route("auto");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->policy, route_policy::by_complexity);
  EXPECT_THAT(route->models, ElementsAre("api/one", "small", "offline"));
  EXPECT_EQ(route->rules, usual_rules());
  EXPECT_EQ(route->otherwise, model_tier::small);
  EXPECT_EQ(route->attempts, attempt_limits{});
  const auto& can = cfg->catalog.providers[0].capabilities;
  ASSERT_EQ(can.size(), 1u);
  EXPECT_EQ(can[0].tier, model_tier::large);
  EXPECT_FALSE(can[0].tools);
}

constexpr const char* whole = R"(routes:
  best:
    policy: cascade
    models: [small, api/one]
    rules:
      - {task: [planning, code_generation], above: 0.25, tier: large}
      - {tier: medium}
    otherwise: medium
    classes:
      - {from: 0, temperature: 0.3, output_tokens: 100}
      - {from: 0.5, model: api/one, temperature: 0.7, output_tokens: 500, quantization: int8}
    attempts: {each: 3, all: 7, pause: 100ms, pause_max: 2s, hedge: 1500ms}
    accept: 0.75
)";

TEST_F(configured_routes, are_shown_so_that_they_can_be_read_back) {
  auto cfg = load(providers + whole);
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  const auto& route = cfg->catalog.routes.at(0);
  EXPECT_EQ(route.rules[0].tasks.size(), 2u);
  EXPECT_EQ(route.classes[1].temperature, 0.7);
  EXPECT_EQ(route.attempts.hedge, std::chrono::milliseconds{1'500});
  auto again = load(show_config(*cfg));
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(again->catalog.routes, cfg->catalog.routes);
  EXPECT_EQ(again->catalog.providers[0].capabilities, cfg->catalog.providers[0].capabilities);
}

TEST_F(configured_routes, say_what_is_wrong_and_where) {
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [api/three]\n"),
              HasSubstr(":11:14: routes.auto: there is no model \"api/three\" here"));
  EXPECT_THAT(error_of("routes:\n  small:\n    models: [api/one]\n"),
              HasSubstr("an alias has that name, too"));
  EXPECT_THAT(error_of("routes:\n  offline:\n    models: [api/one]\n"),
              HasSubstr("offline is the built-in model"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: []\n"), HasSubstr("expected 1 to 64 models"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [small]\n    policy: best\n"),
              HasSubstr("fixed, by_complexity, cheapest, fastest, cascade"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [small]\n    rules: [{tier: big}]\n"),
              HasSubstr("small, medium or large"));
  EXPECT_THAT(
      error_of("routes:\n  auto:\n    models: [small]\n    rules: [{task: x, tier: large}]\n"),
      HasSubstr("code_generation, planning, analysis or other"));
  EXPECT_THAT(
      error_of("routes:\n  auto:\n    models: [small]\n    classes: [{from: 0.5}, {from: 0.2}]\n"),
      HasSubstr("write them in order"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [small]\n    attempts: {each: 0}\n"),
              HasSubstr("expected a whole number from 1 to 20"));
}

TEST_F(configured_routes, may_not_be_ambiguous) {
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [auto]\n"),
              HasSubstr(":11:14: routes.auto: a route is no model of a route: auto"));
  EXPECT_THAT(error_of("routes:\n  api:\n    models: [small]\n"),
              HasSubstr(":11:5: routes.api: a provider has that name, too"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [small, api/one, api/two]\n"),
              HasSubstr(":11:30: routes.auto: api/two is one of its models already"));
  EXPECT_THAT(error_of("routes:\n  auto:\n    models: [small]\n"
                       "    attempts: {pause: 3s, pause_max: 2s}\n"),
              HasSubstr(":12:23: pause: 3s is longer than pause_max, 2s"));
}

TEST(known_capabilities, are_those_of_the_program) {
  const auto& all = known_capabilities();
  EXPECT_GE(all.size(), 10u);
  auto* dated = find_capabilities(all, "gpt-4o-2024-08-06");
  ASSERT_TRUE(dated);
  EXPECT_EQ(dated->model, "gpt-4o");
  EXPECT_EQ(find_capabilities(all, "gpt-4o-mini")->tier, model_tier::small);
  EXPECT_EQ(find_capabilities(all, "gpt-99"), nullptr);
}

} // namespace
} // namespace troupe
