#include "tests/unit/http/simulation.hpp"

/// What the simulated provider answers, in both dialects.
namespace troupe {
namespace {

using namespace http_testing;

json with(json body, const json& more) {
  body.update(more);
  return body;
}

TEST_F(a_simulation, gives_the_same_question_the_same_answer) {
  auto first = chat(question());
  EXPECT_EQ(first["object"], "chat.completion");
  EXPECT_EQ(first["choices"][0]["finish_reason"], "stop");
  auto text = text_of(first);
  EXPECT_EQ(first["usage"]["completion_tokens"], std::count(text.begin(), text.end(), ' ') + 1);
  EXPECT_EQ(text_of(first), text_of(chat(question())));
  EXPECT_NE(text_of(first), text_of(chat(question("Where is it?"))));
  EXPECT_EQ(text_of(first), text_of(chat(with(question(), {{"user", "ada"}}))))
      << "for whom it is does not matter";
  EXPECT_NE(text_of(first), text_of(chat(with(question(), {{"temperature", 0.5}}))));
  auto shuffled = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"Where is the stapler?\"}] ,"
                  "\n\"model\":\"gpt-4o\"}";
  EXPECT_EQ(text_of(first), text_of(json::parse(body_of(raw("/v1/chat/completions", shuffled)))));
  EXPECT_NE(first["id"], chat(question())["id"]);
  simulation_options other;
  other.seed = 1;
  start(std::move(other));
  EXPECT_NE(text_of(first), text_of(chat(question())));
}

TEST_F(a_simulation, streams_what_it_would_say_at_once) {
  auto whole = chat(question());
  std::string text;
  auto body = with(question(), {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  auto all = events("/v1/chat/completions", body);
  ASSERT_GT(all.size(), 3u);
  for (const auto& one : all)
    if (!one["choices"].empty())
      text += one["choices"][0]["delta"].value("content", "");
  EXPECT_EQ(text, text_of(whole));
  EXPECT_TRUE(done_);
  EXPECT_EQ(all.back()["usage"], whole["usage"]);
  EXPECT_TRUE(all.back()["choices"].empty());
  EXPECT_TRUE(all.front()["usage"].is_null());
  EXPECT_EQ(all[all.size() - 2]["choices"][0]["finish_reason"], "stop");
  for (const auto& one : events("/v1/chat/completions", with(question(), {{"stream", true}})))
    EXPECT_FALSE(one.contains("usage"));
}

TEST_F(a_simulation, streams_messages_with_anthropics_events) {
  auto whole = ask("/v1/messages", message());
  EXPECT_EQ(whole["stop_reason"], "end_turn");
  auto all = events("/v1/messages", with(message(), {{"stream", true}}));
  std::string text, types;
  for (const auto& one : all) {
    types += one["type"].get<std::string>()[0] == 'c' && types.ends_with("content_block_delta ")
                     && one["type"] == "content_block_delta"
                 ? ""
                 : one["type"].get<std::string>() + " ";
    if (one["type"] == "content_block_delta")
      text += one["delta"]["text"];
  }
  EXPECT_EQ(types, "message_start ping content_block_start content_block_delta content_block_stop "
                   "message_delta message_stop ");
  EXPECT_EQ(text, whole["content"][0]["text"]);
  EXPECT_EQ(all[all.size() - 2]["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
  auto counted = ask("/v1/messages/count_tokens", message());
  EXPECT_EQ(counted["input_tokens"], whole["usage"]["input_tokens"]);
}

TEST_F(a_simulation, obeys_limits_stops_and_choices) {
  auto short_one = chat(with(question(), {{"max_tokens", 3}}));
  EXPECT_EQ(short_one["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(short_one["usage"]["completion_tokens"], 3);
  auto three = chat(with(question(), {{"n", 3}}));
  EXPECT_EQ(three["choices"].size(), 3u);
  EXPECT_NE(three["choices"][0]["message"]["content"], three["choices"][1]["message"]["content"]);
  auto said = chat(question(), "X-Simulate-Reply: one two STOP three\r\n");
  EXPECT_EQ(text_of(said), "one two STOP three");
  auto stopped =
      chat(with(question(), {{"stop", {"STOP"}}}), "X-Simulate-Reply: one two STOP three\r\n");
  EXPECT_EQ(text_of(stopped), "one two ");
  auto anthropic = ask("/v1/messages", with(message(), {{"stop_sequences", {"STOP"}}}),
                       "X-Simulate-Reply: one STOP\r\n");
  EXPECT_EQ(anthropic["stop_reason"], "stop_sequence");
  EXPECT_EQ(anthropic["stop_sequence"], "STOP");
  auto logged = chat(with(question(), {{"logprobs", true}, {"top_logprobs", 2}}));
  EXPECT_EQ(logged["choices"][0]["logprobs"]["content"].size(),
            logged["usage"]["completion_tokens"]);
  EXPECT_EQ(logged["choices"][0]["logprobs"]["content"][0]["top_logprobs"].size(), 2u);
}

const json weather = {{"type", "object"},
                      {"properties",
                       {{"city", {{"type", "string"}}},
                        {"days", {{"type", "integer"}, {"minimum", 1}, {"maximum", 3}}},
                        {"unit", {{"enum", {"C", "F"}}}}}}};

TEST_F(a_simulation, calls_tools_with_arguments_that_fit) {
  auto body = with(question("get_weather in Rome"),
                   {{"tools",
                     {{{"type", "function"},
                       {"function", {{"name", "get_weather"}, {"parameters", weather}}}}}}});
  auto called = chat(body);
  EXPECT_EQ(called["choices"][0]["finish_reason"], "tool_calls");
  auto call = called["choices"][0]["message"]["tool_calls"][0];
  EXPECT_EQ(call["function"]["name"], "get_weather");
  auto arguments = json::parse(call["function"]["arguments"].get<std::string>());
  EXPECT_TRUE(arguments["city"].is_string());
  EXPECT_GE(arguments["days"], 1);
  EXPECT_LE(arguments["days"], 3);
  std::string streamed;
  for (const auto& one : events("/v1/chat/completions", with(body, {{"stream", true}})))
    if (one["choices"][0]["delta"].contains("tool_calls"))
      streamed += one["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"];
  EXPECT_EQ(json::parse(streamed), arguments);
  EXPECT_EQ(chat(with(body, {{"tool_choice", "none"}}))["choices"][0]["finish_reason"], "stop");
  auto two = chat(body, "X-Simulate-Tool-Calls: 2\r\n");
  EXPECT_EQ(two["choices"][0]["message"]["tool_calls"].size(), 2u);
  auto forced = ask("/v1/messages",
                    with(message(), {{"tools", {{{"name", "look"}, {"input_schema", weather}}}},
                                     {"tool_choice", {{"type", "any"}}}}));
  EXPECT_EQ(forced["stop_reason"], "tool_use");
  EXPECT_TRUE(forced["content"][0]["input"]["city"].is_string());
}

TEST_F(a_simulation, writes_json_whatever_bytes_a_header_or_a_path_has) {
  EXPECT_EQ(text_of(chat(question(), "X-Simulate-Reply: a\xff\xc3z\r\n")), "a\uFFFD\uFFFDz");
  auto unknown = chat(question(), "X-Simulate-Fault: h\xffng\r\n")["error"]["message"];
  EXPECT_NE(unknown.get<std::string>().find("h\uFFFDng"), std::string::npos) << unknown;
  auto cut = chat(question(), "X-Simulate-Fault: " + std::string(59, 'x') + "\u00e9\r\n");
  EXPECT_TRUE(cut["error"]["message"].is_string()) << "cut at a character";
  auto shown = json::parse(body_of(raw("/v1/models/a\xff", "", "", "GET")));
  EXPECT_EQ(shown["id"], "a\uFFFD");
  simulation_options options;
  options.models = {"a"};
  start(std::move(options));
  auto none = json::parse(body_of(raw("/v1/models/a\xff", "", "", "GET")));
  EXPECT_EQ(none["error"]["type"], "not_found_error") << "it asked by Anthropic's API";
}

TEST_F(a_simulation, answers_by_a_schema_thinks_and_refuses) {
  auto body =
      with(question(),
           {{"response_format",
             {{"type", "json_schema"}, {"json_schema", {{"name", "w"}, {"schema", weather}}}}}});
  EXPECT_TRUE(json::parse(text_of(chat(body)))["days"].is_number_integer());
  auto thought = chat(with(question(), {{"reasoning_effort", "high"}}));
  EXPECT_GT(thought["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
  auto thinking = ask("/v1/messages", with(message(), {{"thinking", {{"type", "enabled"}}}}));
  EXPECT_EQ(thinking["content"][0]["type"], "thinking");
  EXPECT_EQ(thinking["content"][1]["type"], "text");
  auto refused = chat(question(), "X-Simulate-Refusal: true\r\n");
  EXPECT_TRUE(refused["choices"][0]["message"]["content"].is_null());
  EXPECT_TRUE(refused["choices"][0]["message"]["refusal"].is_string());
  EXPECT_EQ(ask("/v1/messages", message(), "X-Simulate-Refusal: true\r\n")["stop_reason"],
            "refusal");
  auto cached = chat(question(), "X-Simulate-Cached-Tokens: 0.5\r\n");
  EXPECT_EQ(cached["usage"]["prompt_tokens_details"]["cached_tokens"],
            cached["usage"]["prompt_tokens"].get<int>() / 2);
}

TEST_F(a_simulation, makes_vectors_of_length_one_from_texts) {
  auto made =
      ask("/v1/embeddings", {{"model", "e"}, {"input", {"one", "two", "one"}}, {"dimensions", 8}});
  ASSERT_EQ(made["data"].size(), 3u);
  EXPECT_EQ(made["data"][0]["embedding"], made["data"][2]["embedding"]);
  EXPECT_NE(made["data"][0]["embedding"], made["data"][1]["embedding"]);
  double square = 0;
  for (double x : made["data"][0]["embedding"])
    square += x * x;
  EXPECT_NEAR(square, 1, 1e-5);
  auto packed =
      ask("/v1/embeddings",
          {{"model", "e"}, {"input", "one"}, {"dimensions", 8}, {"encoding_format", "base64"}});
  EXPECT_EQ(packed["data"][0]["embedding"].get<std::string>().size(), 44u); // 32 bytes
}

TEST_F(a_simulation, lists_models_and_serves_only_those_it_was_given) {
  EXPECT_EQ(text_of(chat(question())).empty(), false);
  simulation_options options;
  options.models = {"a", "b/c"};
  start(std::move(options));
  auto list = json::parse(body_of(raw("/v1/models", "", "", "GET")));
  EXPECT_EQ(list["data"].size(), 2u);
  EXPECT_NE(raw("/v1/models/a", "", "", "GET").find("200 OK"), std::string::npos);
  EXPECT_NE(raw("/v1/models/x", "", "", "GET").find("404 Not Found"), std::string::npos);
  EXPECT_EQ(chat(question())["error"]["code"], "model_not_found");
  EXPECT_EQ(ask("/v1/messages", message())["error"]["type"], "not_found_error");
}

} // namespace
} // namespace troupe
