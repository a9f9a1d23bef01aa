#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/models.pb.h"
#include "messages/runs.pb.h"
#include "messages/spans.pb.h"
#include "tests/unit/agents/obedient.hpp"

#include <algorithm>

namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_logic_test : agent_test {};

TEST_F(agent_logic_test, replies_to_who_asked) {
  auto sent = tell("hello");
  ASSERT_NO_FATAL_FAILURE(expect_first_reply(sent));
  EXPECT_EQ(text_of(std::move(sent)), "hello");
}

TEST_F(agent_logic_test, arms_no_timer_for_what_it_answers_at_once) {
  tell("hello");
  EXPECT_TRUE(scene.out.timers.empty());
}

TEST_F(agent_logic_test, gives_a_task_to_its_mind_and_counts_it) {
  TaskWork work;
  (*work.mutable_task()->mutable_input())["a"];
  (*work.mutable_task()->mutable_input())["b"];
  EXPECT_EQ(text_of(tell(request_of("obedient#3", 1, work))), "say 2");
  EXPECT_NE(counted.to_text().find("task_type=\"task\""), std::string::npos);
}

TEST_F(agent_logic_test, counts_messages_by_role_and_outcome) {
  tell("hello");
  tell("fail");
  auto text = counted.to_text();
  EXPECT_NE(text.find("agent_id=\"obedient\""), std::string::npos) << text;
  EXPECT_NE(text.find("task_type=\"message\""), std::string::npos);
  EXPECT_EQ(text.find("agent_id=\"obedient/ada\""), std::string::npos);
}

TEST_F(agent_logic_test, echoes_without_waking_its_mind) {
  auto kind_without_mind = obedient_role();
  kind_without_mind.make = [] { return ADD_FAILURE() << "woken", make_mind<obedient_mind>(); };
  use(std::move(kind_without_mind));
  auto sent = tell(request_of("obedient/ada", 1, echo_of("bytes")));
  ASSERT_NO_FATAL_FAILURE(expect_first_reply(sent));
  EXPECT_EQ(sent[0].body.as<Echo>()->bytes(), "bytes");
}

TEST_F(agent_logic_test, gives_a_repeated_message_the_same_reply) {
  auto first = saying_now("keep one");
  auto again = request_of("obedient/ada", 1, saying("keep two"), 2);
  EXPECT_EQ(text_of(tell(std::move(first))), "kept");
  EXPECT_EQ(text_of(tell(std::move(again))), "kept");
  EXPECT_EQ(text_of(tell("what")), "one");
}

TEST_F(agent_logic_test, gives_a_repeated_message_the_same_failure) {
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", 1, saying("fail")))), ec::not_found);
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", 1, saying("hello"), 2))), ec::not_found);
}

TEST_F(agent_logic_test, never_does_a_message_of_unknown_outcome) {
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", 9, saying("keep x"), 2))),
            ec::outcome_unknown);
  EXPECT_EQ(text_of(tell(request_of("obedient/ada", 10, saying("what")))), "");
}

TEST_F(agent_logic_test, forgets_acknowledged_replies) {
  tell("hello");
  envelope acknowledged;
  acknowledged.kind = message_kind::acknowledge;
  acknowledged.id = {ada, 1};
  EXPECT_TRUE(tell(std::move(acknowledged)).empty());
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", 1, saying("hello"), 2))),
            ec::outcome_unknown);
}

TEST_F(agent_logic_test, sends_its_one_reply_to_where_the_client_now_is) {
  tell("silence");
  auto again = request_of("obedient/ada", 1, saying("silence"), 2);
  again.sender.node = {5, 6};
  EXPECT_TRUE(tell(std::move(again)).empty());
  auto sent = std::move(scene.stop(*subject).sends);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target.node, (node_id{5, 6}));
}

TEST_F(agent_logic_test, works_on_one_message_at_a_time) {
  auto asked = tell("model");
  EXPECT_TRUE(tell("hello").empty());
  EXPECT_TRUE(tell(request_of("obedient/ada", ++sequence, echo_of("x"))).empty());
  ModelAnswer answer;
  answer.set_text("answer");
  auto sent = tell(reply_to(asked[0], answer));
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].body.as<AgentReply>()->text(), "answer");
  EXPECT_EQ(sent[1].body.as<AgentReply>()->text(), "hello");
  EXPECT_EQ(sent[2].body.as<Echo>()->bytes(), "x");
}

