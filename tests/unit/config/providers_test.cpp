#include "config/providers.hpp"

#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class configured_providers : public ::testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("troupe-providers-" + std::to_string(::getpid()) + "-"
                 + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  config_result<node_config> load(const std::string& text, mode_t mode = 0600) {
    std::ofstream{file()} << text;
    ::chmod(file().c_str(), mode);
    config_sources sources;
    sources.file = file();
    return load_config(sources);
  }
  std::string error_of(const std::string& text, mode_t mode = 0600) {
    auto loaded = load(text, mode);
    return loaded ? "no error" : to_string(loaded.error());
  }
  std::filesystem::path file() const { return folder_ / "config.yaml"; }

  std::filesystem::path folder_;
};

constexpr const char* two = R"(providers:
  openai:
    kind: openai
    api_key_env: OPENAI_API_KEY
    models: [gpt-4o-mini]
    calls_max: 20
  claude:
    kind: anthropic
    base_url: http://127.0.0.1:8080/
    keys:
      - {api_key_file: secrets/one, weight: 3}
      - {api_key_env: OTHER}
    headers: {x-team: blue}
    timeouts: {first: 5s, total: 1min}
aliases:
  small: openai/gpt-4o-mini
  any: claude/claude-of-tomorrow
)";

TEST_F(configured_providers, are_read_with_their_defaults) {
  auto cfg = load(two);
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  ASSERT_EQ(cfg->catalog.providers.size(), 2u);
  const auto& openai = cfg->catalog.providers[0];
  EXPECT_EQ(openai.base_url, "https://api.openai.com/v1");
  EXPECT_THAT(openai.keys,
              ElementsAre(provider_key{{key_place::sort::variable, "OPENAI_API_KEY"}}));
  EXPECT_EQ(openai.calls_max, 20u);
  EXPECT_EQ(openai.timeouts, provider_config::timeouts_section{});
  const auto& claude = cfg->catalog.providers[1];
  EXPECT_EQ(claude.kind, provider_config::api::anthropic);
  EXPECT_EQ(claude.base_url, "http://127.0.0.1:8080") << "a path is appended to it";
  EXPECT_THAT(
      claude.keys,
      ElementsAre(provider_key{{key_place::sort::file, (folder_ / "secrets/one").string()}, 3},
                  provider_key{{key_place::sort::variable, "OTHER"}, 1}));
  EXPECT_EQ(claude.headers.at("x-team"), "blue");
  EXPECT_EQ(claude.timeouts.first, std::chrono::seconds{5});
  EXPECT_EQ(claude.timeouts.connect, std::chrono::seconds{5}) << "as if nothing was said";
}

TEST_F(configured_providers, are_shown_as_they_are_read) {
  auto cfg = load(two);
  ASSERT_TRUE(cfg);
  auto shown = show_config(*cfg);
  auto again = load(shown);
  ASSERT_TRUE(again) << to_string(again.error()) << "\n" << shown;
  EXPECT_EQ(again->catalog.providers, cfg->catalog.providers);
  EXPECT_EQ(again->catalog.aliases, cfg->catalog.aliases);
  EXPECT_THAT(shown, HasSubstr("blue"));
  EXPECT_THAT(show_config(*cfg, secrets::hidden), ::testing::Not(HasSubstr("blue")));
}

TEST_F(configured_providers, never_hold_a_key_that_stands_in_the_file) {
  std::string text = "providers:\n  x:\n    kind: openai\n    api_key: sk-marker\n";
  auto cfg = load(text);
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_THAT(show_config(*cfg), ::testing::Not(HasSubstr("sk-marker")));
  EXPECT_THAT(show_config(*cfg), HasSubstr("api_key_in: " + file().string()));
  EXPECT_THAT(error_of(text, 0644),
              HasSubstr("config.yaml:4:14: api_key: others can read this file"));
}

TEST_F(configured_providers, are_refused_with_the_place_and_what_was_expected) {
  EXPECT_THAT(error_of("providers:\n  x: {kind: gemini}\n"),
              HasSubstr("config.yaml:2:13: provider x: kind: expected openai, anthropic, offline "
                        "or simulated, found \"gemini\""));
  EXPECT_THAT(error_of("providers:\n  x: {}\n"), HasSubstr("provider x: kind is missing"));
  EXPECT_THAT(error_of("providers:\n  offline: {kind: openai}\n"),
              HasSubstr("offline is built in"));
  EXPECT_THAT(error_of("providers:\n  a/b: {kind: openai}\n"), HasSubstr("the name of a provider"));
  EXPECT_THAT(error_of("providers:\n  x: {kind: openai, base_url: 'ftp://h'}\n"),
              HasSubstr("base_url: expected http://HOST:PORT"));
  auto with_password = error_of("providers:\n  x: {kind: openai, base_url: 'http://u:pw9@h'}\n");
  EXPECT_THAT(with_password, HasSubstr("expected no user, password or query"));
  EXPECT_THAT(with_password, ::testing::Not(HasSubstr("pw9")));
  EXPECT_THAT(error_of("providers:\n  x: {kind: openai, colour: blue}\n"),
              HasSubstr("provider x has no key \"colour\""));
  EXPECT_THAT(error_of("providers:\n  x: {kind: openai, timeouts: {first: 0s}}\n"),
              HasSubstr("first: expected a duration"));
  EXPECT_THAT(error_of("providers:\n  x: {kind: openai, api_key_env: 'A B'}\n"),
              HasSubstr("expected the name of a variable"));
  EXPECT_THAT(error_of("providers:\n  x: {kind: openai, headers: {'a b': c}}\n"),
              HasSubstr("found the header \"a b\""));
  EXPECT_THAT(error_of("aliases:\n  fast: nobody/model\n"),
              HasSubstr("config.yaml:2:9: aliases.fast: there is no model \"nobody/model\" here"));
  EXPECT_THAT(error_of("provider:\n  x: {kind: openai}\n"), HasSubstr("did you mean providers?"));
}

