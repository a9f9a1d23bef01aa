#include "config/limits/messages.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/coordinator_fixture.hpp"

/// A repeated RunSubmit does not start a second run.
namespace troupe::tests {
namespace {

class repeated_submission : public coordinator {
protected:
  RunSubmit submission = [] {
    RunSubmit made;
    *made.mutable_graph() = many(1);
    return made;
  }();
  void again(message_id id, address from = client) {
    auto message =
        make_envelope(message_kind::request, address::of(service::coordinator), submission);
    message.sender = std::move(from);
    message.id = id;
    message.attempt = 2;
    by.give(std::move(message));
  }
};

TEST_F(repeated_submission, is_answered_with_the_run_that_was_made) {
  auto id = by.ask(submission, client);
  auto first = by.only<RunAccepted>();
  auto elsewhere = client;
  elsewhere.node = node_b;
  again(id, elsewhere);
  EXPECT_EQ(by.only<RunAccepted>().run(), first.run());
  auto all = offers();
  ASSERT_EQ(all.size(), 1u);
  done(all[0].task);
  EXPECT_EQ(by.take_envelopes<RunEnded>().at(0).target, elsewhere) << "where it is now";
}

TEST_F(repeated_submission, of_a_run_that_has_ended_is_told_its_end_and_not_done_again) {
  auto id = by.ask(submission, client);
  done(only_offer().task);
  auto ended = by.only<RunEnded>();
  by.clear();
  again(id);
  EXPECT_EQ(by.only<RunAccepted>().run(), ended.run());
  auto told = by.take_envelopes<RunEnded>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].target, client);
  EXPECT_EQ(told[0].id, id);
  EXPECT_EQ(told[0].body.as<RunEnded>()->SerializeAsString(), ended.SerializeAsString());
  EXPECT_TRUE(offers().empty());
}

TEST_F(repeated_submission, that_was_refused_is_refused_again) {
  submission.mutable_graph()->mutable_tasks(0)->set_role("stranger");
  auto id = by.ask(submission, client);
  auto refused = from_proto(by.only<Failure>());
  again(id);
  EXPECT_EQ(from_proto(by.only<Failure>()).message, refused.message);
}

TEST_F(repeated_submission, of_which_nothing_is_known_is_not_done) {
  again({{77}, 500});
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::outcome_unknown);
  EXPECT_TRUE(offers().empty());
}

TEST_F(repeated_submission, whose_result_is_too_large_to_be_kept_is_of_unknown_outcome) {
  submission.mutable_graph()->mutable_result()->set_task("t0");
  auto id = by.ask(submission, client);
  done(only_offer().task, std::string(limits::replies_kept_bytes_max + 1, 'x'));
  EXPECT_TRUE(by.only<RunEnded>().ok());
  by.clear();
  again(id);
  EXPECT_EQ(from_proto(by.only<Failure>()).code, ec::outcome_unknown);
}

} // namespace
} // namespace troupe::tests
