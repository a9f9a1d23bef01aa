#include "actors/coordination/run_endings.hpp"

#include "messages/runs.pb.h"
#include "tests/unit/coordination/owner_parts.hpp"

namespace troupe::testing {
namespace {

class endings : public owner_parts {
protected:
  endings() { told.start(self); }
  run_submissions submissions;
  run_endings told{kept, submissions};

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
  told.add(runs.take(run), nullptr, nullptr, now);
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
  told.add(runs.take(run), &why, &request, now);
  auto where = context();
  told.tell_some(where);
  auto ends = sent<RunEnded>();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[1].first, request.sender);
  for (const auto& [target, end] : ends) {
    EXPECT_EQ(from_proto(end.failure()).message, "enough");
    EXPECT_EQ(end.tasks_size(), 2);
  }
}

TEST_F(endings, give_back_the_bytes_of_a_run_when_it_is_forgotten) {
  auto& run = finished(1, std::string(600, 'x'));
  EXPECT_GT(kept.bytes(), 600u);
  told.add(runs.take(run), nullptr, nullptr, now);
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

} // namespace
} // namespace troupe::testing
