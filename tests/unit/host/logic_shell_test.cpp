#include "messages/agents.pb.h"
#include "tests/unit/host/stage.hpp"

#include <caf/scheduler/test_coordinator.hpp>

namespace troupe::test {

namespace {

using logic_shell_actor = stage;
using testing::HasSubstr;

struct keeping_sink final : log_sink {
  explicit keeping_sink(log_level from) : least(from) {}
  void write(log_line line) override { lines.put(std::move(line)); }
  bool wants(log_level level) const noexcept override { return level >= least; }
  const log_level least;
  handed_over<log_line> lines;
};

} // namespace

TEST_F(logic_shell_actor, answers_through_the_post) {
  auto actor = run(agent("echo/1"), answering());
  auto number = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), answers(number, "hello"));
  stop(actor);
}

TEST_F(logic_shell_actor, makes_lines_at_debug_only_if_the_log_wants_them) {
  for (auto least : {log_level::info, log_level::debug}) {
    auto sink = std::make_shared<keeping_sink>(least);
    host_.log = sink;
    int made = 0;
    auto telling = [&] {
      auto mind = answering();
      mind->on_start = [&](step_context& context, const address&) {
        context.out.debug("echo", [&] { return "line " + std::to_string(++made); }, {3, 4});
      };
      return mind;
    };
    stop(run(agent("echo/1"), telling()));
    stop(run<thread_shell>(agent("echo/2"), telling()));
    auto wanted = least == log_level::debug;
    EXPECT_EQ(made, wanted ? 2 : 0);
    EXPECT_EQ(sink->lines.empty(), !wanted);
    if (wanted) {
      EXPECT_EQ(sink->lines.take()->text, "line 1");
    }
  }
}

TEST_F(logic_shell_actor, answers_a_batch_in_order) {
  auto actor = run(agent("echo/1"), answering());
  std::vector<envelope> batch;
  for (std::uint64_t i = 1; i <= 200; ++i) {
    Echo echo;
    echo.set_bytes(std::to_string(i));
    auto message = make_envelope(message_kind::request, agent("echo/1"), std::move(echo));
    message.id = {{7}, i};
    message.sender = address::of(service::desk);
    batch.push_back(std::move(message));
  }
  host_.post->send_all(batch);
  EXPECT_TRUE(batch.empty());
  for (std::uint64_t i = 1; i <= 200; ++i)
    ASSERT_THAT(next_answer(), answers(i, std::to_string(i)));
  stop(actor);
}

TEST_F(logic_shell_actor, answers_everybody_when_a_step_fails) {
  // Everything is in the mailbox before the first step, so the order is certain.
  std::promise<void> go;
  auto actor = run(agent("echo/1"), answering_after(go.get_future().share()));
  auto ended = end_of(actor);
  auto held = ask(agent("echo/1"), "hold");
  auto failing = ask(agent("echo/1"), "fail");
  auto behind = ask(agent("echo/1"), "hello");
  go.set_value();

  auto first = next_answer();
  EXPECT_THAT(first, refuses(failing, ec::agent_failed));
  EXPECT_THAT(first.text, HasSubstr("as it was told"));
  EXPECT_THAT(next_answer(), refuses(held, ec::unavailable));
  EXPECT_THAT(next_answer(), refuses(behind, ec::unavailable));
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
  EXPECT_FALSE(host_.post->find(name{"echo/1"})) << "it can still be found";
}

TEST_F(logic_shell_actor, answers_what_waits_when_it_is_stopped) {
  std::promise<void> go;
  auto actor = run(agent("echo/1"), answering_after(go.get_future().share()));
  auto ended = end_of(actor);
  caf::anon_send(actor, atom::stop_v);
  auto behind = ask(agent("echo/1"), "hello");
  caf::anon_send(actor, atom::stop_v);
  go.set_value();
  EXPECT_THAT(next_answer(), refuses(behind, ec::unavailable));
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
}

TEST_F(logic_shell_actor, fires_a_timer_once_and_forgets_one_that_was_armed_anew) {
  handed_over<std::uint32_t> fired;
  auto mind = std::make_unique<scripted>();
  mind->on_start = [](step_context& context, const address&) {
    context.out.arm(1, 1ms);
    context.out.arm(2, 10min);
    context.out.arm(2, 5ms); // moved to the front
    context.out.arm(3, 2ms);
    context.out.arm(3, 0ms); // cancelled
  };
  mind->on_step = [&](step_context& context, event input) {
    auto timer = std::get<timer_fired>(input).timer;
    fired.put(timer);
    if (timer == 2)
      context.out.arm(4, 1ms);
  };
  auto actor = run(agent("timers/1"), std::move(mind));
  EXPECT_EQ(fired.take(), 1u);
  EXPECT_EQ(fired.take(), 2u);
  EXPECT_EQ(fired.take(), 4u);
  EXPECT_TRUE(fired.empty());
  stop(actor);
}

