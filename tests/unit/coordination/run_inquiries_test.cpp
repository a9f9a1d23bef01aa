#include "actors/coordination/gathered_steps.hpp"
#include "config/limits/runs.hpp"
#include "messages/models.pb.h"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// What clients ask about durable runs: lists, attaching, repeating, forgetting.
namespace troupe::tests {
namespace {

inline const auto other_client = address::of_session({43}, node_b);

class run_inquiry : public durable_owner {
protected:
  template <class Question>
  Question about_run(const std::string& run) {
    Question made;
    made.set_run(run);
    return made;
  }
  /// A run of one task that has ended.
  std::string ended(const std::string& output = "done") {
    auto run = accepted(many(1));
    done(offers().at(0), output);
    written();
    by().clear();
    return run;
  }
};

TEST_F(run_inquiry, list_those_that_go_on_and_those_that_have_ended) {
  auto over = ended();
  auto open = accepted(many(2));
  by().clear();
  by().ask(RunsAsked{}, client);
  written();
  auto found = by().only<RunsFound>();
  ASSERT_EQ(found.runs_size(), 2);
  EXPECT_EQ(found.runs(0).run(), open);
  EXPECT_EQ(found.runs(0).phase(), RUN_GOES_ON);
  EXPECT_EQ(found.runs(0).total(), 2u);
  EXPECT_EQ(found.runs(1).run(), over);
  EXPECT_EQ(found.runs(1).phase(), RUN_SUCCEEDED);
  RunsAsked one;
  one.set_at_most(1);
  by().ask(std::move(one), client);
  written();
  found = by().only<RunsFound>();
  EXPECT_EQ(found.runs_size(), 1);
  EXPECT_TRUE(found.more());
}

TEST_F(run_inquiry, show_who_works_on_tasks) {
  auto run = accepted(many(2));
  auto todo = offers();
  by().tell(about<TaskStarted>(todo.at(0)));
  written();
  for (bool steps : {false, true}) {
    auto asked = about_run<RunAsked>(run);
    asked.set_steps(steps);
    by().ask(asked, client);
    written();
    auto shown = by().only<RunShown>();
    ASSERT_EQ(shown.ended().tasks_size(), 2);
    EXPECT_EQ(shown.ended().tasks(0).attempts(), 1u);
    EXPECT_EQ(node_from_bytes(shown.ended().tasks(0).node()), node_a);
    EXPECT_EQ(shown.ended().tasks(1).attempts(), 0u) << "it waits in a queue";
  }
}

TEST_F(run_inquiry, show_the_tasks_of_a_run) {
  auto run = accepted(many(2));
  done(offers().at(0));
  written();
  by().ask(about_run<RunAsked>(run), client);
  auto shown = by().only<RunShown>();
  ASSERT_EQ(shown.ended().tasks_size(), 2);
  EXPECT_TRUE(shown.ended().tasks(0).ok());
  EXPECT_FALSE(shown.ended().tasks(1).ok());
  auto over = ended();
  by().ask(about_run<RunAsked>(over), client);
  written();
  shown = by().only<RunShown>();
  EXPECT_EQ(shown.summary().phase(), RUN_SUCCEEDED);
  EXPECT_EQ(shown.ended().tasks_size(), 1);
}

StepsMade step_of(const Task& task, std::uint32_t number) {
  auto made = about<StepsMade>(task);
  auto& step = *made.add_steps();
  step.set_number(number);
  step.set_asked(number * 11);
  step.set_what("chat gpt-5");
  return made;
}

template <class Outcome>
StepsMade step_of(const Task& task, std::uint32_t number, const Outcome& outcome) {
  auto made = step_of(task, number);
  auto& step = *made.mutable_steps(0);
  step.set_kind(static_cast<std::uint32_t>(payload_kind_of<Outcome>));
  step.set_outcome(outcome.SerializeAsString());
  return made;
}

TEST_F(run_inquiry, show_the_steps_of_tasks_with_what_they_cost) {
  auto slot = address::of_agent(name{"reader#1"}, node_a);
  auto run = accepted(many(2));
  auto tasks = offers();
  ModelAnswer answer;
  answer.set_text("an answer");
  answer.set_input_tokens(70);
  answer.set_output_tokens(8);
  answer.set_cost_nano_usd(9'000);
  by().ask(step_of(tasks.at(0), 1), slot);
  by().ask(step_of(tasks.at(0), 1, answer), slot);
  by().ask(step_of(tasks.at(0), 2), slot);
  by().ask(step_of(tasks.at(0), 2, to_proto({ec::invalid_argument, "no such model"})), slot);
  by().ask(step_of(tasks.at(0), 3), slot);
  by().ask(step_of(tasks.at(1), 1), slot);
  auto asked = about_run<RunAsked>(run);
  asked.set_steps(true);
  by().ask(asked, client);
  EXPECT_TRUE(by().take<RunShown>().empty()) << "before it is read";
  written();
  auto shown = by().only<RunShown>();
  EXPECT_EQ(shown.summary().phase(), RUN_GOES_ON);
  EXPECT_EQ(shown.ended().tasks_size(), 2);
  ASSERT_EQ(shown.steps_size(), 4);
  EXPECT_EQ(shown.next_task(), 0u);
  EXPECT_EQ(shown.steps(0).task(), shown.ended().tasks(0).task());
  EXPECT_EQ(shown.steps(0).what(), "chat gpt-5");
  EXPECT_EQ(shown.steps(0).state(), STEP_RECORDED);
  EXPECT_EQ(shown.steps(0).attempts(), 1u);
  EXPECT_EQ(shown.steps(0).input_tokens(), 70u);
  EXPECT_EQ(shown.steps(0).output_tokens(), 8u);
  EXPECT_EQ(shown.steps(0).cost_nano_usd(), 9'000);
  EXPECT_EQ(shown.steps(1).state(), STEP_RECORDED);
  EXPECT_EQ(shown.steps(1).failure().message(), "no such model");
  EXPECT_EQ(shown.steps(2).number(), 3u);
  EXPECT_EQ(shown.steps(2).state(), STEP_OPEN);
  EXPECT_EQ(shown.steps(3).task(), shown.ended().tasks(1).task());
}

TEST_F(run_inquiry, show_which_steps_nobody_knows_the_outcome_of_and_which_were_made_again) {
  auto slot = address::of_agent(name{"reader#1"}, node_a);
  auto run = accepted(many(1));
  by().ask(step_of(offers().at(0), 1), slot);
  written();
  restart();
  auto asked = about_run<RunAsked>(run);
  asked.set_steps(true);
  by().ask(asked, client);
  written();
  auto shown = by().only<RunShown>();
  ASSERT_EQ(shown.steps_size(), 1);
  EXPECT_EQ(shown.steps(0).state(), STEP_UNKNOWN);
  EXPECT_EQ(shown.steps(0).unknown(), 0u) << "it is not made again yet";
  auto next = offers().at(0);
  by().ask(step_of(next, 1), slot);
  by().ask(step_of(next, 1, ModelAnswer{}), slot);
  by().ask(step_of(next, 2), slot);
  done(next);
  written();
  by().clear();
  by().ask(asked, client);
  written();
  shown = by().only<RunShown>();
  EXPECT_EQ(shown.summary().phase(), RUN_SUCCEEDED);
  EXPECT_EQ(shown.ended().unknown_steps(), 1u);
  EXPECT_FALSE(shown.ended().has_result());
  ASSERT_EQ(shown.steps_size(), 2);
  EXPECT_EQ(shown.steps(0).state(), STEP_RECORDED);
  EXPECT_EQ(shown.steps(0).attempts(), 2u);
  EXPECT_EQ(shown.steps(0).unknown(), 1u);
  EXPECT_EQ(shown.steps(1).state(), STEP_NOT_RECORDED) << "its task has ended without it";
}

TEST_F(run_inquiry, show_many_steps_in_several_answers_with_those_of_a_task_together) {
  const auto half = static_cast<std::uint32_t>(limits::steps_listed_max / 2);
  gathered_steps list{0}, rest{2};
  RunEvent event;
  auto& step = *event.mutable_step();
  for (std::uint32_t task : {0u, 2u, 1u}) {
    step.set_index(task);
    for (std::uint32_t number = 1; number <= half; ++number) {
      step.mutable_step()->set_number(number);
      list.note(event, false);
      rest.note(event, false);
    }
  }
  auto made = run_state::create(many(3), {}, nullptr);
  ASSERT_TRUE(made) << made.error().message;
  RunShown first, second;
  list.tell(first, **made);
  EXPECT_EQ(first.steps_size(), 2 * static_cast<int>(half));
  EXPECT_EQ(first.next_task(), 2u);
  EXPECT_EQ(first.steps(static_cast<int>(half)).task(), (*made)->id_of(1));
  rest.tell(second, **made);
  EXPECT_EQ(second.steps_size(), static_cast<int>(half));
  EXPECT_EQ(second.steps(0).task(), (*made)->id_of(2));
  EXPECT_EQ(second.next_task(), 0u);
}

TEST_F(run_inquiry, say_that_there_is_no_such_run) {
  std::string unknown(16, 'x');
  by().ask(about_run<RunAsked>(unknown), client);
  by().ask(about_run<RunAttach>(unknown), client);
  by().ask(about_run<RunRetry>(unknown), client);
  auto steps = about_run<RunAsked>(unknown);
  steps.set_steps(true);
  by().ask(std::move(steps), client);
  written();
  auto failures = by().take<Failure>();
  ASSERT_EQ(failures.size(), 4u);
  for (const auto& why : failures)
    EXPECT_EQ(from_proto(why).code, ec::not_found);
}

TEST_F(run_inquiry, attach_a_client_to_a_run_that_goes_on) {
  auto run = accepted(many(1));
  auto attach = about_run<RunAttach>(run);
  attach.set_want_progress(true);
  auto id = by().ask(std::move(attach), other_client);
  EXPECT_TRUE(by().only<RunAccepted>().known());
  by().fire(timer_progress);
  auto news = by().take_envelopes<RunProgress>();
  ASSERT_EQ(news.size(), 1u) << "the submitter wanted none";
  EXPECT_EQ(news[0].target, other_client);
  EXPECT_EQ(news[0].id, id);
  done(offers().at(0));
  written();
  auto ends = by().take_envelopes<RunEnded>();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].target, client);
  EXPECT_EQ(ends[1].target, other_client);
  EXPECT_EQ(ends[1].id, id);
}

TEST_F(run_inquiry, attach_a_client_to_a_run_that_has_ended) {
  auto run = ended("a result");
  restart();
  auto id = by().ask(about_run<RunAttach>(run), client);
  written();
  EXPECT_EQ(by().only<RunAccepted>().run(), run);
  auto ends = by().take_envelopes<RunEnded>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].id, id);
  EXPECT_TRUE(ends[0].body.as<RunEnded>()->ok());
}

