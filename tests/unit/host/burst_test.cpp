#include "messages/agents.pb.h"
#include "tests/unit/host/stage.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::test {

namespace {

/// How a shell works off what waits in its list.
using burst = stage;

/// A message comes to it when it has fallen asleep and its mailbox is not yet blocked.
class late_sleeper final : public shell {
public:
  late_sleeper(caf::actor_config& cfg, node_host& host, troupe::address self,
               std::unique_ptr<logic>)
      : shell(cfg, host, std::move(self)) {}

  behavior_type make_behavior() override {
    return {
        [](atom::tick, std::uint32_t, std::uint64_t) {},
        [this](atom::stop) {
          close_inbox(false);
          quit();
        },
        [](atom::begin) {},
    };
  }

private:
  void work_off_burst() override {
    while (auto one = next_waiting()) {
      taken(one->bytes);
      host_.post->send(reply_to(one->message, std::move(*one->message.body.as<Echo>())));
    }
    sleep_if_empty();
    if (std::exchange(late_, false)) {
      Echo late;
      late.set_bytes("late");
      auto message = make_envelope(message_kind::request, self_, std::move(late));
      message.sender = address::of(service::desk);
      host_.post->send(std::move(message));
    }
  }
  void killed() override {}

  bool late_ = true;
};

/// Is asked to stop during the first step of its first burst.
std::unique_ptr<scripted> answering_until_stopped(std::shared_future<void> go,
                                                  std::function<void()> stop) {
  auto made = answering_after(std::move(go));
  made->on_step = [step = std::move(made->on_step), stop = std::move(stop),
                   first = true](step_context& context, event input) mutable {
    if (std::exchange(first, false))
      stop();
    step(context, std::move(input));
  };
  return made;
}

/// Keeps requests, and answers them when it settles: how many it had kept.
std::unique_ptr<scripted> answering_when_it_settles(std::shared_future<void> go) {
  auto made = answering_after(std::move(go));
  auto kept = std::make_shared<std::vector<envelope>>();
  made->on_step = [kept](step_context&, event input) {
    if (auto message = std::get_if<envelope>(&input))
      kept->push_back(std::move(*message));
  };
  made->on_settle = [kept](step_context& context) {
    for (auto& one : *kept) {
      if (one.body.as<Echo>()->bytes() == "fail")
        throw std::runtime_error{"as it was told"};
      Echo answer;
      answer.set_bytes(std::to_string(kept->size()));
      context.out.send(reply_to(one, std::move(answer)));
    }
    kept->clear();
  };
  return made;
}

} // namespace

TEST_F(burst, ends_after_so_many_messages_so_that_a_stop_is_heard_between_two_bursts) {
  host_.burst_messages_max = 4;
  host_.burst_time_max = 1h; // a slow build ends its bursts by time otherwise
  std::promise<void> go;
  logic_actor actor;
  actor = run(agent("echo/1"), answering_until_stopped(go.get_future().share(), [&actor] {
                caf::anon_send(actor, atom::stop_v);
              }));
  auto ended = end_of(actor);
  std::uint64_t first = ask(agent("echo/1"), "hello");
  for (int i = 1; i < 20; ++i)
    ask(agent("echo/1"), "hello");
  go.set_value();
  for (std::uint64_t i = 0; i < 4; ++i)
    EXPECT_THAT(next_answer(), answers(first + i, "hello"));
  for (std::uint64_t i = 4; i < 20; ++i)
    EXPECT_THAT(next_answer(), refuses(first + i, ec::unavailable));
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
}

TEST_F(burst, ends_after_its_time_however_few_messages_it_had) {
  host_.burst_time_max = 1ns;
  std::promise<void> go;
  logic_actor actor;
  actor = run(agent("echo/1"), answering_until_stopped(go.get_future().share(), [&actor] {
                caf::anon_send(actor, atom::stop_v);
              }));
  auto first = ask(agent("echo/1"), "hello"); // begins when the burst does
  auto second = ask(agent("echo/1"), "hello");
  auto third = ask(agent("echo/1"), "hello");
  go.set_value();
  EXPECT_THAT(next_answer(), answers(first, "hello"));
  EXPECT_THAT(next_answer(), answers(second, "hello"));
  EXPECT_THAT(next_answer(), refuses(third, ec::unavailable));
}

