#include "tests/e2e/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

/// Agents that ask a model's provider over HTTP, through `troupe send`, and what a person is told
/// of providers. What goes wrong with answers is in provider_faults_test.cpp, what becomes of keys
/// in provider_keys_test.cpp.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* secret_key = "sk-marker-4711";

class asked_providers : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - key: sk-wrong\n    fault: unauthorized\n"
             "  - model: silent\n    fault: hang\n"
             "  - reply: \"You said: {question}\"\n",
             {"--strict"},
             "    api_key_file: key\n    models: [first, silent, claude-3-5-haiku-20241022]\n");
    write_file(user.path() / "key", std::string{secret_key} + "\n");
    role("loud", "open/first");
  }
};

TEST_F(asked_providers, answer_agents_through_either_api) {
  role("whisper", "claude/first");
  cluster one{user, {.nodes = 1}};
  auto open = send("loud", "hello you there");
  ASSERT_TRUE(open.ok()) << open.shown();
  EXPECT_EQ(open.out, "You said: hello you there\n") << "joined, the pieces are the answer";
  auto claude = send("whisper", "hello again");
  ASSERT_TRUE(claude.ok()) << claude.shown();
  EXPECT_EQ(claude.out, "You said: hello again\n");
  auto billed = provider_->calls();
  ASSERT_EQ(billed.size(), 2u) << billed.dump(1);
  EXPECT_EQ(billed[0]["api"], "chat");
  EXPECT_EQ(billed[1]["api"], "messages");
  EXPECT_EQ(billed[0]["key_hash"], billed[1]["key_hash"]);
  auto metrics = http_get("http://" + one.nodes()[0].http_address + "/metrics");
  EXPECT_THAT(metrics.body,
              HasSubstr("llm_api_calls_total{agent_id=\"whisper\",model=\"first\"} 1"));
  auto trace = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  std::set<std::string> names;
  for (const auto& span : trace.spans)
    names.insert(span.name);
  EXPECT_TRUE(names.contains("POST")) << "down to the provider's call";
  EXPECT_TRUE(names.contains("chat first"));
  EXPECT_TRUE(orphans_of(trace).empty());
}