TEST_F(agent_logic_test, refuses_what_does_not_fit_into_its_inbox) {
  tell("silence");
  for (std::size_t i = 0; i < limits::agent_inbox_max; ++i)
    EXPECT_TRUE(tell("hello").empty());
  EXPECT_EQ(failure_of(tell("hello")), ec::overloaded);
}

TEST_F(agent_logic_test, drops_what_has_no_time_left_and_tells_its_sender) {
  auto asked = tell("model");
  auto hasty = saying_now("hello");
  hasty.remaining = 100ms;
  tell(std::move(hasty));
  scene.now += 100ms;
  auto sent = tell(reply_to(asked[0], ModelAnswer{}));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(code_of(sent[1]), ec::timed_out);
  EXPECT_EQ(counted.plain().envelopes_expired.load(), 1u);
}

TEST_F(agent_logic_test, asks_the_models_of_its_node_within_the_time_of_the_message) {
  auto hasty = saying_now("model");
  hasty.remaining = 2s;
  auto sent = tell(std::move(hasty));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, address::of(service::models, this_node));
  EXPECT_EQ(sent[0].sender, address::of_agent(name{"obedient/ada"}, this_node));
  EXPECT_EQ(sent[0].remaining, 2s);
  EXPECT_FALSE(sent[0].body.as<ModelRequest>()->stream());
  EXPECT_TRUE(armed(1, 2s));
}

TEST_F(agent_logic_test, adds_up_the_tokens_of_its_models) {
  auto asked = tell("model");
  ModelAnswer answer;
  answer.set_text("answer");
  answer.set_input_tokens(20);
  answer.set_output_tokens(3);
  answer.set_cost_nano_usd(450);
  auto sent = tell(reply_to(asked[0], answer));
  EXPECT_EQ(sent[0].body.as<AgentReply>()->cost_nano_usd(), 450);
  EXPECT_EQ(sent[0].body.as<AgentReply>()->input_tokens(), 20u);
  EXPECT_EQ(sent[0].body.as<AgentReply>()->output_tokens(), 3u);
  EXPECT_TRUE(armed(1, 0s));
}

TEST_F(agent_logic_test, tells_what_its_models_used_before_it_failed) {
  auto asked = tell("model");
  ModelAnswer answer;
  answer.set_text("fail");
  answer.set_input_tokens(20);
  answer.set_output_tokens(3);
  answer.set_cost_nano_usd(450);
  auto sent = tell(reply_to(asked[0], answer));
  auto why = sent[0].body.as<Failure>();
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code(), static_cast<std::uint32_t>(ec::not_found));
  EXPECT_EQ(why->input_tokens(), 20u);
  EXPECT_EQ(why->output_tokens(), 3u);
  EXPECT_EQ(why->cost_nano_usd(), 450);
}

TEST_F(agent_logic_test, gives_failures_of_services_to_its_mind) {
  auto asked = tell("model");
  EXPECT_EQ(failure_of(tell(reply_failure(asked[0], {ec::unknown_model, "no"}))),
            ec::unknown_model);
  asked = tell("blob");
  EXPECT_EQ(asked[0].target, address::of(service::blobs, this_node));
  EXPECT_EQ(text_of(tell(reply_failure(asked[0], {ec::unavailable, "gone"}))), "gone");
}

TEST_F(agent_logic_test, gives_damaged_answers_to_its_mind_as_failures) {
  auto asked = tell("model");
  EXPECT_EQ(failure_of(tell(reply_to(asked[0], Echo{}))), ec::bad_message);
}

TEST_F(agent_logic_test, gives_blobs_to_its_mind) {
  auto asked = tell("blob");
  BlobData data;
  data.set_bytes("content");
  EXPECT_EQ(text_of(tell(reply_to(asked[0], data))), "content");
}

TEST_F(agent_logic_test, bounds_what_is_asked_at_once) {
  auto sent = tell("many");
  EXPECT_EQ(std::count_if(sent.begin(), sent.end(),
                          [](const auto& one) { return one.kind == message_kind::request; }),
            static_cast<std::ptrdiff_t>(limits::agent_asks_pending_max));
  EXPECT_NE(sent.back().body.as<AgentReply>()->text().find("at once"), std::string::npos);
}

