#include "actors/llm/anthropic/anthropic_dialect.hpp"
#include "config/base/split_mix.hpp"
#include "tests/unit/llm/provider_answer.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using namespace tests;

const anthropic_dialect api;

std::string sent(const std::string& type, const std::string& fields = {}) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + fields + "}\n\n";
}

std::string block(int index, const std::string& content) {
  return sent("content_block_start",
              ",\"index\":" + std::to_string(index) + ",\"content_block\":" + content);
}

std::string delta(int index, const std::string& type, const char* field, const std::string& text) {
  return sent("content_block_delta", ",\"index\":" + std::to_string(index)
                                         + ",\"delta\":{\"type\":\"" + type + "\",\"" + field
                                         + "\":" + nlohmann::json(text).dump() + "}");
}

const std::string start =
    sent("message_start", R"(,"message":{"id":"msg_1","type":"message","role":"assistant",)"
                          R"("model":"m1-big","content":[],"stop_reason":null,"usage":)"
                          R"({"input_tokens":3,"cache_creation_input_tokens":20,)"
                          R"("cache_read_input_tokens":100,"output_tokens":1}})");
const std::string text_block = block(0, R"({"type":"text","text":""})");

std::string end(const std::string& reason) {
  return sent("message_delta", R"(,"delta":{"stop_reason":")" + reason
                                   + R"(","stop_sequence":null},"usage":{"output_tokens":12})")
         + sent("message_stop");
}

TEST(anthropic_reader, reads_a_stream_and_passes_its_pieces_on) {
  auto stream = start + text_block + sent("ping") + delta(0, "text_delta", "text", "Gut")
                + delta(0, "text_delta", "text", "en Täg 🎭")
                + sent("content_block_stop", ",\"index\":0") + end("end_turn");
  for (const auto& got :
       {read_answer(api, stream_head(), stream), read_by_byte(api, stream_head(), stream)}) {
    ASSERT_TRUE(got.answer) << got.why();
    EXPECT_EQ(got.pieces.size(), 2U);
    EXPECT_EQ(got.text(), "Guten Täg 🎭");
    EXPECT_EQ(got.answer->text(), "Guten Täg 🎭");
    EXPECT_TRUE(got.answer->parts().empty());
    EXPECT_EQ(got.answer->id(), "msg_1");
    EXPECT_EQ(got.answer->model(), "m1-big");
    EXPECT_EQ(got.answer->input_tokens(), 123U);
    EXPECT_EQ(got.answer->cached_tokens(), 100U);
    EXPECT_EQ(got.answer->cache_written_tokens(), 20U);
    EXPECT_EQ(got.answer->output_tokens(), 12U);
    EXPECT_EQ(got.answer->finish_reason(), "end_turn");
    EXPECT_EQ(got.answer->finish(), FINISH_STOP);
  }
}

TEST(anthropic_reader, keeps_thoughts_and_unknown_blocks_so_that_they_can_be_sent_back) {
  auto stream =
      start + block(0, R"({"type":"thinking","thinking":"","signature":""})")
      + delta(0, "thinking_delta", "thinking", "h") + delta(0, "thinking_delta", "thinking", "m")
      + delta(0, "signature_delta", "signature", "c2ln")
      + block(1, R"({"type":"redacted_thinking","data":"ZW5j"})")
      + block(2, R"({"type":"server_tool_use","id":"s1","name":"web","input":{}})")
      + delta(2, "input_json_delta", "partial_json", "{\"q\":")
      + delta(2, "input_json_delta", "partial_json", "1}")
      + block(3, R"({"type":"later_block","x":[1]})") + delta(3, "later_delta", "y", "z")
      + block(4, R"({"type":"tool_use","id":"c1","name":"look","input":{}})") + end("tool_use");
  auto got = read_answer(api, stream_head(), stream);
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.answer->finish(), FINISH_TOOL_CALLS);
  ModelRequest again;
  auto& message = *again.add_messages();
  message.set_role("assistant");
  *message.mutable_parts() = got.answer->parts();
  auto body = nlohmann::ordered_json::parse(api.ask(again, some_target)->body);
  EXPECT_EQ(body["messages"][0]["content"].dump(),
            R"([{"type":"thinking","thinking":"hm","signature":"c2ln"},)"
            R"({"type":"redacted_thinking","data":"ZW5j"},)"
            R"({"type":"server_tool_use","id":"s1","name":"web","input":{"q":1}},)"
            R"({"type":"later_block","x":[1]},)"
            R"({"type":"tool_use","id":"c1","name":"look","input":{}}])");
  EXPECT_EQ(got.pieces.at(0).thinking(), "h");
  EXPECT_EQ(got.pieces.back().tool_call().name(), "look");
}

