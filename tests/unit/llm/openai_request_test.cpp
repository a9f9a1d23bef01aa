#include "actors/llm/openai/openai_dialect.hpp"
#include "tests/unit/llm/provider_answer.hpp"

namespace troupe {

namespace {

using namespace tests;

const openai_dialect api;

std::string body_of(const ModelRequest& what, const model_target& of = some_target) {
  auto made = api.ask(what, of);
  return made ? made->body : "failed: " + made.error().message;
}

std::string refusal_of(const ModelRequest& what) {
  auto made = api.ask(what, some_target);
  EXPECT_FALSE(made);
  EXPECT_TRUE(made || made.error().code == ec::invalid_argument);
  return made ? "" : made.error().message;
}

TEST(openai_request, says_the_least_when_little_is_asked) {
  auto made = api.ask(question("Why?"), some_target);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->method, "POST");
  EXPECT_EQ(made->path, "/chat/completions");
  EXPECT_EQ(made->headers, std::vector<std::string>{"content-type: application/json"});
  EXPECT_EQ(made->body, R"({"model":"m1","messages":[{"role":"user","content":"Why?"}]})");
  EXPECT_EQ(api.key_header("k"), "authorization: Bearer k");
}

TEST(openai_request, says_all_that_can_be_asked) {
  auto what = question("Why?");
  what.set_stream(true);
  what.set_max_output_tokens(7);
  what.set_n(2);
  what.add_stop("END");
  what.set_seed(-3);
  what.set_temperature(0);
  what.set_top_p(0.5);
  what.set_logprobs(true);
  what.set_top_logprobs(4);
  what.set_reasoning_effort("low");
  what.set_user("u");
  what.set_parallel_tool_calls(false);
  what.set_passed_on(R"({"top_k":40,"z":{"b":1,"a":[1.5,null]}})");
  EXPECT_EQ(body_of(what),
            R"({"model":"m1","messages":[{"role":"user","content":"Why?"}],"max_tokens":7,"n":2,)"
            R"("stop":["END"],"seed":-3,"temperature":0.0,"top_p":0.5,"logprobs":true,)"
            R"("top_logprobs":4,"reasoning_effort":"low","user":"u","stream":true,)"
            R"("stream_options":{"include_usage":true},"parallel_tool_calls":false,"top_k":40,)"
            R"("z":{"b":1,"a":[1.5,null]}})");
}

TEST(openai_request, names_the_limit_as_the_server_wants_it) {
  auto what = question("Why?");
  what.set_max_output_tokens(7);
  auto of = some_target;
  for (auto url : {"https://api.openai.com/v1", "https://x.openai.azure.com/openai/v1"}) {
    of.base_url = url;
    EXPECT_NE(body_of(what, of).find(R"("max_completion_tokens":7)"), std::string::npos) << url;
  }
}

TEST(openai_request, says_a_conversation_with_tools_and_images) {
  ModelRequest what;
  add_message(what, "system").set_text("Be brief.");
  auto& image = *add_message(what, "user").mutable_image();
  image.set_data("abcd");
  image.set_media_type("image/png");
  image.set_detail("low");
  what.mutable_messages(1)->set_content("What is it?");
  auto& by_url = *what.mutable_messages(1)->add_parts()->mutable_image();
  by_url.set_url("https://a.test/x.jpg");
  auto& call = *add_message(what, "assistant").mutable_tool_call();
  call.set_id("c1");
  call.set_name("look");
  call.set_arguments("{\"at\": 1");
  auto& result = *add_message(what, "user").mutable_tool_result();
  result.set_call_id("c1");
  result.set_text("no eyes");
  result.set_failed(true);
  what.mutable_messages(3)->set_content("And now?");
  EXPECT_EQ(
      body_of(what),
      R"({"model":"m1","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":[{"type":"text","text":"What is it?"},)"
      R"({"type":"image_url","image_url":{"url":"data:image/png;base64,YWJjZA==","detail":"low"}},)"
      R"({"type":"image_url","image_url":{"url":"https://a.test/x.jpg"}}]},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"look","arguments":"{\"at\": 1"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"Error: no eyes"},)"
      R"({"role":"user","content":"And now?"}]})");
}

TEST(openai_request, says_tools_choices_and_schemas_in_their_order) {
  auto what = question("Why?");
  auto& tool = *what.add_tools();
  tool.set_name("find");
  tool.set_description("Finds.");
  tool.set_parameters(R"({"type":"object","properties":{"z":{},"a":{}}})");
  tool.set_strict(true);
  what.mutable_tool_choice()->set_kind(ToolChoice::NAMED);
  what.mutable_tool_choice()->set_name("find");
  what.mutable_json_answer()->set_schema(R"({"type":"object"})");
  what.mutable_json_answer()->set_strict(true);
  EXPECT_EQ(
      body_of(what),
      R"({"model":"m1","messages":[{"role":"user","content":"Why?"}],"tools":[{"type":"function",)"
      R"("function":{"name":"find","description":"Finds.","parameters":{"type":"object",)"
      R"("properties":{"z":{},"a":{}}},"strict":true}}],"tool_choice":{"type":"function",)"
      R"("function":{"name":"find"}},"response_format":{"type":"json_schema","json_schema":)"
      R"({"name":"answer","schema":{"type":"object"},"strict":true}}})");
  what.mutable_tool_choice()->set_kind(ToolChoice::REQUIRED);
  what.mutable_json_answer()->clear_schema();
  EXPECT_NE(
      body_of(what).find(R"("tool_choice":"required","response_format":{"type":"json_object"})"),
      std::string::npos);
}

TEST(openai_request, sends_back_what_an_answer_held) {
  ModelRequest what;
  auto& message = *what.add_messages();
  message.set_role("assistant");
  message.add_parts()->mutable_thinking()->set_text("hm");
  message.add_parts()->set_text("Yes.");
  message.add_parts()->set_refusal("Not that.");
  message.set_passed_on(R"({"prefix":true})");
  EXPECT_EQ(body_of(what), R"({"model":"m1","messages":[{"role":"assistant","content":"Yes.",)"
                           R"("reasoning_content":"hm","refusal":"Not that.","prefix":true}]})");
}

TEST(openai_request, refuses_what_it_cannot_say) {
  auto what = question("Why?");
  what.set_thinking_tokens(1'000);
  EXPECT_EQ(refusal_of(what),
            "OpenAI's API has no limit for thinking in tokens (it has "
            "`reasoning_effort`): leave that out, or ask another provider than acme");
  ModelRequest signed_thought;
  add_message(signed_thought, "assistant").mutable_thinking()->set_signature("s");
  EXPECT_NE(refusal_of(signed_thought).find("thinking blocks with a signature"), std::string::npos);
  ModelRequest seen;
  add_message(seen, "tool").mutable_tool_result()->add_images()->set_url("https://a.test");
  EXPECT_NE(refusal_of(seen).find("images in results of tools"), std::string::npos);
}

TEST(openai_request, refuses_what_makes_no_sense) {
  ModelRequest what;
  add_message(what, "assistant").mutable_image()->set_url("https://a.test");
  EXPECT_EQ(refusal_of(what), "an image stands in a message of the role `assistant`");
  ModelRequest strange;
  add_message(strange, "robot").set_text("hi");
  EXPECT_EQ(refusal_of(strange), "a message has the unknown role `robot`");
  auto schema = question("Why?");
  schema.add_tools()->set_name("t");
  schema.mutable_tools(0)->set_parameters("{\"a\":");
  EXPECT_EQ(refusal_of(schema), "the schema of the tool `t`: no JSON at byte 6");
  auto bytes = question("\xff");
  EXPECT_EQ(refusal_of(bytes), "a text of the request is not UTF-8");
}

TEST(openai_request, passes_nothing_on_that_it_says_itself) {
  for (auto field : {"model", "messages", "stream"}) {
    auto what = question("Why?");
    what.set_passed_on("{\"" + std::string{field} + "\":1}");
    EXPECT_EQ(refusal_of(what), "the further fields of the request hold `" + std::string{field}
                                    + "`, which the request says by itself");
  }
  auto what = question("Why?");
  what.set_passed_on(std::string(100'000, '['));
  EXPECT_NE(refusal_of(what).find("within each other"), std::string::npos);
  what.set_passed_on("{\"a\":1e999}");
  EXPECT_NE(refusal_of(what).find("a number in it is too large"), std::string::npos);
}

TEST(openai_request, asks_for_embeddings_and_reads_them) {
  EmbeddingRequest what;
  what.add_inputs("a");
  what.add_inputs("b");
  what.set_dimensions(2);
  auto made = api.embed(what, some_target);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->path, "/embeddings");
  EXPECT_EQ(made->body, R"({"model":"m1","input":["a","b"],"dimensions":2})");
  auto read = [&](std::string_view body) {
    return api.read_embeddings(what, some_target, json_head(), body);
  };
  auto answer =
      read(R"({"data":[{"index":1,"embedding":[0.5,-1]},{"index":0,"embedding":"AACAPwAAAEA="}],)"
           R"("model":"m1-big","usage":{"prompt_tokens":2,"total_tokens":2}})");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->embeddings(0).values(0), 1.0F);
  EXPECT_EQ(answer->embeddings(0).values(1), 2.0F);
  EXPECT_EQ(answer->embeddings(1).values(1), -1.0F);
  EXPECT_EQ(answer->input_tokens(), 2U);
  EXPECT_EQ(answer->model(), "m1-big");
  for (auto wrong : {"{}", "[", R"({"data":[{"index":0,"embedding":[1]}]})",
                     R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
                     R"({"data":[{"index":0,"embedding":["a"]},{"index":1,"embedding":[1]}]})"})
    EXPECT_FALSE(read(wrong)) << wrong;
  EXPECT_EQ(api.read_embeddings(what, some_target, json_head(404), "{}").error().code,
            ec::unknown_model);
}

} // namespace

} // namespace troupe
