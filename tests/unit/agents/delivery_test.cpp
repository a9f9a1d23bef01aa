#include "actors/agents/delivery.hpp"
#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

const session_id ada{7};
const session_id bob{8};

using namespace std::chrono_literals;

constexpr instant start_of_time{};

delivery::judgement came(delivery& kept, session_id who, std::uint64_t sequence,
                         std::uint16_t attempt = 1, instant now = start_of_time,
                         std::chrono::milliseconds age = {}) {
  return kept.accept(address::of_session(who), {who, sequence}, attempt, now, age);
}

payload reply_of(std::string text) {
  AgentReply reply;
  reply.set_text(std::move(text));
  return payload::of(std::move(reply));
}

std::string reply_text(payload reply) {
  auto read = reply.as<AgentReply>();
  return read ? read->text() : "nothing";
}

TEST(delivery, does_a_repeated_message_once_and_keeps_its_reply) {
  delivery kept;
  auto first = came(kept, ada, 1);
  EXPECT_EQ(first.what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::repeated_in_progress);
  auto reply = reply_of("done");
  kept.complete(first.at, reply);
  EXPECT_EQ(reply_text(std::move(reply)), "done");
  auto again = came(kept, ada, 1, 2);
  ASSERT_EQ(again.what, delivery_state::repeated_done);
  EXPECT_EQ(reply_text(kept.kept(again.at)), "done");
  EXPECT_EQ(reply_text(kept.kept(again.at)), "done");
}

TEST(delivery, refuses_a_repetition_from_a_session_it_never_heard_of) {
  delivery kept;
  EXPECT_EQ(came(kept, ada, 5, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(kept.sessions(), 0u);
}

TEST(delivery, refuses_what_may_have_been_done_before_the_session_was_opened) {
  delivery kept;
  EXPECT_EQ(came(kept, ada, 5).what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 4, 2).what, delivery_state::outcome_unknown);
}

TEST(delivery, takes_a_first_attempt_that_others_have_overtaken) {
  delivery kept;
  came(kept, ada, 5);
  EXPECT_EQ(came(kept, ada, 4).what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 4, 2).what, delivery_state::repeated_in_progress);
}

TEST(delivery, does_a_repetition_whose_first_attempt_surely_never_came) {
  delivery kept;
  came(kept, ada, 5);
  EXPECT_EQ(came(kept, ada, 7, 2).what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 6, 2).what, delivery_state::fresh);
}

TEST(delivery, refuses_repetitions_below_the_window) {
  delivery kept;
  for (std::uint64_t sequence = 1; sequence <= limits::replies_kept_max + 1; ++sequence)
    EXPECT_EQ(came(kept, ada, sequence).what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 2, 2).what, delivery_state::repeated_in_progress);
}

TEST(delivery, drops_acknowledged_replies_and_refuses_their_repetition) {
  delivery kept;
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    auto reply = reply_of("done");
    kept.complete(came(kept, ada, sequence).at, reply);
  }
  auto one_reply = kept.bytes_kept() / 3;
  kept.acknowledge({ada, 2});
  EXPECT_EQ(kept.bytes_kept(), one_reply);
  EXPECT_EQ(came(kept, ada, 2, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 3, 2).what, delivery_state::repeated_done);
}

TEST(delivery, refuses_a_repetition_of_what_was_acknowledged_though_it_never_came_here) {
  delivery kept;
  came(kept, ada, 1);
  kept.acknowledge({ada, 5});
  EXPECT_EQ(came(kept, ada, 4, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 6, 2).what, delivery_state::fresh);
}

TEST(delivery, a_first_attempt_that_an_old_link_brings_after_the_answer_is_not_done_again) {
  delivery kept{start_of_time};
  auto now = start_of_time + 1h;
  auto repetition = came(kept, ada, 7, 2, now, 50ms);
  ASSERT_EQ(repetition.what, delivery_state::fresh);
  auto reply = reply_of("done");
  kept.complete(repetition.at, reply, now);
  EXPECT_EQ(came(kept, ada, 7, 1, now).what, delivery_state::repeated_done);
  kept.acknowledge({ada, 7});
  EXPECT_EQ(came(kept, ada, 7, 1, now).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 8, 1, now).what, delivery_state::fresh);
}

