#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// An owner whose journal is slow or has no space; what an owner keeps at most; how it ends.
namespace troupe::tests {
namespace {

class journal_waits : public durable_owner {
protected:
  inline static const auto slot = address::of_agent(name{"reader#1"}, node_a);

  void journal_is_full() { journal_of_hand::refuse(by(), ec::storage_failed); }
  /// There is space again.
  void space() {
    by().now += 1s;
    by().fire(timer_journal);
    written();
  }
  std::size_t unwritten() { return journal_of_hand::unwritten(by()).size(); }
  void failed(const Task& task, ec code) {
    auto made = about<TaskDone>(task);
    *made.mutable_failure() = to_proto({code, "it failed"});
    by().tell(std::move(made));
  }
  static StepsMade step_of(const Task& task, std::uint32_t number, std::string outcome = {}) {
    auto made = about<StepsMade>(task);
    auto& step = *made.add_steps();
    step.set_number(number);
    step.set_asked(number * 11);
    step.set_what("chat");
    if (!outcome.empty()) {
      step.set_kind(static_cast<std::uint32_t>(payload_kind::ModelAnswer));
      step.set_outcome(std::move(outcome));
    }
    return made;
  }
  void tell_again(message_id id, StepsMade what) {
    auto message = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                                 std::move(what));
    message.sender = slot;
    message.id = id;
    message.attempt = 2;
    by().give(std::move(message));
  }
  template <class Question>
  void ask_about(const std::string& run, bool steps = false) {
    Question made;
    made.set_run(run);
    if constexpr (requires { made.set_steps(steps); })
      made.set_steps(steps);
    by().ask(std::move(made), client);
  }
};

// -- while it cannot write ----------------------------------------------------------------------

TEST_F(journal_waits, no_task_of_a_durable_run_is_offered_until_there_is_space) {
  accepted(many(20));
  auto first = offers();
  done(first.at(0));
  EXPECT_EQ(offers().size(), 1u);
  journal_is_full();
  done(first.at(1));
  EXPECT_TRUE(offers().empty());
  auto off = submission(many(1));
  off.set_durability(DURABILITY_OFF);
  by().ask(std::move(off), client);
  auto others = offers();
  ASSERT_EQ(others.size(), 1u) << "it needs no space";
  EXPECT_FALSE(others[0].durable());
  by().now += 1s;
  by().fire(timer_journal);
  EXPECT_TRUE(offers().empty()) << "it is asked again, and has not answered";
  written();
  done(first.at(2));
  EXPECT_FALSE(offers().empty());
}

TEST_F(journal_waits, no_task_of_a_durable_run_is_offered_while_the_disk_is_slow) {
  accepted(many(20));
  auto first = offers();
  done(first.at(0));
  offers();
  by().now += limits::owner_silence_max;
  done(first.at(1));
  EXPECT_TRUE(offers().empty());
  written();
  EXPECT_FALSE(offers().empty());
}

TEST_F(journal_waits, a_retried_task_waits_too) {
  accepted(many(1));
  auto task = offers().at(0);
  by().tell(about<TaskStarted>(task));
  journal_is_full();
  failed(task, ec::unavailable);
  EXPECT_TRUE(offers().empty());
  space();
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(journal_waits, time_that_runs_out_meanwhile_costs_no_attempt) {
  auto once = many(1);
  once.mutable_tasks(0)->set_attempts(1);
  accepted(once);
  auto task = offers().at(0);
  by().tell(about<TaskStarted>(task));
  by().ask(step_of(task, 1), slot);
  journal_is_full();
  auto late = about<TaskDone>(task);
  *late.mutable_failure() = to_proto({ec::timed_out, "its time is over"});
  late.set_input_tokens(7);
  by().tell(std::move(late));
  space();
  auto again = offers();
  ASSERT_EQ(again.size(), 1u);
  restart();
  again = offers();
  ASSERT_EQ(again.size(), 1u) << "nor later";
  by().tell(about<TaskStarted>(again[0]));
  written();
  done(again[0]);
  written();
  auto ended = by().only<RunEnded>();
  EXPECT_TRUE(ended.ok());
  EXPECT_EQ(ended.input_tokens(), 7u) << "it is paid for";
}

TEST_F(journal_waits, an_owner_that_gives_up_an_attempt_meanwhile_does_not_count_it) {
  auto once = many(1);
  once.mutable_tasks(0)->set_attempts(1);
  once.mutable_tasks(0)->set_time_ms(5'000);
  accepted(once);
  by().tell(about<TaskStarted>(offers().at(0)));
  journal_is_full();
  by().now += 5s + limits::task_deadline_slack;
  by().fire(timer_deadline);
  space();
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(journal_waits, time_that_runs_out_later_costs_one) {
  auto once = many(1);
  once.mutable_tasks(0)->set_attempts(1);
  accepted(once);
  auto task = offers().at(0);
  by().tell(about<TaskStarted>(task));
  written();
  failed(task, ec::timed_out);
  written();
  EXPECT_FALSE(by().only<RunEnded>().ok());
}

TEST_F(journal_waits, a_step_that_is_told_again_is_the_same_step) {
  accepted(many(1));
  auto task = offers().at(0);
  auto id = by().ask(step_of(task, 1), slot);
  tell_again(id, step_of(task, 1));
  written();
  EXPECT_EQ(counted.plain().steps_unknown, 0u);
  EXPECT_GE(by().take<StepsKept>().size(), 1u);
  id = by().ask(step_of(task, 1, "an answer"), slot);
  written();
  by().clear();
  tell_again(id, step_of(task, 1, "an answer")); // its answer was lost
  EXPECT_EQ(unwritten(), 0u);
  written();
  by().only<StepsKept>();
  restart();
  auto next = offers().at(0);
  ASSERT_EQ(next.steps_size(), 1);
  EXPECT_EQ(next.steps(0).outcome(), "an answer");
}

TEST_F(journal_waits, a_step_that_is_told_again_is_answered_once_if_there_is_no_space) {
  accepted(many(1));
  auto task = offers().at(0);
  auto id = by().ask(step_of(task, 1), slot);
  journal_is_full();
  for (int times = 0; times < 100; ++times)
    tell_again(id, step_of(task, 1));
  EXPECT_TRUE(by().take<Failure>().empty());
  space();
  EXPECT_EQ(by().take<StepsKept>().size(), 1u);
}

TEST_F(journal_waits, a_journal_without_space_is_asked_less_and_less_often) {
  accepted(many(1));
  by().tell(about<TaskStarted>(offers().at(0)));
  std::vector<std::chrono::nanoseconds> pauses;
  for (int times = 0; times < 8; ++times) {
    by().out.timers.clear();
    journal_is_full();
    for (const auto& timer : by().out.timers)
      if (timer.id == timer_journal)
        pauses.push_back(timer.after);
    by().now += 1s;
    by().fire(timer_journal);
  }
  ASSERT_EQ(pauses.size(), 8u);
  EXPECT_EQ(pauses[0], 50ms);
  EXPECT_EQ(pauses[1], 100ms);
  EXPECT_EQ(pauses[2], 200ms);
  EXPECT_EQ(pauses[7], 1s);
}

// -- a new life of the owner, and its end -------------------------------------------------------

TEST_F(journal_waits, nothing_is_offered_before_it_knows_that_the_owner_has_begun_again) {
  accepted(many(1));
  now = std::make_unique<life>(roles, counted, ++lives);
  by().tell(make_members({make_member(node_a, MEMBER_UP, 4)}));
  journal.answer_questions(by());
  EXPECT_TRUE(offers().empty()) << "another life could use the numbers of its attempts";
  auto sent = by().take_envelopes<JournalAppend>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_FALSE(sent[0].body.as<JournalAppend>()->unsynced());
  by().out.sends.push_back(std::move(sent[0]));
  written();
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(journal_waits, an_owner_that_ends_leaves_no_gap) {
  auto run = accepted(many(4));
  auto tasks = offers();
  done(tasks.at(0));
  done(tasks.at(1)); // waits for what is on its way
  by().stop();
  auto events = journal_of_hand::unwritten(by());
  ASSERT_EQ(events.size(), 1u) << "what is on its way may come to nothing";
  EXPECT_EQ(events[0].task_succeeded().end().index(), tasks[0].index());
}

TEST_F(journal_waits, an_owner_that_ends_sends_what_had_no_space_with_what_follows) {
  accepted(many(4));
  auto tasks = offers();
  done(tasks.at(0));
  journal_is_full();
  done(tasks.at(1));
  by().stop();
  auto sent = by().take<JournalAppend>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].entries_size(), 2);
}

TEST_F(journal_waits, an_orderly_end_of_the_owner_costs_its_tasks_nothing) {
  accepted(many(1));
  for (std::uint32_t times = 0; times <= limits::task_attempts; ++times) {
    auto all = offers();
    ASSERT_EQ(all.size(), 1u) << times;
    by().tell(about<TaskStarted>(all[0]));
    if (times % 2 == 0)
      written(); // else its start is still on its way
    by().stop();
    written();
    restart();
  }
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(journal_waits, an_owner_that_fails_may_do_so_because_of_its_tasks) {
  accepted(many(1));
  for (std::uint32_t times = 0; times < limits::task_attempts; ++times) {
    auto all = offers();
    ASSERT_EQ(all.size(), 1u) << times;
    by().tell(about<TaskStarted>(all[0]));
    written();
    by().ask(step_of(all[0], 1), slot);
    EXPECT_THROW(by().tell(JournalStarted{}), std::runtime_error);
    by().stop();
    written();
    restart();
  }
  EXPECT_TRUE(offers().empty());
}

// -- what it keeps at most ----------------------------------------------------------------------

TEST_F(journal_waits, a_few_runs_are_read_at_once_and_more_are_refused) {
  auto run = accepted(many(1));
  work_off();
  written();
  by().clear();
  for (std::size_t i = 0; i < limits::runs_read_at_once_max + 2; ++i)
    ask_about<RunAsked>(run, true);
  auto refused = by().take<Failure>();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(from_proto(refused[0]).code, ec::overloaded);
  written();
  EXPECT_EQ(by().take<RunShown>().size(), limits::runs_read_at_once_max);
  ask_about<RunAsked>(run, true);
  written();
  by().only<RunShown>();
}

TEST_F(journal_waits, results_that_wait_for_the_runs_that_repeat_them_count_too) {
  auto run = accepted(many(1));
  work_off();
  written();
  by().clear();
  RunRetry retry;
  retry.set_run(run);
  retry.set_failed(true);
  for (std::size_t i = 0; i < limits::runs_read_at_once_max; ++i)
    by().ask(retry, client);
  journal.answer_questions(by());
  ask_about<RunAsked>(run, true);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::overloaded);
  written();
  ask_about<RunAsked>(run, true);
  written();
  by().only<RunShown>();
}

TEST_F(journal_waits, so_many_requests_wait_for_it_and_no_more) {
  by().ask(submission(many(1)), client);
  auto append = by().take_envelopes<JournalAppend>();
  auto run = append.at(0).body.as<JournalAppend>()->entries(0).run();
  for (std::size_t i = 0; i < limits::runs_asked_at_once_max; ++i)
    ask_about<RunAttach>(run);
  EXPECT_TRUE(by().take<Failure>().empty());
  ask_about<RunAttach>(run);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::overloaded);
  by().out.sends.push_back(std::move(append[0]));
  written();
  EXPECT_EQ(by().take<RunAccepted>().size(), 1 + limits::runs_asked_at_once_max);
}

TEST_F(journal_waits, the_steps_of_a_task_are_bounded) {
  accepted(many(1));
  auto task = offers().at(0);
  const std::string large(limits::task_steps_bytes_max / 4 - limits::step_weight, 'x');
  for (std::uint32_t number = 1; number <= 4; ++number) {
    auto id = by().ask(step_of(task, number, large), slot);
    tell_again(id, step_of(task, number, large)); // counts once
  }
  EXPECT_TRUE(by().take<Failure>().empty());
  by().ask(step_of(task, 5), slot);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::too_large);
}

TEST_F(journal_waits, the_steps_of_all_tasks_are_bounded) {
  auto options = life::options();
  options.results_bytes_max = 1'000'000;
  coordinator_logic small{options, roles, counted};
  hand owner{small, service::coordinator, node_a, 77};
  journal_of_hand empty;
  owner.tell(make_members({make_member(node_a, MEMBER_UP, 4)}));
  empty.answer(owner);
  owner.ask(submission(many(2)), client);
  empty.answer(owner);
  auto tasks = owner.only<TaskOffer>();
  const std::string large(600'000, 'x');
  owner.ask(step_of(tasks.tasks(0), 1, large), slot);
  empty.answer(owner);
  owner.only<StepsKept>();
  owner.ask(step_of(tasks.tasks(1), 1, large), slot);
  EXPECT_EQ(from_proto(owner.only<Failure>()).code, ec::overloaded);
  auto done = about<TaskDone>(tasks.tasks(0));
  done.set_output(bytes_of(text_value("done")));
  owner.tell(std::move(done));
  owner.ask(step_of(tasks.tasks(1), 1, large), slot);
  empty.answer(owner);
  owner.only<StepsKept>();
}

} // namespace
} // namespace troupe::tests
