#include "actors/coordination/unreadable_runs.hpp"

#include "config/limits/runs.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <string>

/// Runs whose events their owner cannot read, such as those of a later version.
namespace troupe::tests {
namespace {

class unreadable_run : public durable_owner {
protected:
  template <class Question>
  static Question about_run(const std::string& run) {
    Question made;
    made.set_run(run);
    return made;
  }
  /// A run of two tasks, one of them done, whose last event this version does not know.
  std::string from_a_later_version(const std::string& key = "") {
    auto wanted = submission(many(2));
    wanted.set_key(key);
    by().ask(std::move(wanted), client);
    written();
    auto run = by().only<RunAccepted>().run();
    done(offers().at(0));
    written();
    journal.runs[run].emplace_back(); // no `what` that is known
    restart();
    by().clear();
    return run;
  }
  failure refusal() { return from_proto(by().only<Failure>()); }
  static void expect_reason(const failure& why) {
    EXPECT_EQ(why.code, ec::bad_message) << why.message;
    EXPECT_NE(why.message.find("an event that this version does not know"), std::string::npos)
        << why.message;
    EXPECT_NE(why.message.find("troupe runs delete"), std::string::npos) << why.message;
  }
};

TEST_F(unreadable_run, is_listed_with_the_reason_and_others_go_on) {
  auto run = from_a_later_version("monthly");
  auto other = accepted(many(1));
  by().clear();
  by().ask(RunsAsked{}, client);
  written();
  auto found = by().only<RunsFound>();
  ASSERT_EQ(found.runs_size(), 2);
  EXPECT_EQ(found.runs(0).run(), other);
  EXPECT_EQ(found.runs(0).phase(), RUN_GOES_ON);
  EXPECT_EQ(found.runs(1).run(), run);
  EXPECT_EQ(found.runs(1).phase(), RUN_UNREADABLE);
  EXPECT_EQ(found.runs(1).graph(), "many");
  EXPECT_EQ(found.runs(1).key(), "monthly");
  EXPECT_EQ(found.runs(1).done(), 1u);
  EXPECT_EQ(found.runs(1).total(), 2u);
  expect_reason(from_proto(found.runs(1).failure()));
  RunsAsked those;
  those.set_phase(RUN_UNREADABLE);
  by().ask(std::move(those), client);
  written();
  EXPECT_EQ(by().only<RunsFound>().runs_size(), 1);
}

TEST_F(unreadable_run, is_shown_with_the_reason) {
  auto run = from_a_later_version();
  for (bool steps : {false, true}) {
    auto asked = about_run<RunAsked>(run);
    asked.set_steps(steps);
    by().ask(std::move(asked), client);
    written();
    auto shown = by().only<RunShown>();
    EXPECT_EQ(shown.summary().phase(), RUN_UNREADABLE);
    expect_reason(from_proto(shown.summary().failure()));
  }
}

TEST_F(unreadable_run, answers_its_followers_and_its_key_with_the_reason) {
  auto run = from_a_later_version("monthly");
  by().ask(about_run<RunAttach>(run), client);
  written();
  expect_reason(refusal());
  by().ask(about_run<RunCancel>(run), client);
  written();
  expect_reason(refusal());
  auto again = submission(many(2));
  again.set_key("monthly");
  by().ask(std::move(again), client);
  written();
  expect_reason(refusal());
  EXPECT_TRUE(offers().empty());
}

TEST_F(unreadable_run, is_forgotten_when_somebody_deletes_it) {
  auto run = from_a_later_version("monthly");
  by().ask(about_run<RunDelete>(run), client);
  EXPECT_TRUE(by().take<RunDeleted>().empty()) << "before it is written";
  written();
  EXPECT_EQ(by().only<RunDeleted>().run(), run);
  EXPECT_TRUE(journal.runs.empty());
  by().ask(RunsAsked{}, client);
  written();
  EXPECT_EQ(by().only<RunsFound>().runs_size(), 0);
  auto again = submission(many(2));
  again.set_key("monthly");
  by().ask(std::move(again), client);
  written();
  EXPECT_NE(by().only<RunAccepted>().run(), run) << "its key is free";
}

TEST_F(unreadable_run, that_was_to_be_deleted_when_its_owner_ended_has_ended) {
  auto run = from_a_later_version();
  by().ask(about_run<RunDelete>(run), client);
  auto ends = by().take_envelopes<JournalAppend>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_FALSE(ends[0].body.as<JournalAppend>()->unsynced());
  RunEvent end;
  ASSERT_TRUE(end.ParseFromString(ends[0].body.as<JournalAppend>()->entries(0).event()));
  journal.runs[run].push_back(end); // it is written, and the node ends
  restart();
  by().clear();
  by().ask(about_run<RunDelete>(run), client);
  written();
  EXPECT_EQ(by().only<RunDeleted>().run(), run);
}

TEST_F(unreadable_run, is_repeated_from_its_beginning_or_with_the_results_that_can_be_read) {
  auto run = from_a_later_version();
  by().ask(about_run<RunRetry>(run), client);
  written();
  auto again = by().only<RunAccepted>().run();
  EXPECT_NE(again, run);
  EXPECT_EQ(offers().size(), 2u);
  auto failed_ones = about_run<RunRetry>(run);
  failed_ones.set_failed(true);
  by().ask(std::move(failed_ones), client);
  written();
  by().only<RunAccepted>();
  EXPECT_EQ(offers().size(), 1u);
  by().ask(about_run<RunAttach>(run), client);
  written();
  expect_reason(refusal()); // it is still there
}

TEST_F(unreadable_run, may_have_a_graph_that_is_refused_now) {
  auto run = accepted(many(1));
  journal.runs[run][0].mutable_began()->mutable_graph()->mutable_tasks(0)->add_needs("nobody");
  restart();
  by().clear();
  by().ask(RunsAsked{}, client);
  written();
  auto found = by().only<RunsFound>();
  ASSERT_EQ(found.runs_size(), 1);
  EXPECT_EQ(found.runs(0).phase(), RUN_UNREADABLE);
  EXPECT_EQ(found.runs(0).graph(), "many");
  by().ask(about_run<RunRetry>(run), client);
  written();
  EXPECT_EQ(refusal().code, ec::invalid_argument) << "the graph is still what it is";
}

TEST_F(unreadable_run, with_a_beginning_that_cannot_be_read_can_only_be_forgotten) {
  auto run = accepted(many(1));
  journal.runs[run][0].Clear();
  restart();
  by().clear();
  by().ask(about_run<RunAttach>(run), client);
  written();
  auto why = refusal();
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_EQ(why.message.find("troupe runs retry"), std::string::npos) << why.message;
  by().ask(about_run<RunRetry>(run), client);
  written();
  EXPECT_EQ(refusal().code, ec::bad_message);
  by().ask(about_run<RunDelete>(run), client);
  written();
  EXPECT_EQ(by().only<RunDeleted>().run(), run);
}

TEST(unreadable_runs_table, is_bounded) {
  unreadable_runs all;
  for (std::uint64_t i = 1; i <= limits::unreadable_runs_max; ++i)
    ASSERT_TRUE(all.add(unreadable_runs::summary({}, {1, i}, {ec::bad_message, "why"})));
  EXPECT_FALSE(all.add(unreadable_runs::summary({}, {2, 1}, {ec::bad_message, "why"})));
  EXPECT_FALSE(all.find({2, 1}));
  all.forget({1, 1});
  EXPECT_TRUE(all.add(unreadable_runs::summary({}, {2, 1}, {ec::bad_message, "why"})));
}

} // namespace
} // namespace troupe::tests
