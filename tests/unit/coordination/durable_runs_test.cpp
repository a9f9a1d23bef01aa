#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <set>

/// Runs that outlive their owner.
namespace troupe::tests {
namespace {

using durable_runs = durable_owner;

TEST_F(durable_runs, are_accepted_and_begun_when_the_journal_has_them) {
  by().ask(submission(many(1)), client);
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  EXPECT_TRUE(offers().empty());
  auto events = journal_of_hand::unwritten(by());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].began().graph().name(), "many");
  written();
  EXPECT_EQ(by().only<RunAccepted>().durability(), DURABILITY_SYNC);
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(durable_runs, that_the_journal_refuses_are_refused_and_leave_nothing) {
  by().ask(submission(many(1)), client);
  auto appends = by().take_envelopes<JournalAppend>();
  ASSERT_EQ(appends.size(), 1u);
  EXPECT_TRUE(appends[0].body.as<JournalAppend>()->begins());
  by().give(reply_failure(appends[0], {ec::storage_failed, "the disk is full"}));
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::storage_failed);
  EXPECT_TRUE(offers().empty());
  EXPECT_TRUE(accepted(many(1)).size() == 16) << "others go on";
}

TEST_F(durable_runs, are_written_later_if_the_journal_has_no_room_for_the_message) {
  by().ask(submission(many(1)), client);
  auto appends = by().take_envelopes<JournalAppend>();
  ASSERT_EQ(appends.size(), 1u);
  by().give(reply_failure(appends[0], {ec::overloaded, "full"}));
  EXPECT_TRUE(by().take<Failure>().empty());
  ASSERT_TRUE(by().armed(timer_journal));
  by().now += limits::journal_retry_after;
  by().fire(timer_journal);
  ASSERT_EQ(journal_of_hand::unwritten(by()).size(), 1u);
  written();
  by().only<RunAccepted>();
}

TEST_F(durable_runs, end_the_node_if_nobody_knows_what_was_written) {
  by().ask(submission(many(1)), client);
  auto appends = by().take_envelopes<JournalAppend>();
  EXPECT_THROW(by().give(reply_failure(appends.at(0), {ec::unavailable, "it has stopped"})),
               std::runtime_error);
}

TEST_F(durable_runs, end_their_owner_if_the_journal_failed_with_what_it_was_sent) {
  by().tell(JournalStarted{}); // nothing is on its way to it
  by().ask(submission(many(1)), client);
  EXPECT_THROW(by().tell(JournalStarted{}), std::runtime_error);
}

TEST_F(durable_runs, are_told_their_end_when_the_journal_has_it) {
  auto run = accepted(many(1));
  done(offers().at(0));
  EXPECT_TRUE(by().take<RunEnded>().empty());
  written();
  EXPECT_TRUE(by().only<RunEnded>().ok());
  ASSERT_TRUE(journal.has_ended(run));
  const auto& summary = journal.runs[run].back().finished().summary();
  EXPECT_EQ(summary.phase(), RUN_SUCCEEDED);
  EXPECT_EQ(summary.done(), 1u);
}

TEST_F(durable_runs, wait_for_a_sync_only_where_something_is_acknowledged) {
  accepted(many(2));
  auto tasks = offers();
  by().tell(about<TaskStarted>(tasks.at(0)));
  auto appends = by().take<JournalAppend>();
  ASSERT_EQ(appends.size(), 1u);
  EXPECT_TRUE(appends[0].unsynced());
  auto later = submission(many(1));
  later.set_durability(DURABILITY_ASYNC);
  by().ask(std::move(later), client);
  appends = by().take<JournalAppend>();
  ASSERT_EQ(appends.size(), 1u);
  EXPECT_FALSE(appends[0].unsynced()) << "a run that is accepted is on disk";
}

