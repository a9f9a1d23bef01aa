#include "tests/e2e/simulator.hpp"

/// What people are told of providers besides answers: their health, old prices; and those that need
/// no server.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class states_of_providers : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - key: sk-wrong\n    fault: unauthorized\n"
             "  - reply: \"You said: {question}\"\n",
             {}, "    api_key_file: key\n    models: [first]\n");
    put_key("sk-right");
    role("loud", "open/first");
  }
  void put_key(const std::string& key) { write_file(user.path() / "key", key + "\n"); }
};

TEST_F(states_of_providers, are_told_by_a_running_cluster) {
  put_key("sk-wrong");
  cluster one{user, {.nodes = 2}};
  EXPECT_FALSE(send("loud", "hello").ok());
  auto bad = user.troupe({"models"});
  ASSERT_TRUE(bad.ok()) << bad.shown();
  EXPECT_THAT(bad.out, AllOf(HasSubstr("refused, "), HasSubstr(" ago"),
                             HasSubstr("open has refused the key from"), HasSubstr("status 401"),
                             HasSubstr("none yet")));
  put_key("sk-right");
  auto good = send("loud", "hello");
  EXPECT_TRUE(good.ok()) << good.shown();
  auto listed = user.troupe({"models", "--json"}).parsed();
  std::size_t answered = 0, failed = 0;
  for (const auto& each : listed["providers"]) {
    EXPECT_TRUE(each["keys_taken_out"].empty()) << each;
    answered += each["answered"].get<std::size_t>();
    failed += each["failed"].get<std::size_t>();
    if (each["answered"] > 0) {
      EXPECT_EQ(each["last"], "answered") << each;
    }
  }
  EXPECT_EQ(listed["providers"].size(), 4u) << "two providers on each of two nodes";
  EXPECT_EQ(answered, 1u);
  EXPECT_EQ(failed, 1u);
}

TEST_F(states_of_providers, include_that_their_prices_are_old) {
  write_file(config(), "providers:\n  claude:\n    kind: anthropic\n"
                       "    models: [claude-3-5-haiku, own]\n"
                       "    prices: [{model: own, input: 1.5, output: 2}]\n");
  auto listed = user.troupe({"models"});
  ASSERT_TRUE(listed.ok()) << listed.shown();
  EXPECT_THAT(listed.out, HasSubstr("1.5"));
  EXPECT_THAT(listed.out, HasSubstr("older than 90 days")) << "the program's list is of 2025";
  cluster one{user, {.nodes = 1}};
  EXPECT_TRUE(wait_for_line(user.data() / "node-1" / "log.jsonl", {"older than 90 days"}, 30s));
}

TEST_F(states_of_providers, do_not_matter_for_those_within_the_node) {
  write_file(config(), "providers:\n  sim:\n    kind: simulated\n    simulate: {reply: \"You said: "
                       "{question}\", latency: 20ms}\n  sick:\n    kind: simulated\n"
                       "    simulate: {fault: rate_limited}\n  cut:\n    kind: simulated\n"
                       "    simulate: {fault: cut_body, output_tokens: 20}\nnode:\n  roles: "
                           + roles().string() + "\n");
  role("parrot", "sim/any", "pieces: lines\n");
  role("patient", "sick/any");
  role("half", "cut/any");
  {
    cluster one{user, {.nodes = 1}};
    auto said = send("parrot", "hello");
    EXPECT_EQ(said.out, "You said: hello\n") << said.shown();
    EXPECT_THAT(send("patient", "hello").err, HasSubstr("Rate limit reached"));
    EXPECT_THAT(send("half", "hello").err, HasSubstr("the simulated connection broke"));
  }
  write_file(config(), "providers:\n  sim: {kind: simulated, simulate: {latency: soon}}\n");
  auto wrong = user.troupe({"config", "check"});
  EXPECT_EQ(wrong.ended.code, 78) << wrong.shown();
  EXPECT_THAT(wrong.err, HasSubstr("provider sim: simulate.latency"));
}

} // namespace

} // namespace troupe::tests
