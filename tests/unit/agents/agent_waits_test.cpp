#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "messages/reading.pb.h"
#include "tests/unit/agents/traced_agent.hpp"

/// The spans of what an agent waits for.
namespace troupe {
namespace {

using namespace troupe::tests;

using ::testing::ElementsAre;

/// A clock that goes on only when told to.
struct hand_clock final : time_source {
  instant at;
  instant now() const override { return at; }
};

/// Takes 7 ms for each decision, and asks a model once.
struct slow_mind {
  struct state {};
  std::pair<state, commands> decide(state&&, mind_event happened) const {
    clock->at += 7ms;
    commands todo;
    if (std::holds_alternative<message_received>(happened))
      todo.push_back(ask_model{1, {}, false, {}});
    else
      todo.push_back(reply_with{});
    return {state{}, std::move(todo)};
  }
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view) { return true; }
  hand_clock* clock;
};

struct agent_waits : traced_agent {};

TEST_F(agent_waits, a_call_of_a_model_lasts_from_the_question_until_the_answer) {
  auto asked = tell(sampled("stream"));
  ASSERT_EQ(asked.size(), 1u);
  auto began = scene.now;
  scene.now += 2ms;
  Piece piece;
  piece.set_text("geese");
  tell(reply_to(asked[0], piece, message_kind::piece));
  scene.now += 3ms;
  ModelAnswer answer;
  answer.set_text("geese");
  answer.set_provider("offline");
  answer.set_model("offline");
  answer.set_id("offline-5");
  answer.set_finish_reason("stop");
  answer.set_input_tokens(20);
  answer.set_output_tokens(1);
  answer.set_began_ns(nanoseconds(began + 1ms));
  tell(reply_to(asked[0], answer));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("chat offline", "invoke_agent obedient"));
  const auto& chat = made[0];
  EXPECT_EQ(asked[0].trace.span.value, chat.span()) << "what the model does is below it";
  EXPECT_EQ(chat.parent(), made[1].span());
  EXPECT_EQ(chat.start_ns(), nanoseconds(began));
  EXPECT_EQ(chat.end_ns(), nanoseconds(began + 5ms));
  EXPECT_EQ(attribute(chat, "troupe.model.wait_ms").number(), 1);
  EXPECT_EQ(attribute(chat, "gen_ai.response.time_to_first_chunk").number(), 0.002);
  EXPECT_TRUE(attribute(chat, "gen_ai.request.stream").flag());
  EXPECT_EQ(text(chat, "gen_ai.operation.name"), "chat");
  EXPECT_EQ(text(chat, "gen_ai.agent.name"), "obedient");
  EXPECT_EQ(text(chat, "gen_ai.provider.name"), "offline");
  EXPECT_EQ(text(chat, "gen_ai.request.model"), "offline") << "the default was asked";
  EXPECT_EQ(text(chat, "gen_ai.response.model"), "offline");
  EXPECT_EQ(text(chat, "gen_ai.response.id"), "offline-5");
  EXPECT_EQ(attribute(chat, "gen_ai.response.finish_reasons").texts().items(0), "stop");
  EXPECT_EQ(attribute(chat, "gen_ai.usage.input_tokens").integer(), 20);
  EXPECT_EQ(attribute(chat, "gen_ai.usage.output_tokens").integer(), 1);
}

TEST_F(agent_waits, texts_become_vectors_by_the_same_service) {
  auto asked = tell(sampled("vectors"));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target.svc, service::models);
  ASSERT_TRUE(asked[0].body.as<EmbeddingRequest>());
  EmbeddingAnswer answer;
  answer.add_embeddings()->add_values(1);
  answer.mutable_embeddings(0)->add_values(2);
  answer.set_provider("api");
  answer.set_model("tiny");
  answer.set_input_tokens(3);
  answer.set_cost_nano_usd(60);
  auto said = tell(reply_to(asked[0], answer));
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said.back().body.as<AgentReply>()->text(), "1");
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("embeddings api/tiny", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "gen_ai.operation.name"), "embeddings");
  EXPECT_EQ(text(made[0], "troupe.provider"), "api");
  EXPECT_EQ(attribute(made[0], "gen_ai.embeddings.dimension.count").integer(), 2);
  EXPECT_EQ(attribute(made[0], "gen_ai.usage.input_tokens").integer(), 3);
  EXPECT_EQ(attribute(made[0], "troupe.cost_usd").number(), 60e-9);
  EXPECT_EQ(attribute(made[1], "gen_ai.usage.input_tokens").integer(), 3);
}

