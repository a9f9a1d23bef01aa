#include "actors/coordination/run_progress.hpp"

#include "actors/coordination/run_submissions.hpp"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/owner_parts.hpp"

namespace troupe::tests {
namespace {

using run_news = owner_parts;

TEST_F(run_news, are_told_once_in_an_interval_to_who_wishes_it) {
  run_progress told_news{nodes, 1};
  told_news.start(self);
  auto& silent = add(many(2), 1);
  auto& wishes = add(many(2), 2);
  wishes.want_progress = true;
  auto where = context();
  told_news.note(where, silent, 0, 1);
  EXPECT_TRUE(out.timers.empty());
  told_news.note(where, wishes, 0, 1);
  told_news.note(where, wishes, 1, 0);
  EXPECT_EQ(out.timers.size(), 1u);
  told_news.send_all(where, runs);
  auto told = sent<RunProgress>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].first, wishes.submitter);
  EXPECT_EQ(told[0].second.last(), "t1");
  EXPECT_EQ(told[0].second.node(), to_bytes(node_a));
  EXPECT_EQ(told[0].second.total(), 2u);
  told_news.send_all(where, runs);
  EXPECT_EQ(sent<RunProgress>().size(), 1u) << "nothing new";
}

TEST_F(run_news, of_a_repeated_submission_are_those_of_the_first) {
  run_submissions submissions;
  submissions.start(self);
  auto request = make_envelope(message_kind::request, self, RunSubmit{});
  request.id = {{5}, 1};
  request.sender = address::of_session({5}, node_a);
  auto judged = submissions.accept(request);
  EXPECT_EQ(judged.what, delivery_state::fresh);
  auto& run = add(many(1));
  run.submission = judged.at;
  RunEnded ended;
  ended.set_run(to_bytes(run.id));
  auto body = payload::of(std::move(ended));
  submissions.complete(run, body);
  request.attempt = 2;
  request.sender.node = node_b; // it comes back through another node
  auto where = context();
  submissions.repeat(where, request, submissions.accept(request), DURABILITY_ASYNC);
  ASSERT_EQ(sent<RunAccepted>().size(), 1u);
  EXPECT_EQ(sent<RunAccepted>()[0].second.run(), to_bytes(run.id));
  EXPECT_EQ(sent<RunAccepted>()[0].second.durability(), DURABILITY_ASYNC);
  EXPECT_EQ(sent<RunEnded>().size(), 1u) << "the end is told again";
}

} // namespace
} // namespace troupe::tests
