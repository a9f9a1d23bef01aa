#include "config/limits/attaching.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <string>
#include <utility>
#include <vector>

/// What clients ask about a run that the journal has not written, or not yet, and what they ask
/// again.
namespace troupe::tests {
namespace {

inline const auto other_client = address::of_session({43}, node_b);

class known_submissions : public durable_owner {
protected:
  template <class Message>
  void again(message_id id, Message what, std::uint16_t attempt = 2) {
    auto message = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                                 std::move(what));
    message.sender = client;
    message.id = id;
    message.attempt = attempt;
    by().give(std::move(message));
  }
  template <class Question>
  Question about_run(const std::string& run) {
    Question made;
    made.set_run(run);
    return made;
  }
  RunSubmit keyed(Graph graph) {
    auto made = submission(std::move(graph));
    made.set_key("tonight");
    return made;
  }
  std::string ended() {
    auto run = accepted(many(1));
    done(offers().at(0));
    written();
    by().clear();
    return run;
  }
  /// A run whose end takes several steps to tell; it is cancelled, and that is written.
  std::string ending(RunSubmit wanted) {
    by().ask(std::move(wanted), client);
    written();
    auto run = by().only<RunAccepted>().run();
    by().tell(about_run<RunCancel>(run), client);
    written();
    by().clear();
    return run;
  }
  static Graph wide() { return many(6'000); }
};

// -- a run that the journal may still refuse ----------------------------------------------------

TEST_F(known_submissions, are_not_accepted_again_while_the_journal_may_refuse_the_run) {
  auto id = by().ask(submission(many(1)), client);
  again(id, submission(many(1)));
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  journal_of_hand::refuse(by(), ec::storage_failed);
  written();
  EXPECT_TRUE(by().take<RunAccepted>().empty()) << "there is no such run";
  auto refusals = by().take<Failure>();
  ASSERT_EQ(refusals.size(), 2u);
  for (const auto& why : refusals)
    EXPECT_EQ(from_proto(why).code, ec::storage_failed);
}

TEST_F(known_submissions, with_a_key_begin_anew_if_the_run_with_that_key_was_refused) {
  by().ask(keyed(many(1)), client);
  journal.answer_questions(by());
  by().ask(keyed(many(1)), other_client);
  journal_of_hand::refuse(by(), ec::storage_failed);
  EXPECT_EQ(by().take<Failure>().size(), 1u);
  written();
  auto accepted = by().only<RunAccepted>();
  EXPECT_FALSE(accepted.known());
  EXPECT_TRUE(journal.runs.contains(accepted.run()));
}

TEST_F(known_submissions, a_client_is_attached_to_a_run_once_it_has_begun) {
  by().ask(submission(many(1)), client);
  auto append = by().take_envelopes<JournalAppend>();
  ASSERT_EQ(append.size(), 1u);
  auto run = append[0].body.as<JournalAppend>()->entries(0).run();
  by().ask(about_run<RunAttach>(run), other_client);
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  by().give(reply_failure(append[0], {ec::storage_failed, "full"}));
  by().take<Failure>();
  written();
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::not_found);
}

// -- a run that is ending -----------------------------------------------------------------------

TEST_F(known_submissions, a_run_is_shown_while_its_end_is_put_together) {
  auto run = ending(submission(wide()));
  by().ask(about_run<RunAsked>(run), client);
  written();
  EXPECT_EQ(by().only<RunShown>().summary().phase(), RUN_GOES_ON);
}

TEST_F(known_submissions, with_a_key_are_told_an_end_that_is_written_meanwhile) {
  auto run = ending(keyed(wide()));
  by().ask(keyed(many(1)), other_client);
  auto question = by().take_envelopes<JournalFind>();
  ASSERT_EQ(question.size(), 1u);
  for (int step = 0; step < 8; ++step)
    by().fire(timer_go_on);
  JournalRun found;
  found.set_run(run);
  by().give(reply_to(question[0], std::move(found)));
  EXPECT_TRUE(by().take<Failure>().empty());
  written();
  EXPECT_EQ(by().only<RunAccepted>().run(), run);
  EXPECT_EQ(by().take<RunEnded>().size(), 2u);
}

TEST_F(known_submissions, everybody_who_cancels_a_run_hears_of_its_end) {
  auto run = accepted(many(1));
  auto task = offers().at(0);
  by().tell(about<TaskStarted>(task));
  by().ask(about_run<RunCancel>(run), client);
  auto id = by().ask(about_run<RunCancel>(run), other_client);
  again(id, about_run<RunCancel>(run)); // of another session
  auto given_up = about<TaskDone>(task);
  *given_up.mutable_failure() = to_proto({ec::cancelled, "given up"});
  by().tell(std::move(given_up));
  written();
  std::size_t replies = 0;
  for (const auto& told : by().take_envelopes<RunEnded>())
    replies += told.kind == message_kind::reply ? 1 : 0;
  EXPECT_EQ(replies, 3u);
}

// -- questions that need not wait ---------------------------------------------------------------

TEST_F(known_submissions, what_is_asked_about_other_runs_does_not_wait_for_the_disk) {
  auto over = ended();
  accepted(many(2));
  done(offers().at(0));
  journal_of_hand::refuse(by(), ec::storage_failed);
  by().ask(about_run<RunAttach>(over), other_client);
  by().ask(about_run<RunAsked>(over), other_client);
  by().ask(RunsAsked{}, other_client);
  journal.answer_questions(by());
  EXPECT_EQ(by().only<RunAccepted>().run(), over);
  EXPECT_EQ(by().only<RunShown>().summary().run(), over);
  EXPECT_EQ(by().only<RunsFound>().runs_size(), 2);
}

TEST_F(known_submissions, a_run_whose_end_is_not_written_goes_on_for_those_who_list_runs) {
  auto run = accepted(many(1));
  done(offers().at(0));
  by().ask(RunsAsked{}, other_client);
  journal.answer_questions(by());
  auto found = by().only<RunsFound>();
  ASSERT_EQ(found.runs_size(), 1);
  EXPECT_EQ(found.runs(0).run(), run);
  EXPECT_EQ(found.runs(0).phase(), RUN_GOES_ON);
  written();
  by().ask(RunsAsked{}, other_client);
  written();
  found = by().only<RunsFound>();
  ASSERT_EQ(found.runs_size(), 1);
  EXPECT_EQ(found.runs(0).phase(), RUN_SUCCEEDED);
}

// -- keys and clients ---------------------------------------------------------------------------

TEST_F(known_submissions, with_a_key_that_is_too_long_are_refused) {
  auto long_key = submission(many(1));
  long_key.set_key(std::string(limits::run_key_bytes_max + 1, 'k'));
  by().ask(long_key, client);
  written();
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
  long_key.set_key(std::string(limits::run_key_bytes_max, 'k'));
  by().ask(long_key, client);
  written();
  by().only<RunAccepted>();
}

TEST_F(known_submissions, begin_nothing_that_lasts_for_a_client_that_is_gone_meanwhile) {
  for (bool comes_back : {false, true}) {
    SCOPED_TRACE(comes_back);
    now = std::make_unique<life>(roles, counted, ++lives); // its journal has not answered yet
    by().tell(make_members({make_member(node_a, MEMBER_UP, 4)}));
    auto off = submission(many(1));
    off.set_durability(DURABILITY_OFF);
    auto id = by().ask(off, client);
    SessionClosed closed;
    closed.set_session(client.session.value);
    closed.set_left(true);
    by().tell(std::move(closed));
    if (comes_back)
      again(id, off);
    written();
    EXPECT_EQ(offers().size(), comes_back ? 1u : 0u);
    EXPECT_EQ(by().take<RunEnded>().size(), comes_back ? 0u : 1u);
  }
}

// -- runs that repeat others --------------------------------------------------------------------

TEST_F(known_submissions, a_retry_that_is_repeated_while_its_run_is_read_is_accepted_once) {
  auto over = ended();
  auto id = by().ask(about_run<RunRetry>(over), client);
  again(id, about_run<RunRetry>(over));
  written();
  EXPECT_TRUE(by().take<Failure>().empty());
  by().only<RunAccepted>();
  EXPECT_EQ(offers().size(), 1u);
}

TEST_F(known_submissions, a_retry_is_begun_once_whatever_ends_meanwhile) {
  auto over = ended();
  restart();
  for (std::uint16_t attempt = 2; attempt <= 3; ++attempt) {
    again({client.session, 9}, about_run<RunRetry>(over), attempt); // never accepted before
    written();
  }
  auto told = by().take<RunAccepted>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].run(), told[1].run());
  auto run = told[0].run();
  restart();
  again({client.session, 9}, about_run<RunRetry>(over), 4);
  written();
  EXPECT_EQ(by().only<RunAccepted>().run(), run) << "while it goes on";
  work_off();
  written();
  by().clear();
  restart();
  again({client.session, 9}, about_run<RunRetry>(over), 5);
  written();
  EXPECT_EQ(by().only<RunAccepted>().run(), run) << "when it has ended";
  EXPECT_TRUE(by().only<RunEnded>().ok());
  EXPECT_EQ(journal.runs.size(), 2u);
}

} // namespace
} // namespace troupe::tests