TEST_F(run_inquiry, wait_for_an_end_that_is_not_written_yet) {
  auto run = accepted(many(1));
  done(offers().at(0));
  by().ask(about_run<RunAttach>(run), other_client);
  EXPECT_TRUE(by().take<RunEnded>().empty());
  written();
  EXPECT_EQ(by().take<RunEnded>().size(), 2u);
}

TEST_F(run_inquiry, repeat_a_run_whole_or_what_failed_of_it) {
  by().ask(spread(), client);
  written();
  auto run = by().only<RunAccepted>().run();
  std::size_t fine = 0;
  for (auto all = offers(); !all.empty(); all = offers())
    for (const auto& task : all) {
      if (task.id() == "again[1]") {
        auto failed = about<TaskDone>(task);
        *failed.mutable_failure() = to_proto({ec::invalid_argument, "it cannot be done"});
        by().tell(std::move(failed));
        continue;
      }
      ++fine;
      done(task, result_of_task(task));
    }
  written();
  EXPECT_FALSE(by().only<RunEnded>().ok());
  EXPECT_EQ(fine, 6u);

  auto failed_ones = about_run<RunRetry>(run);
  failed_ones.set_failed(true);
  by().ask(std::move(failed_ones), client);
  written();
  auto again = by().only<RunAccepted>();
  EXPECT_NE(again.run(), run);
  std::vector<std::string> made;
  for (auto all = offers(); !all.empty(); all = offers())
    for (const auto& task : all) {
      made.push_back(task.id());
      done(task, result_of_task(task));
    }
  EXPECT_EQ(made, (std::vector<std::string>{"again[1]", "last"}));
  written();
  EXPECT_TRUE(by().only<RunEnded>().ok());
  EXPECT_EQ(journal.runs[again.run()].back().finished().summary().retry_of(), run);

  by().ask(about_run<RunRetry>(run), client);
  written();
  by().only<RunAccepted>();
  EXPECT_EQ(offers().size(), 1u) << "from the beginning";
}

