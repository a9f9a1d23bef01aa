#include "messages/models.pb.h"
#include "tests/support/node/asking.hpp"

#include <gmock/gmock.h>

/// Calls of models in a whole node, whose provider is simulated within it.
namespace troupe::test {

namespace {

using ::testing::HasSubstr;

models_catalog two_providers() {
  models_catalog all;
  auto& one = all.providers.emplace_back();
  one.name = "sim";
  one.kind = provider_config::api::simulated;
  one.simulate = {{"reply", "You said: {question}"}};
  auto& other = all.providers.emplace_back();
  other.name = "claude";
  other.kind = provider_config::api::anthropic;
  other.base_url = "http://127.0.0.1:1";
  return all;
}

class model_calls : public ::testing::Test {
protected:
  model_calls() { EXPECT_TRUE(node_.wait_for_members()); }

  template <class Message>
  envelope ask(Message message) {
    auto whom = address::of(service::models, node_.mail().self());
    auto answer =
        ask_as_agent(node_, make_envelope(message_kind::request, whom, std::move(message)));
    if (!answer)
      ADD_FAILURE() << "no answer";
    return answer ? *std::move(answer) : envelope{};
  }

  whole_node node_{1, {}, {.providers = two_providers()}};
};

TEST_F(model_calls, are_answered_by_a_provider_within_the_node) {
  ModelRequest asked;
  asked.set_model("sim/any");
  auto* message = asked.add_messages();
  message->set_role("user");
  message->set_content("hello");
  auto reply = ask(asked);
  auto* answer = reply.body.as<ModelAnswer>();
  ASSERT_TRUE(answer) << failure_in(reply).value_or(failure{}).message;
  EXPECT_EQ(answer->text(), "You said: hello");
  EXPECT_EQ(answer->provider(), "sim");
  EXPECT_GT(answer->input_tokens(), 0u);
}

TEST_F(model_calls, make_vectors_of_texts) {
  EmbeddingRequest asked;
  asked.set_model("sim/any");
  asked.add_inputs("a");
  asked.add_inputs("b");
  asked.set_dimensions(3);
  auto reply = ask(asked);
  auto* answer = reply.body.as<EmbeddingAnswer>();
  ASSERT_TRUE(answer) << failure_in(reply).value_or(failure{}).message;
  ASSERT_EQ(answer->embeddings_size(), 2);
  EXPECT_EQ(answer->embeddings(0).values_size(), 3);
  EXPECT_NE(answer->embeddings(0).values(0), answer->embeddings(1).values(0));
  EXPECT_GT(answer->input_tokens(), 0u);
  asked.set_model("claude/any");
  auto refused = ask(asked);
  auto why = failure_in(refused);
  ASSERT_TRUE(why);
  EXPECT_THAT(why->message, HasSubstr("Anthropic's API has no embeddings"));
  auto told = ask(ProvidersQuery{});
  auto* listed = told.body.as<ProvidersListed>();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->providers_size(), 2);
  EXPECT_EQ(listed->providers(1).provider(), "sim");
  EXPECT_EQ(listed->providers(1).answered(), 1u);
  EXPECT_EQ(listed->providers(0).failed(), 0u) << "it was not asked";
}

} // namespace

} // namespace troupe::test
