#include "config/limits/attaching.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "nodes/cli/run_pursuit.hpp"

#include <gtest/gtest.h>
#include <signal.h>

/// What a client does about a run that it follows.
namespace troupe::cli {

namespace {

using namespace std::chrono_literals;
using pursuit = run_pursuit;

class following : public ::testing::Test {
protected:
  pursuit make(pursuit::start how = pursuit::start::submits, bool has_person = false,
               std::chrono::milliseconds timeout = 0ms) {
    return pursuit{how, has_person, timeout > 0ms ? std::optional{now + timeout} : std::nullopt,
                   now};
  }
  pursuit accepted(bool durable, bool has_person = false) {
    auto made = make(pursuit::start::submits, has_person);
    made.accepted(durable, now);
    return made;
  }
  /// What is done now.
  run_move move(pursuit& of) { return of.next(now).what; }
  /// Goes to the next moment at which something is to be done, and does it.
  run_move next_move(pursuit& of) {
    for (int i = 0; i < 100; ++i) {
      auto step = of.next(now);
      if (step.what != run_move::wait)
        return step.what;
      EXPECT_GT(step.until, now) << "it would wait without end";
      now = step.until;
    }
    return run_move::wait;
  }

  pursuit::time now{1h};
  const failure away{ec::unavailable, "node-1 is down"};
};

TEST_F(following, a_run_that_has_ended_is_done_whatever_else_is_on_its_way) {
  auto one = accepted(true);
  one.signalled(SIGTERM, now);
  one.ended();
  EXPECT_EQ(move(one), run_move::done);
}

TEST_F(following, a_run_that_is_not_durable_is_lost_with_the_link_and_never_asked_for) {
  auto one = accepted(false);
  now += limits::run_silence_max;
  EXPECT_EQ(move(one), run_move::wait);
  one.link_returned(now);
  EXPECT_EQ(move(one), run_move::wait) << "the link itself repeats its submission";
  one.link_lost(away, now);
  EXPECT_EQ(move(one), run_move::lost);
  EXPECT_EQ(one.trouble()->message, away.message);
}

TEST_F(following, a_durable_run_is_asked_for_at_once_when_the_link_is_there_again) {
  auto one = accepted(true);
  EXPECT_EQ(move(one), run_move::wait);
  one.link_returned(now);
  EXPECT_EQ(move(one), run_move::attach);
  EXPECT_EQ(move(one), run_move::wait) << "one question at a time";
  one.accepted(true, now);
  EXPECT_FALSE(one.is_searching());
  EXPECT_EQ(move(one), run_move::wait);
}

TEST_F(following, an_owner_that_is_away_is_asked_with_growing_pauses_and_then_left) {
  auto one = accepted(true);
  auto begun = now;
  one.link_lost(away, now);
  std::vector<pursuit::time> tries;
  auto last = next_move(one);
  for (; last == run_move::attach && tries.size() < 1'000; last = next_move(one)) {
    tries.push_back(now);
    one.refused(away, now);
  }
  EXPECT_EQ(last, run_move::left);
  EXPECT_EQ(now - begun, limits::run_attach_time_max);
  EXPECT_EQ(one.trouble()->message, away.message);
  ASSERT_GT(tries.size(), 10u);
  EXPECT_LT(tries.size(), 40u);
  EXPECT_EQ(tries.front() - begun, limits::run_attach_pause_min);
  EXPECT_EQ(tries.back() - tries[tries.size() - 2], limits::run_attach_pause_max);
}

TEST_F(following, an_owner_that_is_there_again_gets_all_the_patience_the_next_time) {
  auto one = accepted(true);
  one.link_lost(away, now);
  EXPECT_EQ(next_move(one), run_move::attach);
  one.refused(away, now);
  EXPECT_EQ(next_move(one), run_move::attach);
  one.accepted(true, now);
  EXPECT_FALSE(one.trouble());
  now += 1s;
  one.link_lost(away, now);
  auto lost = now;
  EXPECT_EQ(next_move(one), run_move::attach);
  EXPECT_EQ(now - lost, limits::run_attach_pause_min);
}

TEST_F(following, a_durable_run_that_is_silent_is_asked_for) {
  auto one = accepted(true);
  auto begun = now;
  EXPECT_EQ(next_move(one), run_move::attach);
  EXPECT_EQ(now - begun, limits::run_attach_silence);
  EXPECT_FALSE(one.is_searching()) << "nothing is known to be wrong";
  EXPECT_EQ(next_move(one), run_move::attach) << "no answer";
  EXPECT_TRUE(one.is_searching());
  EXPECT_EQ(now - begun, limits::run_attach_silence + limits::run_attach_answer_max
                             + limits::run_attach_pause_min);
  one.heard(now);
  EXPECT_FALSE(one.is_searching());
}

TEST_F(following, a_run_that_its_owner_does_not_know_is_lost) {
  auto one = accepted(true);
  one.link_returned(now);
  EXPECT_EQ(move(one), run_move::attach);
  one.refused({ec::not_found, "no such run"}, now);
  EXPECT_EQ(move(one), run_move::lost);
}

TEST_F(following, whoever_attaches_asks_at_once_and_again_while_the_owner_is_away) {
  auto one = make(pursuit::start::attaches);
  EXPECT_EQ(move(one), run_move::attach);
  one.refused(away, now);
  EXPECT_EQ(next_move(one), run_move::attach);
  one.accepted(true, now);
  one.signalled(SIGHUP, now);
  EXPECT_EQ(move(one), run_move::left);
}

TEST_F(following, a_submission_that_is_refused_or_never_answered_ends_it) {
  auto one = make();
  one.refused({ec::unavailable, "full"}, now);
  EXPECT_EQ(move(one), run_move::lost);
  auto two = make();
  EXPECT_EQ(next_move(two), run_move::lost);
  EXPECT_EQ(now - pursuit::time{1h}, limits::request_timeout);
  EXPECT_EQ(two.trouble()->code, ec::outcome_unknown);
}

TEST_F(following, sigterm_and_sighup_leave_a_durable_run_and_cancel_another) {
  for (auto signal : {SIGTERM, SIGHUP}) {
    auto durable = accepted(true, true);
    durable.signalled(signal, now);
    EXPECT_EQ(move(durable), run_move::left);
    EXPECT_FALSE(durable.trouble());
    auto other = accepted(false, true);
    other.signalled(signal, now);
    EXPECT_EQ(move(other), run_move::cancel);
    EXPECT_EQ(other.why_cancelled(), pursuit::reason::interrupted);
  }
}

TEST_F(following, sigint_cancels_where_nobody_can_be_asked) {
  for (bool durable : {true, false}) {
    auto one = accepted(durable);
    one.signalled(SIGINT, now);
    EXPECT_EQ(move(one), run_move::cancel);
    EXPECT_EQ(move(one), run_move::wait) << "for its end";
    one.ended();
    EXPECT_EQ(move(one), run_move::done);
  }
}

TEST_F(following, a_cancelled_run_has_a_moment_and_a_second_signal_does_not_wait_for_it) {
  auto slow = accepted(true);
  slow.signalled(SIGINT, now);
  EXPECT_EQ(move(slow), run_move::cancel);
  EXPECT_EQ(next_move(slow), run_move::abandoned);
  auto impatient = accepted(true);
  impatient.signalled(SIGINT, now);
  EXPECT_EQ(move(impatient), run_move::cancel);
  impatient.signalled(SIGINT, now);
  EXPECT_EQ(move(impatient), run_move::abandoned);
}

TEST_F(following, sigint_asks_a_person_once) {
  auto one = accepted(true, true);
  one.signalled(SIGINT, now);
  EXPECT_EQ(move(one), run_move::ask);
  EXPECT_TRUE(one.is_asking());
  EXPECT_EQ(move(one), run_move::wait);
  auto leaves = one, cancels = one, again = one;
  leaves.answered(pursuit::person_says::leave, now);
  EXPECT_EQ(move(leaves), run_move::left);
  cancels.answered(pursuit::person_says::cancel, now);
  EXPECT_EQ(move(cancels), run_move::cancel);
  again.signalled(SIGINT, now);
  EXPECT_EQ(move(again), run_move::cancel) << "a second Ctrl-C";
  again.signalled(SIGINT, now);
  EXPECT_EQ(move(again), run_move::abandoned) << "a third one";
}

TEST_F(following, a_person_who_says_nothing_has_left_and_one_who_is_asked_still_sees_the_end) {
  auto one = accepted(true, true);
  one.signalled(SIGINT, now);
  EXPECT_EQ(move(one), run_move::ask);
  auto ends = one;
  ends.ended();
  EXPECT_EQ(move(ends), run_move::done);
  auto last = run_move::attach;
  while (last == run_move::attach) { // it is still followed
    last = next_move(one);
    one.heard(now);
  }
  EXPECT_EQ(last, run_move::left);
}

TEST_F(following, a_run_that_is_not_durable_is_cancelled_without_a_question) {
  auto one = accepted(false, true);
  one.signalled(SIGINT, now);
  EXPECT_EQ(move(one), run_move::cancel);
}

TEST_F(following, a_signal_before_the_answer_waits_for_it_a_moment) {
  auto durable = make();
  durable.signalled(SIGTERM, now);
  EXPECT_EQ(move(durable), run_move::wait);
  auto silent = durable, impatient = durable, other = durable;
  durable.accepted(true, now);
  EXPECT_EQ(move(durable), run_move::left);
  other.accepted(false, now);
  EXPECT_EQ(move(other), run_move::cancel);
  EXPECT_EQ(next_move(silent), run_move::abandoned);
  impatient.signalled(SIGTERM, now);
  EXPECT_EQ(move(impatient), run_move::abandoned);
  auto brief = make(pursuit::start::submits_brief);
  brief.signalled(SIGTERM, now);
  EXPECT_EQ(move(brief), run_move::abandoned) << "it ends without its client anyway";
}

TEST_F(following, a_run_whose_time_is_over_is_cancelled) {
  auto one = make(pursuit::start::submits, true, 2s);
  one.accepted(true, now);
  EXPECT_EQ(next_move(one), run_move::cancel);
  EXPECT_EQ(now - pursuit::time{1h}, 2s);
  EXPECT_EQ(one.why_cancelled(), pursuit::reason::timed_out);
  EXPECT_EQ(next_move(one), run_move::abandoned);
}

TEST_F(following, a_run_that_is_cancelled_while_its_owner_is_away_is_not_waited_for_long) {
  auto one = accepted(true);
  one.link_lost(away, now);
  auto begun = now;
  one.signalled(SIGINT, now);
  EXPECT_EQ(move(one), run_move::cancel);
  EXPECT_EQ(next_move(one), run_move::abandoned);
  EXPECT_LT(now - begun, 10s);
}

} // namespace

} // namespace troupe::cli
