#include "tests/unit/llm/models_fixture.hpp"

#include <algorithm>

namespace troupe {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(models_of_a_node, carry_a_call_to_its_provider_and_the_answer_back) {
  make();
  auto begun = take(call_of("hello", 1, "reader", "small"));
  EXPECT_EQ(answer_in(begun), "none");
  EXPECT_EQ(span_told(begun).end_ns(), 0) << "it lasts: who gives up knows of it";
  ASSERT_EQ(port.started.size(), 1u);
  const auto& asked = port.started[0];
  EXPECT_EQ(asked.provider, "api");
  EXPECT_EQ(asked.path, "/plain");
  EXPECT_EQ(asked.body, "hello");
  EXPECT_TRUE(asked.streams);
  EXPECT_THAT(asked.headers, ElementsAre("model: tiny"));
  auto first = take(event_of(came(asked.id, "It ")));
  EXPECT_THAT(texts_of_pieces(first), ElementsAre("0 It "));
  EXPECT_THAT(port.took, ElementsAre(asked.id)) << "more may come";
  auto second = take(event_of(came(asked.id, "is.", true)));
  EXPECT_THAT(texts_of_pieces(second), ElementsAre("1 is."));
  EXPECT_EQ(answer_in(second), "api/tiny: It is.");
  auto span = span_told(second);
  EXPECT_EQ(span.name(), "POST");
  EXPECT_EQ(span.parent(), 3u);
  EXPECT_EQ(span.span(), span_told(begun).span());
  EXPECT_GT(span.end_ns(), 0);
  EXPECT_FALSE(span.failed());
  EXPECT_TRUE(second.spans.empty()) << "the asker records it, with its own";
  EXPECT_EQ(answer_in(take(event_of(came(asked.id, "more", true)))), "none") << "it has ended";
  EXPECT_THAT(counted_.to_text(),
              HasSubstr("llm_api_calls_total{agent_id=\"reader\",model=\"tiny\"} 1"));
}

TEST_F(models_of_a_node, pass_calls_of_the_offline_model_on_with_their_sender) {
  make();
  auto out = take(call_of("hello", 1, "reader", ""));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].target.svc, service::offline);
  EXPECT_EQ(out.sends[0].sender, address::of_agent(name("reader/1")));
  EXPECT_EQ(out.sends[0].body.as<ModelRequest>()->model(), "offline");
  auto cancelled = take(cancel_of(call_of("hello", 1)));
  ASSERT_EQ(cancelled.sends.size(), 1u);
  EXPECT_EQ(cancelled.sends[0].target.svc, service::offline);
  EXPECT_EQ(cancelled.sends[0].kind, message_kind::cancel);
}

TEST_F(models_of_a_node, refuse_what_no_provider_has) {
  make();
  EXPECT_THAT(answer_in(take(call_of("hello", 1, "reader", "nobody/x"))),
              HasSubstr("unknown_model: there is no model \"nobody/x\" here; the models there are: "
                        "offline, small, api/MODEL"));
  EXPECT_EQ(answer_in(take(call_of("an image", 2))), "invalid_argument: it takes no images");
  EXPECT_TRUE(port.started.empty());
}

TEST_F(models_of_a_node, make_no_more_calls_at_once_than_the_provider_takes) {
  make(1, 2);
  take(call_of("one", 1));
  take(call_of("two", 2));
  take(call_of("other", 3, "assistant"));
  EXPECT_THAT(answer_in(take(call_of("four", 4))),
              HasSubstr("overloaded: provider api has 2 calls waiting, its limit"));
  EXPECT_THAT(port.bodies(), ElementsAre("one"));
  take(event_of(came(port.started.back().id, "Yes.", true)));
  EXPECT_THAT(port.bodies(), ElementsAre("one", "other")) << "roles take turns";
  take(event_of(came(port.started.back().id, "Yes.", true)));
  EXPECT_THAT(port.bodies(), ElementsAre("one", "other", "two"));
}

TEST_F(models_of_a_node, give_the_place_of_a_failed_call_to_the_next) {
  make(1);
  take(call_of("one", 1));
  take(call_of("an image", 2));
  take(call_of("two", 3));
  auto out = take(event_of(came(port.started[0].id, "no", true, 500)));
  EXPECT_EQ(answer_in(out), "provider_failed: status 500");
  EXPECT_THAT(port.bodies(), ElementsAre("one", "two"));
  EXPECT_TRUE(span_told(out).failed()) << "before that of the next";
}

