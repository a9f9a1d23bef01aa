#include "actors/llm/openai/openai_dialect.hpp"
#include "config/base/split_mix.hpp"
#include "config/limits/models.hpp"
#include "tests/unit/llm/provider_answer.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using namespace tests;

const openai_dialect api;

std::string chunk(const std::string& delta, const std::string& finish = "null") {
  return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"m1-big","choices":)"
         R"([{"index":0,"delta":)"
         + delta + R"(,"finish_reason":)" + finish + "}]}\n\n";
}

std::string text_chunk(const std::string& text) {
  return chunk("{\"content\":" + nlohmann::json(text).dump() + "}");
}

const std::string usage_chunk =
    R"(data: {"id":"chatcmpl-1","choices":[],"system_fingerprint":"fp","usage":{)"
    R"("prompt_tokens":30,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":20},)"
    R"("completion_tokens_details":{"reasoning_tokens":5}}})"
    "\n\n";
const std::string last = "data: [DONE]\n\n";
const std::string stop = chunk("{}", "\"stop\"");

TEST(openai_reader, reads_a_stream_and_passes_its_pieces_on) {
  auto stream = chunk(R"({"role":"assistant","content":""})") + text_chunk("Gut") + ": ping\n\n"
                + text_chunk("en Täg 🎭") + stop + usage_chunk + last;
  for (const auto& got :
       {read_answer(api, stream_head(), stream), read_by_byte(api, stream_head(), stream)}) {
    ASSERT_TRUE(got.answer) << got.why();
    ASSERT_EQ(got.pieces.size(), 2U);
    EXPECT_EQ(got.pieces[0].text(), "Gut");
    EXPECT_EQ(got.text(), got.answer->text());
    EXPECT_EQ(got.answer->text(), "Guten Täg 🎭");
    EXPECT_EQ(got.answer->id(), "chatcmpl-1");
    EXPECT_EQ(got.answer->model(), "m1-big");
    EXPECT_EQ(got.answer->provider(), "acme");
    EXPECT_EQ(got.answer->finish_reason(), "stop");
    EXPECT_EQ(got.answer->finish(), FINISH_STOP);
    EXPECT_EQ(got.answer->input_tokens(), 30U);
    EXPECT_EQ(got.answer->output_tokens(), 12U);
    EXPECT_EQ(got.answer->cached_tokens(), 20U);
    EXPECT_EQ(got.answer->reasoning_tokens(), 5U);
    EXPECT_EQ(got.answer->passed_on(), R"({"system_fingerprint":"fp"})");
    EXPECT_TRUE(got.answer->parts().empty());
  }
}

/// In the shape of its source, tools/server/server-task.cpp (in llama-cpp-python 0.3.36).
TEST(openai_reader, reads_a_stream_of_llama_cpp) {
  auto event = [](const std::string& choices, const std::string& more = "") {
    return "data: {\"choices\":" + choices
           + R"(,"created":1764316800,"id":"chatcmpl-u7","model":"smollm2","system_fingerprint":)"
             R"("b1-0c1e570","object":"chat.completion.chunk")"
           + more + "}\n\n";
  };
  auto choice = [](const std::string& finish, const std::string& delta) {
    return R"([{"finish_reason":)" + finish + R"(,"index":0,"delta":)" + delta + "}]";
  };
  auto stream = event(choice("null", R"({"role":"assistant","content":null})"))
                + event(choice("null", R"({"content":"Hel"})"))
                + event(choice("null", R"({"content":"lo"})")) + event(choice("\"length\"", "{}"))
                + event("[]", R"(,"usage":{"completion_tokens":2,"prompt_tokens":31,)"
                              R"("total_tokens":33,"prompt_tokens_details":{"cached_tokens":30}},)"
                              R"("timings":{"cache_n":30,"prompt_n":1,"predicted_n":2})")
                + last;
  for (const auto& got :
       {read_answer(api, stream_head(), stream), read_by_byte(api, stream_head(), stream)}) {
    ASSERT_TRUE(got.answer) << got.why();
    EXPECT_EQ(got.pieces.size(), 2U) << "none for a content that is null";
    EXPECT_EQ(got.text(), "Hello");
    EXPECT_EQ(got.answer->text(), "Hello");
    EXPECT_EQ(got.answer->finish(), FINISH_LENGTH);
    EXPECT_EQ(got.answer->input_tokens(), 31U) << "from the chunk without choices";
    EXPECT_EQ(got.answer->output_tokens(), 2U);
    EXPECT_EQ(got.answer->cached_tokens(), 30U);
  }
}

