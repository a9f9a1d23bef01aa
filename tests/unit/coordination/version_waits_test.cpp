#include "config/limits/work.hpp"
#include "tests/unit/coordination/versions_fixture.hpp"

#include <algorithm>
#include <string>

/// Tasks with steps of a version that nodes do not have.
namespace troupe::tests {
namespace {

class version_waits : public owner_of_versions {
protected:
  std::string run;

  /// A task with a recorded step that only node `a` has been offered, and has refused.
  Task refused_here(int tasks = 1) {
    run = accepted(many(tasks));
    auto task = offers().at(0);
    record_step(task, "an answer");
    restart();
    auto again = offers().at(0);
    EXPECT_EQ(again.steps_size(), 1);
    refuse(again, node_a, REFUSED_VERSION);
    return again;
  }
  RunRetry retry() const {
    RunRetry made;
    made.set_run(run);
    made.set_want_progress(true);
    return made;
  }
  void ask_retry(std::uint64_t number, std::uint16_t attempt = 1) {
    auto asked =
        make_envelope(message_kind::request, address::of(service::coordinator, node_a), retry());
    asked.sender = client;
    asked.id = {{42}, number};
    asked.attempt = attempt;
    by().give(std::move(asked));
    written();
  }
};

TEST_F(version_waits, end_at_no_time_and_cost_no_attempt) {
  auto task = refused_here();
  EXPECT_TRUE(offers().empty());
  for (int times = 0; times < 20; ++times) {
    by().now += 1h;
    by().fire(timer_retry);
    members({node_a});
    EXPECT_TRUE(offers().empty());
  }
  EXPECT_TRUE(by().take<RunEnded>().empty());
  for (std::uint32_t times = 0; times < 2 * limits::task_attempts_max; ++times) {
    restart();
    auto all = offers();
    ASSERT_EQ(all.size(), 1u) << "its owner asks again, after " << times;
    refuse(all[0], node_a, REFUSED_VERSION);
    written();
  }
  restart();
  auto last = offers().at(0);
  ASSERT_EQ(last.steps_size(), 1);
  EXPECT_EQ(last.steps(0).outcome(), "an answer");
  done(last);
  written();
  EXPECT_TRUE(journal.has_ended(run));
  EXPECT_EQ(journal.runs[run].back().finished().summary().phase(), RUN_SUCCEEDED);
}

TEST_F(version_waits, are_offered_to_each_node_that_is_up_first) {
  auto task = refused_here();
  members({node_a, node_b, node_c});
  for (int nodes = 0; nodes < 2; ++nodes) {
    auto all = offers_by_node();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_NE(all[0].first, node_a) << "it has refused";
    EXPECT_EQ(all[0].second.attempt(), task.attempt());
    refuse(all[0].second, all[0].first, REFUSED_VERSION);
  }
  EXPECT_TRUE(offers_by_node().empty()) << "all have refused";
}

TEST_F(version_waits, end_when_a_node_comes_or_begins_anew) {
  refused_here();
  members({node_a, node_b});
  auto all = offers_by_node();
  ASSERT_EQ(all.size(), 1u);
  refuse(all[0].second, node_b, REFUSED_VERSION);
  members({node_a, node_b});
  EXPECT_TRUE(offers_by_node().empty()) << "it is the same";
  members({node_a});
  members({node_a, node_b});
  all = offers_by_node();
  ASSERT_EQ(all.size(), 1u) << "it was away";
  EXPECT_EQ(all[0].first, node_b);
  refuse(all[0].second, node_b, REFUSED_VERSION);
  members({node_a, node_b}, 2);
  all = offers_by_node();
  ASSERT_EQ(all.size(), 1u) << "it has begun anew";
  EXPECT_EQ(all[0].first, node_b);
  done(all[0].second);
  written();
  EXPECT_TRUE(journal.has_ended(run));
}

TEST_F(version_waits, are_told_where_the_run_is_shown_and_logged_once) {
  run = accepted(many(3));
  auto all = offers();
  ASSERT_EQ(all.size(), 3u);
  for (auto at : {0u, 1u})
    record_step(all.at(at), "an answer");
  restart();
  by().out.logs.clear();
  std::uint32_t refused = 0;
  for (auto& task : offers())
    if (task.steps_size() > 0 && ++refused > 0)
      refuse(task, node_a, REFUSED_VERSION);
  ASSERT_EQ(refused, 2u);
  auto warnings = std::count_if(by().out.logs.begin(), by().out.logs.end(),
                                [](const auto& line) { return line.level == log_level::warning; });
  EXPECT_EQ(warnings, 1) << "not a line for each task";
  auto told = shown(run);
  EXPECT_EQ(told.summary().waits_for_version(), 2u);
  ASSERT_EQ(told.ended().tasks_size(), 3);
  EXPECT_EQ(told.ended().tasks(0).waits_for(), "version 1 of the mind chat (node-b has version 2)");
  EXPECT_EQ(told.ended().tasks(2).waits_for(), "");
}

TEST_F(version_waits, are_told_to_those_who_follow) {
  refused_here();
  RunAttach attach;
  attach.set_run(run);
  attach.set_want_progress(true);
  by().ask(std::move(attach), client);
  by().fire(timer_progress);
  auto progress = by().take<RunProgress>();
  ASSERT_FALSE(progress.empty());
  EXPECT_EQ(progress.back().waits_for_version(), 1u);
  EXPECT_EQ(progress.back().waits_for(), "version 1 of the mind chat (node-b has version 2)");
}

TEST_F(version_waits, end_by_a_retry_that_begins_them_without_their_steps) {
  refused_here();
  by().ask(retry(), client);
  EXPECT_TRUE(by().take<RunAccepted>().empty()) << "before it is written";
  written();
  auto accepted_again = by().only<RunAccepted>();
  EXPECT_EQ(accepted_again.run(), run);
  EXPECT_TRUE(accepted_again.known());
  auto task = offers().at(0);
  EXPECT_EQ(task.steps_size(), 0);
  EXPECT_EQ(shown(run).summary().waits_for_version(), 0u);
  EXPECT_EQ(shown(run, true).steps_size(), 0) << "they count no more";
  restart();
  task = offers().at(0);
  EXPECT_EQ(task.steps_size(), 0) << "that is kept";
  record_step(task, "another answer", 2);
  EXPECT_EQ(shown(run, true).steps_size(), 1);
  done(task);
  written();
  EXPECT_EQ(journal.runs[run].back().finished().summary().phase(), RUN_SUCCEEDED);
}

TEST_F(version_waits, are_what_a_retry_of_a_run_that_goes_on_needs) {
  run = accepted(many(1));
  for (std::uint16_t attempt : {std::uint16_t{1}, std::uint16_t{2}}) {
    ask_retry(7, attempt);
    auto why = from_proto(by().only<Failure>());
    EXPECT_EQ(why.code, ec::invalid_argument);
    EXPECT_NE(why.message.find("goes on"), std::string::npos) << why.message;
  }
}

TEST_F(version_waits, are_begun_anew_once_by_a_retry_that_is_repeated) {
  refused_here();
  ask_retry(5);
  by().only<RunAccepted>();
  record_step(offers().at(0), "another answer");
  ask_retry(5, 2);
  EXPECT_EQ(by().only<RunAccepted>().run(), run);
  restart();
  EXPECT_EQ(offers().at(0).steps_size(), 1) << "the step after the first retry is kept";
}

TEST_F(version_waits, are_what_a_retry_has_begun_anew_also_when_their_run_has_ended_meanwhile) {
  refused_here();
  ask_retry(5);
  by().only<RunAccepted>();
  done(offers().at(0));
  written();
  ASSERT_TRUE(journal.has_ended(run));
  restart(); // and its answer was lost
  ask_retry(5, 2);
  auto told = by().only<RunAccepted>();
  EXPECT_EQ(told.run(), run) << "no other one begins";
  EXPECT_TRUE(told.known());
  EXPECT_EQ(by().only<RunEnded>().run(), run);
  EXPECT_TRUE(offers().empty());
  ask_retry(6);
  EXPECT_NE(by().only<RunAccepted>().run(), run) << "that is another wish";
}

TEST_F(version_waits, are_what_a_retry_has_begun_anew_for_each_repetition_of_it) {
  refused_here();
  ask_retry(5);
  by().only<RunAccepted>();
  done(offers().at(0));
  written();
  ASSERT_TRUE(journal.has_ended(run));
  ask_retry(4); // its session is known: what comes with another number is new
  by().only<RunAccepted>();
  for (std::uint16_t attempt : {std::uint16_t{2}, std::uint16_t{3}, std::uint16_t{4}}) {
    by().take<RunEnded>();
    ask_retry(5, attempt); // the answers before were lost
    EXPECT_EQ(by().only<RunAccepted>().run(), run) << attempt;
    EXPECT_EQ(by().only<RunEnded>().run(), run) << attempt;
  }
}

TEST_F(version_waits, that_begin_anew_count_the_calls_that_were_on_their_way) {
  run = accepted(many(1));
  auto task = offers().at(0);
  record_step(task, "an answer");
  auto on_way = about<StepsMade>(task);
  auto& step = *on_way.add_steps();
  step.set_number(2);
  step.set_what("chat gpt-5");
  by().ask(std::move(on_way), address::of_agent(name{"reader#1"}, node_a));
  written();
  by().only<StepsKept>();
  restart();
  refuse(offers().at(0), node_a, REFUSED_VERSION);
  ask_retry(5);
  by().only<RunAccepted>();
  EXPECT_EQ(offers().at(0).steps_size(), 0);
  EXPECT_EQ(counted.plain().steps_unknown, 1u);
  EXPECT_EQ(shown(run).ended().unknown_steps(), 1u);
  restart();
  EXPECT_EQ(shown(run).ended().unknown_steps(), 1u) << "as its events tell";
  done(offers().at(0));
  written();
  RunEnded ended;
  ASSERT_TRUE(ended.ParseFromString(journal.runs[run].back().finished().ended()));
  EXPECT_EQ(ended.unknown_steps(), 1u);
  ASSERT_EQ(ended.tasks_size(), 1);
  EXPECT_EQ(ended.tasks(0).unknown_steps(), 1u);
}

TEST_F(version_waits, end_with_their_run) {
  refused_here();
  RunCancel cancel;
  cancel.set_run(run);
  by().ask(std::move(cancel), client);
  written();
  EXPECT_TRUE(journal.has_ended(run));
}

} // namespace
} // namespace troupe::tests
