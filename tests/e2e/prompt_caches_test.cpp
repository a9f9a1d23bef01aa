#include "tests/e2e/simulator.hpp"

#include <cmath>
#include <map>

/// Prompts whose fixed part comes first are found again in the caches of providers: what the trace
/// and the bill say of it.
namespace troupe::tests {

namespace {

/// About 1,500 tokens as `troupe simulate` counts them.
std::string long_rules() {
  std::string text;
  while (text.size() < 6'000)
    text += "Answer in one sentence, and say where you found it. ";
  return text;
}

class kept_prompts : public simulated_models {
protected:
  void SetUp() override {
    const std::string prices = "input: 1, output: 4, cached: 0.1, cache_written: 1.25";
    write_file(user.path() / "prices.yaml", "prices: [{model: '*', " + prices + "}]\n");
    simulate("  - reply: \"You said: {question}\"\n",
             {"--strict", "--prices", (user.path() / "prices.yaml").string()},
             "    api_key_file: key\n    prices: [{model: first, " + prices + "}]\n");
    write_file(user.path() / "key", "sk-any\n");
    for (auto [called, model] :
         {std::pair{"loud", "open/first"}, std::pair{"whisper", "claude/first"}})
      write_file(roles() / (std::string{called} + ".yaml"),
                 std::string{"role: "} + called + "\ndescription: x\nmind: chat\nmodel: " + model
                     + "\npartials:\n  rules: \"" + long_rules()
                     + "\"\nprompts:\n  system: \"{{> rules}}\"\n  answer: \"Q: {{text}}\"\n");
  }

  struct call {
    long long cached = 0, written = 0, nano_usd = 0;
  };
  /// What the span of the only call of the last command says.
  call last_call() {
    call found;
    for (const auto& span : trace_in(user.troupe({"trace", "last", "--json"}).parsed()).spans) {
      if (!span.name.starts_with("chat "))
        continue;
      auto number = [&](const char* name) {
        auto value = span.attributes.find(name);
        return value == span.attributes.end() ? json(0) : *value;
      };
      found.cached = number("gen_ai.usage.cache_read.input_tokens").get<long long>();
      found.written = number("gen_ai.usage.cache_creation.input_tokens").get<long long>();
      found.nano_usd = std::llround(number("troupe.cost_usd").get<double>() * 1e9);
    }
    return found;
  }
};

TEST_F(kept_prompts, are_read_from_the_caches_of_both_apis_by_the_second_call) {
  cluster one{user, {.nodes = 1}};
  std::map<std::string, std::pair<call, call>> spans;
  for (const std::string role_name : {"loud", "whisper"}) {
    auto first = send(role_name, "hello");
    ASSERT_TRUE(first.ok()) << first.shown();
    EXPECT_EQ(first.out, "You said: Q: hello\n");
    spans[role_name].first = last_call();
    auto second = send(role_name, "goodbye");
    ASSERT_TRUE(second.ok()) << second.shown();
    spans[role_name].second = last_call();
  }
  const auto& [open_first, open_second] = spans["loud"];
  EXPECT_EQ(open_first.cached, 0);
  EXPECT_EQ(open_second.cached, 1'408) << "in steps of 128";
  EXPECT_EQ(open_second.written, 0);
  const auto& [claude_first, claude_second] = spans["whisper"];
  EXPECT_EQ(claude_first.cached, 0);
  EXPECT_GT(claude_first.written, 1'500) << "the system prompt and the beginning of the other";
  EXPECT_EQ(claude_second.cached, claude_first.written);
  EXPECT_EQ(claude_second.written, 0);
  EXPECT_LT(claude_second.nano_usd * 3, claude_first.nano_usd);

  auto billed = provider_->calls();
  ASSERT_EQ(billed.size(), 4u) << billed.dump(1);
  std::vector<call> told{open_first, open_second, claude_first, claude_second};
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(billed[i]["cached_tokens"], told[i].cached) << billed[i];
    EXPECT_EQ(billed[i]["cache_written_tokens"], told[i].written) << billed[i];
    EXPECT_EQ(billed[i]["billed_nano_usd"], told[i].nano_usd) << billed[i];
  }
  auto metrics = http_get("http://" + one.nodes()[0].http_address + "/metrics").body;
  auto line = [](const char* agent, const char* type, long long tokens) {
    return std::string{"llm_cached_tokens_total{agent_id=\""} + agent + "\",model=\"first\",type=\""
           + type + "\"} " + std::to_string(tokens);
  };
  EXPECT_THAT(metrics, ::testing::HasSubstr(line("loud", "read", open_second.cached)));
  EXPECT_THAT(metrics, ::testing::HasSubstr(line("whisper", "read", claude_second.cached)));
  EXPECT_THAT(metrics, ::testing::HasSubstr(line("whisper", "written", claude_first.written)));
}

} // namespace

} // namespace troupe::tests
