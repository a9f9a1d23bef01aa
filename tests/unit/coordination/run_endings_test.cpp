#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/run_endings.hpp"

#include "messages/runs.pb.h"
#include "tests/unit/coordination/owner_parts.hpp"

#include <stdexcept>

namespace troupe::tests {
namespace {

/// Answers so many questions, then it throws.
class failing_clock final : public time_source {
public:
  explicit failing_clock(int good) : good_(good) {}
  instant now() const override {
    if (good_-- == 0)
      throw std::runtime_error{"as it was told"};
    return {};
  }

private:
  mutable int good_;
};

class endings : public owner_parts {
protected:
  endings() { told.start(self); }
  run_submissions submissions;
  run_journal journal{8};
  run_fold fold{journal};
  run_endings told{kept, submissions, journal, fold};

  active_run& finished(std::uint64_t number, const std::string& output) {
    auto& run =
        add(graph_of("graph: g\ntasks:\n  - {id: a, role: reader}\nresult: $tasks.a\n"), number);
    auto task = run.state->take_ready(0);
    run.state->offered(task);
    succeed(*run.state, task, text_value(output), {});
    kept.watch(run, task);
    return run;
  }
};

TEST_F(endings, tell_the_submitter_what_the_run_came_to) {
  auto& run = finished(1, "good");
  auto who = run.submitter;
  now += 3ms;
  told.add(runs.take(run), nullptr, now);
  EXPECT_EQ(told.size(), 1u);
  auto where = context();
  EXPECT_FALSE(told.tell_some(where));
  auto ends = sent<RunEnded>();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].first, who);
  EXPECT_TRUE(ends[0].second.ok());
  EXPECT_EQ(ends[0].second.result().text(), "good");
  EXPECT_EQ(ends[0].second.tasks_size(), 1);
  EXPECT_EQ(ends[0].second.duration_us(), 3'000u);
  EXPECT_TRUE(told.empty());
}

TEST_F(endings, answer_who_cancelled_the_run_as_well) {
  auto& run = add(many(2));
  failure why{ec::cancelled, "enough"};
  envelope request = make_envelope(message_kind::request, self, RunCancel{});
  request.sender = address::of_session({9}, node_b);
  auto canceller = request.sender;
  run.cancellers.push_back(std::move(request));
  told.add(runs.take(run), &why, now);
  auto where = context();
  told.tell_some(where);
  auto ends = sent<RunEnded>();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[1].first, canceller);
  for (const auto& [target, end] : ends) {
    EXPECT_EQ(from_proto(end.failure()).message, "enough");
    EXPECT_EQ(end.tasks_size(), 2);
  }
}

TEST_F(endings, give_back_the_bytes_of_a_run_when_it_is_forgotten) {
  auto& run = finished(1, std::string(600, 'x'));
  EXPECT_GT(kept.bytes(), 600u);
  told.add(runs.take(run), nullptr, now);
  EXPECT_GT(kept.bytes(), 600u) << "it is still there";
  auto where = context();
  told.tell_some(where);
  EXPECT_FALSE(kept.forget_some());
  EXPECT_EQ(kept.bytes(), 0u);
  EXPECT_EQ(given_back, 0) << "that was little";
}

TEST_F(endings, leave_a_run_that_keeps_too_much_to_its_end) {
  auto& first = finished(1, std::string(900, 'x'));
  EXPECT_FALSE(first.over);
  auto& second = finished(2, std::string(700, 'x'));
  ASSERT_TRUE(first.over) << "it keeps most of what is too much for all";
  EXPECT_EQ(first.over->code, ec::too_large);
  EXPECT_FALSE(second.over);
  auto& third = finished(3, std::string(1'100, 'x'));
  ASSERT_TRUE(third.over) << "too much for one run";
}

TEST(run_that_ended, in_a_step_that_threw_is_told_with_its_result_when_its_owner_stops) {
  auto roles = some_roles();
  metrics counted;
  int threw = 0;
  for (auto flags : {std::uint8_t{0}, std::uint8_t{1}})
    for (int good = 0; good < 5; ++good) {
      coordinator_logic logic{{2, 3}, roles, counted};
      hand by{logic, service::coordinator};
      RunSubmit wanted;
      *wanted.mutable_graph() =
          graph_of("graph: g\ntasks:\n  - {id: a, role: reader}\nresult: $tasks.a\n");
      by.ask(std::move(wanted), address::of_session({42}, node_a), {{1, 2}, {3}, flags});
      auto done = about<TaskDone>(by.only<TaskOffer>().tasks(0));
      done.set_output(bytes_of(text_value("good")));
      auto told = make_envelope(message_kind::event, address::of(service::coordinator, node_a),
                                std::move(done));
      failing_clock clock{good};
      counting_random random;
      step_context cut_short{by.now, random, by.out, &clock};
      try {
        logic.step(cut_short, std::move(told));
      } catch (const std::runtime_error&) {
        ++threw;
      }
      by.stop();
      auto ended = by.only<RunEnded>();
      EXPECT_TRUE(ended.ok()) << "after " << good << ", sampled: " << int{flags};
      EXPECT_EQ(ended.result().text(), "good");
      EXPECT_EQ(ended.tasks_size(), 1);
    }
  EXPECT_GE(threw, 3) << "before its end is told, and while it is";
}

} // namespace
} // namespace troupe::tests
