// What a durable agent has answered before a crash.

#include "config/limits/units.hpp"
#include "messages/agents.pb.h"
#include "persistence/state_change.hpp"
#include "tests/unit/agents/obedient.hpp"

#include <optional>

namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_replies_test : agent_test {
  std::optional<Snapshot> on_disk;
  std::size_t writes = 0;

  void SetUp() override {
    kind = std::make_shared<const role>(obedient_role(true));
    begin();
  }
  /// A process after a crash: only what is on disk is left.
  void crash() { begin(); }

  /// Plays the state store until the agent asks for nothing more; returns what it sends to others.
  std::vector<envelope> played(std::vector<envelope> sent) {
    std::vector<envelope> others;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      std::vector<envelope> next;
      if (sent[i].body.as<SnapshotGet>()) {
        SnapshotFound found;
        found.set_found(on_disk.has_value());
        if (on_disk)
          *found.mutable_snapshot() = *on_disk;
        next = tell(reply_to(sent[i], found));
      } else if (auto put = sent[i].body.as<SnapshotPut>()) {
        if (put->has_change())
          EXPECT_TRUE(on_disk && apply(put->change(), *on_disk));
        else
          on_disk = put->snapshot();
        ++writes;
        next = tell(reply_to(sent[i], SnapshotWritten{}));
      } else {
        others.push_back(std::move(sent[i]));
      }
      for (auto& one : next)
        sent.push_back(std::move(one));
    }
    return others;
  }
  std::vector<envelope> ask(std::string text, std::uint64_t number, std::uint16_t attempt = 1) {
    return played(tell(request_of("obedient/ada", number, saying(std::move(text)), attempt)));
  }
};

TEST_F(agent_replies_test, a_message_that_is_repeated_after_a_crash_gets_the_same_reply) {
  EXPECT_EQ(text_of(ask("keep gold", 1)), "kept");
  EXPECT_EQ(text_of(ask("what", 2)), "gold");
  EXPECT_EQ(text_of(ask("keep silver", 3)), "kept");
  EXPECT_EQ(writes, 3u);
  crash();
  EXPECT_EQ(text_of(ask("what", 2, 2)), "gold") << "as it was then";
  EXPECT_EQ(text_of(ask("keep gold", 1, 2)), "kept");
  EXPECT_EQ(on_disk->state(), "silver") << "nothing is done again";
  EXPECT_EQ(writes, 3u);
  EXPECT_EQ(text_of(ask("what", 4)), "silver");
}

TEST_F(agent_replies_test, a_failure_is_a_reply_too) {
  EXPECT_EQ(failure_of(ask("fail", 1)), ec::not_found);
  crash();
  EXPECT_EQ(failure_of(ask("keep gold", 1, 2)), ec::not_found);
}

TEST_F(agent_replies_test, a_repetition_of_an_unknown_session_is_never_done_again) {
  EXPECT_EQ(text_of(ask("keep gold", 1)), "kept");
  crash();
  auto strange = request_of("obedient/ada", 1, saying("keep silver"), 2);
  strange.id.session = {78};
  strange.sender = address::of_session({78}, this_node);
  EXPECT_EQ(failure_of(played(tell(std::move(strange)))), ec::outcome_unknown);
  EXPECT_EQ(on_disk->state(), "gold");
}

TEST_F(agent_replies_test, what_comes_twice_while_the_state_is_loaded_is_done_once) {
  auto loading = tell(request_of("obedient/ada", 1, saying("keep gold")));
  EXPECT_TRUE(tell(request_of("obedient/ada", 1, saying("keep gold"), 2)).empty());
  EXPECT_EQ(text_of(played(std::move(loading))), "kept");
  EXPECT_EQ(writes, 1u);
}

TEST_F(agent_replies_test, state_and_reply_are_in_one_write) {
  ask("what", 1);
  auto sent = tell(request_of("obedient/ada", 2, saying("keep gold")));
  ASSERT_EQ(sent.size(), 1u);
  auto put = sent[0].body.as<SnapshotPut>();
  ASSERT_TRUE(put);
  EXPECT_EQ(put->snapshot().state(), "gold");
  ASSERT_EQ(put->snapshot().sessions_size(), 1);
  ASSERT_EQ(put->snapshot().sessions(0).replies_size(), 2);
  const auto& kept = put->snapshot().sessions(0).replies(1);
  EXPECT_EQ(kept.number(), 2u);
  AgentReply reply;
  ASSERT_TRUE(reply.ParseFromString(kept.reply()));
  EXPECT_EQ(reply.text(), "kept");
}

TEST_F(agent_replies_test, what_is_acknowledged_is_not_written_again) {
  ask("keep gold", 1);
  auto taken = request_of("obedient/ada", 1, saying(""));
  taken.kind = message_kind::acknowledge;
  tell(std::move(taken));
  ask("keep silver", 2);
  ASSERT_EQ(on_disk->sessions(0).replies_size(), 1);
  EXPECT_EQ(on_disk->sessions(0).replies(0).number(), 2u);
  crash();
  EXPECT_EQ(failure_of(ask("keep gold", 1, 2)), ec::outcome_unknown);
}

TEST_F(agent_replies_test, whether_it_was_done_is_not_known_while_the_state_cannot_be_loaded) {
  for (std::uint16_t attempt = 1; attempt <= 2; ++attempt) {
    auto sent = tell(request_of("obedient/ada", 1, saying("keep gold"), attempt));
    ASSERT_EQ(sent.size(), 1u);
    auto refused = tell(reply_failure(sent[0], {ec::storage_failed, "it is damaged"}));
    EXPECT_EQ(failure_of(std::move(refused)),
              attempt == 1 ? ec::storage_failed : ec::outcome_unknown);
  }
}

TEST_F(agent_replies_test, an_agent_whose_replies_are_on_disk_may_leave) {
  ask("keep gold", 1);
  AgentRest question;
  question.set_agent("obedient/ada");
  auto& out =
      scene.step(*subject, make_envelope(message_kind::event,
                                         address::of_agent(name{"obedient/ada"}), question));
  EXPECT_TRUE(out.leaves);
}

TEST_F(agent_replies_test, of_a_large_state_a_message_writes_what_it_changes_and_its_reply) {
  auto large = std::string(limits::mib - 10, 'x');
  ask("keep " + large, 1);
  auto sent = tell(request_of("obedient/ada", 2, saying("keep " + large + "more")));
  ASSERT_EQ(sent.size(), 1u);
  auto put = sent[0].body.as<SnapshotPut>();
  ASSERT_TRUE(put && put->has_change());
  EXPECT_LT(put->ByteSizeLong(), 200u);
  EXPECT_EQ(text_of(played(std::move(sent))), "kept");
  crash();
  EXPECT_EQ(text_of(ask("keep nothing", 2, 2)), "kept");
  EXPECT_EQ(text_of(ask("keep nothing", 1, 2)), "kept");
  EXPECT_EQ(on_disk->state(), large + "more");
  EXPECT_EQ(on_disk->version(), 2u);
}

} // namespace
} // namespace troupe
