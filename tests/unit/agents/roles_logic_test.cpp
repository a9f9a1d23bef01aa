#include "actors/agents/roles_logic.hpp"
#include "config/limits/supervision.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace troupe {
namespace {

using namespace troupe::tests;
using namespace std::chrono_literals;

role_table builtin_roles() {
  auto roles = load_roles({});
  EXPECT_TRUE(roles) << (roles ? "" : to_string(roles.error()));
  return roles ? std::move(*roles) : role_table{};
}

struct roles_logic_test : ::testing::Test {
  metrics counted;
  stage scene;
  std::uint64_t sequence = 0;
  roles_logic subject{{3, 2}, builtin_roles(), counted};

  void TearDown() override { EXPECT_TRUE(subject.invariants()); }

  /// The error code that answers a message to `agent`; none if the agent was started.
  ec tell(std::string_view agent) {
    auto& out = scene.step(subject, request_of(agent, ++sequence, saying("hello")));
    EXPECT_TRUE(subject.invariants());
    if (out.sends.size() != 1)
      return ec::bad_message;
    return code_of(out.sends[0]);
  }
  /// Sends a message that needs room. Returns the agent that is asked to leave.
  std::string ask_for_room(std::string_view agent) {
    auto& out = scene.step(subject, request_of(agent, ++sequence, saying("hello")));
    EXPECT_TRUE(subject.invariants());
    EXPECT_EQ(out.sends.size(), 1u);
    auto asked = out.sends.empty() ? nullptr : out.sends[0].body.as<AgentRest>();
    EXPECT_TRUE(asked && asked->idle_ms() == 0);
    return asked ? asked->agent() : "";
  }
  /// The agent says that it cannot leave now.
  void works_on(std::string_view agent) {
    AgentRest answer;
    answer.set_agent(std::string{agent});
    answer.set_again_ms(1);
    scene.step(subject,
               make_envelope(message_kind::event, address::of(service::roles), std::move(answer)));
  }
  outputs& leaves(std::string_view agent) { return scene.step(subject, child_ended{name{agent}}); }
  /// Lets time pass. Returns the agents that are asked to rest.
  std::set<std::string> after(std::chrono::nanoseconds time) {
    scene.now += time;
    std::set<std::string> asked;
    for (auto& message : scene.step(subject, timer_fired{1}).sends)
      if (auto question = message.body.as<AgentRest>()) {
        EXPECT_EQ(question->idle_ms(),
                  static_cast<std::uint64_t>(limits::agent_idle / std::chrono::milliseconds{1}));
        asked.insert(question->agent());
      }
    return asked;
  }
  std::uint32_t active(std::string_view role_name) {
    auto query = make_envelope(message_kind::request, address::of(service::roles), AgentsQuery{});
    query.sender = address::of(service::desk, this_node);
    auto& out = scene.step(subject, std::move(query));
    auto answer = out.sends.size() == 1 ? out.sends[0].body.as<AgentsCounted>() : nullptr;
    EXPECT_TRUE(answer);
    for (int i = 0; answer && i < answer->roles_size(); ++i)
      if (answer->roles(i).role() == role_name)
        return answer->roles(i).count();
    return 0;
  }
  void fails(std::string_view agent) { scene.step(subject, child_failed{name{agent}, "a fault"}); }
};

TEST_F(roles_logic_test, starts_an_agent_and_passes_its_message_on) {
  auto& out = scene.step(subject, request_of("echo/ada", 1, saying("hello")));
  ASSERT_EQ(out.starts.size(), 1u);
  EXPECT_EQ(out.starts[0].agent.text(), "echo/ada");
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].target.agent.text(), "echo/ada");
  EXPECT_EQ(out.sends[0].body.as<AgentMessage>()->text(), "hello");
  EXPECT_EQ(counted.plain().agents.load(), 1u);
}

TEST_F(roles_logic_test, starts_an_agent_once) {
  tell("echo/ada");
  tell("echo/ada");
  EXPECT_TRUE(scene.out.starts.empty());
  EXPECT_EQ(scene.out.sends[0].target.agent.text(), "echo/ada");
}

TEST_F(roles_logic_test, starts_an_agent_anew_that_has_ended) {
  for (int i = 0; i < 10; ++i) { // an end is not a failure, so it may happen any number of times
    tell("echo/ada");
    ASSERT_EQ(scene.out.starts.size(), 1u) << i;
    scene.step(subject, child_ended{name{"echo/ada"}});
    EXPECT_EQ(counted.plain().agents.load(), 0u);
    EXPECT_EQ(active("echo"), 0u);
  }
  EXPECT_EQ(counted.plain().restarts.load(), 0u);
}

