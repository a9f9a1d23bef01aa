#include "config/config.hpp"
#include "messages/models.pb.h"
#include "tests/e2e/held_file.hpp"
#include "tests/e2e/llama.hpp"
#include "tests/support/node/asking.hpp"

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

/// What Troupe promises of providers, of one that nobody here wrote: llama.cpp's server. Its model
/// understands little, so no test says what it answers, unless a schema does.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class llama : public llama_models {
protected:
  /// An agent's question about `model` to a node of this process that has the providers of the
  /// configuration: what a role cannot say stands in `asked`.
  envelope ask(const std::string& model, ModelRequest asked) const {
    auto loaded = load_config({.file = config(), .environment = {}, .flags = {}});
    if (!loaded)
      throw std::runtime_error(to_string(loaded.error()));
    test::whole_node node{1, {}, {.providers = loaded->catalog}};
    EXPECT_TRUE(node.wait_for_members());
    asked.set_model(model);
    auto whom = address::of(service::models, node.mail().self());
    auto answer =
        test::ask_as_agent(node, make_envelope(message_kind::request, whom, std::move(asked)));
    return answer ? *std::move(answer) : envelope{};
  }

  static ModelRequest question(const std::string& text) {
    ModelRequest asked;
    auto* message = asked.add_messages();
    message->set_role("user");
    message->set_content(text);
    return asked;
  }
};

/// Its first piece has no text, and its last event no choice but the usage.
TEST_F(llama, answers_in_pieces_and_says_what_they_cost) {
  serve({"--ignore-eos"});
  role("open", "open/smollm2", "limits: {output_tokens: 40}\n");
  role("claude", "claude/smollm2", "limits: {output_tokens: 40}\n");
  cluster one{user, {.nodes = 1}};
  double input = 0, output = 0;
  for (const char* name : {"open", "claude"}) {
    SCOPED_TRACE(name);
    auto asking = user.start({"send", std::string{name} + "/a", "Tell me about the sea."});
    auto ended = asking.wait(command_deadline);
    ASSERT_TRUE(ended && asking.wait_for_closed_output(10s));
    EXPECT_EQ(ended->code, 0) << asking.errors();
    EXPECT_GT(asking.output().size(), 40u) << "40 tokens";
    EXPECT_GT(asking.arrivals().size(), 4u) << "it comes as the model says it";
    EXPECT_THAT(asking.errors(), HasSubstr("was cut at")) << "it would go on for ever";
    auto calls = last_calls();
    ASSERT_EQ(calls.size(), 1u);
    const auto& told = calls[0].attributes;
    output += told.at("gen_ai.usage.output_tokens").get<double>();
    input += told.at("gen_ai.usage.input_tokens").get<double>();
    EXPECT_EQ(output, figure("tokens_predicted_total")) << "as the server counts them itself";
    EXPECT_EQ(input, figure("prompt_tokens_total") + figure("prompt_tokens_cached_total"));
  }
  EXPECT_EQ(output, 80);
}

TEST_F(llama, does_the_tasks_of_a_run_and_is_checked_and_listed) {
  serve({}, {}, "    models: [smollm2]\n");
  role("clerk", "open/smollm2", "limits: {output_tokens: 30}\n");
  cluster two{user, {.nodes = 2}};
  auto ran = run("clerk", "Name a colour.");
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, Not(IsEmpty()));
  auto checked = user.troupe({"models", "check"});
  EXPECT_TRUE(checked.ok()) << checked.shown();
  EXPECT_THAT(checked.out, AllOf(HasSubstr("open/smollm2"), HasSubstr("claude/smollm2"),
                                 HasSubstr("answered in"), Not(HasSubstr("failed"))));
}

TEST_F(llama, keeps_to_a_schema) {
  serve();
  auto asked = question("What is the weather like at the north pole?");
  asked.set_max_output_tokens(100);
  auto* wanted = asked.mutable_json_answer();
  wanted->set_name("weather");
  wanted->set_strict(true);
  wanted->set_schema(
      R"({"type": "object", "properties": {"sky": {"enum": ["clear", "grey", "dark"]}, )"
      R"("degrees": {"type": "integer"}}, "required": ["sky", "degrees"], )"
      R"("additionalProperties": false})");
  for (bool streamed : {false, true}) {
    SCOPED_TRACE(streamed);
    asked.set_stream(streamed);
    auto reply = ask("open/smollm2", asked);
    auto* answer = reply.body.as<ModelAnswer>();
    ASSERT_TRUE(answer) << failure_in(reply).value_or(failure{}).message;
    EXPECT_EQ(answer->finish(), FINISH_STOP);
    auto said = json::parse(answer->text(), nullptr, false);
    ASSERT_TRUE(said.is_object()) << answer->text();
    EXPECT_EQ(said.size(), 2u) << said;
    EXPECT_THAT(said.value("sky", ""), AnyOf("clear", "grey", "dark"));
    EXPECT_TRUE(said["degrees"].is_number_integer()) << said;
  }
}