TEST_F(durable_runs, are_gone_on_with_from_any_point) {
  by().ask(spread(), client);
  written();
  by().take<RunAccepted>();
  work_off();
  written();
  auto whole = by().only<RunEnded>();
  ASSERT_TRUE(whole.ok());
  ASSERT_EQ(journal.runs.size(), 1u);
  auto [run, events] = *journal.runs.begin();
  for (std::size_t kept = 1; kept < events.size(); ++kept) {
    SCOPED_TRACE(kept);
    journal.runs = {{run, {events.begin(), events.begin() + static_cast<std::ptrdiff_t>(kept)}}};
    std::set<std::uint32_t> known;
    for (const auto& event : journal.runs[run])
      if (event.has_task_succeeded())
        known.insert(event.task_succeeded().end().index());
    restart();
    for (auto all = offers(); !all.empty(); all = offers())
      for (const auto& task : all) {
        EXPECT_FALSE(known.contains(task.index())) << "it is known what it came to";
        EXPECT_GT(task.attempt(), limits::task_attempts_max) << "of an earlier life";
        done(task, result_of_task(task));
      }
    written();
    auto told = by().take<RunEnded>();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].result().SerializeAsString(), whole.result().SerializeAsString());
    ASSERT_EQ(told[0].tasks_size(), whole.tasks_size());
    for (int i = 0; i < whole.tasks_size(); ++i)
      EXPECT_EQ(told[0].tasks(i).task(), whole.tasks(i).task());
    EXPECT_EQ(journal.runs[run].back().finished().summary().resumed(), 1u);
  }
}

TEST_F(durable_runs, survive_many_ends_of_their_owner) {
  auto run = accepted(many(4));
  for (int times = 0; times < 4; ++times) {
    auto all = offers();
    ASSERT_EQ(all.size(), 4u - static_cast<unsigned>(times));
    done(all.at(0), "result");
    written();
    if (times < 3)
      restart();
  }
  EXPECT_TRUE(by().only<RunEnded>().ok());
  EXPECT_TRUE(journal.has_ended(run));
}

TEST_F(durable_runs, that_were_cancelled_stay_cancelled) {
  auto run = accepted(many(1));
  auto task = offers().at(0);
  by().tell(about<TaskStarted>(task));
  RunCancel cancel;
  cancel.set_run(run);
  by().tell(std::move(cancel), client);
  written();
  EXPECT_TRUE(by().take<RunEnded>().empty()) << "its agent has not given up";
  restart();
  EXPECT_TRUE(offers().empty());
  auto told = by().take<RunEnded>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(from_proto(told[0].failure()).code, ec::cancelled);
  EXPECT_EQ(journal.runs[run].back().finished().summary().phase(), RUN_CANCELLED);
}

TEST_F(durable_runs, need_no_client) {
  accepted(many(1));
  SessionClosed closed;
  closed.set_session(client.session.value);
  closed.set_left(true);
  by().tell(std::move(closed));
  by().now += limits::client_return_max + 1s;
  by().fire(timer_gone);
  EXPECT_TRUE(by().take<TaskCancel>().empty());
  done(offers().at(0));
  written();
  EXPECT_TRUE(journal.has_ended(journal.runs.begin()->first));
}

TEST_F(durable_runs, are_left_when_their_owner_stops) {
  auto run = accepted(many(2));
  done(offers().at(0));
  by().stop();
  EXPECT_TRUE(by().take<RunEnded>().empty());
  written();
  EXPECT_FALSE(journal.has_ended(run));
  restart();
  EXPECT_EQ(offers().size(), 1u) << "what was done is known";
}

TEST_F(durable_runs, give_up_a_task_that_ends_its_owner_again_and_again) {
  accepted(many(1));
  for (std::uint32_t times = 0; times < limits::task_attempts; ++times) {
    auto all = offers();
    ASSERT_EQ(all.size(), 1u) << times;
    by().tell(about<TaskStarted>(all[0]));
    written();
    restart();
  }
  EXPECT_TRUE(offers().empty());
  auto ended = by().only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(from_proto(ended.tasks(0).failure()).code, ec::unavailable);
}