TEST_F(roles_logic_test, started_agents_answer) {
  scene.step(subject, request_of("echo/ada", 1, saying("hello")));
  auto agent = std::move(scene.out.starts[0].mind);
  auto message = std::move(scene.out.sends[0]);
  scene.start(*agent, address::of_agent(name{"echo/ada"}, this_node));
  auto& out = scene.step(*agent, std::move(message));
  EXPECT_EQ(out.sends[0].body.as<AgentReply>()->text(), "hello");
}

TEST_F(roles_logic_test, names_the_roles_there_are) {
  scene.step(subject, request_of("nobody/ada", 1, saying("hello")));
  auto why = failure_in(scene.out.sends[0]);
  EXPECT_EQ(why->code, ec::unknown_role);
  EXPECT_NE(why->message.find("assistant, echo, editor, librarian, noop, reader"),
            std::string::npos);
  EXPECT_TRUE(scene.out.starts.empty());
}

TEST_F(roles_logic_test, starts_the_slots_of_a_pool_and_no_more) {
  EXPECT_EQ(tell("reader#1"), ec::none);
  EXPECT_EQ(scene.out.starts.size(), 1u);
  EXPECT_EQ(tell("reader#2"), ec::invalid_argument);
  EXPECT_EQ(tell("reader#x"), ec::invalid_argument);
  EXPECT_EQ(tell("reader#"), ec::invalid_argument);
  EXPECT_EQ(tell("librarian#0"), ec::invalid_argument);
}

TEST_F(roles_logic_test, refuses_names_that_are_none) {
  EXPECT_EQ(tell("echo"), ec::invalid_argument);
  EXPECT_EQ(tell("echo/"), ec::invalid_argument);
  EXPECT_EQ(tell("reader/ada"), ec::invalid_argument);
}

TEST_F(roles_logic_test, is_overloaded_when_all_that_may_be_active_are_at_work) {
  for (auto agent : {"echo/a", "echo/b", "echo/c"})
    EXPECT_EQ(tell(agent), ec::none);
  ask_for_room("echo/d");
  for (auto agent : {"echo/a", "echo/b", "echo/c"})
    works_on(agent);
  ASSERT_EQ(scene.out.sends.size(), 1u);
  EXPECT_EQ(code_of(scene.out.sends[0]), ec::overloaded);
  EXPECT_TRUE(scene.out.starts.empty());
  EXPECT_EQ(tell("echo/a"), ec::none);
  fails("echo/a");
  EXPECT_EQ(tell("echo/d"), ec::none);
}

TEST_F(roles_logic_test, the_longest_idle_makes_room_and_messages_that_waited_keep_their_order) {
  for (auto agent : {"echo/a", "echo/b", "echo/c"}) {
    EXPECT_EQ(tell(agent), ec::none);
    scene.now += 10s;
  }
  EXPECT_EQ(ask_for_room("echo/d"), "echo/a");
  EXPECT_EQ(ask_for_room("echo/e"), "echo/b");
  EXPECT_EQ(ask_for_room("echo/d"), "echo/c");
  EXPECT_TRUE(scene.out.starts.empty()) << "there is no room yet";
  auto& out = leaves("echo/a");
  ASSERT_EQ(out.starts.size(), 1u);
  EXPECT_EQ(out.starts[0].agent.text(), "echo/d");
  ASSERT_EQ(out.sends.size(), 2u) << "both messages for it, in their order";
  EXPECT_EQ(out.sends[0].id.sequence, 4u);
  EXPECT_EQ(out.sends[1].id.sequence, 6u);
  leaves("echo/b");
  ASSERT_EQ(scene.out.starts.size(), 1u);
  EXPECT_EQ(scene.out.starts[0].agent.text(), "echo/e");
  EXPECT_EQ(counted.plain().agents.load(), 3u);
}

TEST_F(roles_logic_test, asks_an_agent_to_rest_when_its_idle_time_is_over) {
  tell("echo/a");
  ASSERT_EQ(scene.out.timers.size(), 1u);
  EXPECT_GE(scene.out.timers[0].after, limits::agent_idle);
  EXPECT_LE(scene.out.timers[0].after,
            limits::agent_idle + limits::agent_idle / limits::agent_idle_parts);
  tell("librarian/b");
  EXPECT_TRUE(scene.out.timers.empty()) << "one timer for all";
  auto asked = after(limits::agent_idle + limits::agent_idle / limits::agent_idle_parts);
  EXPECT_EQ(asked, (std::set<std::string>{"echo/a", "librarian/b"}));
  EXPECT_TRUE(scene.out.timers.empty()) << "nobody is left to ask";
  leaves("librarian/b");
  EXPECT_EQ(counted.plain().agents.load(), 1u);
  EXPECT_EQ(tell("librarian/b"), ec::none);
  EXPECT_EQ(scene.out.starts.size(), 1u) << "its next message brings it back";
}