/// Troupe and its provider count by the same list, each in its own way.
TEST_F(asked_providers, cost_what_they_are_billed_for_also_in_sum) {
  const std::string list = "[{model: poet-4, input: 1.234, output: 5.678, request: 0.000123}]";
  write_file(user.path() / "prices.yaml",
             "prices: [{model: poet-4*, input: 1.234, output: 5.678, request: 0.000123}]\n");
  provider_.reset();
  simulate("  - reply: \"You said: {question}\"\n",
           {"--strict", "--prices", (user.path() / "prices.yaml").string()},
           "    api_key_file: key\n    prices: " + list + "\n");
  role("poet", "claude/poet-4-20251101");
  role("bard", "open/poet-4");
  write_file(user.path() / "poems.yaml", "graph: poems\ntasks:\n"
                                         "  - {id: first, role: poet, input: {text: one}}\n"
                                         "  - id: second\n    role: bard\n"
                                         "    input: {text: $tasks.first}\n"
                                         "result: $tasks.second\n");
  cluster one{user, {.nodes = 1}};
  auto ran = user.troupe({"run", (user.path() / "poems.yaml").string(), "--json"});
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto nano = [](const json& dollars) { return std::llround(dollars.get<double>() * 1e9); };
  std::map<std::string, long long> by_model;
  long long root = 0, sum = 0;
  for (const auto& span : trace_in(user.troupe({"trace", "last", "--json"}).parsed()).spans) {
    auto cost = span.attributes.find("troupe.cost_usd");
    if (cost == span.attributes.end())
      continue;
    if (span.name.starts_with("chat "))
      by_model[span.name.substr(5)] += nano(*cost);
    if (span.name == "invoke_workflow poems")
      root = nano(*cost);
  }
  std::map<std::string, long long> billed;
  for (const auto& call : provider_->calls()) {
    billed[call["model"]] += call["billed_nano_usd"].get<long long>();
    sum += call["billed_nano_usd"].get<long long>();
  }
  EXPECT_EQ(by_model, billed);
  ASSERT_EQ(billed.size(), 2u) << "by both APIs";
  EXPECT_GT(billed["poet-4"], 123'000) << "more than for the call alone";
  EXPECT_EQ(root, sum);
  EXPECT_EQ(nano(ran.parsed().at("cost_usd")), sum);
  EXPECT_THAT(user.troupe({"trace", "last"}).out, HasSubstr(" tokens, $0.0"));
  auto listed = user.troupe({"models", "--json"}).parsed();
  EXPECT_EQ(listed["models"].size(), 3u) << listed.dump(1);
}

TEST_F(asked_providers, that_are_too_slow_or_not_there_are_told_in_words) {
  role("nobody", "elsewhere/model");
  role("silent", "open/silent");
  cluster one{user, {.nodes = 1}};
  auto nobody = send("nobody", "hello");
  EXPECT_NE(nobody.ended.code, 0);
  EXPECT_THAT(nobody.err, HasSubstr("there is no model \"elsewhere/model\" here"));
  auto late = send("silent", "hello", {"--timeout", "1s"});
  EXPECT_EQ(late.ended.code, 124) << late.shown();
  EXPECT_THAT(late.err, HasSubstr("did not answer within 1.0 s and has given it up"))
      << "its call is taken back";
  auto trace = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  auto command = std::find_if(trace.spans.begin(), trace.spans.end(),
                              [](const auto& span) { return span.name == "troupe send silent"; });
  ASSERT_NE(command, trace.spans.end());
  EXPECT_EQ(command->attributes.at("troupe.cancel.reason"), "client_timeout");
  EXPECT_TRUE(provider_->wait_for_outcome("cancelled", 10s)) << "the call was taken back";
}

TEST_F(asked_providers, are_listed_and_checked) {
  auto listed = user.troupe({"models"});
  ASSERT_TRUE(listed.ok()) << listed.shown();
  EXPECT_THAT(listed.out, AllOf(HasSubstr("offline"), HasSubstr("open/first"),
                                HasSubstr("claude/first"), HasSubstr("there")));
  auto fine = user.troupe({"models", "check", "open/first"});
  EXPECT_TRUE(fine.ok()) << fine.shown();
  EXPECT_THAT(fine.out, HasSubstr("answered in"));
  auto all = user.troupe({"models", "check", "--json"}).parsed();
  EXPECT_EQ(all["checked"].size(), 2u) << "one of each provider";
  EXPECT_EQ(all["checked"][0]["ok"], true);
  write_file(user.path() / "key", "sk-wrong\n");
  auto refused = user.troupe({"models", "check", "open/first"});
  EXPECT_EQ(refused.ended.code, 1);
  EXPECT_THAT(refused.out, AllOf(HasSubstr("failed"), HasSubstr("key")));
  provider_->running().kill_now();
  auto gone = user.troupe({"models", "check", "claude/first"});
  EXPECT_EQ(gone.ended.code, 1);
  EXPECT_THAT(gone.out, HasSubstr("127.0.0.1")) << "where nobody answers";
}

TEST_F(asked_providers, are_checked_by_their_names_and_none_is_left_out_in_silence) {
  write_file(
      config(),
      "providers:\n  any: {kind: openai, base_url: '" + provider_->url()
          + "/v1', api_key_file: key}\n  some: {kind: openai, base_url: '" + provider_->url()
          + "/v1', api_key_file: key, models: [first, other], prices: [{model: first, input: 1, "
            "output: 2, request: 0.5, batch: 0.25, above: {tokens: 10, input: 3, output: 4}}]}\n"
            "  built: {kind: offline, models: [small]}\n");
  auto by_name = user.troupe({"models", "check", "some"});
  EXPECT_TRUE(by_name.ok()) << by_name.shown();
  EXPECT_THAT(by_name.out, AllOf(HasSubstr("ok"), HasSubstr("some/first"), HasSubstr("answered")));
  auto all = user.troupe({"models", "check"});
  EXPECT_TRUE(all.ok()) << all.shown();
  EXPECT_THAT(all.out,
              AllOf(HasSubstr("skipped  any  names no model: troupe models check any/MODEL"),
                    HasSubstr("some/first"), Not(HasSubstr("some/other"))));
  auto told = user.troupe({"models", "check", "--json"}).parsed()["checked"];
  ASSERT_EQ(told.size(), 2u) << told.dump(1);
  EXPECT_EQ(told[0]["skipped"], "names no model: troupe models check any/MODEL");
  auto no_model = user.troupe({"models", "check", "any"});
  EXPECT_EQ(no_model.ended.code, 64);
  EXPECT_THAT(no_model.err,
              HasSubstr("provider any names no model: troupe models check any/MODEL"));
  EXPECT_THAT(user.troupe({"models", "check", "built"}).out, HasSubstr("it is built in"));
  auto listed = user.troupe({"models"});
  EXPECT_THAT(listed.out, HasSubstr("built/small")) << listed.shown();
  json price;
  auto told_prices = user.troupe({"models", "--json"}).parsed();
  for (const auto& model : told_prices["models"])
    if (model["name"] == "some/first")
      price = model["price_usd_per_million_tokens"];
  EXPECT_EQ(price["request"], 0.5) << price;
  EXPECT_EQ(price["batch"], 0.25) << price;
  EXPECT_EQ(price["above"]["tokens"], 10) << price;
  EXPECT_EQ(price["above"]["output"], 4) << price;
}

TEST_F(asked_providers, of_kind_offline_answer_without_a_network) {
  write_file(config(), "providers:\n  built: {kind: offline, models: [small]}\nnode:\n  roles: "
                           + roles().string() + "\n");
  role("quotes", "built/small");
  cluster one{user, {.nodes = 1}};
  auto answered = send("quotes", "Geese fly south. Where do geese fly?");
  EXPECT_TRUE(answered.ok()) << answered.shown();
  EXPECT_FALSE(answered.out.empty());
  auto trace = trace_in(user.troupe({"trace", "last", "--json"}).parsed());
  EXPECT_TRUE(std::any_of(trace.spans.begin(), trace.spans.end(),
                          [](const auto& span) { return span.name == "chat offline"; }));
}

} // namespace

} // namespace troupe::tests
