#include "actors/llm/offline/model_prompt.hpp"
#include "actors/llm/offline/offline_model.hpp"
#include "actors/llm/offline/offline_provider_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "tests/unit/llm/counting_source.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

namespace {

using namespace std::chrono_literals;

const std::string user_text =
    passage_block("rules", "The gate closes at nine. Nobody knows why.\n\n"
                           "Dogs must be kept on a lead in the garden.")
    + "Question: When does the gate close, and where are dogs kept?";

ModelRequest question() {
  ModelRequest asked;
  auto* message = asked.add_messages();
  message->set_role("user");
  message->set_content(user_text);
  asked.set_purpose("answer");
  return asked;
}

class offline_provider : public testing::Test {
protected:
  void make(offline_provider_logic::options chosen = {}) {
    logic_ = std::make_unique<offline_provider_logic>(std::move(chosen), counted_);
    run([&](step_context& context) { logic_->start(context, address::of(service::offline)); });
  }

  envelope request_of(ModelRequest asked, std::uint64_t sequence = 1) const {
    auto made =
        make_envelope(message_kind::request, address::of(service::offline), std::move(asked));
    made.id = {{7}, sequence};
    made.sender = address::of_agent(name("reader#2"));
    made.trace = {{1, 2}, {3}, 1};
    return made;
  }

  /// Steps the logic and returns its outputs.
  outputs take(event input) {
    return run([&](step_context& context) { logic_->step(context, std::move(input)); });
  }

  template <class Do>
  outputs run(Do todo) {
    outputs out;
    step_context context{now_, random_, out};
    todo(context);
    return out;
  }

  /// Takes the last message, which must be the reply.
  template <class Message>
  Message reply(outputs& out) {
    EXPECT_FALSE(out.sends.empty());
    if (out.sends.empty())
      return {};
    auto& last = out.sends.back();
    EXPECT_EQ(last.kind, message_kind::reply);
    EXPECT_EQ(last.target, address::of_agent(name("reader#2")));
    EXPECT_EQ(last.sender, address::of(service::offline));
    auto* message = last.body.as<Message>();
    EXPECT_NE(message, nullptr);
    return message ? *message : Message{};
  }

  ec failed(outputs& out) {
    EXPECT_FALSE(out.sends.empty());
    auto why = out.sends.empty() ? std::nullopt : failure_in(out.sends.back());
    if (why)
      said_ = why->message;
    return why ? why->code : ec::none;
  }

  metrics counted_;
  counting_source random_;
  instant now_{1'000s};
  std::unique_ptr<offline_provider_logic> logic_;
  std::string said_; ///< the message of the last failure
};

} // namespace

TEST_F(offline_provider, answers_with_what_the_model_says) {
  make();
  auto out = take(request_of(question()));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].id, (message_id{{7}, 1}));
  auto answer = reply<ModelAnswer>(out);
  auto expected = offline_answer(question());
  EXPECT_EQ(answer.text(), expected.text);
  EXPECT_NE(answer.text(), no_answer);
  EXPECT_EQ(answer.input_tokens(), expected.input_tokens);
  EXPECT_EQ(answer.output_tokens(), expected.output_tokens);
  EXPECT_EQ(answer.finish_reason(), "stop");
  EXPECT_EQ(answer.provider(), "offline");
  EXPECT_EQ(answer.model(), "offline");
  EXPECT_TRUE(out.timers.empty());
}

TEST_F(offline_provider, knows_its_model_by_name_and_refuses_others_naming_it) {
  make();
  auto asked = question();
  asked.set_model("offline");
  auto good = take(request_of(asked));
  EXPECT_FALSE(reply<ModelAnswer>(good).text().empty());
  asked.set_model("gpt-9");
  auto bad = take(request_of(asked));
  EXPECT_EQ(failed(bad), ec::unknown_model);
  EXPECT_NE(said_.find("gpt-9"), std::string::npos);
  EXPECT_NE(said_.find("offline"), std::string::npos);
}

