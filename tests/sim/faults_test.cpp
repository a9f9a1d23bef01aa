#include "config/limits/mailboxes.hpp"
#include "config/limits/supervision.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "tests/sim/minds.hpp"
#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace troupe::sim {

namespace {

using namespace std::chrono_literals;

envelope fact_for(const std::string& keeper, const std::string& text = "fact") {
  AgentMessage message;
  message.set_text(text);
  return make_envelope(message_kind::request, address::of_agent(name{keeper}), std::move(message));
}

envelope status_query() {
  return make_envelope(message_kind::request, address::of(service::desk), StatusQuery{});
}

struct one_node : world {
  one_node() : world(1, 1, simulated_roles()) {
    settle();
    run_until([] { return false; }, 100ms); // everybody has heard of the members
  }

  /// The answer to what is sent; none within that time.
  std::optional<envelope> ask(envelope request, std::chrono::nanoseconds at_most = 5s) {
    received.clear();
    send(0, std::move(request));
    if (!run_until([&] { return !received.empty(); }, at_most))
      return std::nullopt;
    return std::move(received.front());
  }
  ec code_of(envelope request) {
    auto answer = ask(std::move(request));
    if (!answer)
      return ec::timed_out;
    auto failed = failure_in(*answer);
    return failed ? failed->code : ec::none;
  }
  void fail_every_step() { on().faults.throws_once_in = 1; }
};

} // namespace

TEST(simulated_node, a_service_that_throws_answers_its_request_and_is_restarted) {
  one_node w;
  w.fail_every_step();
  EXPECT_EQ(w.code_of(status_query()), ec::agent_failed);
  w.on().faults = {};
  EXPECT_EQ(w.code_of(status_query()), ec::unavailable) << "it is being restarted";
  w.run_until([] { return false; }, 100ms);
  EXPECT_EQ(w.code_of(status_query()), ec::none);
  EXPECT_EQ(w.lives(0), 1u);
}

TEST(simulated_node, what_waits_for_a_service_that_throws_is_answered_too) {
  one_node w;
  w.fail_every_step();
  for (int i = 0; i < 5; ++i)
    w.send(0, status_query());
  ASSERT_TRUE(w.run_until([&] { return w.received.size() == 5; }, 5s));
  EXPECT_EQ(failure_in(w.received[0])->code, ec::agent_failed);
  for (std::size_t i = 1; i < 5; ++i)
    EXPECT_EQ(failure_in(w.received[i])->code, ec::unavailable);
}

TEST(simulated_node, a_service_that_fails_too_often_ends_the_node_which_is_started_again) {
  one_node w;
  w.restarts_after = 50ms;
  w.fail_every_step();
  for (std::uint32_t i = 0; i <= limits::restart_intensity; ++i) {
    w.send(0, status_query());
    w.run_until([] { return false; }, 1'100ms); // its next start is not put off any longer
  }
  ASSERT_TRUE(w.run_until([&] { return w.lives(0) >= 2; }, 20s));
  w.on().faults = {};
  w.run_until([] { return false; }, 5s); // what failed in the new life is restarted
  ASSERT_TRUE(w.settle());
  EXPECT_EQ(w.code_of(status_query()), ec::none);
}

TEST(simulated_node, an_agent_that_throws_keeps_what_it_had_confirmed) {
  one_node w;
  ASSERT_EQ(w.code_of(fact_for("keeper/1", "first")), ec::none);
  w.fail_every_step();
  EXPECT_EQ(w.code_of(fact_for("keeper/1", "second")), ec::agent_failed);
  w.on().faults = {};
  w.run_until([] { return false; }, 100ms);
  auto answer = w.ask(fact_for("keeper/1", "third"));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->body.as<AgentReply>());
  EXPECT_EQ(answer->body.as<AgentReply>()->text(), "2") << "the first one and this one";
}

TEST(simulated_node, a_full_inbox_refuses_as_overloaded_and_takes_up_again) {
  one_node w;
  ASSERT_EQ(w.code_of(fact_for("keeper/1")), ec::none);
  w.received.clear();
  auto more = limits::mailbox_messages_max + 10;
  for (std::size_t i = 0; i < more; ++i)
    w.send(0, fact_for("keeper/1"));
  w.run_until([&] { return w.received.size() == more; }, 60s);
  ASSERT_EQ(w.received.size(), more) << "everybody is answered";
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(failure_in(w.received[i])->code, ec::overloaded);
  EXPECT_EQ(w.code_of(fact_for("keeper/1")), ec::none);
}

TEST(simulated_node, messages_to_an_agent_that_is_being_started_keep_their_order) {
  one_node w;
  for (int i = 1; i <= 20; ++i) {
    w.send(0, fact_for("keeper/9", std::to_string(i)));
    if (i % 5 == 0)
      w.run_until([] { return false; }, 1us); // some find it started, some do not
  }
  ASSERT_TRUE(w.run_until([&] { return w.received.size() == 20; }, 5s));
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_EQ(w.received[i].body.as<AgentReply>()->text(), std::to_string(i + 1));
}

TEST(simulated_node, one_that_is_stopped_in_order_ends_and_its_next_life_has_what_it_kept) {
  one_node w;
  ASSERT_EQ(w.code_of(fact_for("keeper/1")), ec::none);
  w.stop(0);
  ASSERT_TRUE(w.run_until([&] { return !w.running(0); }, 10s));
  w.start(0);
  ASSERT_TRUE(w.settle());
  auto answer = w.ask(fact_for("keeper/1"));
  ASSERT_TRUE(answer && answer->body.as<AgentReply>());
  EXPECT_EQ(answer->body.as<AgentReply>()->text(), "2");
}

TEST(simulated_node, a_disk_that_fails_ends_the_process_before_anything_is_answered) {
  one_node w;
  w.disk_of(0).faults.fails_once_in = 1;
  EXPECT_FALSE(w.ask(fact_for("keeper/1"), 1s));
  EXPECT_FALSE(w.running(0));
}

} // namespace troupe::sim