TEST_F(configured_providers, have_prices_of_their_own) {
  auto cfg =
      load("providers:\n"
           "  azure:\n"
           "    kind: openai\n"
           "    prices:\n"
           "      - {model: my-deployment, input: 2.125, output: 8, cached: 0.5, batch: 0.5,\n"
           "         request: 0.000125, above: {tokens: 1000, input: 4, output: 9}}\n"
           "  free: {kind: simulated, simulate: {latency: 20ms}}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  const auto& azure = cfg->catalog.providers[0];
  auto own = price_of(azure, "my-deployment", known_prices());
  ASSERT_TRUE(own);
  EXPECT_EQ(own->base.input, 2'125);
  EXPECT_EQ(own->request, 125'000);
  EXPECT_EQ(price_of(azure, "gpt-4o", known_prices())->base.input, 2'500) << "of the program";
  EXPECT_FALSE(price_of(cfg->catalog.providers[1], "gpt-4o", known_prices())) << "it costs nothing";
  auto again = load(show_config(*cfg));
  ASSERT_TRUE(again) << to_string(again.error()) << show_config(*cfg);
  EXPECT_EQ(again->catalog.providers, cfg->catalog.providers) << "nodes get them through a file";
}

TEST_F(configured_providers, of_kind_offline_are_names_of_the_built_in_model) {
  auto cfg = load("providers:\n"
                  "  here: {kind: offline, models: [small, org/large]}\n"
                  "  any: {kind: offline}\n"
                  "aliases: {fast: here/small}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  for (auto name : {"here/small", "here/org/large", "any/thing", "fast"}) {
    auto found = resolve_model(cfg->catalog, name);
    ASSERT_TRUE(found) << found.error();
    EXPECT_FALSE(found->provider) << name;
    EXPECT_EQ(found->model, "offline") << name;
  }
  auto other = resolve_model(cfg->catalog, "here/medium");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error(), HasSubstr("here/small, here/org/large"));
  auto again = load(show_config(*cfg));
  ASSERT_TRUE(again) << to_string(again.error()) << show_config(*cfg);
  EXPECT_EQ(again->catalog.providers, cfg->catalog.providers) << "nodes get them through a file";
  EXPECT_THAT(error_of("providers:\n  x: {kind: offline, base_url: 'http://h'}\n"),
              HasSubstr("provider x has no key \"base_url\""));
}

TEST_F(configured_providers, whose_prices_are_old_are_told_of) {
  auto day = [](int year, unsigned month, unsigned of_month) {
    using namespace std::chrono;
    return sys_days{std::chrono::year{year} / month / of_month}.time_since_epoch().count();
  };
  std::vector<model_price> known(2);
  known[0].model = "known";
  known[0].date = "2025-09-01";
  known[1].model = "older";
  known[1].date = "2025-08-01";
  auto cfg = load("providers:\n"
                  "  x: {kind: openai, models: [known, nobody-knows]}\n"
                  "  y: {kind: simulated}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_EQ(old_prices(cfg->catalog, known, day(2025, 11, 30)), "") << "90 days";
  EXPECT_THAT(old_prices(cfg->catalog, known, day(2025, 12, 1)), HasSubstr("of 2025-09-01"));
  auto any = load("providers:\n  x: {kind: openai}\n");
  EXPECT_THAT(old_prices(any->catalog, known, day(2025, 12, 1)), HasSubstr("of 2025-08-01"))
      << "any model may be asked";
  auto own = load("providers:\n  x: {kind: openai, models: [known], prices: [{model: known, input: "
                  "1, output: 2}]}\n");
  EXPECT_EQ(old_prices(own->catalog, known, day(2026, 12, 1)), "") << "they are somebody's own";
  EXPECT_EQ(old_prices({}, known, day(2026, 12, 1)), "") << "nobody uses them";
}

TEST(resolving_a_model, finds_providers_by_name_or_alias) {
  models_catalog all;
  all.providers.resize(2);
  all.providers[0].name = "open";
  all.providers[0].models = {"a", "org/b"};
  all.providers[1].name = "any";
  all.aliases = {{"fast", "open/a"}, {"local", "offline"}};
  auto found = [&](std::string_view asked) {
    auto model = resolve_model(all, asked);
    return model ? (model->provider ? model->provider->name : "built in") + " " + model->model
                 : model.error();
  };
  EXPECT_EQ(found(""), "built in offline");
  EXPECT_EQ(found("offline"), "built in offline");
  EXPECT_EQ(found("local"), "built in offline");
  EXPECT_EQ(found("fast"), "open a");
  EXPECT_EQ(found("open/org/b"), "open org/b");
  EXPECT_EQ(found("any/thing/at:all"), "any thing/at:all");
  constexpr auto there =
      "; the models there are: offline, fast, local, open/a, open/org/b, any/MODEL";
  EXPECT_EQ(found("open/c"), std::string{"there is no model \"open/c\" here"} + there);
  EXPECT_EQ(found("a"), std::string{"there is no model \"a\" here"} + there);
  EXPECT_EQ(found("any/"), std::string{"there is no model \"any/\" here"} + there);
}

} // namespace
} // namespace troupe