TEST(anthropic_reader, reads_a_document) {
  auto got = read_answer(
      api, json_head(),
      R"({"id":"msg_1","type":"message","role":"assistant","model":"m1-big","content":[)"
      R"({"type":"text","text":"Yes."},{"type":"tool_use","id":"c1","name":"f","input":)"
      R"({"b":1,"a":2}}],)"
      R"("stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,)"
      R"("output_tokens":2}})");
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.text(), "Yes.");
  ASSERT_EQ(got.answer->parts().size(), 2);
  EXPECT_EQ(got.answer->parts(1).tool_call().arguments(), R"({"b":1,"a":2})");
}

TEST(anthropic_reader, counts_cached_input_as_input) {
  auto got = read_answer(api, json_head(),
                         R"({"content":[],"stop_reason":"end_turn","usage":{"input_tokens":5,)"
                         R"("cache_read_input_tokens":100,"cache_creation_input_tokens":20,)"
                         R"("output_tokens":7,"service_tier":"batch"},"container":{"id":"c"}})");
  ASSERT_TRUE(got.answer) << got.why();
  EXPECT_EQ(got.answer->input_tokens(), 125u) << "the API counts them beside it";
  EXPECT_EQ(got.answer->cached_tokens(), 100u);
  EXPECT_EQ(got.answer->cache_written_tokens(), 20u);
  EXPECT_EQ(got.answer->service_tier(), "batch");
  EXPECT_EQ(got.answer->passed_on(), R"({"container":{"id":"c"}})");
}

TEST(anthropic_reader, joins_arguments_cut_at_random_places) {
  split_mix random{12};
  for (int round = 0; round < 1'000; ++round) {
    nlohmann::json wanted;
    for (auto fields = random.next() % 6; fields > 0; --fields)
      wanted["k" + std::to_string(fields)] = "\"{[\\ \n" + std::to_string(random.next());
    auto arguments = wanted.is_null() ? std::string{"{}"} : wanted.dump();
    auto stream = start + block(0, R"({"type":"tool_use","id":"c1","name":"f","input":{}})");
    for (std::size_t at = 0; at < arguments.size();) {
      auto size = random.next() % 9;
      stream += delta(0, "input_json_delta", "partial_json", arguments.substr(at, size));
      at += size;
    }
    auto got = read_answer(api, stream_head(), stream + end("tool_use"));
    ASSERT_TRUE(got.answer) << got.why();
    EXPECT_EQ(got.answer->parts(0).tool_call().arguments(), arguments);
  }
}

TEST(anthropic_reader, takes_no_part_of_an_answer_for_the_whole) {
  const auto whole = start + text_block + delta(0, "text_delta", "text", "Yes.") + end("end_turn");
  for (std::size_t size = 0; size < whole.size() - 1; ++size)
    ASSERT_FALSE(read_answer(api, stream_head(), whole.substr(0, size)).answer) << size;
  EXPECT_EQ(read_answer(api, stream_head(), start + text_block).why(),
            "the stream of acme ended without message_stop, so the answer is not whole (before the "
            "first piece)");
  EXPECT_FALSE(read_answer(api, stream_head(), start + text_block + sent("message_stop")).answer);
  EXPECT_FALSE(read_answer(api, json_head(), R"({"content":[{"type":"text","text":"Y"}]})").answer);
}

TEST(anthropic_reader, says_what_is_malformed) {
  for (const auto& wrong :
       {block(3, R"({"type":"text"})"), delta(0, "text_delta", "text", "x"),
        block(0, R"({"type":"text","text":5})"),
        sent("content_block_start", ",\"index\":-1,\"content_block\":{}"),
        std::string{"data: {\"type\":5}\n\n"}, std::string{"data: nonsense\n\n"}}) {
    auto got = read_answer(api, stream_head(), start + wrong + end("end_turn"));
    EXPECT_NE(got.why().find("acme sent what is no answer"), std::string::npos) << wrong;
  }
}

TEST(anthropic_reader, tells_a_refusal_and_the_word_that_ended_an_answer) {
  auto refused =
      read_answer(api, stream_head(),
                  start + text_block + delta(0, "text_delta", "text", "No.") + end("refusal"));
  EXPECT_EQ(refused.answer->finish(), FINISH_REFUSED);
  EXPECT_EQ(refused.answer->refusal(), "No.");
  auto ended = read_answer(api, json_head(),
                           R"({"content":[],"stop_reason":"stop_sequence","stop_sequence":"END"})");
  EXPECT_EQ(ended.answer->finish(), FINISH_STOP);
  EXPECT_EQ(ended.answer->passed_on(), R"({"stop_sequence":"END"})");
}

} // namespace

} // namespace troupe
