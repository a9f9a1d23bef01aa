#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/agents/obedient.hpp"

/// What an agent sends can be read, and an agent answers what it cannot read.
namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_reply_test : agent_test {};

/// Returns a task's input, one level deeper.
struct echoing_mind {
  struct state {};
  std::pair<state, commands> decide(state&&, mind_event happened) const {
    reply_with made;
    *made.reply.mutable_output()->mutable_map() = std::get<message_received>(happened).input;
    return {state{}, commands{made}};
  }
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view) { return true; }
};

TEST_F(agent_reply_test, sends_nothing_that_nobody_could_read) {
  auto sent = tell("caf\xe9");
  ASSERT_EQ(sent.size(), 1u);
  auto why = failure_in(sent[0]);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::invalid_argument);
  EXPECT_NE(why->message.find("field \"text\": expected UTF-8 text"), std::string::npos)
      << why->message;
}

TEST_F(agent_reply_test, names_the_task_whose_output_is_too_deep) {
  use([] {
    auto made = obedient_role();
    made.make = [] { return make_mind<echoing_mind>(); };
    return made;
  }());
  TaskWork work;
  work.mutable_task()->set_id("t39");
  auto at = &(*work.mutable_task()->mutable_input())["text"];
  for (int level = 0; level < limits::value_depth_max; ++level)
    at = at->mutable_list()->add_items();
  at->set_text("core"); // as deep as allowed: one more level is too deep
  auto sent = tell(request_of("obedient#3", 1, work));
  ASSERT_EQ(sent.size(), 1u);
  auto why = failure_in(sent[0]);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::invalid_argument);
  EXPECT_TRUE(why->message.starts_with("task t39, its output, field \"text[0]")) << why->message;
}

TEST_F(agent_reply_test, a_reply_that_no_message_carries_has_no_effect) {
  use(obedient_role(true));
  SnapshotFound nothing;
  written(tell(reply_to(tell("what").at(0), nothing)));
  auto sent = tell(std::string(limits::content_bytes_max + 1, 'x'));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(code_of(sent[0]), ec::too_large);
}

TEST_F(agent_reply_test, answers_a_message_that_it_cannot_read) {
  auto request = saying_now("x");
  request.body = payload::from_wire(payload_kind::AgentMessage, byte_slice::copy_of("\x0f"));
  EXPECT_EQ(failure_of(tell(std::move(request))), ec::bad_message);
  EXPECT_EQ(scene.out.unread, std::vector{payload_kind::AgentMessage});
  auto newer = saying_now("x");
  newer.body = payload::from_wire(payload_kind{143}, byte_slice::copy_of("x"));
  auto sent = tell(std::move(newer));
  ASSERT_EQ(sent.size(), 1u);
  auto why = failure_in(sent[0]);
  EXPECT_NE(why->message.find("kind 143"), std::string::npos) << why->message;
}

} // namespace
} // namespace troupe