TEST_F(offline_provider, streams_pieces_that_are_the_whole_text) {
  make();
  auto asked = question();
  asked.set_stream(true);
  auto request = request_of(asked);
  request.attempt = 2;
  auto out = take(std::move(request));
  auto answer = reply<ModelAnswer>(out);
  ASSERT_GT(out.sends.size(), 2u);
  std::string whole;
  for (std::uint32_t i = 0; i + 1 < out.sends.size(); ++i) {
    EXPECT_EQ(out.sends[i].kind, message_kind::piece);
    EXPECT_EQ(out.sends[i].id, (message_id{{7}, 1}));
    auto* piece = out.sends[i].body.as<Piece>();
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->index(), i);
    EXPECT_EQ(piece->attempt(), 2u);
    EXPECT_EQ(piece->restarted(), i == 0);
    whole += piece->text();
  }
  EXPECT_EQ(whole, answer.text());
}

TEST_F(offline_provider, lets_several_calls_wait_at_once) {
  make({.delay = 50ms});
  std::vector<std::uint32_t> timers;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    auto out = take(request_of(question(), i));
    EXPECT_TRUE(out.sends.empty());
    ASSERT_EQ(out.timers.size(), 1u);
    EXPECT_EQ(out.timers[0].after, 50ms);
    timers.push_back(out.timers[0].id);
  }
  now_ += 50ms;
  for (std::uint64_t i : {3, 1, 2}) {
    auto out = take(timer_fired{timers[i - 1]});
    ASSERT_EQ(out.sends.size(), 1u);
    EXPECT_EQ(out.sends[0].id.sequence, i);
    EXPECT_FALSE(reply<ModelAnswer>(out).text().empty());
    EXPECT_EQ(reply<ModelAnswer>(out).began_ns(), (now_ - 50ms).time_since_epoch().count());
  }
  EXPECT_TRUE(take(timer_fired{timers[0]}).empty());
}

TEST_F(offline_provider, refuses_calls_beyond_its_bound_and_takes_them_again_later) {
  make({.delay = 50ms, .waiting_max = 2});
  auto first = take(request_of(question(), 1));
  static_cast<void>(take(request_of(question(), 2)));
  auto third = take(request_of(question(), 3));
  EXPECT_EQ(failed(third), ec::overloaded);
  EXPECT_TRUE(third.timers.empty());
  now_ += 50ms;
  static_cast<void>(take(timer_fired{first.timers.at(0).id}));
  EXPECT_EQ(take(request_of(question(), 4)).timers.size(), 1u);
}

TEST_F(offline_provider, drops_a_call_that_is_cancelled_while_it_waits) {
  make({.delay = 25s, .waiting_max = 1});
  auto call = request_of(question(), 1);
  auto order = make_cancel(call.id, call.sender, call.target);
  auto stranger = make_cancel(call.id, address::of_agent(name("reader#9")), call.target);
  auto timer = take(std::move(call)).timers.at(0).id;
  EXPECT_TRUE(take(std::move(stranger)).empty());
  auto out = take(std::move(order));
  EXPECT_EQ(failed(out), ec::cancelled);
  ASSERT_EQ(out.timers.size(), 1u);
  EXPECT_EQ(out.timers[0].id, timer);
  EXPECT_EQ(out.timers[0].after, 0s) << "its delay is over";
  EXPECT_EQ(take(request_of(question(), 2)).timers.size(), 1u) << "there is room";
  EXPECT_TRUE(take(make_cancel({{7}, 9}, address::of_agent(name("reader#2")), {})).empty());
}

TEST_F(offline_provider, does_not_work_for_a_caller_whose_time_is_over) {
  make({.delay = 50ms});
  auto request = request_of(question());
  request.remaining = 20ms;
  auto waiting = take(std::move(request));
  ASSERT_EQ(waiting.timers.size(), 1u);
  EXPECT_EQ(waiting.timers[0].after, 20ms);
  now_ += 20ms;
  auto out = take(timer_fired{waiting.timers[0].id});
  EXPECT_EQ(failed(out), ec::timed_out);
  EXPECT_EQ(counted_.to_text().find("llm_api_calls_total{"), std::string::npos);
}