TEST_F(burst, goes_on_with_what_is_left_and_then_hears_of_new_messages) {
  host_.burst_messages_max = 3;
  std::promise<void> go;
  auto actor = run(agent("echo/1"), answering_after(go.get_future().share()));
  std::uint64_t first = ask(agent("echo/1"), "hello");
  for (int i = 1; i < 10; ++i)
    ask(agent("echo/1"), "hello");
  go.set_value();
  for (std::uint64_t i = 0; i < 10; ++i)
    EXPECT_THAT(next_answer(), answers(first + i, "hello"));
  auto later = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), answers(later, "hello"));
  stop(actor);
}

TEST_F(burst, ends_with_the_step_that_fails_and_all_behind_it_is_answered) {
  std::promise<void> go;
  auto actor = run(address::of(service::queue), answering_after(go.get_future().share()));
  auto before = ask(address::of(service::queue), "hello");
  auto failing = ask(address::of(service::queue), "fail");
  std::uint64_t behind = ask(address::of(service::queue), "hello");
  for (int i = 1; i < 100; ++i)
    ask(address::of(service::queue), "hello");
  go.set_value();
  EXPECT_THAT(next_answer(), answers(before, "hello"));
  EXPECT_THAT(next_answer(), refuses(failing, ec::agent_failed));
  for (std::uint64_t i = 0; i < 100; ++i)
    EXPECT_THAT(next_answer(), refuses(behind + i, ec::unavailable));
  // Who comes in its place hears what comes now.
  auto next = run(address::of(service::queue), answering());
  auto later = ask(address::of(service::queue), "hello");
  EXPECT_THAT(next_answer(), answers(later, "hello"));
  stop(next);
}

TEST_F(burst, is_woken_for_each_message_while_messages_of_caf_come_and_go) {
  auto actor = run(agent("echo/1"), answering());
  std::thread others{[actor] { // each wakes the actor as well, or finds it awake
    for (int i = 0; i < 20'000; ++i) {
      caf::anon_send(actor, atom::begin_v);
      if (i % 4 == 0)
        std::this_thread::yield();
    }
  }};
  for (int i = 0; i < 5'000; ++i) {
    auto asked = ask(agent("echo/1"), "hello");
    ASSERT_THAT(next_answer(), answers(asked, "hello"));
  }
  others.join();
  stop(actor);
}

TEST_F(burst, is_not_slept_through) {
  auto actor = run<late_sleeper>(agent("echo/1"), nullptr);
  ask(agent("echo/1"), "hello");
  EXPECT_EQ(next_answer().text, "hello");
  EXPECT_EQ(next_answer().text, "late");
  stop(actor);
}