TEST_F(llama, says_that_a_key_is_wrong_until_it_is_right) {
  write_file(user.path() / "key", "sk-wrong-4711\n");
  serve({"--api-key", "sk-right-4712"}, {}, "    api_key_file: key\n");
  for (std::string provider : {"open", "claude"})
    role(provider, provider + "/smollm2", "limits: {output_tokens: 10}\n");
  cluster one{user, {.nodes = 1}};
  for (const char* provider : {"open", "claude"}) {
    auto refused = send(provider, "hello");
    EXPECT_EQ(refused.ended.code, 1) << refused.shown();
    EXPECT_THAT(refused.err, AllOf(HasSubstr("does not accept the key"), HasSubstr("status 401"),
                                   HasSubstr("Invalid API Key"), Not(HasSubstr("4711"))));
  }
  write_file(user.path() / "key", "sk-right-4712\n");
  for (const char* provider : {"open", "claude"}) {
    auto taken = send(provider, "hello");
    EXPECT_TRUE(taken.ok()) << taken.shown();
  }
}

/// The server waits for its model's file as long as the test holds that.
TEST_F(llama, is_busy_while_it_loads_the_model) {
  auto model = user.path() / "model.gguf";
  std::filesystem::copy_file(server.program().parent_path() / "SmolLM2-135M-Instruct.Q4_1.gguf",
                             model);
  held_file held{model};
  serve({"--model", model.string()}, {{"LLAMA_WAIT", "no"}});
  role("early", "open/smollm2", "limits: {output_tokens: 10}\n");
  cluster one{user, {.nodes = 1}};
  ASSERT_TRUE(await_health(503, 20s));
  auto refused = send("early", "hello");
  EXPECT_EQ(refused.ended.code, 69) << refused.shown();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("has too much to do"), HasSubstr("Loading model")));
  held.let_go();
  ASSERT_TRUE(await_health(200, 30s));
  auto answered = send("early", "hello");
  EXPECT_TRUE(answered.ok()) << answered.shown();
}

TEST_F(llama, says_that_a_prompt_is_too_long_for_its_context) {
  serve({"--ctx-size", "256", "--parallel", "1"});
  std::string words;
  for (int i = 0; i < 400; ++i)
    words += "word ";
  for (std::string provider : {"open", "claude"})
    role(provider, provider + "/smollm2", "limits: {output_tokens: 10}\n");
  cluster one{user, {.nodes = 1}};
  for (const char* provider : {"open", "claude"}) {
    auto refused = send(provider, words);
    EXPECT_EQ(refused.ended.code, 1) << refused.shown();
    EXPECT_THAT(refused.err, AllOf(HasSubstr("the request is too long for"),
                                   HasSubstr("exceeds the available context size")));
    auto fits = send(provider, "hello");
    EXPECT_TRUE(fits.ok()) << fits.shown();
  }
}

TEST_F(llama, stops_when_nobody_wants_the_answer_any_more) {
  constexpr int tokens = 1'900;
  serve({"--ignore-eos", "--parallel", "1"});
  role("talker", "open/smollm2", "limits: {output_tokens: " + std::to_string(tokens) + "}\n");
  cluster one{user, {.nodes = 1}};
  auto asking = user.start({"send", "talker/a", "Tell me a long story."});
  ASSERT_TRUE(asking.wait_for_output(" ", 30s)) << asking.errors();
  EXPECT_EQ(figure("requests_processing"), 1);
  asking.send_signal(SIGINT);
  auto ended = asking.wait(20s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 130) << asking.errors();
  EXPECT_TRUE(await_figure("requests_processing", 0, 20s));
  auto late = send("talker", "Tell me more.", {"--timeout", "1s"});
  EXPECT_EQ(late.ended.code, 124) << late.shown();
  EXPECT_TRUE(await_figure("requests_processing", 0, 20s));
  EXPECT_LT(figure("tokens_predicted_total"), tokens) << "neither was said to its end";
}

} // namespace

} // namespace troupe::tests
