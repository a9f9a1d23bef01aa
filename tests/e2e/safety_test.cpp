#include "tests/e2e/simulator.hpp"

#include <fstream>

/// A section `safety`: what a provider is never shown, and what a person never sees of its answer.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class checked_calls : public simulated_models {
protected:
  /// The provider answers by these rules; `section` is that of the configuration.
  void begin(const std::string& rules, const std::string& section) {
    simulate(rules);
    std::ofstream{config(), std::ios::app} << section;
    role("loud", "open/first");
  }
};

TEST_F(checked_calls, show_their_provider_no_secret_and_their_asker_no_placeholder) {
  const std::string token = "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";
  begin("  - contains: " + token + "\n    fault: unauthorized\n"
            + "  - reply: \"You said: {question}\"\n",
        "safety: {}\n");
  cluster one{user, {.nodes = 1}};
  auto asked = send("loud", "My token is " + token + " as you see.");
  ASSERT_TRUE(asked.ok()) << asked.shown();
  EXPECT_EQ(asked.out, "You said: My token is " + token + " as you see.\n");
  auto billed = provider_->calls();
  ASSERT_EQ(billed.size(), 1u) << billed.dump(1);
  EXPECT_EQ(billed[0]["outcome"], "answered") << "a call with the token is unauthorized";
  auto metrics = http_get("http://" + one.nodes()[0].http_address + "/metrics");
  EXPECT_THAT(metrics.body, HasSubstr("troupe_safety_total{action=\"mask\",check=\"secret\"} 1"));
  auto trace = user.troupe({"trace", "last", "--json"}).out;
  EXPECT_THAT(trace, HasSubstr("asked secret mask 1"));
  EXPECT_THAT(trace, Not(HasSubstr(token)));
}

/// The provider sends a piece for each word.
TEST_F(checked_calls, find_what_an_answer_splits_over_its_pieces) {
  begin("  - reply: \"The card 4111 1111 1111 1111 is mine.\"\n",
        "safety:\n  answered: {card: mask}\n");
  cluster one{user, {.nodes = 1}};
  auto masked = send("loud", "Which card?");
  ASSERT_TRUE(masked.ok()) << masked.shown();
  EXPECT_EQ(masked.out, "The card [CARD_1] is mine.\n");
}

TEST_F(checked_calls, say_which_check_refuses_them_and_never_what) {
  begin("  - reply: \"The card 4111 1111 1111 1111 is mine.\"\n",
        "safety:\n  asked: {email: block}\n  answered: {card: block}\n");
  cluster one{user, {.nodes = 1}};
  auto asked = send("loud", "Write to ada@engine.co.uk.");
  EXPECT_EQ(asked.ended.code, 1) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr("the safety check \"email\" refuses the call: e-mail address at "
                                   "byte 9 of message 1 (user)"));
  EXPECT_THAT(asked.err, Not(HasSubstr("ada@")));
  EXPECT_TRUE(provider_->calls().empty()) << "it was not asked";
  auto answered = send("loud", "Which card?");
  EXPECT_EQ(answered.ended.code, 1) << answered.shown();
  EXPECT_THAT(answered.err, HasSubstr("the safety check \"card\" refuses the call"));
  EXPECT_THAT(answered.out, Not(HasSubstr("4111")));
}

} // namespace

} // namespace troupe::tests