TEST(delivery, forgets_the_session_unused_for_longest) {
  delivery kept;
  for (std::uint64_t i = 1; i <= limits::sessions_kept_max; ++i)
    came(kept, {i}, 1);
  came(kept, {1}, 2); // used again, so now the second is the oldest
  came(kept, {9999}, 1);
  EXPECT_EQ(kept.sessions(), limits::sessions_kept_max);
  EXPECT_EQ(came(kept, {2}, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, {1}, 1, 2).what, delivery_state::repeated_in_progress);
}

TEST(delivery, ignores_the_outcome_of_a_forgotten_session) {
  delivery kept;
  auto first = came(kept, ada, 1);
  for (std::uint64_t i = 1000; i < 1000 + limits::sessions_kept_max; ++i)
    came(kept, {i}, 1);
  auto reply = reply_of("late");
  kept.complete(first.at, reply);
  EXPECT_EQ(kept.bytes_kept(), 0u);
  EXPECT_EQ(reply_text(std::move(reply)), "late");
}

TEST(delivery, keeps_no_more_bytes_than_it_may) {
  delivery kept;
  std::string half(limits::replies_kept_bytes_max / 2 - 100, 'x');
  auto of_bob = came(kept, bob, 1);
  auto reply = reply_of(half);
  kept.complete(of_bob.at, reply);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    auto next = reply_of(half);
    kept.complete(came(kept, ada, sequence).at, next);
    EXPECT_LE(kept.bytes_kept(), limits::replies_kept_bytes_max);
  }
  EXPECT_EQ(came(kept, bob, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 3, 2).what, delivery_state::repeated_done);
}

TEST(delivery, does_not_keep_a_reply_that_is_larger_than_all_it_may_keep) {
  delivery kept;
  auto first = came(kept, ada, 1);
  auto reply = reply_of(std::string(limits::replies_kept_bytes_max, 'x'));
  kept.complete(first.at, reply);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(kept.bytes_kept(), 0u);
}

TEST(delivery, keeps_nothing_for_agents_and_services) {
  delivery kept;
  auto agent = address::of_agent(name{"echo/other"});
  EXPECT_EQ(kept.accept(agent, {ada, 1}, 1).what, delivery_state::fresh);
  EXPECT_EQ(kept.accept(agent, {ada, 1}, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(kept.accept(address::of(service::queue), {ada, 1}, 2).what, delivery_state::fresh);
  EXPECT_EQ(kept.sessions(), 0u);
}

TEST(delivery, does_a_repetition_that_surely_never_came) {
  auto now = start_of_time + 1h;
  delivery kept{now - 60s};
  EXPECT_EQ(came(kept, ada, 1, 2, now, 20s).what, delivery_state::fresh);
  EXPECT_EQ(came(kept, ada, 1, 3, now, 21s).what, delivery_state::repeated_in_progress);
}

TEST(delivery, refuses_a_repetition_that_may_have_come_before_anything_was_forgotten) {
  auto now = start_of_time + 1h;
  delivery kept{now - 60s};
  EXPECT_EQ(came(kept, ada, 1, 2, now, 60s).what, delivery_state::outcome_unknown);
  // The client does not know how long this attempt took to arrive.
  EXPECT_EQ(came(kept, ada, 1, 2, now, 60s - limits::repeat_slack + 1ms).what,
            delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 1, 2, now, 60s - limits::repeat_slack).what, delivery_state::fresh);
}

TEST(delivery, refuses_a_repetition_older_than_agents_are_kept_for) {
  auto now = start_of_time + 1h;
  delivery kept{start_of_time};
  EXPECT_EQ(came(kept, ada, 1, 2, now, limits::replies_kept_time).what,
            delivery_state::outcome_unknown);
}

TEST(delivery, knows_nothing_for_certain_of_what_came_before_it_forgot_a_session) {
  auto now = start_of_time + 1h;
  delivery kept{start_of_time};
  for (std::uint64_t who = 1; who <= limits::sessions_kept_max; ++who)
    came(kept, {who + 100}, 1, 1, now);
  came(kept, bob, 1, 1, now); // one of the others is forgotten to make room
  EXPECT_EQ(came(kept, {101}, 1, 2, now + 20s, 20s).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 1, 2, now + 60s, 20s).what, delivery_state::fresh);
}

TEST(delivery, the_place_of_a_forgotten_request_is_never_another_ones) {
  delivery kept;
  auto old = came(kept, ada, 1);
  for (std::uint64_t who = 1; who <= limits::sessions_kept_max; ++who)
    came(kept, {who + 100}, 1);
  auto anew = came(kept, ada, 2); // in a new window
  ASSERT_EQ(anew.what, delivery_state::fresh);
  auto reply = reply_of("of the first");
  kept.complete(old.at, reply);
  EXPECT_EQ(came(kept, ada, 2, 2).what, delivery_state::repeated_in_progress);
}