TEST_F(roles_logic_test, an_agent_that_still_works_is_asked_again_when_it_says) {
  tell("echo/a");
  auto grain = limits::agent_idle / limits::agent_idle_parts;
  EXPECT_EQ(after(limits::agent_idle + grain).size(), 1u);
  AgentRest answer;
  answer.set_agent("echo/a");
  answer.set_again_ms(20'000);
  auto event = make_envelope(message_kind::event, address::of(service::roles), answer);
  scene.step(subject, std::move(event));
  ASSERT_EQ(scene.out.timers.size(), 1u);
  scene.step(subject, make_envelope(message_kind::event, address::of(service::roles), answer));
  EXPECT_TRUE(scene.out.timers.empty()) << "an answer that nobody asked for";
  EXPECT_EQ(after(10s).size(), 0u);
  EXPECT_EQ(after(10s + grain).size(), 1u);
}

TEST_F(roles_logic_test, a_state_that_is_nowhere_else_is_kept_unless_the_role_says_for_how_long) {
  auto parsed = [](std::string more) {
    auto made = parse_role("role: clerk\ndescription: x\nmind: librarian\nstate: none\n" + more
                               + "prompts:\n  answer: '{{passages}} {{question}}'\n",
                           "clerk.yaml");
    EXPECT_TRUE(made) << (made ? "" : to_string(made.error()));
    return std::make_shared<const role>(std::move(*made));
  };
  for (auto more : {"", "idle: 5s\n"}) {
    metrics counts;
    roles_logic clerks{{3, 2}, {{"clerk", parsed(more)}}, counts};
    scene.step(clerks, request_of("clerk/a", 1, saying("hello")));
    if (std::string{more}.empty()) {
      EXPECT_TRUE(scene.out.timers.empty());
    } else {
      ASSERT_EQ(scene.out.timers.size(), 1u);
      EXPECT_LE(scene.out.timers[0].after, 5s + limits::agent_idle / limits::agent_idle_parts);
    }
  }
  EXPECT_FALSE(parse_role("role: c\ndescription: x\nmind: echo\nidle: soon\n", "c.yaml"));
}

TEST_F(roles_logic_test, of_a_hundred_thousand_agents_that_left_nothing_is_kept) {
  std::size_t asked = 0, trims = 0;
  roles_logic::options options{1'000'000, 2};
  options.idle = 1s;
  options.give_back_memory = [&] { ++trims; };
  roles_logic many{std::move(options), builtin_roles(), counted};
  std::size_t most = 0;
  auto wake = [&] {
    for (bool again = true; again;) {
      auto& out = scene.step(many, timer_fired{1});
      std::vector<name> gone;
      for (auto& message : out.sends)
        gone.push_back(message.target.agent);
      again = !gone.empty();
      asked += gone.size();
      for (auto& agent : gone)
        scene.step(many, child_ended{agent});
    }
  };
  for (int i = 0; i < 100'000; ++i) {
    scene.step(many, request_of("echo/k" + std::to_string(i), 1, saying("hello")));
    scene.now += 1ms;
    if (i % 100 == 0)
      wake();
    most = std::max<std::size_t>(most, counted.plain().agents.load());
  }
  scene.now += 2s;
  wake();
  EXPECT_EQ(asked, 100'000u) << "each once";
  EXPECT_EQ(counted.plain().agents.load(), 0u);
  EXPECT_LT(most, 2'000u);
  EXPECT_GE(trims, 9u);
  EXPECT_TRUE(scene.step(many, timer_fired{1}).empty()) << "nothing ticks";
}

TEST_F(roles_logic_test, counts_agents_by_role) {
  tell("echo/a");
  tell("echo/b");
  tell("librarian/a");
  EXPECT_EQ(active("echo"), 2u);
  EXPECT_EQ(active("librarian"), 1u);
  EXPECT_EQ(active("reader"), 0u);
  fails("echo/b");
  EXPECT_EQ(active("echo"), 1u);
  EXPECT_EQ(counted.plain().agents.load(), 2u);
}

TEST_F(roles_logic_test, activates_a_failed_agent_by_its_next_message) {
  tell("echo/a");
  fails("echo/a");
  EXPECT_EQ(scene.out.logs.size(), 1u);
  EXPECT_EQ(tell("echo/a"), ec::none);
  EXPECT_EQ(scene.out.starts.size(), 1u);
  EXPECT_EQ(counted.plain().restarts.load(), 1u);
}

TEST_F(roles_logic_test, stops_activating_an_agent_that_fails_again_and_again) {
  for (std::uint32_t i = 0; i <= limits::restart_intensity; ++i) {
    EXPECT_EQ(tell("echo/a"), ec::none);
    fails("echo/a");
    scene.now += 1s;
  }
  EXPECT_EQ(tell("echo/a"), ec::agent_failed);
  EXPECT_EQ(tell("echo/b"), ec::none);
  scene.now += limits::restart_period;
  EXPECT_EQ(tell("echo/a"), ec::none);
}

TEST_F(roles_logic_test, ignores_replies_for_agents_that_have_ended) {
  auto late = request_of("echo/ada", 1, AgentReply{});
  late.kind = message_kind::reply;
  scene.step(subject, std::move(late));
  EXPECT_TRUE(scene.out.empty());
}

TEST_F(roles_logic_test, refuses_what_is_not_for_an_agent) {
  auto message = make_envelope(message_kind::request, address::of(service::roles), StatusQuery{});
  message.sender = client();
  scene.step(subject, std::move(message));
  EXPECT_EQ(code_of(scene.out.sends[0]), ec::invalid_argument);
}

TEST_F(roles_logic_test, replaces_an_agent_that_is_to_be_stopped) {
  scene.step(subject, request_of("echo/ada", 1, saying("hello")));
  AgentStop order;
  order.set_agent("echo/ada");
  auto request = make_envelope(message_kind::request, address::of(service::roles), order);
  request.sender = address::of(service::queue, this_node);
  auto& out = scene.step(subject, std::move(request));
  ASSERT_EQ(out.stops.size(), 1u);
  EXPECT_EQ(out.stops[0].text(), "echo/ada");
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_TRUE(out.sends[0].body.as<AgentStop>());
  EXPECT_EQ(active("echo"), 0u);
  scene.step(subject, request_of("echo/ada", 2, saying("hello")));
  EXPECT_EQ(scene.out.starts.size(), 1u) << "a new one";
}

TEST_F(roles_logic_test, answers_when_what_is_to_be_stopped_is_not_there) {
  AgentStop order;
  order.set_agent("reader#1");
  auto request = make_envelope(message_kind::request, address::of(service::roles), order);
  request.sender = address::of(service::queue, this_node);
  auto& out = scene.step(subject, std::move(request));
  EXPECT_TRUE(out.stops.empty());
  EXPECT_EQ(out.sends.size(), 1u);
}

TEST_F(roles_logic_test, passes_a_cancel_on_behind_the_request_it_is_about) {
  auto request = request_of("echo/ada", 1, saying("hello"));
  auto order = [&] { return make_cancel({ada, 1}, client(), address::of_agent(name{"echo/ada"})); };
  EXPECT_TRUE(scene.step(subject, order()).empty()) << "it cancels nothing";
  scene.step(subject, std::move(request));
  EXPECT_EQ(scene.step(subject, order()).sends.size(), 1u);
}

TEST_F(roles_logic_test, a_message_that_no_agent_gets_has_a_span) {
  auto sampled = [&](std::string_view agent) {
    auto message = request_of(agent, ++sequence, saying("hello"));
    message.trace = {{1, 2}, {3}, trace_context::flag_sampled};
    return message;
  };
  auto error_of = [](const SpanData& span) {
    std::string found;
    for (const auto& one : span.attributes())
      if (one.key() == "error.type")
        found = one.text();
    return found;
  };
  auto unknown = scene.step(subject, sampled("nobody/x")).spans;
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].name(), "invoke_agent") << "what a user wrote is no name of a span";
  EXPECT_EQ(error_of(unknown[0]), "unknown_role");
  for (auto agent : {"librarian/a", "librarian/b", "librarian/c"})
    EXPECT_EQ(tell(agent), ec::none);
  auto waiting = sampled("librarian/d");
  auto order = make_cancel(waiting.id, waiting.sender, waiting.target);
  EXPECT_TRUE(scene.step(subject, std::move(waiting)).spans.empty()) << "it waits for room";
  scene.now += 5ms;
  auto given_up = scene.step(subject, std::move(order)).spans;
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].name(), "invoke_agent librarian");
  EXPECT_EQ(error_of(given_up[0]), "cancelled");
  EXPECT_EQ(given_up[0].end_ns() - given_up[0].start_ns(), 5'000'000);
}

} // namespace
} // namespace troupe
