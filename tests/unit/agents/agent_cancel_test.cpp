#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "tests/unit/agents/obedient.hpp"

/// Requests that are given up, by the sender or because their time is over.
namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_cancel : agent_test {};

TEST_F(agent_cancel, gives_up_what_is_cancelled_and_what_it_asked_for_it) {
  auto request = saying_now("model");
  auto order = make_cancel(request.id, request.sender, request.target);
  auto asked = tell(std::move(request));
  ASSERT_EQ(asked.size(), 1u);
  auto sent = tell(std::move(order));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].kind, message_kind::cancel);
  EXPECT_EQ(sent[0].id, asked[0].id);
  EXPECT_EQ(sent[0].target, asked[0].target);
  EXPECT_EQ(sent[0].sender, asked[0].sender);
  EXPECT_EQ(code_of(sent[1]), ec::cancelled);
  EXPECT_EQ(text_of(tell("what")), "cancelled") << "its mind was told";
  EXPECT_TRUE(tell(reply_to(asked[0], ModelAnswer{})).empty()) << "late";
}

TEST_F(agent_cancel, cancels_its_requests_when_the_time_is_over) {
  auto hasty = saying_now("blob");
  hasty.remaining = 1s;
  auto asked = tell(std::move(hasty));
  scene.now += 1s;
  auto& out = scene.step(*subject, timer_fired{1});
  ASSERT_EQ(out.sends.size(), 2u);
  EXPECT_EQ(out.sends[0].kind, message_kind::cancel);
  EXPECT_EQ(out.sends[0].target, address::of(service::blobs, this_node));
  EXPECT_EQ(code_of(out.sends[1]), ec::timed_out);
}

TEST_F(agent_cancel, answers_what_is_cancelled_while_it_waits) {
  auto asked = tell("model");
  auto waiting = saying_now("keep this"), other = saying_now("hello");
  auto order = make_cancel(waiting.id, waiting.sender, waiting.target);
  auto stranger = make_cancel(other.id, address::of_session({5}, this_node), other.target);
  tell(std::move(waiting));
  tell(std::move(other));
  EXPECT_EQ(failure_of(tell(std::move(order))), ec::cancelled);
  EXPECT_TRUE(tell(std::move(stranger)).empty()) << "it is not the stranger's to cancel";
  auto sent = tell(reply_to(asked[0], ModelAnswer{}));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].body.as<AgentReply>()->text(), "hello");
  EXPECT_EQ(text_of(tell("what")), "");
}

TEST_F(agent_cancel, does_not_mind_a_cancel_that_comes_too_late) {
  auto done = saying_now("hello");
  auto order = make_cancel(done.id, done.sender, done.target);
  tell(std::move(done));
  EXPECT_TRUE(tell(std::move(order)).empty());
  EXPECT_EQ(text_of(tell("what")), "");
}

} // namespace
} // namespace troupe