TEST_F(agent_logic_test, pipes_pieces_to_who_asked) {
  auto asked = tell("stream");
  ASSERT_TRUE(asked[0].body.as<ModelRequest>()->stream());
  Piece piece;
  piece.set_text("N");
  EXPECT_TRUE(tell(reply_to(asked[0], piece, message_kind::piece)).empty());
  piece.set_text("ice");
  auto sent = tell(reply_to(asked[0], piece, message_kind::piece));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].kind, message_kind::piece);
  EXPECT_EQ(sent[0].target, client());
  EXPECT_EQ(sent[0].id, (message_id{ada, 1}));
  EXPECT_EQ(sent[0].body.as<Piece>()->text(), "Nice");
  ModelAnswer answer;
  answer.set_text("Nice one");
  sent = tell(reply_to(asked[0], answer));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].body.as<Piece>()->text(), " one");
  EXPECT_EQ(sent[1].body.as<AgentReply>()->text(), "Nice one");
}

TEST_F(agent_logic_test, says_that_a_model_began_anew) {
  auto asked = tell("stream");
  Piece piece;
  piece.set_text("Half an");
  EXPECT_EQ(tell(reply_to(asked[0], piece, message_kind::piece)).size(), 1u);
  piece.set_text("All");
  piece.set_restarted(true);
  auto sent = tell(reply_to(asked[0], piece, message_kind::piece));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].body.as<Piece>()->restarted());
  EXPECT_EQ(sent[0].body.as<Piece>()->index(), 0u);
  EXPECT_EQ(sent[0].body.as<Piece>()->text(), "All");
}

TEST_F(agent_logic_test, says_a_streamed_answer_again_to_a_client_who_moved) {
  auto asked = tell("stream");
  Piece piece;
  piece.set_text("Half an");
  tell(reply_to(asked[0], piece, message_kind::piece));
  auto again = request_of("obedient/ada", 1, saying("stream"), 2);
  again.sender.node = {5, 6};
  auto sent = tell(std::move(again));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target.node, (node_id{5, 6}));
  EXPECT_EQ(sent[0].body.as<Piece>()->text(), "Half an");
}

TEST_F(agent_logic_test, pipes_nothing_when_nobody_waits) {
  auto message =
      make_envelope(message_kind::event, address::of_agent(name{"obedient/ada"}), saying("stream"));
  auto asked = tell(std::move(message));
  EXPECT_FALSE(asked[0].body.as<ModelRequest>()->stream());
  EXPECT_TRUE(tell(reply_to(asked[0], ModelAnswer{})).empty());
}

TEST_F(agent_logic_test, stops_waiting_when_the_time_of_its_role_is_over) {
  auto asked = tell("model");
  EXPECT_TRUE(armed(1, 10s));
  scene.now += 10s;
  auto& sent = scene.step(*subject, timer_fired{1}).sends;
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(code_of(sent[1]), ec::timed_out);
  EXPECT_TRUE(tell(reply_to(asked[0], ModelAnswer{})).empty());
  EXPECT_EQ(text_of(tell("what")), "cancelled");
}

