#include "messages/runs.pb.h"
#include "tests/unit/agents/traced_agent.hpp"

#include <stdexcept>

/// Minds that answer at once, and the short path of their messages.
namespace troupe {
namespace {

using namespace troupe::tests;

/// Counts what it answers. A mind that answers at once should keep nothing; this one shows whether
/// it was asked.
struct prompt_mind final : mind {
  explicit prompt_mind(int& asked) : asked_(asked) {}
  bool answers_at_once() const override { return true; }
  result<void> answer(message_received message, AgentReply& reply) override {
    ++asked_;
    if (message.text == "throw")
      throw std::runtime_error{"as you wish"};
    if (message.text == "fail")
      return fail(ec::not_found, "as you wish");
    reply.set_text(message.is_task ? std::to_string(message.input.fields_size()) : message.text);
    return {};
  }
  commands decide(mind_event happened) override {
    reply_with made;
    auto message = std::get_if<message_received>(&happened);
    if (!message)
      return {};
    ++asked_;
    made.reply.set_text("decided " + message->text);
    return commands{std::move(made)};
  }
  std::string snapshot() const override { return {}; }
  std::vector<std::string> blobs_named() const override { return {}; }
  bool restore(std::string_view) override { return true; }

private:
  int& asked_;
};

struct agent_at_once : traced_agent {
  void SetUp() override { use(prompt_role()); }
  role prompt_role() {
    auto made = obedient_role();
    made.make = [this] { return std::make_unique<prompt_mind>(asked); };
    return made;
  }
  int asked = 0;
};

TEST_F(agent_at_once, answers_messages_and_tasks_and_counts_them) {
  EXPECT_EQ(text_of(tell("hello")), "hello");
  TaskWork work;
  (*work.mutable_task()->mutable_input())["a"];
  EXPECT_EQ(text_of(tell(request_of("obedient#3", 9, work))), "1");
  auto text = counted.to_text();
  for (auto type : {"message", "task"})
    EXPECT_NE(text.find(std::string{"agent_id=\"obedient\",status=\"success\",task_type=\""} + type
                        + "\"} 1"),
              std::string::npos)
        << text;
}

/// Each look at it is so much later.
class slow_clock final : public time_source {
public:
  explicit slow_clock(instant begin) : at_(begin) {}
  instant now() const override { return at_ += 2s; }

private:
  mutable instant at_;
};

TEST_F(agent_at_once, counts_how_long_a_task_took) {
  slow_clock clock{scene.now};
  scene.clock = &clock;
  tell(request_of("obedient#3", 9, TaskWork{}));
  scene.clock = nullptr;
  auto text = counted.to_text();
  EXPECT_NE(
      text.find("agent_task_duration_seconds_sum{agent_id=\"obedient\",task_type=\"task\"} 2"),
      std::string::npos)
      << text;
}

TEST_F(agent_at_once, leaves_nothing_open) {
  auto sent = tell("hello");
  ASSERT_NO_FATAL_FAILURE(expect_first_reply(sent));
  EXPECT_TRUE(scene.out.timers.empty());
  EXPECT_TRUE(
      tell(make_cancel({ada, 1}, client(), address::of_agent(name{"obedient/ada"}))).empty())
      << "it is answered";
  EXPECT_TRUE(scene.stop(*subject).sends.empty());
}

TEST_F(agent_at_once, does_a_repeated_message_once) {
  EXPECT_EQ(text_of(tell("hello")), "hello");
  EXPECT_EQ(text_of(tell(request_of("obedient/ada", 1, saying("other"), 2))), "hello");
  EXPECT_EQ(failure_of(tell("fail")), ec::not_found);
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", 2, saying("other"), 2))), ec::not_found);
  EXPECT_EQ(asked, 2);
}

TEST_F(agent_at_once, does_nothing_that_has_no_time_left) {
  auto late = saying_now("hello");
  late.remaining = -1ms;
  EXPECT_EQ(failure_of(tell(std::move(late))), ec::timed_out);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(counted.plain().envelopes_expired.load(), 1u);
}

TEST_F(agent_at_once, answers_no_event) {
  auto event = saying_now("hello");
  event.kind = message_kind::event;
  EXPECT_TRUE(tell(std::move(event)).empty());
  EXPECT_EQ(asked, 1);
}

TEST_F(agent_at_once, sends_nothing_that_nobody_could_read) {
  EXPECT_EQ(failure_of(tell("caf\xe9")), ec::invalid_argument);
}

TEST_F(agent_at_once, that_throws_is_a_fault_of_the_agent) {
  EXPECT_THROW(tell("throw"), std::runtime_error); // its shell answers
}

TEST_F(agent_at_once, takes_the_ordinary_way_if_its_trace_is_sampled) {
  EXPECT_EQ(text_of(tell(sampled("hello"))), "decided hello");
  EXPECT_EQ(names(spans()), std::vector<std::string>{"invoke_agent obedient"});
}

TEST_F(agent_at_once, takes_the_ordinary_way_if_its_role_is_durable) {
  auto durable = prompt_role();
  durable.durable = true;
  use(std::move(durable));
  auto load = tell("hello");
  ASSERT_EQ(load.size(), 1u);
  EXPECT_EQ(text_of(written(tell(reply_to(load[0], SnapshotFound{})))), "decided hello");
  EXPECT_EQ(text_of(written(tell("again"))), "decided again");
}

} // namespace
} // namespace troupe
