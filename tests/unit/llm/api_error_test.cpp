#include "actors/llm/api_error.hpp"

#include "tests/unit/llm/provider_answer.hpp"

#include <gmock/gmock.h>

namespace troupe {

namespace {

using namespace tests;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

told error_of(unsigned status, const std::string& body,
              provider_config::api kind = provider_config::api::openai) {
  return read_answer(*make_dialect(kind), json_head(status), body);
}

TEST(api_error, says_what_a_status_means_and_what_the_provider_said) {
  auto openai = [](const char* code, const char* message) {
    return R"({"error":{"message":")" + std::string{message}
           + R"(","type":"t","param":null,"code":")" + code + "\"}}";
  };
  auto key =
      error_of(401, openai("invalid_api_key", "Incorrect API key provided: sk-ab12****wxyz."));
  EXPECT_EQ(key.code(), ec::refused);
  EXPECT_EQ(key.why(), "acme does not accept the key (status 401): `Incorrect API key provided: "
                       "***.`; look at the key of the provider in the configuration");
  EXPECT_EQ(error_of(403, "{}").code(), ec::refused);
  auto model = error_of(404, openai("model_not_found", "The model `m1` does not exist"));
  EXPECT_EQ(model.code(), ec::unknown_model);
  EXPECT_NE(model.why().find("acme has no model m1, or its base_url is wrong"), std::string::npos);
  EXPECT_EQ(error_of(400, openai("context_length_exceeded", "too long")).code(), ec::too_large);
  EXPECT_EQ(error_of(400, openai("x", "no")).why(),
            "acme finds the request wrong (status 400): `no`");
  EXPECT_EQ(error_of(429, openai("insufficient_quota", "You exceeded your quota")).why(),
            "there is no credit left with acme: `You exceeded your quota`");
  EXPECT_EQ(error_of(429, openai("insufficient_quota", "x")).code(), ec::refused);
  EXPECT_EQ(error_of(429, openai("rate_limit_exceeded", "Slow")).code(), ec::overloaded);
  EXPECT_EQ(error_of(500, "").why(), "acme answered with an error (status 500)");
  EXPECT_EQ(error_of(503, "<html>busy</html>").why(),
            "acme has too much to do (status 503): `<html>busy</html>`");
  EXPECT_NE(error_of(302, "").why().find("redirect (status 302)"), std::string::npos);
}

TEST(api_error, reads_the_bodies_of_both_and_of_those_that_imitate_them) {
  auto message = [](const char* body) { return read_api_error(body).message; };
  EXPECT_EQ(
      message(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"),
      "Overloaded");
  EXPECT_EQ(message(R"({"error":"model 'x' not found"})"), "model 'x' not found");
  EXPECT_EQ(message(R"({"detail":"Not Found"})"), "Not Found");
  EXPECT_EQ(message(R"([{"error":{"code":400,"message":"API key not valid","status":"INVALID"}}])"),
            "API key not valid");
  EXPECT_EQ(message("plain"), "plain");
  auto anthropic = error_of(
      529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
      provider_config::api::anthropic);
  EXPECT_EQ(anthropic.code(), ec::overloaded);
  EXPECT_EQ(anthropic.why(), "acme has too much to do (status 529): `Overloaded`");
}

TEST(api_error, of_llama_cpp_has_its_status_as_code_and_says_more_by_its_type) {
  auto long_prompt = error_of(
      400, R"({"error":{"code":400,"message":"request (5012 tokens) exceeds the available context )"
           R"(size (512 tokens), try increasing it","type":"exceed_context_size_error",)"
           R"("n_prompt_tokens":5012,"n_ctx":512}})");
  EXPECT_EQ(long_prompt.code(), ec::too_large) << long_prompt.why();
  EXPECT_THAT(long_prompt.why(), HasSubstr("(5012 tokens) exceeds the available context size"));
  auto loading = error_of(
      503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})");
  EXPECT_EQ(loading.code(), ec::overloaded);
  EXPECT_THAT(loading.why(), HasSubstr("`Loading model`"));
  auto key = error_of(
      401, R"({"error":{"message":"Invalid API Key","type":"authentication_error","code":401}})");
  EXPECT_EQ(key.code(), ec::refused);
  auto streamed =
      read_answer(*make_dialect(provider_config::api::openai), stream_head(),
                  "data: {\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":"
                  "\"unavailable_error\"}}\n\n");
  EXPECT_EQ(streamed.code(), ec::overloaded) << streamed.why();
  EXPECT_EQ(read_api_error(R"({"error":{"code":418,"message":"m"}})").code, "418");
}