TEST_F(durable_runs, that_are_off_are_not_in_the_journal) {
  auto off = submission(many(1));
  off.set_durability(DURABILITY_OFF);
  by().ask(std::move(off), client);
  EXPECT_EQ(by().only<RunAccepted>().durability(), DURABILITY_OFF);
  done(offers().at(0));
  EXPECT_TRUE(by().only<RunEnded>().ok());
  EXPECT_TRUE(by().take<JournalAppend>().empty());
}

// -- submitted once -----------------------------------------------------------------------------

TEST_F(durable_runs, are_found_by_the_key_of_their_submission) {
  auto keyed = submission(many(1));
  keyed.set_key("tonight");
  by().ask(keyed, client);
  written();
  auto run = by().only<RunAccepted>();
  EXPECT_FALSE(run.known());
  by().ask(keyed, client);
  auto second = by().only<RunAccepted>();
  EXPECT_TRUE(second.known()) << "while it goes on";
  EXPECT_EQ(second.run(), run.run());
  done(offers().at(0));
  written();
  EXPECT_EQ(by().take<RunEnded>().size(), 2u) << "both submitters hear of it";
  restart();
  by().ask(keyed, client);
  written();
  auto third = by().only<RunAccepted>();
  EXPECT_TRUE(third.known()) << "after its end, and its owner's";
  EXPECT_EQ(third.run(), run.run());
  EXPECT_TRUE(by().only<RunEnded>().ok());
  EXPECT_TRUE(offers().empty());
}

TEST_F(durable_runs, are_begun_once_for_a_submission_that_is_repeated) {
  by().ask(submission(many(1)), client); // written, but the owner ends before it says so
  journal.answer(by());
  auto run = journal.runs.begin()->first;
  restart();
  auto again = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                             submission(many(1)));
  again.sender = client;
  again.id = {{77}, 1};
  again.attempt = 2;
  // The hand gives its submissions the session 77; a client's is that of its address.
  again.sender.session = {42};
  by().give(std::move(again));
  written();
  EXPECT_EQ(by().only<RunAccepted>().run(), run);
  EXPECT_EQ(journal.runs.size(), 1u);
}

TEST_F(durable_runs, are_accepted_again_when_they_are_written_and_as_what_they_are) {
  auto id = by().ask(submission(many(1)), client);
  auto repeat = [&] {
    auto again = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                               submission(many(1)));
    again.sender = client;
    again.id = id;
    again.attempt = 2;
    by().give(std::move(again));
  };
  repeat();
  EXPECT_TRUE(by().take<RunAccepted>().empty()) << "before it is written";
  written();
  EXPECT_EQ(by().take<RunAccepted>().size(), 2u);
  repeat();
  EXPECT_EQ(by().only<RunAccepted>().durability(), DURABILITY_SYNC);
  done(offers().at(0));
  written();
  by().clear();
  repeat(); // it has ended
  auto accepted = by().only<RunAccepted>();
  EXPECT_EQ(accepted.durability(), DURABILITY_SYNC) << "else its client would take it for lost";
  EXPECT_EQ(accepted.run(), by().only<RunEnded>().run());
}

TEST_F(durable_runs, are_begun_once_if_a_repeated_submission_was_never_accepted) {
  for (std::uint16_t attempt = 2; attempt <= 3; ++attempt) { // before the journal knows of none
    auto again = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                               submission(many(1)));
    again.sender = client;
    again.id = {{77}, 9};
    again.attempt = attempt;
    by().give(std::move(again));
  }
  written();
  auto told = by().take<RunAccepted>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[0].known());
  EXPECT_EQ(told[1].run(), told[0].run());
  EXPECT_EQ(offers().size(), 1u);
}

// -- steps --------------------------------------------------------------------------------------

