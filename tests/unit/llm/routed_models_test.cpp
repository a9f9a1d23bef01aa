#include "tests/unit/llm/routed_fixture.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(a_routed_call, is_answered_under_the_id_of_its_request) {
  begin();
  auto request = asks(5);
  auto id = request.id;
  EXPECT_THAT(give(std::move(request)).sends, SizeIs(1)) << "the span of the call";
  EXPECT_THAT(asked(), ElementsAre("api"));
  auto out = end("Yes.");
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("0 Yes."));
  for (const auto& sent : out.sends) {
    EXPECT_EQ(sent.id, id);
    EXPECT_EQ(sent.target, address::of_agent(name("reader/1")));
  }
  EXPECT_EQ(answer_in(out), "api/one: Yes.");
}

TEST_F(a_routed_call, tells_in_its_span_how_it_was_routed) {
  begin();
  auto out = give(asks(5));
  EXPECT_THAT(span_told(out).ShortDebugString(), HasSubstr("fixed: "));
}

TEST_F(a_routed_call, is_tried_again_and_then_elsewhere) {
  begin();
  give(asks(5));
  EXPECT_EQ(answer_in(end("", 500)), "none");
  wait();
  EXPECT_THAT(asked(), ElementsAre("api", "api"));
  EXPECT_EQ(answer_in(end("", 500)), "none");
  EXPECT_THAT(asked(), ElementsAre("api", "api", "other"));
  EXPECT_EQ(answer_in(end("Yes.")), "other/two: Yes.");
}

TEST_F(a_routed_call, has_one_error_that_names_every_attempt) {
  route.attempts.each = 1;
  begin();
  give(asks(5));
  end("", 500);
  EXPECT_THAT(answer_in(end("", 503)),
              AllOf(HasSubstr("provider_failed: no model answered in 2 attempts: 1. api/one after"),
                    HasSubstr("status 500; 2. other/two after"), HasSubstr("status 503")));
  EXPECT_THAT(end("").sends, IsEmpty());
}

TEST_F(a_routed_call, is_not_tried_again_after_its_first_piece) {
  begin();
  give(asks(5));
  auto out = give(event_of(came(port.started.back().id, "Ye")));
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("0 Ye"));
  EXPECT_THAT(answer_in(end("s, b")), HasSubstr("provider_failed: half an answer"));
  EXPECT_THAT(asked(), ElementsAre("api"));
}

TEST_F(a_routed_call, goes_on_elsewhere_when_one_hangs) {
  begin();
  give(asks(5));
  wait();
  EXPECT_EQ(now_, instant{1'030s}) << "half of its time";
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id));
  EXPECT_THAT(asked(), ElementsAre("api", "other"));
  EXPECT_EQ(answer_in(end("Yes.")), "other/two: Yes.");
}

TEST_F(a_routed_call, is_taken_back) {
  begin();
  auto request = asks(5);
  auto cancel = cancel_of(request);
  give(std::move(request));
  EXPECT_EQ(answer_in(give(std::move(cancel))), "cancelled: the call was cancelled");
  EXPECT_THAT(port.cancelled, SizeIs(1));
  EXPECT_THAT(end("Yes.").sends, IsEmpty());
}

TEST_F(a_routed_call, is_ended_when_the_node_stops) {
  begin();
  give(asks(5));
  auto out = run([&](step_context& context) { routed_->stop(context); });
  EXPECT_THAT(answer_in(out), HasSubstr("unavailable: the models of this node are stopping"));
  EXPECT_EQ(std::count_if(out.sends.begin(), out.sends.end(),
                          [](const auto& one) { return one.kind == message_kind::reply; }),
            1);
}

TEST_F(a_routed_call, asks_a_second_one_when_the_first_is_slow) {
  route.attempts.hedge = 2s;
  begin();
  give(asks(5));
  wait();
  EXPECT_EQ(now_, instant{1'002s});
  EXPECT_THAT(asked(), ElementsAre("api", "other"));
  auto out = end("Yes.");
  EXPECT_EQ(answer_in(out), "other/two: Yes.");
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id)) << "it is called off";
}

TEST_F(a_routed_call, asks_a_better_model_when_the_answer_of_the_cheap_one_is_poor) {
  route.policy = route_policy::cascade;
  begin();
  give(asks(5));
  auto out = end("I don't know.");
  EXPECT_THAT(texts_of_pieces(out), IsEmpty());
  EXPECT_EQ(answer_in(out), "none");
  out = end("Because.");
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("0 Because."));
  EXPECT_EQ(answer_in(out), "other/two: Because.");
}

TEST_F(a_routed_call, takes_a_poor_answer_when_the_better_model_fails) {
  route.policy = route_policy::cascade;
  route.attempts.each = 1;
  begin();
  give(asks(5));
  end("I don't know.");
  auto out = end("", 500);
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("0 I don't know."));
  EXPECT_EQ(answer_in(out), "api/one: I don't know.");
}

TEST_F(a_routed_call, does_not_go_on_with_a_poor_answer_where_the_better_model_broke_off) {
  route.policy = route_policy::cascade;
  begin();
  give(asks(5));
  end("I don't know.");
  auto out = give(event_of(came(port.started.back().id, "alpha ")));
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("0 alpha "));
  out = end("beta");
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("1 beta"));
  EXPECT_THAT(answer_in(out), AllOf(HasSubstr("provider_failed: no model answered in 2 attempts"),
                                    HasSubstr("other/two after"), HasSubstr("half an answer")));
}