/// On CAF's test scheduler, whose clock stands still: what CAF is to send later never comes.
struct shell_without_clock : stage {
  shell_without_clock() {
    host_.burst_messages_max = 2;
    host_.burst_time_max = 1h;
    cfg.set("scheduler.policy", caf::atom("testing"));
    still = std::make_unique<caf::actor_system>(cfg);
  }
  logic_actor begin(std::unique_ptr<logic> mind) {
    auto shell =
        still->spawn<logic_shell, caf::lazy_init>(host_, agent("timers/1"), std::move(mind));
    host_.post->place(name{"timers/1"}, shell);
    caf::anon_send(shell, atom::begin_v);
    return shell;
  }
  void run_all() { dynamic_cast<caf::scheduler::test_coordinator&>(still->scheduler()).run(); }
  /// What a logic hears whose timer is due from the start, "-" for the timer, if these messages
  /// wait for it. `then` is called in each step.
  std::string order_of(const std::vector<std::string>& waiting,
                       const std::function<void(step_context&, const std::string&)>& then) {
    std::string order;
    auto mind = std::make_unique<scripted>();
    mind->on_start = [](step_context& context, const address&) { context.out.arm(1, 1ns); };
    mind->on_step = [&](step_context& context, event input) {
      auto message = std::get_if<envelope>(&input);
      order += message ? message->body.as<Echo>()->bytes() : "-";
      then(context, order);
    };
    auto actor = begin(std::move(mind));
    for (const auto& text : waiting)
      tell(agent("timers/1"), text);
    run_all();
    caf::anon_send(actor, atom::stop_v);
    run_all();
    return order;
  }

  caf::actor_system_config cfg;
  std::unique_ptr<caf::actor_system> still;
};

TEST_F(shell_without_clock, a_timer_that_is_due_at_once_does_not_wait_for_it) {
  int fired = 0;
  auto mind = std::make_unique<scripted>();
  mind->on_start = [](step_context& context, const address&) { context.out.arm(1, 1ns); };
  mind->on_step = [&](step_context& context, event) {
    if (++fired < 100)
      context.out.arm(1, 1ns);
  };
  auto actor = begin(std::move(mind));
  run_all();
  EXPECT_EQ(fired, 100);
  caf::anon_send(actor, atom::stop_v);
  run_all();
}

TEST_F(shell_without_clock, a_timer_that_is_due_at_once_comes_after_a_burst_of_what_waits) {
  EXPECT_EQ(order_of({"1", "2", "3", "4", "5"},
                     [](step_context& context, const std::string& so_far) {
                       if (so_far.size() < 8)
                         context.out.arm(1, 1ns);
                     }),
            "12-34-5-");
}

TEST_F(shell_without_clock, a_timer_that_is_due_at_once_can_be_cancelled_by_what_waits) {
  EXPECT_EQ(order_of({"1"}, [](step_context& context, auto&) { context.out.arm(1, 0ns); }), "1");
}

TEST_F(logic_shell_actor, hears_messages_and_a_stop_while_a_timer_is_due_all_the_time) {
  auto mind = answering();
  mind->on_start = [](step_context& context, const address&) { context.out.arm(1, 1ns); };
  mind->on_step = [step = std::move(mind->on_step)](step_context& context, event input) {
    context.out.arm(1, 1ns);
    step(context, std::move(input));
  };
  auto actor = run(agent("timers/1"), std::move(mind));
  for (int i = 0; i < 10; ++i) {
    auto number = ask(agent("timers/1"), "hello");
    EXPECT_THAT(next_answer(), answers(number, "hello"));
  }
  stop(actor);
}

