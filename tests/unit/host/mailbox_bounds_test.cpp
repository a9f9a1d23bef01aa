#include "config/limits/mailboxes.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "tests/unit/host/stage.hpp"

#include <thread>

namespace troupe::test {

namespace {

using testing::HasSubstr;

/// Both kinds of shells. They wait in their start until the test releases them.
class mailbox : public stage, public testing::WithParamInterface<bool> {
protected:
  logic_actor run_held(const address& place, std::unique_ptr<scripted> mind) {
    mind->on_start = [this](step_context&, const address&) { gone_.wait(); };
    return GetParam() ? run<thread_shell>(place, std::move(mind)) : run(place, std::move(mind));
  }

  envelope message_of(message_kind kind, const address& target, std::size_t bytes) {
    Echo echo;
    echo.set_bytes(std::string(bytes, 'x'));
    auto made = make_envelope(kind, target, std::move(echo));
    made.sender = address::of(service::desk);
    made.id = {{7}, ++asked_};
    return made;
  }

  std::promise<void> go_;
  std::shared_future<void> gone_ = go_.get_future().share();
};

const address queue = address::of(service::queue);

} // namespace

TEST_P(mailbox, refuses_requests_beyond_its_number_and_takes_replies_and_events_of_services) {
  auto actor = run_held(queue, answering());
  for (std::size_t i = 0; i < limits::mailbox_messages_max; ++i)
    host_.post->send(message_of(message_kind::event, queue, 4));
  auto beyond = ask(queue, "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(beyond, ec::overloaded));
  EXPECT_THAT(refused.text, HasSubstr("queue has too much to do"));
  EXPECT_EQ(host_.counted.plain().envelopes_overloaded, 1u);
  for (std::size_t i = 0; i < limits::mailbox_reserve_messages; ++i)
    host_.post->send(message_of(message_kind::reply, queue, 4));
  EXPECT_EQ(host_.counted.plain().envelopes_dropped, 0u);
  host_.post->send(message_of(message_kind::event, queue, 4));
  EXPECT_EQ(host_.counted.plain().envelopes_dropped, 1u);
  EXPECT_GT(host_.post->queued().total(),
            (limits::mailbox_messages_max + limits::mailbox_reserve_messages)
                * limits::message_overhead_bytes);
  go_.set_value();
  stop(actor);
  EXPECT_EQ(host_.post->queued().total(), 0u);
}

TEST_P(mailbox, refuses_requests_beyond_its_bytes) {
  auto actor = run_held(queue, answering());
  auto half = limits::mailbox_bytes_max / 2;
  host_.post->send(message_of(message_kind::request, queue, half));
  host_.post->send(message_of(message_kind::request, queue, half - 10'000));
  host_.post->send(message_of(message_kind::request, queue, 10'000));
  EXPECT_THAT(next_answer(), refuses(asked_, ec::overloaded));
  go_.set_value();
  EXPECT_EQ(next_answer().number, asked_ - 2);
  EXPECT_EQ(next_answer().number, asked_ - 1);
  auto fits = ask(queue, "hello");
  EXPECT_THAT(next_answer(), answers(fits, "hello"));
  stop(actor);
}

TEST_P(mailbox, takes_as_many_of_a_batch_as_it_has_room_for) {
  auto actor = run_held(queue, answering());
  for (std::size_t i = 0; i < limits::mailbox_messages_max - 3; ++i)
    host_.post->send(message_of(message_kind::event, queue, 4));
  auto before = asked_;
  std::vector<envelope> batch;
  for (int i = 0; i < 5; ++i)
    batch.push_back(message_of(message_kind::request, queue, 4));
  host_.post->send_all(batch);
  EXPECT_THAT(next_answer(), refuses(before + 4, ec::overloaded));
  EXPECT_THAT(next_answer(), refuses(before + 5, ec::overloaded));
  go_.set_value();
  for (auto number : {1, 2, 3})
    EXPECT_THAT(next_answer(), answers(before + number, "xxxx"));
  stop(actor);
}

TEST_P(mailbox, of_an_actor_that_is_killed_is_answered) {
  auto actor = run_held(queue, answering());
  auto ended = end_of(actor);
  // An ordinary actor sees it when its step ends; an actor with its own thread sees it at once.
  if (!GetParam())
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  auto first = ask(queue, "hello");
  std::vector<envelope> batch;
  for (int i = 0; i < 3; ++i)
    batch.push_back(message_of(message_kind::request, queue, 4));
  host_.post->send_all(batch);
  if (GetParam())
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  actor = nullptr;
  if (!GetParam())
    go_.set_value();
  for (std::uint64_t i = 0; i < 4; ++i)
    EXPECT_THAT(next_answer(), refuses(first + i, ec::unavailable));
  EXPECT_EQ(ended.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(host_.post->find(service::queue));
  if (GetParam())
    go_.set_value();
  EXPECT_TRUE(host_.threads->wait_for_none(30s));
  EXPECT_EQ(host_.post->queued().total(), 0u);
}

TEST_P(mailbox, answers_every_request_of_many_senders_while_its_actor_ends) {
  // The senders continue until each was told that the receiver is gone.
  for (int round = 0; round < 10; ++round) {
    auto actor = GetParam() ? run<thread_shell>(queue, answering()) : run(queue, answering());
    std::atomic<std::uint64_t> sent{0};
    std::atomic<bool> over{false};
    std::vector<std::thread> senders;
    for (int s = 0; s < 3; ++s)
      senders.emplace_back([&] {
        while (!over) {
          Echo echo;
          echo.set_bytes("hello");
          auto message = make_envelope(message_kind::request, queue, std::move(echo));
          message.sender = address::of(service::desk);
          message.id = {{7}, 1};
          if (sent.fetch_add(1) < 20'000)
            host_.post->send(std::move(message));
          else
            sent.fetch_sub(1), std::this_thread::yield();
        }
      });
    std::uint64_t answered = 0;
    for (; answered < 200; ++answered)
      ASSERT_TRUE(received_.take());
    stop(actor);
    over = true;
    for (auto& one : senders)
      one.join();
    for (; answered < sent; ++answered)
      ASSERT_TRUE(received_.take()) << "of " << sent << " requests";
  }
}

INSTANTIATE_TEST_SUITE_P(of_both_shells, mailbox, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "thread" : "logic"; });

} // namespace troupe::test