TEST(openai_reader, reads_a_document) {
  auto body =
      R"({"id":"x","model":"m1-big","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"Yes.","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"find","arguments":"{\"q\":1}"}}]},"finish_reason":"tool_calls",)"
      R"("logprobs":{"content":[{"token":"Yes","logprob":-0.5}]}},{"index":1,"message":)"
      R"({"content":null,"refusal":"No."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,)"
      R"("completion_tokens":2},"service_tier":"default"})";
  auto got = read_answer(api, json_head(), body, false);
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_TRUE(got.pieces.empty());
  const auto& answer = *got.answer;
  EXPECT_EQ(answer.text(), "Yes.");
  EXPECT_EQ(answer.finish(), FINISH_TOOL_CALLS);
  ASSERT_EQ(answer.parts().size(), 3);
  EXPECT_EQ(answer.parts(0).thinking().text(), "hm");
  EXPECT_EQ(answer.parts(1).text(), "Yes.");
  EXPECT_EQ(answer.parts(2).tool_call().arguments(), "{\"q\":1}");
  EXPECT_EQ(answer.logprobs(), R"({"content":[{"token":"Yes","logprob":-0.5}],"refusal":[]})");
  ASSERT_EQ(answer.further().size(), 1);
  EXPECT_EQ(answer.further(0).refusal(), "No.");
  EXPECT_EQ(answer.further(0).finish(), FINISH_REFUSED);
  EXPECT_EQ(answer.further(0).finish_reason(), "stop");
  EXPECT_EQ(answer.passed_on(), R"({"service_tier":"default"})");
}

TEST(openai_reader, makes_a_piece_of_a_document_where_a_stream_was_asked_for) {
  auto got = read_answer(api, json_head(),
                         R"({"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]})");
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.text(), "Yes.");
  EXPECT_EQ(got.answer->model(), "m1");
}

TEST(openai_reader, joins_a_thousand_streams_of_arguments_cut_at_random_places) {
  split_mix random{11};
  for (int round = 0; round < 1'000; ++round) {
    std::vector<std::string> arguments(1 + random.next() % 4), left;
    for (auto& each : arguments) {
      nlohmann::json made;
      for (auto fields = random.next() % 6; fields > 0; --fields)
        made["ключ" + std::to_string(fields)] = "\"{[\\ \n🎭" + std::to_string(random.next());
      each = made.dump();
    }
    left = arguments;
    std::string stream;
    for (std::size_t i = 0; i < left.size(); ++i)
      stream += chunk("{\"tool_calls\":[{\"index\":" + std::to_string(i) + ",\"id\":\"c"
                      + std::to_string(i) + R"(","type":"function","function":{"name":"f)"
                      + std::to_string(i) + R"(","arguments":""}}]})");
    while (std::any_of(left.begin(), left.end(), [](const auto& each) { return !each.empty(); })) {
      auto which = random.next() % left.size();
      auto size = std::min<std::size_t>(left[which].size(), random.next() % 9);
      while (size < left[which].size() && (left[which][size] & 0xc0) == 0x80)
        ++size; // JSON cannot hold half a character
      stream += chunk("{\"tool_calls\":[{\"index\":" + std::to_string(which)
                      + ",\"function\":{\"arguments\":"
                      + nlohmann::json(left[which].substr(0, size)).dump() + "}}]}");
      left[which].erase(0, size);
    }
    stream += chunk("{}", "\"tool_calls\"") + last;
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < stream.size();) {
      auto size = 1 + random.next() % 200;
      parts.push_back(stream.substr(at, size));
      at += size;
    }
    auto got = read_parts(api, stream_head(), parts);
    ASSERT_TRUE(got.answer) << got.why();
    std::vector<std::string> of_pieces(arguments.size());
    for (const auto& piece : got.pieces)
      of_pieces.at(piece.tool_call().index()) += piece.tool_call().arguments();
    EXPECT_EQ(of_pieces, arguments);
    ASSERT_EQ(got.answer->parts().size(), static_cast<int>(arguments.size()));
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const auto& call = got.answer->parts(static_cast<int>(i)).tool_call();
      EXPECT_EQ(call.arguments(), arguments[i]);
      EXPECT_EQ(call.id(), "c" + std::to_string(i));
      EXPECT_EQ(call.name(), "f" + std::to_string(i));
    }
  }
}