TEST(api_error, says_how_long_to_wait) {
  auto api = make_dialect(provider_config::api::openai);
  auto asked = [&](std::string_view after) {
    return read_parts(*api, {429, "application/json", after}, {"{}"}).why();
  };
  EXPECT_THAT(asked("7"), ::testing::EndsWith("; it asks to wait 7 s"));
  EXPECT_THAT(asked("Fri, 27 Nov 2026 08:00:00 GMT"),
              ::testing::EndsWith("; it asks to wait until Fri, 27 Nov 2026 08:00:00 GMT"));
}

TEST(api_error, hides_the_key_and_what_looks_like_one) {
  model_target no_key;
  EXPECT_EQ(without_secrets("key Plain/Marker\"Key is wrong", some_target), "key *** is wrong");
  EXPECT_EQ(without_secrets("bad sk-proj-1 here", no_key), "bad *** here");
  EXPECT_EQ(without_secrets("token abcdefghij0123456789XYZ.", no_key), "token ***.");
  EXPECT_EQ(without_secrets("request req_011CSHoEeqs5C35K2UUqR7Fy", no_key),
            "request req_011CSHoEeqs5C35K2UUqR7Fy");
  const std::string error = R"({"error":{"message":"you sent Plain\/Marker\"Key","code":"x"}})";
  for (auto status : {200U, 400U, 401U, 500U}) {
    auto why = error_of(status, error).why();
    EXPECT_THAT(why, HasSubstr("`you sent ***`")) << status;
  }
  auto within = read_answer(*make_dialect(provider_config::api::openai), stream_head(),
                            "data: " + error + "\n\n");
  EXPECT_THAT(within.why(), HasSubstr("`you sent ***`"));
  auto html = read_answer(*make_dialect(provider_config::api::openai), {200, "text/html", {}},
                          "<html>Plain/Marker\"Key</html>");
  EXPECT_EQ(html.why(), "acme answered with text/html, no JSON: is its base_url right? It begins "
                        "with `<html>***</html>`");
  auto malformed =
      read_answer(*make_dialect(provider_config::api::openai), stream_head(),
                  "data: {\"a\": \"" + std::string(150, '-') + "Plain\\/Marker\\\"Key\n\n");
  EXPECT_THAT(malformed.why(), AllOf(HasSubstr("---***"), Not(HasSubstr("Marker"))));
}

TEST(a_hidden_key, is_cut_out_however_it_is_written) {
  EXPECT_EQ(without_key("a Plain+1/Key=, Plain+1/Key=", "Plain+1/Key="), "a ***, ***");
  EXPECT_EQ(without_key(R"(a Plain+1\/Key= and Plain+1\\/Key=)", "Plain+1/Key="), "a *** and ***");
  EXPECT_EQ(without_key("PlPlain+1/Key=", "Plain+1/Key="), "Pl***");
  EXPECT_EQ(without_key("cut at Plain+1/K", "Plain+1/Key="), "cut at ***");
  EXPECT_EQ(without_key("cut at Plain", "Plain+1/Key="), "cut at Plain") << "an usual word";
  EXPECT_EQ(without_key("does not exist", "x"), "does not exist") << "too short to be one";
  EXPECT_EQ(without_key("12345678", "12345678"), "***");
  EXPECT_EQ(without_key("1234567", "1234567"), "1234567");
  EXPECT_EQ(without_key("", "Plain+1/Key="), "");
}

TEST(api_error, keeps_little_of_a_long_error) {
  auto api = make_dialect(provider_config::api::anthropic);
  std::vector<std::string> parts(300, std::string(1 << 20, 'x'));
  auto got = read_parts(*api, json_head(500), parts);
  EXPECT_LT(got.why().size(), 400U);
}

TEST(api_error, may_come_within_a_stream) {
  auto got = read_answer(
      *make_dialect(provider_config::api::openai), stream_head(),
      "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n");
  EXPECT_EQ(got.why(),
            "acme answered with an error: `The server had an error` (before the first piece)");
  auto other = read_answer(*make_dialect(provider_config::api::anthropic), stream_head(),
                           "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                           "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
  EXPECT_EQ(other.code(), ec::overloaded);
}

TEST(api_error, that_was_cut_still_says_what_came) {
  ModelRequest what;
  auto reader = make_dialect(provider_config::api::openai)->reader(what, some_target);
  reader->head(json_head(401));
  std::vector<Piece> pieces;
  EXPECT_TRUE(reader->feed("{\"error\":{\"message\":\"bad ke", pieces));
  EXPECT_EQ(reader->broken_off({ec::provider_failed, "it broke"}).code, ec::refused);
}

} // namespace

} // namespace troupe
