#include "tests/unit/llm/models_fixture.hpp"

namespace troupe {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class health_of_providers : public models_of_a_node {
protected:
  ProviderHealth health() {
    auto query =
        make_envelope(message_kind::request, address::of(service::models), ProvidersQuery{});
    query.sender = address::of_session({9});
    auto out = take(std::move(query));
    auto* listed = out.sends.empty() ? nullptr : out.sends[0].body.as<ProvidersListed>();
    if (!listed || listed->providers_size() != 1) {
      ADD_FAILURE() << "no list of one provider";
      return {};
    }
    return listed->providers(0);
  }
  void end(bool well) {
    now_ += 1s;
    auto& last = port.started.back();
    take(event_of(well ? came(last.id, "Yes.", true) : came(last.id, "no", true, 500)));
  }
  static std::int64_t ns(instant at) { return at.time_since_epoch().count(); }
};

TEST_F(health_of_providers, tells_how_calls_ended_and_since_when) {
  make(1);
  EXPECT_EQ(health().provider(), "api");
  EXPECT_EQ(health().last(), "") << "there was no call";
  take(call_of("one", 1));
  take(call_of("two", 2));
  EXPECT_EQ(health().running(), 1u);
  EXPECT_EQ(health().waiting(), 1u);
  EXPECT_EQ(health().calls_max(), 1u);
  end(true);
  auto first = now_;
  end(true);
  EXPECT_EQ(health().last(), "answered");
  EXPECT_EQ(health().since_ns(), ns(first));
  EXPECT_EQ(health().last_ns(), ns(now_));
  take(call_of("three", 3));
  end(false);
  auto broke = now_;
  take(call_of("four", 4));
  end(false);
  auto bad = health();
  EXPECT_EQ(bad.last(), "provider_failed");
  EXPECT_EQ(bad.words(), "status 500");
  EXPECT_EQ(bad.since_ns(), ns(broke));
  EXPECT_EQ(bad.answered(), 2u);
  EXPECT_EQ(bad.failed(), 2u);
  EXPECT_THAT(counted_.to_text(),
              HasSubstr("llm_calls_failed_total{provider=\"api\",reason=\"provider_failed\"} 2"));
}

TEST_F(health_of_providers, is_not_judged_by_who_gave_up_or_asked_wrongly) {
  make(1);
  auto first = call_of("one", 1);
  take(call_of("one", 1));
  take(cancel_of(first));
  take(call_of("an image", 2));
  EXPECT_EQ(health().last(), "");
  EXPECT_EQ(health().failed(), 0u);
}

TEST_F(health_of_providers, and_answers_and_spans_hold_no_key) {
  make();
  port.key = "PlainMarkerKey";
  take(call_of("one", 1));
  auto broken = came(port.started[0].id, "half", true);
  broken.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
  broken.mutable_why()->set_message("it knows PlainMarkerKey");
  auto out = take(event_of(broken));
  EXPECT_EQ(answer_in(out), "provider_failed: after 4 bytes: it knows ***");
  std::vector<std::string> spans;
  for (auto& sent : out.sends)
    if (auto* told = sent.kind == message_kind::piece ? sent.body.as<CallSpan>() : nullptr)
      spans.push_back(told->span().ShortDebugString());
  EXPECT_THAT(spans, ElementsAre(AllOf(HasSubstr("it knows ***"), Not(HasSubstr("Marker")))));
  EXPECT_EQ(health().words(), "after 4 bytes: it knows ***");
}

TEST_F(health_of_providers, names_the_places_of_refused_keys) {
  make();
  port.refused = {{"OPENAI_API_KEY", 401, 5}};
  auto told = health();
  ASSERT_EQ(told.keys_taken_out_size(), 1);
  EXPECT_EQ(told.keys_taken_out(0).source(), "OPENAI_API_KEY");
  EXPECT_EQ(told.keys_taken_out(0).status(), 401u);
}

TEST_F(health_of_providers, is_counted_while_calls_run) {
  make(1);
  take(call_of("one", 1));
  take(call_of("two", 2));
  EXPECT_THAT(counted_.to_text(), HasSubstr("llm_calls_running{provider=\"api\"} 1"));
  EXPECT_THAT(counted_.to_text(), HasSubstr("llm_calls_waiting{provider=\"api\"} 1"));
  end(true);
  end(true);
  EXPECT_THAT(counted_.to_text(), HasSubstr("llm_calls_running{provider=\"api\"} 0"));
  auto text = counted_.to_text();
  EXPECT_THAT(text, HasSubstr("gen_ai_client_operation_time_to_first_chunk_seconds_count{"
                              "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\","
                              "gen_ai_request_model=\"tiny\",provider=\"api\"} 2"));
}

// -- tenants --------------------------------------------------------------------------------------

TEST_F(health_of_providers, is_shared_by_tenants_in_turn) {
  make(1, 3);
  auto of = [&](const char* tenant, const char* text, std::uint64_t number) {
    auto made = call_of(text, number);
    made.tenant = name(tenant);
    return made;
  };
  take(of("big", "one", 1));
  take(of("big", "two", 2));
  take(of("big", "three", 3));
  take(of("big", "four", 4));
  EXPECT_THAT(answer_in(take(of("big", "five", 5))), HasSubstr("overloaded"));
  auto out = take(of("small", "mine", 6));
  EXPECT_THAT(answer_in(out), HasSubstr("the last of those who have most of them"));
  EXPECT_EQ(out.sends[0].id.sequence, 4u) << "the last of the big one's calls";
  end(true);
  EXPECT_THAT(port.bodies(), ElementsAre("one", "mine")) << "though two came before it";
}

// -- whole units ----------------------------------------------------------------------------------

TEST_F(health_of_providers, pass_whole_lines_on_to_who_asks_for_them) {
  make();
  auto asked = call_of("one", 1);
  asked.body.as<ModelRequest>()->set_unit(UNIT_LINES);
  take(std::move(asked));
  auto id = port.started[0].id;
  EXPECT_THAT(texts_of_pieces(*std::make_unique<outputs>(take(event_of(came(id, "a\nb"))))),
              ElementsAre("0 a\n"));
  auto last = take(event_of(came(id, "\nthe end.", true)));
  EXPECT_THAT(texts_of_pieces(last), ElementsAre("1 b\n", "2 the end."));
  EXPECT_EQ(answer_in(last), "api/tiny: a\nb\nthe end.");
  auto again = call_of("two", 2);
  again.body.as<ModelRequest>()->set_unit(UNIT_LINES);
  take(std::move(again));
  auto cut = take(event_of(came(port.started[1].id, "half a line", true)));
  EXPECT_THAT(texts_of_pieces(cut), ElementsAre()) << "it is no whole line";
  EXPECT_THAT(answer_in(cut), HasSubstr("half an answer"));
}

} // namespace troupe
