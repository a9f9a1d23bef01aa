#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/agents/obedient.hpp"

#include <algorithm>

namespace troupe {
namespace {

using namespace troupe::tests;

/// An agent that service::roles asks to leave.
struct agent_rest_test : agent_test {
  static constexpr auto idle = 60s;

  outputs& ask(std::chrono::milliseconds idle_time = idle) {
    AgentRest question;
    question.set_agent("obedient/ada");
    question.set_idle_ms(static_cast<std::uint64_t>(idle_time.count()));
    return scene.step(*subject, make_envelope(message_kind::event,
                                              address::of_agent(name{"obedient/ada"}), question));
  }
  /// The time after which it may be asked again; nothing if it wants to leave.
  std::optional<std::chrono::milliseconds> again(std::chrono::milliseconds idle_time = idle) {
    auto& out = ask(idle_time);
    EXPECT_EQ(out.leaves, out.sends.empty());
    if (out.sends.size() != 1)
      return std::nullopt;
    EXPECT_EQ(out.sends[0].target, address::of(service::roles, this_node));
    auto answer = out.sends[0].body.as<AgentRest>();
    EXPECT_TRUE(answer && answer->agent() == "obedient/ada");
    return std::chrono::milliseconds{answer->again_ms()};
  }
  /// Acknowledges the replies so far, so that nobody asks for them again.
  void acknowledge() {
    auto message = request_of("obedient/ada", sequence, saying(""));
    message.kind = message_kind::acknowledge;
    scene.step(*subject, std::move(message));
  }
};

TEST_F(agent_rest_test, leaves_when_it_has_been_idle_for_its_time) {
  tell("hello");
  acknowledge();
  scene.now += 20s;
  EXPECT_EQ(again(), 40s);
  scene.now += 40s;
  EXPECT_EQ(again(), std::nullopt);
}

TEST_F(agent_rest_test, leaves_at_once_when_others_need_its_room) {
  tell("hello");
  acknowledge();
  EXPECT_EQ(again(0ms), std::nullopt);
}

TEST_F(agent_rest_test, stays_while_it_works_or_something_waits) {
  tell("silence");
  tell("behind it");
  scene.now += 1h;
  EXPECT_EQ(again(), idle);
  EXPECT_EQ(again(0ms), 1ms);
}

TEST_F(agent_rest_test, stays_while_a_client_may_repeat_its_message) {
  tell("hello");
  EXPECT_EQ(again(0ms), 1ms);
  acknowledge();
  EXPECT_EQ(again(0ms), std::nullopt);
}

TEST_F(agent_rest_test, says_that_it_is_there_when_a_message_came_before_it_could_go) {
  scene.now += idle;
  ASSERT_EQ(again(), std::nullopt);
  auto sent = tell("hello");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].body.as<AgentRest>()) << "it can be asked again";
  EXPECT_EQ(sent[1].body.as<AgentReply>()->text(), "hello");
}

TEST_F(agent_rest_test, an_undurable_state_holds_the_blobs_that_it_names) {
  auto message = saying("documents");
  message.add_documents()->set_sha256(std::string(32, 'h'));
  auto asked = tell(request_of("obedient/ada", ++sequence, message));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target, address::of(service::blobs, this_node));
  ASSERT_TRUE(asked[0].body.as<BlobsKeep>());
  BlobsStored stored;
  *stored.add_blobs() = asked[0].body.as<BlobsKeep>()->blobs(0);
  auto sent = tell(reply_to(asked[0], stored));
  auto holds = [](std::vector<envelope>& all) {
    return std::any_of(all.begin(), all.end(), [](envelope& one) {
      auto held = one.body.as<BlobsHeld>();
      return held && held->sha256(0) == std::string(32, 'h')
             && one.target == address::of(service::blobs, this_node);
    });
  };
  EXPECT_TRUE(holds(sent));
  constexpr std::uint32_t hold_timer = 3;
  EXPECT_TRUE(armed(hold_timer, limits::blob_keep / limits::blob_keep_parts));
  scene.now += limits::blob_keep / limits::blob_keep_parts;
  auto renewed = std::move(scene.step(*subject, timer_fired{hold_timer}).sends);
  EXPECT_TRUE(holds(renewed));
}

TEST_F(agent_rest_test, a_durable_state_is_written_with_the_names_of_its_blobs) {
  use(obedient_role(true));
  auto loading = tell("what");
  written(tell(reply_to(loading.at(0), SnapshotFound{})));
  auto message = saying("documents");
  message.add_documents()->set_sha256(std::string(32, 'h'));
  auto asked = tell(request_of("obedient/ada", ++sequence, message));
  BlobsStored stored;
  *stored.add_blobs() = asked.at(0).body.as<BlobsKeep>()->blobs(0);
  auto put = tell(reply_to(asked[0], stored));
  ASSERT_EQ(put.size(), 1u) << "nothing is held beside the state";
  ASSERT_TRUE(put[0].body.as<SnapshotPut>());
  ASSERT_EQ(put[0].body.as<SnapshotPut>()->blobs_size(), 1);
  EXPECT_EQ(put[0].body.as<SnapshotPut>()->blobs(0), std::string(32, 'h'));
}

} // namespace
} // namespace troupe