TEST(delivery, holds_an_agent_until_its_replies_are_acknowledged_or_old) {
  delivery kept;
  EXPECT_FALSE(kept.may_be_repeated(start_of_time));
  auto first = came(kept, ada, 1);
  EXPECT_TRUE(kept.may_be_repeated(start_of_time + 1h)) << "it is being worked on";
  auto reply = reply_of("done");
  kept.complete(first.at, reply);
  EXPECT_TRUE(kept.may_be_repeated(start_of_time + limits::replies_kept_time - 1s));
  EXPECT_FALSE(kept.may_be_repeated(start_of_time + limits::replies_kept_time));
  kept.acknowledge({ada, 1});
  EXPECT_FALSE(kept.may_be_repeated(start_of_time));
}

/// What a process knows after a crash of the one that had `kept`.
delivery after_crash(const delivery& kept) {
  delivery::saved_sessions saved;
  kept.save(saved, {}, {});
  delivery next;
  next.restore(saved, start_of_time);
  return next;
}

void answer(delivery& kept, session_id who, std::uint64_t sequence, std::string text) {
  auto reply = reply_of(std::move(text));
  kept.complete(came(kept, who, sequence).at, reply, start_of_time, true);
}

TEST(delivery, knows_after_a_crash_what_was_written) {
  delivery before;
  answer(before, ada, 3, "three");
  answer(before, ada, 2, "two");
  answer(before, bob, 9, "nine");
  came(before, ada, 4); // is being worked on
  auto kept = after_crash(before);
  EXPECT_EQ(kept.bytes_kept(), before.bytes_kept());
  EXPECT_EQ(reply_text(kept.kept(came(kept, ada, 2, 2).at)), "two");
  EXPECT_EQ(reply_text(kept.kept(came(kept, ada, 3, 2).at)), "three");
  EXPECT_EQ(reply_text(kept.kept(came(kept, bob, 9, 2).at)), "nine");
  EXPECT_EQ(came(kept, ada, 4, 2).what, delivery_state::fresh) << "nothing of it was written";
  EXPECT_EQ(came(kept, bob, 8, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, {10}, 1, 2).what, delivery_state::outcome_unknown);
}

TEST(delivery, after_a_crash_what_fell_out_of_the_window_may_have_been_done) {
  delivery before;
  for (std::uint64_t sequence = 1; sequence <= limits::replies_kept_max + 1; ++sequence)
    answer(before, ada, sequence, "done");
  auto kept = after_crash(before);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_EQ(came(kept, ada, 2, 2).what, delivery_state::repeated_done);
}

TEST(delivery, a_reply_that_is_too_large_to_keep_is_not_kept_on_disk_either) {
  delivery before;
  answer(before, ada, 1, std::string(limits::replies_kept_bytes_max, 'x'));
  auto kept = after_crash(before);
  EXPECT_EQ(came(kept, ada, 1, 2).what, delivery_state::outcome_unknown);
  EXPECT_FALSE(kept.may_be_repeated(start_of_time));
}

TEST(delivery, writes_a_reply_together_with_what_it_knows_of_the_session) {
  delivery kept;
  answer(kept, ada, 6, "six");
  kept.acknowledge({ada, 6});
  auto next = came(kept, ada, 7);
  KeptReply reply;
  reply.set_number(7);
  auto made = kept.to_write(next.at, reply);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->session(), ada.value);
  EXPECT_EQ(made->floor(), 6u);
  EXPECT_EQ(made->acknowledged(), 6u);
  ASSERT_EQ(made->replies_size(), 1);
  EXPECT_FALSE(kept.to_write({}, reply)) << "nobody repeats it";
  delivery::saved_sessions saved;
  kept.save(saved, next.at, reply);
  ASSERT_EQ(saved.size(), 1);
  ASSERT_EQ(saved[0].replies_size(), 1) << "as if it were done";
  EXPECT_EQ(saved[0].replies(0).number(), 7u);
}

TEST(delivery, holds_no_agent_whose_replies_are_on_disk) {
  delivery kept;
  auto first = came(kept, ada, 1);
  EXPECT_TRUE(kept.may_be_repeated(start_of_time));
  auto reply = reply_of("done");
  kept.complete(first.at, reply, start_of_time, true);
  EXPECT_FALSE(kept.may_be_repeated(start_of_time));
}

} // namespace
} // namespace troupe