TEST_F(logic_shell_actor, learns_that_what_it_started_has_failed) {
  handed_over<child_failed> failures;
  handed_over<int> started;
  auto parent = std::make_unique<scripted>();
  parent->on_start = [&](step_context& context, const address&) {
    for (auto child : {"echo/1", "echo/2"}) {
      auto mind = answering();
      mind->on_start = [&](step_context&, const address&) { started.put(1); };
      context.out.start(name{child}, std::move(mind));
    }
  };
  parent->on_step = [&](step_context&, event input) {
    failures.put(std::move(std::get<child_failed>(input)));
  };
  auto actor = run(address::of(service::roles), std::move(parent));
  ASSERT_TRUE(started.take() && started.take());
  EXPECT_THAT((ask(agent("echo/1"), "hello"), next_answer()), answers(1u, "hello"));
  tell(agent("echo/1"), "fail");
  auto failed = failures.take();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->child, name{"echo/1"});
  EXPECT_THAT((ask(agent("echo/2"), "hello"), next_answer()), answers(2u, "hello"));

  auto ended = end_of(actor);
  caf::anon_send(actor, atom::stop_v);
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
  EXPECT_EQ(host_.post->agents(), 0u) << "its children end before it does";
}

TEST_F(logic_shell_actor, does_not_let_anybody_find_a_child_that_it_stopped_and_that_is_at_work) {
  std::promise<void> go;
  auto held = go.get_future().share();
  handed_over<std::string> failures;
  auto parent = std::make_unique<scripted>();
  parent->on_start = [&](step_context& context, const address&) {
    context.out.start(name{"echo/1"}, answering_after(held)); // busy until the end of the test
  };
  parent->on_step = [&](step_context& context, event input) {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return failures.put("it was told of the end of what it stopped");
    if (message->target.what == address::kind::agent) // there is no such agent
      context.out.start(name{"echo/1"}, answering());
    else
      context.out.stop(name{"echo/1"});
    context.out.send(reply_to(*message, Echo{}));
  };
  auto actor = run(address::of(service::roles), std::move(parent));
  auto order = ask(address::of(service::roles), "stop");
  EXPECT_EQ(next_answer().number, order);
  auto first = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), answers(first, "")) << "by who starts agents";
  auto second = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), answers(second, "hello")) << "by the new one";
  go.set_value();
  EXPECT_TRUE(host_.post->find(name{"echo/1"})) << "the end of the old one is not that of the new";
  stop(actor);
  EXPECT_TRUE(failures.empty());
}

TEST_F(logic_shell_actor, ends_with_an_error_when_it_fails_to_stop_while_its_children_live) {
  handed_over<int> started;
  auto parent = std::make_unique<scripted>();
  parent->on_start = [&](step_context& context, const address&) {
    auto mind = answering();
    mind->on_start = [&](step_context&, const address&) { started.put(1); };
    context.out.start(name{"echo/1"}, std::move(mind));
  };
  parent->on_stop = [](step_context&) { throw std::runtime_error{"cannot stop"}; };
  auto actor = run(address::of(service::roles), std::move(parent));
  ASSERT_TRUE(started.take());
  auto ended = end_of(actor);
  caf::anon_send(actor, atom::stop_v);
  ASSERT_EQ(ended.wait_for(10s), std::future_status::ready) << "it stays for ever";
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
  EXPECT_EQ(host_.post->agents(), 0u);
}

TEST_F(logic_shell_actor, answers_its_first_message_when_it_fails_to_start) {
  auto parent = std::make_unique<scripted>();
  parent->on_step = [&](step_context& context, event input) {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    auto mind = answering();
    mind->on_start = [](step_context&, const address&) { throw std::runtime_error{"too weak"}; };
    context.out.start(message->target.agent, std::move(mind));
    context.out.send(std::move(*message));
  };
  auto actor = run(address::of(service::roles), std::move(parent));
  auto number = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), refuses(number, ec::unavailable));
  stop(actor);
}

TEST_F(logic_shell_actor, takes_its_children_with_it_when_it_is_killed) {
  handed_over<int> started;
  auto parent = std::make_unique<scripted>();
  parent->on_start = [&](step_context& context, const address&) {
    auto mind = answering();
    mind->on_start = [&](step_context&, const address&) { started.put(1); };
    context.out.start(name{"echo/1"}, std::move(mind));
  };
  auto actor = run(address::of(service::roles), std::move(parent));
  ASSERT_TRUE(started.take());
  EXPECT_THAT((ask(agent("echo/1"), "hello"), next_answer()), answers(1u, "hello"));
  auto child_ended = end_of(host_.post->find(name{"echo/1"}));
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  EXPECT_EQ(child_ended.get(), caf::exit_reason::user_shutdown);
  EXPECT_FALSE(host_.post->find(service::roles));
}

} // namespace troupe::test