TEST_F(offline_provider, refuses_a_call_that_comes_too_late) {
  make();
  auto request = request_of(question());
  request.remaining = -1ms;
  auto out = take(std::move(request));
  EXPECT_EQ(failed(out), ec::timed_out);
}

TEST_F(offline_provider, answers_in_time_when_the_deadline_is_behind_the_delay) {
  make({.delay = 50ms});
  auto request = request_of(question());
  request.remaining = 60ms;
  auto waiting = take(std::move(request));
  now_ += 50ms;
  auto out = take(timer_fired{waiting.timers.at(0).id});
  EXPECT_FALSE(reply<ModelAnswer>(out).text().empty());
}

TEST_F(offline_provider, does_a_repeated_call_once) {
  make({.delay = 50ms});
  auto first = take(request_of(question()));
  auto again = request_of(question());
  again.attempt = 3;
  EXPECT_TRUE(take(std::move(again)).empty());
  now_ += 50ms;
  auto out = take(timer_fired{first.timers.at(0).id});
  EXPECT_EQ(out.sends.size(), 1u);
}

TEST_F(offline_provider, refuses_what_is_no_question_for_a_model) {
  make();
  auto empty = take(request_of(ModelRequest{}));
  EXPECT_EQ(failed(empty), ec::invalid_argument);
  auto wrong = make_envelope(message_kind::request, address::of(service::offline), AgentMessage{});
  wrong.sender = address::of_agent(name("reader#2"));
  auto out = take(std::move(wrong));
  EXPECT_EQ(failed(out), ec::bad_message);
  auto unasked = make_envelope(message_kind::event, address::of(service::offline), question());
  out = take(std::move(unasked));
  EXPECT_TRUE(out.sends.empty()) << "nobody waits for an answer";
  EXPECT_EQ(out.logs.size(), 1u) << "it is not dropped without a word";
  EXPECT_TRUE(take(timer_fired{99}).empty());
}

TEST_F(offline_provider, tells_those_who_wait_that_it_stops) {
  make({.delay = 50ms});
  auto waiting = take(request_of(question()));
  auto out = run([&](step_context& context) { logic_->stop(context); });
  EXPECT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(failed(out), ec::unavailable);
  EXPECT_TRUE(take(timer_fired{waiting.timers.at(0).id}).empty());
}

TEST_F(offline_provider, says_when_it_began_and_gives_each_answer_an_id) {
  make();
  auto first = take(request_of(question()));
  auto answer = reply<ModelAnswer>(first);
  EXPECT_EQ(answer.began_ns(), now_.time_since_epoch().count());
  EXPECT_EQ(answer.provider(), "offline");
  EXPECT_EQ(answer.finish_reason(), "stop");
  EXPECT_EQ(answer.id().rfind("offline-", 0), 0u) << answer.id();
  EXPECT_TRUE(first.spans.empty()) << "who asked records the call";
  now_ += 1s;
  auto second = take(request_of(question(), 2));
  EXPECT_NE(reply<ModelAnswer>(second).id(), answer.id());
  EXPECT_EQ(reply<ModelAnswer>(second).began_ns(), now_.time_since_epoch().count());
}

TEST_F(offline_provider, counts_calls_by_role_or_slot_and_never_by_a_key) {
  make();
  static_cast<void>(take(request_of(question())));
  auto keyed = request_of(question(), 2);
  keyed.sender = address::of_agent(name("librarian/secret#1"));
  static_cast<void>(take(std::move(keyed)));
  auto text = counted_.to_text();
  EXPECT_NE(text.find("reader#2"), std::string::npos);
  EXPECT_NE(text.find("librarian"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

} // namespace troupe