/// In which order lists unfold, and with it the numbers of tasks, depends on what has failed.
TEST_F(run_inquiry, repeat_no_result_for_another_task_with_its_number) {
  auto run = accepted(graph_of(R"(
graph: order
tasks:
  - {id: a, role: reader}
  - {id: b, role: reader}
  - {id: c, role: reader}
  - {id: z, role: reader, for_each: $tasks.a, needs: [b], input: {one: $item}}
  - {id: w, role: reader, for_each: $tasks.c, input: {one: $item}}
)"));
  auto first = offers();
  ASSERT_EQ(first.size(), 3u);
  auto gives = [this](const Task& task, Value list) {
    auto made = about<TaskDone>(task);
    made.set_output(bytes_of(list));
    by().tell(std::move(made));
  };
  auto failed = about<TaskDone>(first[1]);
  *failed.mutable_failure() = to_proto({ec::invalid_argument, "it cannot be done"});
  by().tell(std::move(failed));
  gives(first[0], list_value({text_value("x"), text_value("y")}));
  gives(first[2], list_value({text_value("1"), text_value("2"), text_value("3")}));
  work_off(); // w[0] to w[2], where z[0] to z[2] would be
  written();
  EXPECT_FALSE(by().only<RunEnded>().ok());

  auto again = about_run<RunRetry>(run);
  again.set_failed(true);
  by().ask(std::move(again), client);
  written();
  by().only<RunAccepted>();
  for (auto all = offers(); !all.empty(); all = offers())
    for (const auto& task : all)
      done(task, result_of_task(task));
  written();
  auto end = by().only<RunEnded>();
  ASSERT_TRUE(end.ok());
  std::vector<std::string> seen;
  for (const auto& one : journal.runs)
    for (const auto& event : one.second)
      if (event.has_task_succeeded() && one.first != run) {
        Value output;
        ASSERT_TRUE(output.ParseFromString(event.task_succeeded().output()));
        seen.push_back(output.text());
      }
  for (auto word : {"w[0](one=", "w[1](one=", "w[2](one=", "z[0](one=", "z[1](one="})
    EXPECT_EQ(std::count_if(seen.begin(), seen.end(),
                            [&](const std::string& text) { return text.starts_with(word); }),
              1)
        << word;
}

TEST_F(run_inquiry, goes_on_with_a_run_that_repeats_another) {
  auto run = accepted(many(2));
  auto tasks = offers();
  done(tasks.at(0));
  auto failed = about<TaskDone>(tasks.at(1));
  *failed.mutable_failure() = to_proto({ec::invalid_argument, "it cannot be done"});
  by().tell(std::move(failed));
  written();
  by().clear();
  auto again = about_run<RunRetry>(run);
  again.set_failed(true);
  by().ask(std::move(again), client);
  written();
  restart();
  EXPECT_EQ(offers().size(), 1u) << "what it has taken over is in its own journal";
}

TEST_F(run_inquiry, forget_a_run_that_has_ended_and_no_other) {
  auto open = accepted(many(1));
  by().ask(about_run<RunDelete>(open), client);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::invalid_argument);
  done(offers().at(0));
  written();
  by().ask(about_run<RunDelete>(open), client);
  written();
  EXPECT_EQ(by().only<RunDeleted>().run(), open);
  EXPECT_TRUE(journal.runs.empty());
}

TEST_F(run_inquiry, wait_until_the_owner_has_read_its_runs) {
  auto run = accepted(many(1));
  now = std::make_unique<life>(roles, counted, ++lives); // its journal has not answered yet
  by().ask(RunsAsked{}, client);
  EXPECT_TRUE(by().take<RunsFound>().empty());
  written();
  EXPECT_EQ(by().only<RunsFound>().runs_size(), 1);
}

} // namespace
} // namespace troupe::tests