TEST_F(agent_waits, a_call_that_fails_says_why) {
  auto asked = tell(sampled("model"));
  tell(reply_failure(asked[0], {ec::overloaded, "too many calls"}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("chat offline", "invoke_agent obedient"));
  EXPECT_TRUE(made[0].failed());
  EXPECT_EQ(text(made[0], "error.type"), "overloaded");
  EXPECT_EQ(text(made[0], "gen_ai.provider.name"), "offline") << "it was asked";
  EXPECT_EQ(text(made[1], "error.type"), "overloaded");
  EXPECT_EQ(text(made[1], "gen_ai.provider.name"), "offline");
}

TEST_F(agent_waits, a_call_names_its_provider_and_its_model_whatever_comes_of_it) {
  span_terms terms;
  terms.models.providers.emplace_back().name = "acme";
  terms.models.aliases = {{"small", "acme/tiny-2"}};
  begin(std::make_shared<const span_terms>(terms));
  for (bool is_cancelled : {true, false}) {
    auto request = sampled("model small");
    auto order = make_cancel(request.id, request.sender, request.target);
    auto asked = tell(std::move(request));
    ASSERT_EQ(asked.at(0).body.as<ModelRequest>()->model(), "small");
    if (is_cancelled)
      tell(std::move(order));
    else
      tell(reply_failure(asked[0], {ec::provider_failed, "status 500"}));
    auto made = spans();
    ASSERT_THAT(names(made), ElementsAre("chat tiny-2", "invoke_agent obedient"));
    EXPECT_EQ(made[0].kind(), static_cast<std::uint32_t>(span_kind::client)) << "it goes by HTTP";
    for (const auto& one : made) {
      EXPECT_TRUE(one.failed());
      EXPECT_EQ(text(one, "gen_ai.provider.name"), "openai") << one.name() << ": its API";
      EXPECT_EQ(text(one, "troupe.provider"), "acme") << one.name();
      EXPECT_EQ(text(one, "gen_ai.request.model"), "tiny-2") << one.name();
    }
  }
}

TEST_F(agent_waits, a_call_of_nobody_s_model_is_nobody_s) {
  auto asked = tell(sampled("model nobody/x"));
  tell(reply_failure(asked.at(0), {ec::unknown_model, "there is none"}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("chat nobody/x", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "gen_ai.provider.name"), "troupe");
  EXPECT_EQ(made[0].kind(), static_cast<std::uint32_t>(span_kind::internal));
}

TEST_F(agent_waits, what_is_cancelled_ends_before_the_agent) {
  auto request = sampled("model");
  auto order = make_cancel(request.id, request.sender, request.target);
  tell(std::move(request));
  scene.now += 5ms;
  tell(std::move(order));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("chat offline", "invoke_agent obedient"));
  for (const auto& one : made) {
    EXPECT_EQ(text(one, "error.type"), "cancelled") << one.name();
    EXPECT_EQ(one.end_ns(), nanoseconds(scene.now));
  }
}

TEST_F(agent_waits, a_provider_s_call_ends_with_the_wait_for_it) {
  for (bool has_ended : {true, false}) {
    auto request = sampled("model");
    auto order = make_cancel(request.id, request.sender, request.target);
    auto asked = tell(std::move(request));
    CallSpan call;
    *call.mutable_span() =
        begin_span(span_names::http, {}, asked.at(0).trace, {99}, scene.now + 1ms);
    tell(reply_to(asked[0], call, message_kind::piece));
    scene.now += 5ms;
    set_end(*call.mutable_span(), scene.now);
    if (has_ended) {
      tell(reply_to(asked[0], call, message_kind::piece));
      EXPECT_TRUE(scene.out.spans.empty()) << "it waits for its parent";
      tell(reply_to(asked[0], ModelAnswer{}));
    } else {
      tell(std::move(order));
    }
    auto made = spans();
    ASSERT_THAT(names(made), ElementsAre("POST", "chat offline", "invoke_agent obedient"));
    EXPECT_EQ(made[0].parent(), made[1].span());
    EXPECT_EQ(made[0].end_ns(), nanoseconds(scene.now));
    EXPECT_EQ(text(made[0], "error.type"), has_ended ? "" : "cancelled");
    tell(reply_to(asked[0], call, message_kind::piece));
    EXPECT_TRUE(scene.out.spans.empty()) << "it is there once";
  }
}

TEST_F(agent_waits, what_is_out_of_time_ends_before_the_agent) {
  auto request = sampled("blob");
  request.remaining = 1s;
  tell(std::move(request));
  scene.now += 1s;
  scene.step(*subject, timer_fired{1});
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("get blob", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "timed_out");
  EXPECT_EQ(text(made[1], "error.type"), "timed_out");
}

TEST_F(agent_waits, what_is_open_when_the_agent_is_stopped_ends_before_it) {
  tell(sampled("model"));
  tell(sampled("hello"));
  scene.stop(*subject);
  auto made = spans();
  ASSERT_THAT(names(made),
              ElementsAre("chat offline", "invoke_agent obedient", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "cancelled");
  EXPECT_EQ(text(made[1], "error.type"), "unavailable");
  EXPECT_EQ(text(made[2], "error.type"), "unavailable");
}

TEST_F(agent_waits, a_blob_says_where_it_was_found) {
  auto asked = tell(sampled("blob"));
  BlobFound found;
  found.set_holder(to_bytes(node_id{7, 8}));
  found.set_holder_name("node-7");
  found.add_errors("another node sent the wrong bytes");
  found.set_waiters(3);
  tell(reply_to(asked[0], found, message_kind::piece));
  scene.now += 4ms;
  BlobData data;
  data.set_bytes("geese");
  tell(reply_to(asked[0], data));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("get blob", "invoke_agent obedient"));
  EXPECT_EQ(made[0].kind(), static_cast<std::uint32_t>(span_kind::client));
  EXPECT_EQ(made[0].end_ns() - made[0].start_ns(), 4'000'000);
  EXPECT_EQ(attribute(made[0], "troupe.blob.bytes").integer(), 5);
  EXPECT_EQ(text(made[0], "troupe.blob.holder"), "node-7");
  ASSERT_EQ(made[0].events_size(), 1) << "what the log says of it";
  EXPECT_EQ(made[0].events(0).name(), "log");
  EXPECT_EQ(attribute(made[0], "troupe.blob.waiters").integer(), 3);
  EXPECT_FALSE(attribute(made[0], "troupe.blob.cached").flag());
}

TEST_F(agent_waits, reading_says_where_its_time_went) {
  auto asked = tell(sampled("read"));
  ASSERT_EQ(asked.size(), 1u);
  auto began = scene.now;
  scene.now += 9ms;
  ReadingTimes times;
  times.set_began_ns(nanoseconds(began + 3ms));
  times.set_work_ns(5'000'000);
  times.set_documents(1);
  times.set_passages(40);
  times.set_chosen(6);
  auto& wait = *times.add_waits();
  wait.set_from_ns(nanoseconds(began + 1ms));
  wait.set_until_ns(nanoseconds(began + 2ms));
  wait.set_size_bytes(35'000);
  wait.mutable_found()->set_cached(true);
  tell(reply_to(asked[0], times, message_kind::piece));
  EXPECT_TRUE(scene.out.spans.empty()) << "it would be an orphan if the node died now";
  tell(reply_to(asked[0], ReadingAnswer{}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("retrieval obedient", "get blob", "invoke_agent obedient"));
  const auto& fetched = made[1];
  EXPECT_EQ(fetched.parent(), made[0].span());
  EXPECT_EQ(fetched.start_ns(), nanoseconds(began + 1ms));
  EXPECT_EQ(fetched.end_ns(), nanoseconds(began + 2ms));
  EXPECT_EQ(attribute(fetched, "troupe.blob.bytes").integer(), 35'000);
  EXPECT_TRUE(attribute(fetched, "troupe.blob.cached").flag());
  EXPECT_EQ(text(made[0], "gen_ai.operation.name"), "retrieval");
  EXPECT_EQ(text(made[0], "gen_ai.data_source.id"), "obedient");
  EXPECT_EQ(attribute(made[0], "troupe.passages.read").integer(), 40);
  EXPECT_EQ(attribute(made[0], "troupe.passages.chosen").integer(), 6);
  EXPECT_EQ(attribute(made[0], "troupe.reading.wait_ms").number(), 3);
  EXPECT_EQ(attribute(made[0], "troupe.reading.work_ms").number(), 5);
  ASSERT_EQ(made[0].events_size(), 1);
  EXPECT_EQ(made[0].events(0).at_ns(), nanoseconds(began + 3ms));
  EXPECT_EQ(made[0].end_ns() - made[0].start_ns(), 9'000'000);
}

TEST_F(agent_waits, a_blob_that_did_not_come_says_why) {
  auto asked = tell(sampled("read"));
  scene.now += 2ms;
  ReadingTimes times;
  auto& wait = *times.add_waits();
  wait.set_until_ns(nanoseconds(scene.now));
  *wait.mutable_why() = to_proto({ec::not_found, "it is nowhere"});
  tell(reply_to(asked[0], times, message_kind::piece));
  tell(reply_failure(asked[0], {ec::not_found, "it is nowhere"}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("retrieval obedient", "get blob", "invoke_agent obedient"));
  EXPECT_EQ(text(made[1], "error.type"), "not_found");
  EXPECT_EQ(text(made.at(0), "error.type"), "not_found");
  EXPECT_FALSE(attribute(made[0], "troupe.reading.wait_ms").has_number()) << "it never began";
}

TEST_F(agent_waits, its_own_work_is_what_it_does_while_it_waits_for_nothing) {
  hand_clock clock;
  auto made_role = obedient_role();
  made_role.make = [&clock] { return make_mind<slow_mind>(slow_mind{&clock}); };
  use(std::move(made_role));
  scene.clock = &clock;
  clock.at = scene.now;
  auto asked = tell(sampled("hello"));
  ASSERT_EQ(asked.size(), 1u);
  scene.now = clock.at += 100ms;
  tell(reply_to(asked[0], ModelAnswer{}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("chat offline", "invoke_agent obedient"));
  EXPECT_EQ(made[0].end_ns() - made[0].start_ns(), 100'000'000);
  EXPECT_EQ(attribute(made[1], "troupe.agent.work_ms").number(), 14);
  EXPECT_EQ(made[1].end_ns() - made[1].start_ns(), 114'000'000);
}

TEST_F(agent_waits, the_state_is_loaded_within_the_message_that_needs_it) {
  use(obedient_role(true));
  auto get = tell(sampled("what"));
  ASSERT_EQ(get.size(), 1u);
  ASSERT_TRUE(get[0].body.as<SnapshotGet>());
  EXPECT_TRUE(get[0].trace.sampled()) << "the store's log lines belong to the trace";
  auto arrived = scene.now;
  scene.now += 3ms;
  auto loaded = scene.now;
  auto put = tell(found_state(get[0], "gold"));
  scene.now += 1ms;
  written(std::move(put));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("write state", "load state", "invoke_agent obedient"));
  EXPECT_EQ(made[1].parent(), made[2].span());
  EXPECT_EQ(get[0].trace.span.value, made[1].span());
  EXPECT_EQ(made[1].start_ns(), nanoseconds(arrived));
  EXPECT_EQ(made[1].end_ns(), nanoseconds(loaded));
  EXPECT_EQ(text(made[1], "db.system.name"), "rocksdb");
  EXPECT_EQ(text(made[1], "db.operation.name"), "get");
  EXPECT_EQ(attribute(made[1], "troupe.state.bytes").integer(), 4);
  EXPECT_EQ(attribute(made[1], "troupe.state.version").integer(), 6);
  EXPECT_EQ(attribute(made[2], "troupe.agent.wait_ms").number(), 3);
}

TEST_F(agent_waits, a_state_that_cannot_be_loaded_fails_the_message) {
  use(obedient_role(true));
  auto get = tell(sampled("what"));
  tell(reply_failure(get.at(0), {ec::timed_out, "the disk is slow"}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("load state", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "timed_out");
  EXPECT_EQ(text(made[1], "error.type"), "storage_failed");
}

TEST_F(agent_waits, a_message_that_is_cancelled_waits_for_no_state) {
  use(obedient_role(true));
  auto request = sampled("what");
  auto order = make_cancel(request.id, request.sender, request.target);
  auto get = tell(std::move(request));
  tell(std::move(order));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("load state", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "cancelled");
  tell(found_state(get.at(0), "gold"));
  EXPECT_TRUE(spans().empty());
  EXPECT_EQ(text_of(written(tell("what"))), "gold");
}

TEST_F(agent_waits, a_changed_state_is_written_within_its_message) {
  use(obedient_role(true));
  written(tell(found_state(tell("what").at(0), "gold")));
  auto put = tell(sampled("keep silver"));
  ASSERT_TRUE(put.at(0).body.as<SnapshotPut>());
  scene.now += 2ms;
  tell(reply_to(put[0], SnapshotWritten{}));
  auto made = spans();
  ASSERT_THAT(names(made), ElementsAre("write state", "invoke_agent obedient"));
  EXPECT_EQ(put[0].trace.span.value, made[0].span());
  EXPECT_EQ(made[0].end_ns() - made[0].start_ns(), 2'000'000);
  EXPECT_EQ(text(made[0], "db.operation.name"), "put");
  EXPECT_EQ(attribute(made[0], "troupe.state.bytes").integer(), 6);
  EXPECT_EQ(attribute(made[0], "troupe.state.version").integer(), 8);
  put = tell(sampled("keep bronze"));
  scene.step(*subject, timer_fired{2});
  made = spans();
  ASSERT_THAT(names(made), ElementsAre("write state", "invoke_agent obedient"));
  EXPECT_EQ(text(made[0], "error.type"), "timed_out");
  EXPECT_EQ(text(made[1], "error.type"), "outcome_unknown");
}

TEST_F(agent_waits, nothing_is_recorded_of_a_trace_that_is_not_sampled) {
  use(obedient_role(true));
  auto quiet = saying_now("model");
  quiet.trace = {{1, 2}, {3}, 0};
  auto asked = tell(found_state(tell(std::move(quiet)).at(0), "gold"));
  EXPECT_TRUE(spans().empty());
  EXPECT_EQ(asked.at(0).trace.span.value, 3u);
  tell(reply_to(asked[0], ModelAnswer{}));
  EXPECT_TRUE(spans().empty());
}

} // namespace
} // namespace troupe
