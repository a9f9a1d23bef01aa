#include "config/limits/models.hpp"
#include "tests/unit/llm/models_fixture.hpp"

namespace troupe {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class embeddings_of_a_node : public models_of_a_node {
protected:
  void prepare(models_logic::options& to) override {
    auto& price = to.catalog.providers.front().prices.emplace_back();
    price.model = "tiny";
    price.base.input = 20;
  }

  envelope texts_of(std::vector<std::string> texts, std::uint64_t number,
                    const std::string& model = "api/tiny") const {
    EmbeddingRequest asked;
    asked.set_model(model);
    for (auto& text : texts)
      asked.add_inputs(std::move(text));
    auto made =
        make_envelope(message_kind::request, address::of(service::models), std::move(asked));
    made.id = {{7}, number};
    made.sender = address::of_agent(name("reader/1"));
    made.trace = {{1, 2}, {3}, 1};
    return made;
  }
  /// "3 5": the vectors; or why there are none.
  static std::string vectors_in(outputs&& out) { return vectors_in(out); }
  static std::string vectors_in(outputs& out) {
    for (auto& sent : out.sends) {
      if (sent.kind != message_kind::reply)
        continue;
      if (auto why = failure_in(sent))
        return std::string(to_string(why->code)) + ": " + why->message;
      std::string all;
      if (auto* answer = sent.body.as<EmbeddingAnswer>())
        for (const auto& one : answer->embeddings())
          all += (all.empty() ? "" : " ") + std::to_string(static_cast<int>(one.values(0)));
      return all;
    }
    return "none";
  }
};

TEST_F(embeddings_of_a_node, go_the_way_of_all_calls) {
  make();
  EXPECT_EQ(vectors_in(take(texts_of({"one", "three"}, 1))), "none");
  ASSERT_EQ(port.started.size(), 1u);
  EXPECT_EQ(port.started[0].path, "/vectors");
  EXPECT_FALSE(port.started[0].streams) << "its transfer shares a connection";
  EXPECT_EQ(vectors_in(take(event_of(came(port.started[0].id, "vec")))), "none");
  auto out = take(event_of(came(port.started[0].id, "tors", true)));
  EXPECT_EQ(vectors_in(out), "3 5");
  auto* answer = out.sends.back().body.as<EmbeddingAnswer>();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->provider(), "api");
  EXPECT_EQ(answer->model(), "tiny");
  EXPECT_EQ(answer->cost_nano_usd(), 20'000);
  EXPECT_GT(answer->began_ns(), 0);
  EXPECT_EQ(span_told(out).name(), "POST");
  auto text = counted_.to_text();
  EXPECT_THAT(text, HasSubstr("llm_api_calls_total{agent_id=\"reader\",model=\"tiny\"} 1"));
  EXPECT_THAT(text, HasSubstr("gen_ai_operation_name=\"embeddings\""));
}

TEST_F(embeddings_of_a_node, fail_in_words) {
  make();
  take(texts_of({"one"}, 1));
  EXPECT_EQ(vectors_in(take(event_of(came(port.started[0].id, "busy", true, 503)))),
            "provider_failed: no vectors: busy");
  take(texts_of({"one"}, 2));
  auto broken = came(port.started[1].id, "vec", true);
  broken.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
  broken.mutable_why()->set_message("reset");
  EXPECT_EQ(vectors_in(take(event_of(broken))),
            "provider_failed: the answer of api broke off: reset");
}

TEST_F(embeddings_of_a_node, are_refused_by_who_has_none) {
  make();
  EXPECT_THAT(vectors_in(take(texts_of({"one"}, 1, ""))),
              HasSubstr("invalid_argument: the offline model has no embeddings"));
  EXPECT_EQ(vectors_in(take(texts_of({"one"}, 2, "api/blind"))),
            "invalid_argument: it has no embeddings");
  EXPECT_THAT(vectors_in(take(texts_of({"one"}, 3, "nobody/x"))), HasSubstr("unknown_model"));
  EXPECT_TRUE(port.started.empty());
}

TEST_F(embeddings_of_a_node, are_bounded) {
  make();
  std::vector<std::string> many(limits::embedding_inputs_max + 1, "x");
  EXPECT_THAT(vectors_in(take(texts_of(many, 1))),
              HasSubstr("too_large: at most 512 texts with 4 MiB together are embedded at once"));
  EXPECT_THAT(
      vectors_in(take(texts_of({std::string(limits::embedding_text_bytes_max, 'x'), "y"}, 2))),
      HasSubstr("too_large"));
  EXPECT_THAT(vectors_in(take(texts_of({}, 3))), HasSubstr("there is no text"));
  many.pop_back();
  EXPECT_EQ(vectors_in(take(texts_of(many, 4))), "none") << "it is made";
}

TEST_F(embeddings_of_a_node, are_given_up_like_calls) {
  make();
  auto asked = texts_of({"one"}, 1);
  take(texts_of({"one"}, 1));
  EXPECT_EQ(vectors_in(take(cancel_of(asked))), "cancelled: the call was cancelled");
  EXPECT_THAT(port.cancelled, ElementsAre(port.started[0].id));
}

} // namespace troupe
