#include "config/limits/mailboxes.hpp"
#include "messages/agents.pb.h"
#include "tests/unit/host/stage.hpp"

#include <semaphore>
#include <thread>

namespace troupe::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string text_of(envelope& message) { return message.body.as<Echo>()->bytes(); }

/// Starts agents like service::roles and records what it hears about them.
class ends_of_agents : public stage {
protected:
  /// Answers an Echo. "leave" makes it ask to leave, "wait" makes it wait for `go_`.
  std::unique_ptr<scripted> mind() {
    auto made = answering();
    made->on_step = [this, step = made->on_step](step_context& context, event input) {
      if (auto message = std::get_if<envelope>(&input)) {
        auto text = text_of(*message);
        if (text == "wait")
          gone_.wait();
        if (text == "leave")
          return context.out.leave();
      }
      step(context, std::move(input));
    };
    made->on_stop = [this](step_context&) { happened_.put("end"); };
    return made;
  }

  std::unique_ptr<scripted> roles() {
    auto made = std::make_unique<scripted>();
    auto active = std::make_shared<std::set<std::string>>();
    made->on_step = [this, active](step_context& context, event input) {
      if (auto ended = std::get_if<child_ended>(&input)) {
        active->erase(std::string{ended->child.text()});
        happened_.put("ended");
      } else if (auto failed = std::get_if<child_failed>(&input)) {
        active->erase(std::string{failed->child.text()});
        happened_.put("failed");
      } else if (auto message = std::get_if<envelope>(&input)) {
        if (message->target.what != address::kind::agent || message->kind == message_kind::reply)
          return;
        ++arrivals_;
        if (active->insert(std::string{message->target.agent.text()}).second) {
          happened_.put("start");
          context.out.start(message->target.agent, mind());
        }
        context.out.send(std::move(*message));
      }
    };
    return made;
  }

  std::vector<std::string> next(std::size_t count) {
    std::vector<std::string> all;
    while (all.size() < count)
      all.push_back(happened_.take().value_or("nothing more"));
    return all;
  }

  std::promise<void> go_;
  std::shared_future<void> gone_ = go_.get_future().share();
  std::atomic<int> arrivals_{0};
};

const address ada = address::of_agent(name{"echo/ada"});

} // namespace

TEST_F(ends_of_agents, one_that_leaves_is_started_anew_by_its_next_message) {
  auto starter = run(address::of(service::roles), roles());
  for (int i = 0; i < 3; ++i) {
    auto number = ask(ada, "hello");
    EXPECT_THAT(next_answer(), answers(number, "hello"));
    EXPECT_THAT(next(1), ElementsAre("start"));
    tell(ada, "leave");
    EXPECT_THAT(next(2), ElementsAre("end", "ended"));
  }
  EXPECT_EQ(host_.post->agents(), 0u);
  stop(starter);
}

TEST_F(ends_of_agents, one_for_which_a_message_waits_does_not_leave) {
  auto starter = run(address::of(service::roles), roles());
  ask(ada, "wait");
  EXPECT_THAT(next(1), ElementsAre("start"));
  tell(ada, "leave");
  auto behind = ask(ada, "hello");
  go_.set_value();
  EXPECT_THAT(next_answer(), answers(behind - 1, "wait"));
  EXPECT_THAT(next_answer(), answers(behind, "hello"));
  EXPECT_TRUE(happened_.empty()) << "it left while a message waited";
  tell(ada, "leave");
  EXPECT_THAT(next(2), ElementsAre("end", "ended"));
  stop(starter);
}

