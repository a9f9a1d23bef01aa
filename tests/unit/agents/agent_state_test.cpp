#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "tests/unit/agents/obedient.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

struct durable_agent_test : agent_test {
  void SetUp() override { kind = std::make_shared<const role>(obedient_role(true)); }

  /// Starts the agent with a message that changes and keeps nothing. The store finds `state`, or
  /// nothing if `state` is empty.
  void load(const std::string& state) {
    begin();
    EXPECT_TRUE(scene.out.sends.empty()) << "it loads nothing before somebody asks";
    auto sent = tell(request_of("obedient/ada", ++sequence, echo_of("x")));
    ASSERT_EQ(sent.size(), 1u);
    auto asked = std::move(sent[0]);
    EXPECT_EQ(asked.target, address::of(service::state, this_node));
    EXPECT_EQ(asked.body.as<SnapshotGet>()->agent(), "obedient/ada");
    SnapshotFound found;
    found.set_found(!state.empty());
    found.mutable_snapshot()->set_role("obedient");
    found.mutable_snapshot()->set_state(state);
    found.mutable_snapshot()->set_version(6);
    tell(reply_to(asked, found));
  }
  std::string answer_to(std::string text) { return text_of(written(tell(std::move(text)))); }
  /// A message that no client can repeat, from another agent.
  std::vector<envelope> tell_from_agent(std::string text) {
    auto message = saying_now(std::move(text));
    message.id.session = {99};
    message.sender = address::of_agent(name{"other/one"}, this_node);
    return tell(std::move(message));
  }
};

TEST_F(durable_agent_test, loads_its_state_before_it_answers) {
  begin();
  auto sent = tell("what");
  ASSERT_EQ(sent.size(), 1u);
  auto asked = std::move(sent[0]);
  SnapshotFound found;
  found.set_found(true);
  found.mutable_snapshot()->set_role("obedient");
  found.mutable_snapshot()->set_state("gold");
  EXPECT_EQ(text_of(written(tell(reply_to(asked, found)))), "gold");
}

TEST_F(durable_agent_test, writes_its_state_before_the_reply) {
  load("gold");
  auto sent = tell("keep silver");
  ASSERT_EQ(sent.size(), 1u);
  auto put = sent[0].body.as<SnapshotPut>();
  ASSERT_TRUE(put);
  EXPECT_EQ(put->agent(), "obedient/ada");
  EXPECT_EQ(put->snapshot().role(), "obedient");
  EXPECT_EQ(put->snapshot().state(), "silver");
  EXPECT_EQ(put->snapshot().version(), 7u);
  EXPECT_EQ(text_of(tell(reply_to(sent[0], SnapshotWritten{}))), "kept");
}

TEST_F(durable_agent_test, counts_its_writes) {
  load("gold");
  tell(reply_to(tell("keep silver").at(0), SnapshotWritten{}));
  auto sent = tell("keep bronze");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].body.as<SnapshotPut>()->snapshot().version(), 8u);
}

TEST_F(durable_agent_test, writes_nothing_if_nothing_changed_and_nobody_can_repeat_it) {
  load("gold");
  EXPECT_EQ(text_of(tell_from_agent("keep gold")), "kept");
  EXPECT_EQ(text_of(tell_from_agent("what")), "gold");
}

TEST_F(durable_agent_test, goes_back_to_what_was_written_when_the_store_refuses) {
  load("gold");
  auto sent = tell("keep silver");
  EXPECT_EQ(failure_of(tell(reply_failure(sent[0], {ec::storage_failed, "the disk is full"}))),
            ec::storage_failed);
  EXPECT_EQ(scene.out.logs.size(), 1u);
  EXPECT_EQ(answer_to("what"), "gold");
}

TEST_F(durable_agent_test, looks_at_the_disk_again_when_the_store_is_silent) {
  load("gold");
  tell("keep silver");
  EXPECT_TRUE(armed(2, limits::request_timeout));
  EXPECT_EQ(failure_of(std::move(scene.step(*subject, timer_fired{2}).sends)), ec::outcome_unknown);
  auto sent = tell("what");
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_TRUE(sent[0].body.as<SnapshotGet>());
  SnapshotFound found;
  found.set_found(true);
  found.mutable_snapshot()->set_role("obedient");
  found.mutable_snapshot()->set_state("silver");
  EXPECT_EQ(text_of(written(tell(reply_to(sent[0], found)))), "silver");
}

TEST_F(durable_agent_test, goes_back_when_the_time_is_over) {
  load("gold");
  tell("silence");
  scene.step(*subject, timer_fired{1});
  EXPECT_EQ(answer_to("what"), "gold");
}

TEST_F(durable_agent_test, refuses_a_state_that_is_too_large) {
  load("gold");
  EXPECT_EQ(failure_of(tell("keep " + std::string(limits::agent_state_bytes_max + 1, 'x'))),
            ec::too_large);
  EXPECT_EQ(answer_to("what"), "gold");
}

TEST_F(durable_agent_test, does_not_answer_from_a_damaged_state) {
  load("damaged");
  auto sent = tell("what");
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_TRUE(sent[0].body.as<SnapshotGet>()); // it asks for the snapshot again
  SnapshotFound found;
  found.set_found(true);
  found.mutable_snapshot()->set_role("obedient");
  found.mutable_snapshot()->set_state("damaged");
  EXPECT_EQ(failure_of(tell(reply_to(sent[0], found))), ec::storage_failed);
}

TEST_F(durable_agent_test, does_not_take_the_state_of_another_role) {
  begin();
  auto asked = std::move(tell("what").at(0));
  SnapshotFound found;
  found.set_found(true);
  found.mutable_snapshot()->set_role("other");
  EXPECT_EQ(failure_of(tell(reply_to(asked, found))), ec::storage_failed);
}

TEST_F(durable_agent_test, says_that_the_outcome_is_unknown_when_stopped_while_it_writes) {
  load("gold");
  tell("keep silver");
  auto sent = std::move(scene.stop(*subject).sends);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(code_of(sent[0]), ec::outcome_unknown);
}

} // namespace
} // namespace troupe