TEST_F(burst, is_one_at_a_time_and_in_order_however_many_wake_the_actor) {
  constexpr int senders = 4;
  constexpr std::uint64_t each = 5'000;
  std::atomic<int> inside{0};
  std::atomic<std::uint64_t> together{0}, swapped{0};
  std::array<std::uint64_t, senders> last{};
  auto mind = std::make_unique<scripted>();
  mind->on_step = [&, seen = std::uint64_t{0}](step_context& context, event input) mutable {
    if (inside.fetch_add(1) != 0)
      ++together;
    auto& message = std::get<envelope>(input);
    auto& before = last[message.id.session.value];
    if (message.id.sequence != ++before)
      ++swapped;
    if (++seen == senders * each)
      context.out.send(reply_to(message, std::move(*message.body.as<Echo>())));
    inside.fetch_sub(1);
  };
  auto actor = run(agent("echo/1"), std::move(mind));
  std::vector<std::thread> threads;
  for (std::uint64_t sender = 0; sender < senders; ++sender)
    threads.emplace_back([this, sender, actor] {
      for (std::uint64_t i = 1; i <= each; ++i) {
        Echo hello;
        hello.set_bytes("hello");
        auto message = make_envelope(message_kind::request, agent("echo/1"), std::move(hello));
        message.sender = address::of(service::desk); // which receives for the test
        message.id = {{sender}, i};
        host_.post->send(std::move(message));
        if (i % 8 == 0) // and now and then it falls asleep
          caf::anon_send(actor, atom::begin_v);
        if (i % 16 == 0)
          std::this_thread::yield();
      }
    });
  for (auto& one : threads)
    one.join();
  EXPECT_EQ(next_answer().text, "hello") << "a message was lost, or nobody was woken for it";
  EXPECT_EQ(together, 0u);
  EXPECT_EQ(swapped, 0u);
  stop(actor);
}

TEST_F(burst, settles_once_for_all_that_waited) {
  host_.burst_time_max = 1h;
  std::promise<void> go;
  auto actor = run(agent("echo/1"), answering_when_it_settles(go.get_future().share()));
  std::uint64_t first = ask(agent("echo/1"), "hello");
  for (int i = 1; i < 5; ++i)
    ask(agent("echo/1"), "hello");
  go.set_value();
  for (std::uint64_t i = 0; i < 5; ++i)
    EXPECT_THAT(next_answer(), answers(first + i, "5"));
  auto alone = ask(agent("echo/1"), "hello");
  EXPECT_THAT(next_answer(), answers(alone, "1"));
  stop(actor);
}

TEST_F(burst, that_fails_where_it_settles_ends_the_actor) {
  std::promise<void> go;
  auto actor = run(address::of(service::queue), answering_when_it_settles(go.get_future().share()));
  auto ended = end_of(actor);
  ask(address::of(service::queue), "fail");
  go.set_value();
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
}

TEST_F(burst, with_the_last_words_of_a_child_comes_before_the_news_of_its_end) {
  host_.burst_messages_max = 1;
  std::promise<void> go;
  auto gone = go.get_future().share();
  handed_over<int> started, busy;
  handed_over<std::string> heard;
  auto parent = std::make_unique<scripted>();
  parent->on_start = [&](step_context& context, const address&) {
    auto child = std::make_unique<scripted>();
    child->on_start = [&](step_context&, const address&) { started.put(1); };
    child->on_step = [](step_context& inner, event) {
      Echo words;
      words.set_bytes("last words");
      inner.out.send(
          make_envelope(message_kind::event, address::of(service::roles), std::move(words)));
      throw std::runtime_error{"as it was told"};
    };
    context.out.start(name{"echo/1"}, std::move(child));
  };
  parent->on_step = [&](step_context&, event input) {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return heard.put("the end");
    if (message->body.as<Echo>()->bytes() != "wait")
      return heard.put(message->body.as<Echo>()->bytes());
    busy.put(1);
    gone.wait();
  };
  auto actor = run(address::of(service::roles), std::move(parent));
  auto other = run(agent("echo/2"), answering());
  ASSERT_TRUE(started.take());
  tell(address::of(service::roles), "wait");
  ASSERT_TRUE(busy.take());
  auto child_ended = end_of(host_.post->find(name{"echo/1"}));
  tell(agent("echo/1"), "go");
  ASSERT_EQ(child_ended.wait_for(10s), std::future_status::ready);
  // Of two workers one is held: the other answers only when it is done with the child's end.
  auto asked = ask(agent("echo/2"), "hello");
  EXPECT_THAT(next_answer(), answers(asked, "hello"));
  go.set_value();
  EXPECT_EQ(heard.take(), "last words");
  EXPECT_EQ(heard.take(), "the end");
  stop(other);
  stop(actor);
}

} // namespace troupe::test