TEST(openai_reader, keeps_several_answers_apart) {
  std::string stream;
  for (auto [index, text] : {std::pair{0, "A"}, {1, "B"}, {0, "a"}, {1, "b"}})
    stream += R"(data: {"service_tier":"flex","choices":[{"index":)" + std::to_string(index)
              + R"(,"delta":{"content":")" + text + "\"}}]}\n\n";
  for (auto index : {1, 0})
    stream += R"(data: {"choices":[{"index":)" + std::to_string(index)
              + R"(,"delta":{},"finish_reason":")" + (index == 0 ? "stop" : "length") + "\"}]}\n\n";
  auto got = read_answer(api, stream_head(), stream + last);
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.answer->text(), "Aa");
  ASSERT_EQ(got.answer->further_size(), 1);
  EXPECT_EQ(got.answer->further(0).text(), "Bb");
  EXPECT_EQ(got.answer->further(0).finish(), FINISH_LENGTH);
  EXPECT_EQ(got.pieces.at(1).choice(), 1u);
  EXPECT_EQ(got.answer->service_tier(), "flex");
}

TEST(openai_reader, tells_calls_apart_that_a_server_does_not_count) {
  auto call = [](const char* id) {
    return chunk(R"({"tool_calls":[{"index":0,"id":")" + std::string{id}
                 + R"(","function":{"name":"f","arguments":"{}"}}]})");
  };
  auto got =
      read_answer(api, stream_head(), call("a") + call("b") + chunk("{}", "\"tool_calls\"") + last);
  ASSERT_TRUE(got.answer) << got.why();
  ASSERT_EQ(got.answer->parts().size(), 2);
  EXPECT_EQ(got.answer->parts(1).tool_call().id(), "b");
}

TEST(openai_reader, takes_no_part_of_a_stream_for_the_whole) {
  const auto whole = text_chunk("Yes.") + stop + usage_chunk + last;
  auto shortest = whole.size() - 1; // without the last line end the event is there all the same
  for (std::size_t size = 0; size < shortest; ++size) {
    auto got = read_answer(api, stream_head(), whole.substr(0, size));
    ASSERT_FALSE(got.answer) << size;
    EXPECT_EQ(got.code(), ec::provider_failed);
  }
  auto got = read_answer(api, stream_head(), text_chunk("Yes.") + stop);
  EXPECT_EQ(got.why(), "the stream of acme ended without [DONE], so the answer is not whole (after "
                       "piece 1)");
  EXPECT_NE(read_answer(api, stream_head(), text_chunk("Yes.") + last).why().find("finish_reason"),
            std::string::npos);
  EXPECT_FALSE(read_answer(api, stream_head(), last).answer);
}

TEST(openai_reader, takes_no_part_of_a_document_for_the_whole) {
  std::string whole = R"({"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]})";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_answer(api, json_head(), whole.substr(0, size)).answer) << size;
  EXPECT_FALSE(read_answer(api, json_head(), R"({"choices":[]})").answer);
  EXPECT_FALSE(
      read_answer(api, json_head(), R"({"choices":[{"message":{"content":"Y"}}]})").answer);
}

