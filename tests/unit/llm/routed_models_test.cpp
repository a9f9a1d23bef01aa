#include "actors/llm/routed_models.hpp"

#include "tests/unit/llm/models_fixture.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Notes what it was asked.
class watched_dialect final : public plain_dialect {
public:
  explicit watched_dialect(ModelRequest& last) : last_(&last) {}
  result<http_request> ask(const ModelRequest& what, const model_target& of) const override {
    *last_ = what;
    return plain_dialect::ask(what, of);
  }

private:
  ModelRequest* last_;
};

/// A route over two providers, `api` and `other`, each with one model, in simulated time.
class a_routed_call : public models_of_a_node {
protected:
  a_routed_call() {
    route.name = "auto";
    route.policy = route_policy::fixed;
    route.models = {"api/one", "other/two"};
  }

  void begin() {
    models_logic::options options;
    for (const auto* named : {"api", "other"}) {
      auto& one = options.catalog.providers.emplace_back();
      one.name = named;
      one.base_url = "http://" + one.name;
    }
    options.catalog.routes = {route};
    options.http = &port;
    options.speak = [this](auto) { return std::make_unique<watched_dialect>(settings_); };
    routed_ = std::make_unique<routed_models>(std::move(options), counted_);
    run([&](step_context& context) { routed_->start(context, address::of(service::models)); });
  }
  outputs give(event input) {
    auto out = run([&](step_context& context) { routed_->step(context, std::move(input)); });
    EXPECT_TRUE(routed_->invariants());
    for (const auto& timer : out.timers)
      if ((timer.id & 0x8000'0000) != 0)
        own_timer_ = timer;
    return out;
  }
  /// Its own timer runs out.
  outputs wait() {
    now_ += own_timer_.after;
    return give(timer_fired{own_timer_.id});
  }
  envelope asks(std::uint64_t number, const std::string& model = "auto",
                std::chrono::milliseconds remaining = 60s) const {
    auto made = call_of("Why?", number, "reader", model);
    made.remaining = remaining;
    return made;
  }
  outputs end(const std::string& body, std::uint32_t status = 200) {
    return give(event_of(came(port.started.back().id, body, true, status)));
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const auto& one : port.started)
      all.push_back(one.provider);
    return all;
  }

  route_config route;
  std::unique_ptr<routed_models> routed_;
  outputs::timer own_timer_;
  ModelRequest settings_; ///< as the last one was asked
};

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
  EXPECT_EQ(passed.id, id);
}

TEST_F(a_routed_call, has_the_settings_of_its_class_where_its_asker_says_none) {
  route.classes = {{0, "", 0.3, 100, ""}};
  begin();
  give(asks(5));
  EXPECT_EQ(settings_.temperature(), 0.3);
  EXPECT_EQ(settings_.max_output_tokens(), 100u);
}

} // namespace troupe