TEST_F(agent_logic_test, bounds_a_task_by_the_time_of_its_graph) {
  TaskWork work;
  work.mutable_task()->set_time_ms(20'000);
  work.mutable_task()->set_role("obedient");
  auto slow = obedient_role();
  slow.make = [] {
    struct silent {
      struct state {};
      std::pair<state, commands> decide(state&&, const mind_event&) const { return {}; }
      static std::string save(const state&) { return {}; }
      static bool load(state&, std::string_view) { return true; }
    };
    return std::unique_ptr<mind>{make_mind<silent>()};
  };
  use(slow);
  tell(request_of("obedient#0", 1, work));
  EXPECT_TRUE(armed(1, 10s));
  use(slow);
  work.mutable_task()->set_time_ms(3'000);
  tell(request_of("obedient#0", 2, work));
  EXPECT_TRUE(armed(1, 3s));
}

TEST_F(agent_logic_test, refuses_what_its_role_does_not_take) {
  auto only_tasks = obedient_role();
  only_tasks.info.set_for_talk(false);
  use(std::move(only_tasks));
  EXPECT_EQ(failure_of(tell("hello")), ec::invalid_argument);
  auto only_talk = obedient_role();
  only_talk.info.set_for_tasks(false);
  use(std::move(only_talk));
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", ++sequence, TaskWork{}))),
            ec::invalid_argument);
  EXPECT_EQ(failure_of(tell(request_of("obedient/ada", ++sequence, StatusQuery{}))),
            ec::bad_message); // like every receiver that takes no such message (why_not_taken)
}

TEST_F(agent_logic_test, refuses_damaged_bytes) {
  auto message = saying_now("");
  message.body = payload::from_wire(payload_kind::AgentMessage, byte_slice::copy_of("\x0a\x7f"));
  EXPECT_EQ(failure_of(tell(std::move(message))), ec::bad_message);
}

TEST_F(agent_logic_test, answers_who_still_waits_when_it_is_stopped) {
  tell("silence");
  tell("hello");
  auto sent = std::move(scene.stop(*subject).sends);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(code_of(sent[0]), ec::unavailable);
  EXPECT_EQ(code_of(sent[1]), ec::unavailable);
  EXPECT_TRUE(scene.stop(*subject).sends.empty());
}

TEST_F(agent_logic_test, records_a_span_only_if_the_trace_is_sampled) {
  auto message = saying_now("model");
  message.trace = {{1, 2}, {3}, 0};
  tell(std::move(message));
  EXPECT_TRUE(scene.stop(*subject).spans.empty());
  begin();
  message = saying_now("model");
  message.trace = {{1, 2}, {3}, 1};
  auto asked = tell(std::move(message));
  scene.now += 5ms;
  ModelAnswer answer;
  answer.set_input_tokens(20);
  answer.set_provider("offline");
  answer.set_cost_nano_usd(450);
  tell(reply_to(asked[0], answer));
  ASSERT_EQ(scene.out.spans.size(), 2u);
  const auto& span = scene.out.spans[1];
  EXPECT_EQ(span.name(), "invoke_agent obedient");
  EXPECT_EQ(span.parent(), 3u);
  EXPECT_EQ(span.end_ns() - span.start_ns(), 5'000'000);
  EXPECT_EQ(scene.out.spans[0].parent(), span.span()) << "the call of the model";
  std::map<std::string, SpanAttribute> attributes;
  for (const auto& one : span.attributes())
    attributes[one.key()] = one;
  EXPECT_EQ(attributes["gen_ai.operation.name"].text(), "invoke_agent");
  EXPECT_EQ(attributes["gen_ai.agent.name"].text(), "obedient");
  EXPECT_EQ(attributes["gen_ai.agent.id"].text(), "obedient/ada");
  EXPECT_EQ(attributes["gen_ai.conversation.id"].text(), "ada");
  EXPECT_EQ(attributes["gen_ai.provider.name"].text(), "offline") << "the model's";
  EXPECT_EQ(attributes.count("troupe.resend_count"), 0u) << "it came for the first time";
  EXPECT_EQ(attributes["gen_ai.usage.input_tokens"].integer(), 20);
  EXPECT_DOUBLE_EQ(attributes["troupe.cost_usd"].number(), 450e-9);
}

TEST_F(agent_logic_test, marks_the_span_of_a_failure) {
  auto message = saying_now("fail");
  message.trace = {{1, 2}, {3}, 1};
  tell(std::move(message));
  ASSERT_EQ(scene.out.spans.size(), 1u);
  const auto& span = scene.out.spans[0];
  EXPECT_TRUE(span.failed());
  EXPECT_EQ(span.end_ns() - span.start_ns(), 1) << "the step took no time here, the span does";
  for (const auto& one : span.attributes()) {
    EXPECT_NE(one.key(), "gen_ai.usage.input_tokens") << "no model was asked";
    EXPECT_TRUE(may_have(*row_of(span.name()), one.key())) << one.key();
  }
}

TEST_F(agent_logic_test, gives_its_mind_what_all_tasks_share_as_well) {
  ValueMap shared;
  (*shared.mutable_fields())["b"];
  (*shared.mutable_fields())["c"];
  TaskWork work;
  (*work.mutable_task()->mutable_input())["a"];
  work.mutable_task()->set_shared_input(shared.SerializeAsString());
  EXPECT_EQ(text_of(tell(request_of("obedient#3", 1, work))), "say 3");
  work.mutable_task()->set_shared_input("damaged");
  EXPECT_EQ(failure_of(tell(request_of("obedient#3", 2, work))), ec::bad_message);
  auto careless = obedient_role();
  careless.reads_input = false;
  use(std::move(careless));
  EXPECT_EQ(text_of(tell(request_of("obedient#3", 3, work))), "say 0");
}

} // namespace
} // namespace troupe
