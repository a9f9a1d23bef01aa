#include "config/limits/mailboxes.hpp"
#include "tests/unit/host/stage.hpp"

namespace troupe::test {

namespace {

using thread_shell_actor = stage;
using testing::HasSubstr;
const address state_service = address::of(service::state);

} // namespace

TEST_F(thread_shell_actor, does_all_its_steps_on_one_thread_of_its_own) {
  handed_over<std::thread::id> threads;
  auto mind = answering();
  mind->on_start = [&](step_context&, const address&) { threads.put(std::this_thread::get_id()); };
  mind->on_step = [&, step = mind->on_step](step_context& context, event input) {
    threads.put(std::this_thread::get_id());
    step(context, std::move(input));
  };
  auto actor = run<thread_shell>(state_service, std::move(mind));
  auto number = ask(state_service, "hello");
  EXPECT_THAT(next_answer(), answers(number, "hello"));
  auto started = threads.take();
  EXPECT_EQ(started, threads.take());
  EXPECT_NE(started, std::this_thread::get_id());
  stop(actor);
}

TEST_F(thread_shell_actor, refuses_what_is_beyond_its_bound) {
  std::promise<void> go;
  auto actor = run<thread_shell>(state_service, answering_after(go.get_future().share()));
  for (std::size_t i = 0; i < limits::mailbox_messages_max; ++i)
    tell(state_service, "hold");
  auto beyond = ask(state_service, "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(beyond, ec::overloaded));
  EXPECT_THAT(refused.text, HasSubstr("state"));
  go.set_value();
  stop(actor);
}

TEST_F(thread_shell_actor, answers_everybody_when_a_step_fails) {
  std::promise<void> go;
  auto actor = run<thread_shell>(state_service, answering_after(go.get_future().share()));
  auto ended = end_of(actor);
  auto failing = ask(state_service, "fail");
  auto behind = ask(state_service, "hello");
  go.set_value();
  auto first = next_answer();
  EXPECT_THAT(first, refuses(failing, ec::agent_failed));
  EXPECT_THAT(first.text, HasSubstr("as it was told"));
  EXPECT_THAT(next_answer(), refuses(behind, ec::unavailable));
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
  EXPECT_FALSE(host_.post->find(service::state));
}

TEST_F(thread_shell_actor, answers_what_waits_when_it_is_stopped) {
  handed_over<int> begun;
  std::promise<void> go;
  auto gone = go.get_future().share();
  auto mind = answering();
  mind->on_step = [&, step = mind->on_step](step_context& context, event input) {
    begun.put(1);
    gone.wait();
    step(context, std::move(input));
  };
  auto actor = run<thread_shell>(state_service, std::move(mind));
  auto ended = end_of(actor);
  auto working = ask(state_service, "hello");
  ASSERT_TRUE(begun.take());
  auto waiting = ask(state_service, "hello");
  // The actor has passed on both messages before it sees this. The present step still finishes.
  caf::anon_send(actor, atom::stop_v);
  auto late = ask(state_service, "hello");
  go.set_value();
  EXPECT_THAT(next_answer(), answers(working, "hello"));
  // It may have taken up any of the others; each gets an answer.
  EXPECT_EQ(next_answer().number, waiting);
  EXPECT_EQ(next_answer().number, late);
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
}

TEST_F(thread_shell_actor, does_not_work_for_those_who_have_given_up) {
  std::promise<void> go;
  auto actor = run<thread_shell>(state_service, answering_after(go.get_future().share()));
  auto impatient = ask(state_service, "fail", 1ms); // would fail if it were handled
  auto patient = ask(state_service, "hello", 1min);
  for (std::size_t i = 2; i < limits::mailbox_messages_max; ++i)
    tell(state_service, "hold");
  // When this one is refused, the others are certainly waiting.
  auto beyond = ask(state_service, "hello");
  EXPECT_THAT(next_answer(), refuses(beyond, ec::overloaded));
  for (auto waiting = host_.clock.now(); host_.clock.now() < waiting + 2ms;)
    std::this_thread::yield();
  go.set_value();
  EXPECT_THAT(next_answer(), refuses(impatient, ec::timed_out));
  EXPECT_THAT(next_answer(), answers(patient, "hello"));
  EXPECT_EQ(host_.counted.plain().envelopes_expired, 1u);
  stop(actor);
}

TEST_F(thread_shell_actor, settles_once_for_all_that_came_during_a_step) {
  handed_over<int> begun, settled;
  std::promise<void> go;
  auto gone = go.get_future().share();
  auto mind = std::make_unique<scripted>();
  auto steps = std::make_shared<int>(0);
  mind->on_step = [&, steps](step_context&, const event&) {
    if (++*steps == 1) {
      begun.put(1);
      gone.wait();
    }
  };
  mind->on_settle = [&, steps](step_context&) {
    if (*steps > 0)
      settled.put(*steps);
  };
  auto actor = run<thread_shell>(state_service, std::move(mind));
  ask(state_service, "hello");
  ASSERT_TRUE(begun.take());
  constexpr int others = 1'000;
  for (int i = 0; i < others; ++i)
    tell(state_service, "hello");
  go.set_value();
  int done = 0, times = 0, most = static_cast<int>(host_.burst_messages_max);
  for (; done < 1 + others; ++times) {
    auto now = settled.take();
    ASSERT_TRUE(now);
    EXPECT_LE(*now - done, most) << "the first of them wait too long";
    done = *now;
  }
  EXPECT_LT(times, others / 4) << "it settles after each";
  stop(actor);
}

TEST_F(thread_shell_actor, fires_its_timers_while_nothing_comes) {
  handed_over<std::uint32_t> fired;
  auto mind = std::make_unique<scripted>();
  mind->on_start = [](step_context& context, const address&) {
    context.out.arm(1, 1ms);
    context.out.arm(2, 2ms);
  };
  mind->on_step = [&](step_context&, event input) {
    fired.put(std::get<timer_fired>(input).timer);
  };
  auto actor = run<thread_shell>(state_service, std::move(mind));
  EXPECT_EQ(fired.take(), 1u);
  EXPECT_EQ(fired.take(), 2u);
  stop(actor);
}

} // namespace troupe::test
