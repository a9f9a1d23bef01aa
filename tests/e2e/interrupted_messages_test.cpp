#include "tests/e2e/simulator.hpp"

#include <csignal>

/// Messages to durable agents that ask a provider, whose home is killed before they are answered.
/// The client repeats them by itself when the home is back.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class interrupted_messages : public simulated_models {
protected:
  void begin(const std::string& rules) {
    simulate(rules);
    role("keen", "open/first", "history: {turns: 4}\n");
    cluster one{user, {.nodes = 1}}; // makes its folder
    address_ = one.nodes()[0].address;
  }
  /// The only node, without a supervisor: it is killed when it comes to `place`, if there is one.
  process start(const std::string& place = "") const {
    variables environment;
    if (!place.empty())
      environment.emplace_back("TROUPE_TEST_FAILPOINT", place);
    auto folder = user.data() / "node-1";
    auto log = folder / "log.jsonl";
    auto before = std::filesystem::file_size(log);
    auto node = user.start({"node", "--config", (folder / "node.yaml").string()}, environment);
    EXPECT_TRUE(wait_for_line(log, {"ready: 1 member is up"}, 30s, before)) << node.errors();
    return node;
  }
  /// It waits for the node, and comes back to it.
  process sending(const std::string& text) const {
    return user.start({"send", "keen/a", text, "--timeout", "50s", "--peer", address_, "--json"});
  }
  static json answer_of(process& asking) {
    auto ended = asking.wait(command_deadline);
    EXPECT_TRUE(ended && ended->code == 0) << asking.output() << asking.errors();
    return json::parse(asking.output(), nullptr, false);
  }

  std::string address_;
};

TEST_F(interrupted_messages, make_no_call_again_whose_answer_is_recorded) {
  begin("  - reply: \"You said: {question}\"\n");
  auto first = start("send:StepsKept:2"); // the provider has answered, and the agent is not told
  auto asking = sending("hello");
  auto ended = first.wait(command_deadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->signal, SIGKILL);
  EXPECT_THAT(provider_->calls(), SizeIs(1));
  auto second = start();
  auto answer = answer_of(asking);
  EXPECT_EQ(answer.at("text"), "You said: hello");
  EXPECT_THAT(answer.at("notes"), IsEmpty());
  EXPECT_THAT(provider_->calls(), SizeIs(1)) << "the answer was paid for once";
  auto next = sending("and now");
  EXPECT_EQ(answer_of(next).at("text"), "You said: and now");
}

TEST_F(interrupted_messages, say_that_a_call_may_be_paid_twice_of_which_nobody_knows) {
  begin("  - reply: \"You said: {question}\"\n");
  auto first = start("send:ModelAnswer:1"); // the answer of the provider is not on disk yet
  auto asking = sending("hello");
  ASSERT_TRUE(first.wait(command_deadline));
  auto second = start();
  auto answer = answer_of(asking);
  EXPECT_EQ(answer.at("text"), "You said: hello");
  EXPECT_THAT(answer.at("notes").dump(), HasSubstr("possibly paid twice: 1 call"));
  EXPECT_THAT(provider_->calls(), SizeIs(2));
}

} // namespace

} // namespace troupe::tests