TEST_F(ends_of_agents, no_message_is_lost_repeated_or_overtaken_while_it_leaves_again_and_again) {
  auto starter = run(address::of(service::roles), roles());
  constexpr std::uint64_t senders = 4, times = 5'000;
  // A mailbox takes 10,000 messages, so this sender keeps only so many requests unanswered.
  std::counting_semaphore<> unanswered{1'000};
  std::vector<std::jthread> threads;
  for (std::uint64_t s = 1; s <= senders; ++s)
    threads.emplace_back([&, s](const std::stop_token& over) {
      for (std::uint64_t i = 1; i <= times && !over.stop_requested(); ++i) {
        if (i % 3)
          unanswered.acquire();
        Echo echo;
        echo.set_bytes(i % 3 ? "hello" : "leave");
        auto kind = i % 3 ? message_kind::request : message_kind::event;
        auto message = make_envelope(kind, ada, std::move(echo));
        message.sender = address::of(service::desk);
        message.id = {{s}, i};
        host_.post->send(std::move(message));
        if (i % 50 == 0)
          std::this_thread::yield();
      }
    });
  std::uint64_t last[senders + 1] = {}, wrong = 0;
  for (std::uint64_t i = 0; i < senders * (times - times / 3); ++i) {
    auto reply = received_.take();
    unanswered.release();
    if (!reply) {
      ADD_FAILURE() << "only " << i << " replies";
      unanswered.release(senders * times);
      break;
    }
    if (auto why = failure_in(*reply)) {
      EXPECT_EQ(wrong++, 0u) << why->message;
    }
    auto& before = last[reply->id.session.value];
    if (reply->id.sequence != before + (before % 3 == 2 ? 2 : 1)) {
      EXPECT_EQ(wrong++, 0u) << reply->id.sequence << " came after " << before;
    }
    before = reply->id.sequence;
  }
  threads.clear();
  EXPECT_TRUE(received_.empty());
  stop(starter);
}

TEST_F(ends_of_agents, one_that_is_stopped_is_started_anew_by_its_next_message) {
  auto starter = run(address::of(service::roles), roles());
  auto first = ask(ada, "hello");
  EXPECT_THAT(next_answer(), answers(first, "hello"));
  auto active = host_.post->find(ada.agent);
  auto ended = end_of(active);
  caf::anon_send(active, atom::stop_v);
  ended.wait();
  auto second = ask(ada, "hello");
  EXPECT_THAT(next_answer(), answers(second, "hello"));
  EXPECT_THAT(next(4), ElementsAre("start", "end", "ended", "start"));
  stop(starter);
}

TEST_F(ends_of_agents, its_fault_is_known_before_a_message_that_comes_round_because_of_it) {
  auto starter = run(address::of(service::roles), roles());
  for (int i = 0; i < 300; ++i) {
    auto failing = ask(ada, "fail");
    EXPECT_THAT(next_answer(), refuses(failing, ec::agent_failed));
    auto number = ask(ada, "hello");
    auto came = next_answer();
    ASSERT_EQ(came.number, number);
    // The failed agent may still have accepted it.
    ASSERT_TRUE(came.code == ec::none || came.code == ec::unavailable) << came.text;
  }
  EXPECT_LE(arrivals_, 2 * 300 * 2) << "messages went round and round";
  stop(starter);
}

TEST_F(ends_of_agents, a_message_for_one_that_cannot_be_started_is_answered) {
  auto made = std::make_unique<scripted>();
  made->on_step = [this](step_context& context, event input) {
    if (auto message = std::get_if<envelope>(&input)) {
      ++arrivals_;
      context.out.send(std::move(*message)); // believes that it is active, but it is not
    }
  };
  auto starter = run(address::of(service::roles), std::move(made));
  auto number = ask(ada, "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(number, ec::unavailable));
  EXPECT_THAT(refused.text, HasSubstr("echo/ada"));
  EXPECT_EQ(arrivals_, limits::activations_max);
  stop(starter);
}

TEST_F(ends_of_agents, the_message_that_starts_it_is_its_first) {
  // The step that starts the agent sends `first`. Another thread sends `second` as soon as it finds
  // the agent.
  handed_over<std::string> order;
  auto made = std::make_unique<scripted>();
  made->on_step = [&](step_context& context, event input) {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    auto mind = std::make_unique<scripted>();
    mind->on_step = [&](step_context& at, event got) {
      if (auto one = std::get_if<envelope>(&got)) {
        order.put(text_of(*one));
        if (text_of(*one) == "second")
          at.out.leave();
      }
    };
    context.out.start(message->target.agent, std::move(mind));
    context.out.send(std::move(*message));
  };
  auto starter = run(address::of(service::roles), std::move(made));
  for (int i = 0; i < 2'000; ++i) {
    auto agent = address::of_agent(name{"echo/" + std::to_string(i)});
    tell(agent, "first");
    while (!host_.post->find(agent.agent)) {
    }
    tell(agent, "second");
    ASSERT_EQ(order.take(), "first");
    ASSERT_EQ(order.take(), "second");
  }
  stop(starter);
}

TEST_F(ends_of_agents, a_service_that_wishes_to_leave_has_failed) {
  auto made = std::make_unique<scripted>();
  made->on_step = [](step_context& context, event) { context.out.leave(); };
  auto actor = run(address::of(service::queue), std::move(made));
  auto ended = end_of(actor);
  tell(address::of(service::queue), "hello");
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
}

} // namespace troupe::test