TEST(openai_reader, is_whole_at_its_last_event_and_ignores_what_follows) {
  ModelRequest what;
  auto reader = api.reader(what, some_target);
  reader->head(stream_head());
  std::vector<Piece> pieces;
  EXPECT_TRUE(reader->feed(text_chunk("a") + stop, pieces));
  EXPECT_FALSE(reader->is_whole());
  EXPECT_TRUE(reader->feed(last + "data: {garbage", pieces));
  EXPECT_TRUE(reader->is_whole());
  EXPECT_TRUE(reader->finish(pieces));
}

TEST(openai_reader, quotes_little_of_what_is_malformed) {
  auto got = read_answer(api, stream_head(), text_chunk("a") + "data: {\"choices\": nonsense\n\n");
  EXPECT_EQ(got.why(), "acme sent what is no answer (no JSON at byte 14): `{\"choices\": nonsense` "
                       "(after piece 1)");
  auto longer = read_answer(api, stream_head(), "data: " + std::string(5'000, 'x') + "\n\n");
  EXPECT_LT(longer.why().size(), 300U);
  for (auto wrong :
       {R"({"choices":5})", R"({"choices":[5]})", R"({"choices":[{"delta":{"content":5}}]})",
        R"({"choices":[{"index":-1}]})", R"({"choices":[{"index":100000}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"index":4000000}]}}]})", "[]", "5",
        "{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}", "{\"a\":\"\\ud83d\"}"}) {
    auto malformed =
        read_answer(api, stream_head(), "data: " + std::string{wrong} + "\n\n" + stop + last);
    EXPECT_EQ(malformed.code(), ec::provider_failed) << wrong;
    EXPECT_NE(malformed.why().find("sent what is no answer"), std::string::npos) << malformed.why();
  }
  auto deep = read_answer(api, json_head(), std::string(100'000, '['));
  EXPECT_NE(deep.why().find("within each other"), std::string::npos) << deep.why();
}

TEST(openai_reader, ignores_events_and_fields_that_it_does_not_know) {
  auto got = read_answer(api, stream_head(),
                         "event: later\ndata: {\"new\":[1]}\n\n"
                             + chunk(R"({"content":"a","x":{}})") + stop + last);
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.answer->text(), "a");
}

TEST(openai_reader, says_after_which_piece_a_stream_broke) {
  ModelRequest what;
  what.set_stream(true);
  auto reader = api.reader(what, some_target);
  reader->head(stream_head());
  std::vector<Piece> pieces;
  EXPECT_TRUE(reader->feed(text_chunk("a") + text_chunk("b") + "data: {\"cho", pieces));
  auto why = reader->broken_off({ec::timed_out, "acme.test:443 fell silent for 30 s"});
  EXPECT_EQ(why.code, ec::timed_out);
  EXPECT_EQ(why.message,
            "the answer of acme broke off: acme.test:443 fell silent for 30 s (after piece 2)");
}

TEST(openai_reader, cuts_an_answer_that_is_too_long_with_bounded_memory) {
  ModelRequest what;
  const std::string spaces(1 << 20, ' ');
  const auto texts = text_chunk(std::string(500'000, 'x'));
  for (const auto& [head, part] : {std::pair{json_head(), spaces}, {stream_head(), texts}}) {
    auto reader = api.reader(what, some_target);
    reader->head(head);
    std::vector<Piece> pieces;
    std::size_t fed = 0;
    auto last_fed = result<void>{};
    for (; last_fed && fed < (200U << 20); fed += part.size())
      last_fed = reader->feed(part, pieces);
    ASSERT_FALSE(last_fed);
    EXPECT_EQ(last_fed.error().code, ec::too_large);
    EXPECT_LE(fed, limits::model_answer_bytes_max + part.size());
  }
}

} // namespace

} // namespace troupe