TEST_F(models_of_a_node, take_no_half_answer_for_a_whole_one) {
  make();
  take(call_of("one", 1));
  auto half = came(port.started[0].id, "It", true);
  EXPECT_EQ(answer_in(take(event_of(half))), "provider_failed: half an answer");
  take(call_of("two", 2));
  auto broken = came(port.started[1].id, "It", true);
  broken.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
  broken.mutable_why()->set_message("the connection was reset");
  EXPECT_EQ(answer_in(take(event_of(broken))),
            "provider_failed: after 2 bytes: the connection was reset");
  take(call_of("three", 3));
  auto whole = came(port.started[2].id, "It is.", true);
  *whole.mutable_why() = broken.why();
  EXPECT_EQ(answer_in(take(event_of(whole))), "api/tiny: It is.") << "nothing was missing";
  take(call_of("four", 4));
  EXPECT_EQ(answer_in(take(event_of(came(port.started[3].id, "malformed")))),
            "provider_failed: malformed bytes");
  EXPECT_THAT(port.cancelled, ::testing::Contains(port.started[3].id)) << "the rest is of no use";
}

TEST_F(models_of_a_node, close_the_transfer_of_who_gives_up) {
  make(1);
  auto first = call_of("one", 1), second = call_of("two", 2), third = call_of("three", 3);
  take(call_of("one", 1));
  take(call_of("two", 2));
  take(call_of("three", 3));
  EXPECT_EQ(answer_in(take(cancel_of(second))), "cancelled: the call was cancelled");
  EXPECT_TRUE(port.cancelled.empty()) << "it only waited";
  auto given_up = take(cancel_of(first));
  EXPECT_EQ(answer_in(given_up), "cancelled: the call was cancelled");
  EXPECT_TRUE(given_up.spans.empty()) << "who gave up has ended it";
  EXPECT_EQ(span_told(given_up).end_ns(), 0) << "that of the third";
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id));
  EXPECT_THAT(port.bodies(), ElementsAre("one", "three"));
  EXPECT_EQ(answer_in(take(event_of(came(port.started[0].id, "Yes.", true)))), "none");
  EXPECT_THAT(counted_.to_text(), HasSubstr("llm_calls_abandoned_total{reason=\"cancelled\"} 2"));
}

TEST_F(models_of_a_node, end_a_call_when_its_time_is_over) {
  make(1);
  auto timed = [&](const char* text, std::uint64_t number) {
    auto made = call_of(text, number);
    made.remaining = 5s;
    return made;
  };
  auto first = take(timed("one", 1));
  auto second = take(timed("two", 2));
  ASSERT_EQ(second.timers.size(), 1u);
  EXPECT_EQ(second.timers[0].after, 5s);
  EXPECT_THAT(
      answer_in(take(timer_fired{second.timers[0].id})),
      HasSubstr("timed_out: the call of the model tiny waited for its turn at provider api"));
  EXPECT_THAT(answer_in(take(timer_fired{first.timers[0].id})),
              HasSubstr("was not answered by provider api in its time"));
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id));
  EXPECT_EQ(answer_in(take(timer_fired{first.timers[0].id})), "none");
}

TEST_F(models_of_a_node, make_a_repeated_call_once) {
  make();
  take(call_of("one", 1));
  auto again = call_of("one", 1);
  again.attempt = 2;
  EXPECT_EQ(answer_in(take(std::move(again))), "none");
  EXPECT_EQ(port.started.size(), 1u);
  auto out = take(event_of(came(port.started[0].id, "Yes.", true)));
  ASSERT_EQ(out.sends.size(), 3u);
  auto* piece = out.sends[0].body.as<Piece>();
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->attempt(), 2u);
  EXPECT_TRUE(piece->restarted());
}

TEST_F(models_of_a_node, leave_nobody_waiting_when_they_stop) {
  make(1);
  take(call_of("one", 1));
  take(call_of("two", 2));
  auto out = run([&](step_context& context) { logic_->stop(context); });
  EXPECT_EQ(std::count_if(out.sends.begin(), out.sends.end(),
                          [](envelope& sent) {
                            auto why = failure_in(sent);
                            return why && why->code == ec::unavailable;
                          }),
            2);
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id));
  EXPECT_THAT(port.bodies(), ElementsAre("one")) << "no call begins at the end";
}

} // namespace troupe