StepsMade step_of(const Task& task, std::uint32_t number, std::string outcome = {}) {
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

TEST_F(durable_runs, give_their_known_steps_to_the_next_attempt) {
  accepted(many(1));
  auto task = offers().at(0);
  EXPECT_TRUE(task.durable());
  auto slot = address::of_agent(name{"reader#1"}, node_a);
  by().ask(step_of(task, 1), slot);
  EXPECT_TRUE(by().take<StepsKept>().empty()) << "before it is written";
  written();
  by().only<StepsKept>();
  by().ask(step_of(task, 1, "an answer"), slot);
  by().ask(step_of(task, 2), slot);
  written();
  EXPECT_EQ(by().take<StepsKept>().size(), 2u);
  restart();
  auto next = offers().at(0);
  ASSERT_EQ(next.steps_size(), 2);
  EXPECT_EQ(next.steps(0).outcome(), "an answer");
  EXPECT_FALSE(next.steps(0).unknown());
  EXPECT_EQ(next.steps(1).kind(), 0u);
  EXPECT_TRUE(next.steps(1).unknown()) << "nobody knows what came of it";
  by().ask(step_of(task, 2, "too late"), slot);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::cancelled) << "of the earlier attempt";
  by().ask(step_of(next, 2), slot); // again
  written();
  by().only<StepsKept>();
  EXPECT_EQ(counted.plain().steps_unknown, 1u);
  done(next);
  written();
  auto ended = by().only<RunEnded>();
  EXPECT_EQ(ended.unknown_steps(), 1u);
  EXPECT_EQ(ended.tasks(0).unknown_steps(), 1u);
}

TEST_F(durable_runs, call_a_step_unknown_only_if_nobody_told_how_its_attempt_ended) {
  // Who is stopped, or times out, does not say what became of a call that was on its way.
  for (auto code : {ec::provider_failed, ec::unavailable, ec::timed_out}) {
    SCOPED_TRACE(to_string(code));
    counted.plain().steps_unknown = 0;
    accepted(many(1));
    auto task = offers().at(0);
    auto slot = address::of_agent(name{"reader#1"}, node_a);
    by().ask(step_of(task, 1), slot);
    written();
    auto failed = about<TaskDone>(task);
    *failed.mutable_failure() = to_proto({code, "no answer"});
    by().tell(std::move(failed));
    auto next = offers().at(0);
    ASSERT_EQ(next.steps_size(), 1);
    EXPECT_EQ(next.steps(0).unknown(), code != ec::provider_failed);
    by().ask(step_of(next, 1), slot);
    written();
    EXPECT_EQ(counted.plain().steps_unknown, code == ec::provider_failed ? 0u : 1u);
    done(next);
    written();
  }
}

TEST_F(durable_runs, keep_no_step_that_they_refuse) {
  accepted(many(1));
  auto task = offers().at(0);
  auto slot = address::of_agent(name{"reader#1"}, node_a);
  by().ask(step_of(task, 2), slot); // the first was lost on its way
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
  by().ask(step_of(task, 1, "an answer"), slot);
  by().ask(step_of(task, 1, "another"), slot);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
  written();
  restart();
  auto next = offers();
  ASSERT_EQ(next.size(), 1u) << "the journal can be read";
  ASSERT_EQ(next.at(0).steps_size(), 1);
  EXPECT_EQ(next.at(0).steps(0).outcome(), "an answer");
}

TEST_F(durable_runs, keep_an_outcome_as_it_was) {
  accepted(many(1));
  auto task = offers().at(0);
  auto slot = address::of_agent(name{"reader#1"}, node_a);
  by().ask(step_of(task, 1, "an answer"), slot);
  by().ask(step_of(task, 1, "an answer"), slot);
  EXPECT_TRUE(by().take<Failure>().empty());
  by().ask(step_of(task, 1, "another"), slot);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
}

TEST_F(durable_runs, refuse_steps_out_of_order) {
  accepted(many(1));
  auto task = offers().at(0);
  by().ask(step_of(task, 2), address::of_agent(name{"reader#1"}, node_a));
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
}

} // namespace
} // namespace troupe::tests
