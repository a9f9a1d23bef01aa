#include "actors/llm/anthropic/anthropic_dialect.hpp"
#include "tests/unit/llm/provider_answer.hpp"

namespace troupe {

namespace {

using namespace tests;

const anthropic_dialect the_api;

std::string body_of(const ModelRequest& what) {
  auto made = the_api.ask(what, some_target);
  return made ? made->body : "failed: " + made.error().message;
}

std::string refusal_of(const ModelRequest& what) {
  auto made = the_api.ask(what, some_target);
  EXPECT_FALSE(made);
  return made ? "" : made.error().message;
}

TEST(anthropic_request, says_the_least_when_little_is_asked) {
  auto what = question("Why?");
  auto made = the_api.ask(what, some_target);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->path, "/messages");
  EXPECT_EQ(made->headers, (std::vector<std::string>{"content-type: application/json",
                                                     "anthropic-version: 2023-06-01"}));
  EXPECT_EQ(made->body, R"({"model":"m1","max_tokens":4096,)"
                        R"("messages":[{"role":"user","content":"Why?"}]})");
  EXPECT_EQ(the_api.ask(what, {.model = "m", .base_url = "https://api.anthropic.com"})->path,
            "/v1/messages");
  EXPECT_EQ(the_api.key_header("k"), "x-api-key: k");
}

TEST(anthropic_request, says_all_that_can_be_asked) {
  ModelRequest what;
  add_message(what, "system").set_text("Be brief.");
  what.mutable_messages(0)->mutable_parts(0)->set_passed_on(
      R"({"cache_control":{"type":"ephemeral"}})");
  add_message(what, "user").set_text("Why?");
  what.set_stream(true);
  what.set_thinking_tokens(2'000);
  what.add_stop("END");
  what.set_temperature(1);
  what.set_top_p(0.5);
  what.set_user("u");
  what.set_reasoning_effort("low");
  what.mutable_json_answer()->set_schema(R"({"type":"object"})");
  auto& tool = *what.add_tools();
  tool.set_name("find");
  tool.set_description("Finds.");
  what.mutable_tool_choice()->set_kind(ToolChoice::REQUIRED);
  what.set_parallel_tool_calls(false);
  what.set_passed_on(R"({"top_k":40})");
  EXPECT_EQ(
      body_of(what),
      R"({"model":"m1","max_tokens":6096,"thinking":{"type":"enabled","budget_tokens":2000},)"
      R"("stop_sequences":["END"],"temperature":1.0,"top_p":0.5,"metadata":{"user_id":"u"},)"
      R"("system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],)"
      R"("messages":[{"role":"user","content":"Why?"}],"stream":true,"tools":[{"name":"find",)"
      R"("description":"Finds.","input_schema":{"type":"object"}}],"tool_choice":{"type":"any",)"
      R"("disable_parallel_tool_use":true},"output_config":{"effort":"low","format":)"
      R"({"type":"json_schema","schema":{"type":"object"}}},"top_k":40})");
}

TEST(anthropic_request, says_a_conversation_in_turns) {
  auto what = question("What is it?");
  auto& image = *what.mutable_messages(0)->add_parts()->mutable_image();
  image.set_data("abcd");
  image.set_media_type("image/png");
  auto& thought = *add_message(what, "assistant").mutable_thinking();
  thought.set_text("hm");
  thought.set_signature("c2ln");
  auto& answer = *what.mutable_messages(1);
  answer.add_parts()->mutable_thinking()->set_redacted("ZW5j");
  auto& call = *answer.add_parts()->mutable_tool_call();
  call.set_id("c1");
  call.set_name("look");
  call.set_arguments(R"({"b":1,"a":2})");
  auto& result = *add_message(what, "tool").mutable_tool_result();
  result.set_call_id("c1");
  result.set_text("no eyes");
  result.set_failed(true);
  add_message(what, "user").set_text("And now?");
  EXPECT_EQ(
      body_of(what),
      R"({"model":"m1","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text",)"
      R"("text":"What is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png",)"
      R"("data":"YWJjZA=="}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"hm",)"
      R"("signature":"c2ln"},{"type":"redacted_thinking","data":"ZW5j"},{"type":"tool_use",)"
      R"("id":"c1",)"
      R"("name":"look","input":{"b":1,"a":2}}]},{"role":"user","content":[{"type":"tool_result",)"
      R"("tool_use_id":"c1","content":"no eyes","is_error":true},{"type":"text",)"
      R"("text":"And now?"}]}]})");
}

TEST(anthropic_request, forces_tools_and_shows_images_by_url) {
  auto what = question("Why?");
  what.mutable_messages(0)->add_parts()->mutable_image()->set_url("https://a.test/x.png");
  what.add_tools()->set_name("find");
  what.mutable_tool_choice()->set_kind(ToolChoice::NAMED);
  what.mutable_tool_choice()->set_name("find");
  auto body = body_of(what);
  EXPECT_NE(body.find(R"({"type":"image","source":{"type":"url","url":"https://a.test/x.png"}})"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find(R"("tool_choice":{"type":"tool","name":"find"})"), std::string::npos) << body;
}

TEST(anthropic_request, refuses_what_it_cannot_say) {
  auto refused = [](auto change) {
    auto what = question("Why?");
    change(what);
    return refusal_of(what);
  };
  EXPECT_EQ(refused([](auto& what) { what.set_n(2); }),
            "Anthropic's API has no way to give several answers (`n`): leave that out, or ask "
            "another provider than acme");
  EXPECT_NE(refused([](auto& what) { what.set_seed(0); }).find("`seed`"), std::string::npos);
  EXPECT_NE(refused([](auto& what) { what.set_logprobs(true); }).find("log probabilities"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) { what.mutable_json_answer(); }).find("without a schema"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) {
              add_message(what, "system").set_text("x");
            }).find("system message behind"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) {
              add_message(what, "assistant").mutable_thinking()->set_text("hm");
            }).find("without a signature"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) {
              add_message(what, "assistant").mutable_tool_call()->set_arguments("{\"a\":");
            }).find("arguments are no JSON object"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) {
              what.mutable_json_answer()->set_schema("{}");
              what.mutable_json_answer()->set_description("d");
            }).find("description of a JSON answer"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) {
              auto image = what.mutable_messages(0)->add_parts()->mutable_image();
              image->set_url("https://a.test/x.png");
              image->set_detail("high");
            }).find("detail of an image"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) { what.mutable_messages(0)->set_name("ada"); }).find("name of"),
            std::string::npos);
  EXPECT_NE(refused([](auto& what) { what.set_top_logprobs(2); }).find("log probabilities"),
            std::string::npos);
  EXPECT_FALSE(the_api.embed({}, some_target));
}

} // namespace

} // namespace troupe
