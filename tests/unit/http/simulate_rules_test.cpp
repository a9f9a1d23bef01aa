#include "config/base/split_mix.hpp"
#include "tests/unit/http/simulation.hpp"

#include <gmock/gmock.h>

/// Which calls get what: latencies, rules, prices, and the strict form.
namespace troupe {
namespace {

using namespace http_testing;
using ::testing::HasSubstr;

double milliseconds(const latency& of, double share) {
  return std::chrono::duration<double, std::milli>(of.at(share)).count();
}

TEST(latency, follows_its_distribution) {
  EXPECT_DOUBLE_EQ(milliseconds(*latency::parse("200ms"), 0.7), 200);
  auto lines = *latency::parse("p50=300ms p90=900ms p99=4s");
  EXPECT_DOUBLE_EQ(milliseconds(lines, 0.1), 300);
  EXPECT_DOUBLE_EQ(milliseconds(lines, 0.7), 600);
  EXPECT_DOUBLE_EQ(milliseconds(lines, 0.9), 900);
  EXPECT_DOUBLE_EQ(milliseconds(lines, 0.999), 4'000);
  auto normal = *latency::parse("median=300ms p99=4s");
  EXPECT_NEAR(milliseconds(normal, 0.5), 300, 0.01);
  EXPECT_NEAR(milliseconds(normal, 0.99), 4'000, 0.1);
  EXPECT_NEAR(milliseconds(normal, 0.01), 22.5, 0.1);
  EXPECT_GT(milliseconds(normal, 0.9999), 10'000);
  for (auto wrong : {"", "fast", "200", "p50=1s p90=1ms", "p90=1s p50=2s", "median=1s",
                     "median=1s p90=2s", "p101=1s", "p50"})
    EXPECT_FALSE(latency::parse(wrong)) << wrong;
}

std::string rules_error(const std::string& text) {
  auto read = simulation_rules::parse(text, "rules.yaml");
  return read ? "" : to_string(read.error());
}

TEST(simulation_rules, say_where_they_are_wrong) {
  EXPECT_THAT(rules_error("rules:\n  - fault: rate_limited\n    latncy: 1s\n"),
              HasSubstr("rules.yaml:3"));
  EXPECT_THAT(rules_error("rules:\n  - fault: rate_limited\n    latncy: 1s\n"),
              HasSubstr("latency"));
  EXPECT_THAT(rules_error("rules:\n  - share: 2\n"), HasSubstr("rules.yaml:2"));
  EXPECT_THAT(rules_error("rules:\n  - fault: rate_limit\n"), HasSubstr("rate_limited"));
  EXPECT_THAT(rules_error("rules:\n  - api: chats\n"), HasSubstr("expected chat, embeddings"));
  EXPECT_THAT(rules_error("rule: []\n"), HasSubstr("rules.yaml:1"));
  EXPECT_EQ(rules_error("rules:\n  - model: gpt-*\n    first: 2\n    latency: p50=1s p99=2s\n"),
            "");
}

behaviour applied(const simulation_rules& rules, const provider_request& request,
                  std::string_view key = {}, std::uint64_t seed = 0) {
  behaviour how;
  rules.apply(request, key, seed, how);
  return how;
}

TEST(simulation_rules, apply_the_first_that_fits) {
  auto rules = simulation_rules::parse(R"(rules:
  - {model: "gpt-?o*", api: chat, contains: rain, key: sk-1, stream: false, reply: all}
  - {model: gpt-*, reply: model}
  - {fault: hang}
)",
                                       "rules.yaml");
  ASSERT_TRUE(rules) << to_string(rules.error());
  provider_request request;
  request.model = "gpt-4o-mini";
  request.question = "Will it rain?";
  EXPECT_EQ(applied(*rules, request, "sk-1").reply, "all");
  EXPECT_EQ(applied(*rules, request, "sk-2").reply, "model");
  request.stream = true;
  EXPECT_EQ(applied(*rules, request, "sk-1").reply, "model");
  request.model = "claude";
  EXPECT_EQ(applied(*rules, request).fault, simulated_fault::hang);
}

TEST(simulation_rules, count_each_question_and_share_by_the_seed) {
  auto rules =
      simulation_rules::parse("rules:\n  - {first: 2, fault: unavailable}\n", "rules.yaml");
  provider_request one, other;
  one.hash_lo = 1, other.hash_lo = 2;
  for (const auto* asked : {&one, &other, &one, &other})
    EXPECT_EQ(applied(*rules, *asked).fault, simulated_fault::unavailable);
  EXPECT_EQ(applied(*rules, one).fault, simulated_fault::none);
  auto drawn = [](std::uint64_t seed) {
    auto shared = simulation_rules::parse("rules:\n  - {share: 0.1, fault: hang}\n", "rules.yaml");
    std::string pattern;
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      provider_request request;
      request.hash_lo = i / 2 * 0x9e3779b97f4a7c15ULL; // each question twice
      pattern += applied(*shared, request, {}, seed).fault == simulated_fault::hang ? '1' : '0';
    }
    return pattern;
  };
  auto pattern = drawn(7);
  EXPECT_NEAR(static_cast<double>(std::count(pattern.begin(), pattern.end(), '1')), 200, 60);
  EXPECT_EQ(pattern, drawn(7));
  EXPECT_NE(pattern, drawn(8));
  EXPECT_NE(pattern.find("10"), pattern.npos) << "a second try may succeed";
}

TEST(price_list, counts_in_whole_nano_dollars_and_rounds_up) {
  auto prices = price_list::parse(R"(prices:
  - {model: small*, input: 0.000001, output: 0.02, request: 0.000001}
  - {model: "*", input: 2.50, output: 10, cached: 1.25}
)",
                                  "prices.yaml");
  ASSERT_TRUE(prices) << to_string(prices.error());
  EXPECT_EQ(prices->nano_dollars("gpt", {1'000, 400, 10}),
            600u * 2'500 + 400 * 1'250 + 10 * 10'000);
  EXPECT_EQ(prices->nano_dollars("small-1", {1, 0, 1}), 1u + 20 + 1'000);
  EXPECT_EQ(prices->nano_dollars("gpt", {4'000'000'000, 0, 0}), 10'000'000'000'000u);
  for (auto wrong : {"2.5000001", "-1", "1e3", ".5", "1.", "free"}) {
    auto read = price_list::parse(
        "prices:\n  - model: a\n    output: 1\n    input: " + std::string{wrong} + "\n", "p.yaml");
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(to_string(read.error()), HasSubstr("p.yaml:4")) << wrong;
  }
}

class a_strict_simulation : public a_simulation {
protected:
  a_strict_simulation() {
    simulation_options options;
    options.strict = true;
    start(std::move(options));
  }
};

TEST_F(a_strict_simulation, refuses_what_openai_refuses) {
  EXPECT_FALSE(chat(question()).contains("error"));
  const json tool = {{"role", "tool"}, {"tool_call_id", "1"}, {"content", "x"}};
  const json user = {{"role", "user"}, {"content", "x"}};
  const json calls = {
      {"role", "assistant"},
      {"content", nullptr},
      {"tool_calls",
       {{{"id", "1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}}}};
  const std::pair<json, const char*> wrong[] = {
      {{{"temperature", "hot"}}, "temperature"},
      {{{"temperature", 3}}, "temperature"},
      {{{"n", 0}}, "n"},
      {{{"max_tokens", 1.5}}, "max_tokens"},
      {{{"foo", 1}}, "foo"},
      {{{"stream", "yes"}}, "stream"},
      {{{"stream_options", {{"include_usage", true}}}}, "stream_options"},
      {{{"top_logprobs", 2}}, "top_logprobs"},
      {{{"max_tokens", 5}, {"max_completion_tokens", 5}}, "max_tokens"},
      {{{"stop", {"a", "b", "c", "d", "e"}}}, "stop"},
      {{{"tool_choice", "auto"}}, "tool_choice"},
      {{{"messages", json::array()}}, "messages"},
      {{{"messages", {{{"role", "wizard"}, {"content", "x"}}}}}, "messages.[0].role"},
      {{{"messages", {{{"role", "user"}}}}}, "messages.[0].content"},
      {{{"messages", {user, tool}}}, "messages.[1].role"},
      {{{"messages", {user, calls, user}}}, "messages.[2].role"},
      {{{"messages", {user, calls}}}, "messages"},
  };
  for (const auto& [change, param] : wrong) {
    auto body = question();
    body.update(change);
    auto answer = chat(body);
    ASSERT_TRUE(answer.contains("error")) << change;
    EXPECT_EQ(answer["error"]["param"], param) << change;
    EXPECT_EQ(answer["error"]["type"], "invalid_request_error");
  }
  auto right = question();
  right["messages"] = {user, calls, tool};
  EXPECT_FALSE(chat(right).contains("error"));
}

TEST_F(a_strict_simulation, refuses_what_anthropic_refuses) {
  EXPECT_EQ(ask("/v1/messages", message())["type"], "message");
  auto said = [&](const json& change) {
    auto body = message();
    body.update(change);
    auto answer = ask("/v1/messages", body);
    return answer["type"] == "error" ? answer["error"]["message"].get<std::string>() : "served";
  };
  auto without = message();
  without.erase("max_tokens");
  EXPECT_EQ(ask("/v1/messages", without)["error"]["message"], "max_tokens: Field required");
  EXPECT_THAT(said({{"temperature", 1.5}}), HasSubstr("temperature"));
  EXPECT_THAT(said({{"foo", 1}}), HasSubstr("Extra inputs"));
  EXPECT_THAT(said({{"messages", {{{"role", "assistant"}, {"content", "x"}}}}}),
              HasSubstr("first message"));
  EXPECT_THAT(said({{"messages", {{{"role", "system"}, {"content", "x"}}}}}),
              HasSubstr("'user' or 'assistant'"));
  EXPECT_THAT(said({{"messages", {{{"role", "user"}, {"content", ""}}}}}),
              HasSubstr("non-empty content"));
  EXPECT_THAT(said({{"messages",
                     {{{"role", "user"},
                       {"content", {{{"type", "tool_result"}, {"tool_use_id", "1"}}}}}}}}),
              HasSubstr("unexpected `tool_use_id`"));
  EXPECT_THAT(said({{"thinking", {{"type", "enabled"}, {"budget_tokens", 10}}}}),
              HasSubstr("budget_tokens"));
  auto raw_answer = raw("/v1/messages", message().dump(), "", "POST");
  EXPECT_EQ(status_line(raw_answer), "HTTP/1.1 200 OK");
  caller peer{provider_->address()};
  peer.say("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(status_line(peer.hear_one()), "HTTP/1.1 401 Unauthorized");
}

TEST_F(a_simulation, survives_bodies_that_are_no_requests) {
  auto deep = [](std::size_t depth) {
    return R"({"model":"m","messages":[],"x":)" + std::string(depth, '[') + std::string(depth, ']')
           + "}";
  };
  for (const auto& body :
       {std::string{"{"}, std::string{"[]"}, std::string{"nul"}, std::string(100'000, '['),
        deep(128), std::string{R"({"model":"m","model":"n"})"}, std::string{R"({"model":1})"},
        std::string{R"({"model":"\ud800","messages":[]})"},
        std::string{R"({"model":"m","x":1e400})"}, std::string{"{\"model\":\"\xff\"}"},
        std::string{R"({"model":"m","messages":"no"})"},
        std::string{R"({"model":"m","messages":[1]})"}}) {
    auto heard = raw("/v1/chat/completions", body);
    EXPECT_EQ(status_line(heard), "HTTP/1.1 400 Bad Request") << body.substr(0, 80);
    EXPECT_TRUE(json::parse(body_of(heard))["error"]["message"].is_string());
  }
  auto big = question(std::string(10'000'000, 'x'));
  EXPECT_EQ(chat(big)["usage"]["prompt_tokens"], 2'500'000 + 7);
  auto odd =
      chat({{"model", "../\r\nX: 1\n"}, {"messages", {{{"role", "user"}, {"content", "x"}}}}});
  EXPECT_EQ(odd["model"], "../\r\nX: 1\n");
}

} // namespace
} // namespace troupe