TEST_F(a_routed_call, keeps_away_from_a_model_that_fails_until_it_has_recovered) {
  route.attempts.each = 1;
  begin();
  for (std::uint64_t number = 1; number <= 5; ++number) {
    give(asks(number));
    end("", 500);
    end("Yes.");
  }
  port.started.clear();
  give(asks(6));
  EXPECT_THAT(asked(), ElementsAre("other"));
  end("Yes.");
  now_ += 1s;
  port.started.clear();
  give(asks(7));
  EXPECT_THAT(asked(), ElementsAre("api")) << "the probe";
  EXPECT_EQ(answer_in(end("Yes.")), "api/one: Yes.");
}

TEST_F(a_routed_call, leaves_calls_that_name_a_model_alone) {
  begin();
  give(asks(5, "other/two"));
  EXPECT_THAT(answer_in(end("", 500)), "provider_failed: status 500");
  EXPECT_THAT(asked(), ElementsAre("other"));
}

TEST_F(a_routed_call, is_answered_by_the_offline_model_if_nobody_else_does) {
  route.models = {"api/one", "offline"};
  route.attempts.each = 1;
  begin();
  auto request = asks(5);
  auto id = request.id;
  give(std::move(request));
  auto out = end("", 500);
  ASSERT_THAT(out.sends, ::testing::Not(IsEmpty()));
  const auto& passed = out.sends.back();
  EXPECT_EQ(passed.target, address::of(service::offline));
  EXPECT_EQ(passed.sender, address::of(service::models));
  Piece piece;
  piece.set_text("Yes.");
  auto came = give(reply_to(passed, std::move(piece), message_kind::piece));
  EXPECT_THAT(texts_of_pieces(came), ElementsAre("0 Yes."));
  EXPECT_EQ(came.sends.back().id, id);
  ModelAnswer answer;
  answer.set_text("Yes.");
  came = give(reply_to(passed, std::move(answer)));
  EXPECT_EQ(answer_in(came), "/: Yes.");
  EXPECT_EQ(came.sends.back().id, id);
}

TEST_F(a_routed_call, takes_back_what_the_offline_model_has) {
  route.models = {"offline"};
  begin();
  auto request = asks(5);
  auto cancel = cancel_of(request);
  auto asked_for = give(std::move(request));
  const auto& passed = asked_for.sends.back();
  auto out = give(std::move(cancel));
  EXPECT_EQ(answer_in(out), "cancelled: the call was cancelled");
  EXPECT_EQ(std::count_if(out.sends.begin(), out.sends.end(),
                          [&](const auto& one) {
                            return one.kind == message_kind::cancel && one.id == passed.id
                                   && one.sender == passed.sender;
                          }),
            1);
}

TEST_F(a_routed_call, is_refused_if_nobody_knows_its_task) {
  begin();
  auto request = asks(5);
  request.body.as<ModelRequest>()->set_task("guessing");
  EXPECT_THAT(answer_in(give(std::move(request))),
              HasSubstr("invalid_argument: the task of a call is"));
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(a_routed_call, is_taken_back_while_a_second_attempt_cannot_be_made) {
  route.models = {"api/one", "api/picky"};
  route.attempts.hedge = 2s;
  calls_max = 1;
  begin();
  auto request = asks(5);
  auto cancel = cancel_of(request);
  give(std::move(request));
  wait();
  EXPECT_EQ(answer_in(give(std::move(cancel))), "cancelled: the call was cancelled");
}

TEST_F(a_routed_call, is_late_while_a_second_attempt_cannot_be_made) {
  route.models = {"api/one", "api/picky"};
  route.attempts.hedge = 2s;
  calls_max = 1;
  begin();
  give(asks(5));
  wait();
  now_ += 60s;
  auto out = give(timer_fired{own_timer_.id});
  EXPECT_THAT(answer_in(out), HasSubstr("timed_out: no model answered in 2 attempts"));
  EXPECT_THAT(answer_in(out), HasSubstr("in its share of the time"));
}

TEST_F(a_routed_call, passes_over_a_provider_that_takes_no_calls_for_now) {
  route.attempts.each = 1;
  begin();
  give(asks(5));
  auto busy = came(port.started.back().id, "", true, 429);
  busy.set_retry_after("30");
  give(event_of(std::move(busy)));
  EXPECT_EQ(answer_in(end("Yes.")), "other/two: Yes.");
  port.started.clear();
  give(asks(6));
  EXPECT_THAT(asked(), ElementsAre("other")) << "at once";
  EXPECT_EQ(answer_in(end("Yes.")), "other/two: Yes.");
}

TEST_F(a_routed_call, goes_on_elsewhere_when_it_has_no_turn_at_its_provider) {
  begin();
  give(asks(1));
  limit_headers told;
  told.take_lines("x-ratelimit-limit-requests: 2\nx-ratelimit-remaining-requests: 0\n"
                  "x-ratelimit-reset-requests: 2s\n",
                  {});
  port.limits_told = told;
  end("Yes.");
  give(asks(2, "auto", 1s));
  EXPECT_THAT(asked(), ElementsAre("api")) << "its turn is in a second: it waits";
  wait();
  EXPECT_THAT(asked(), ElementsAre("api", "other")) << "after half of its time";
  EXPECT_EQ(answer_in(end("Yes.")), "other/two: Yes.");
}

} // namespace troupe
