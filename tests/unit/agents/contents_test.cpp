#include "actors/agents/contents.hpp"

#include "actors/agents/wait_span.hpp"
#include "config/limits/telemetry.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace troupe {
namespace {

struct numbers final : random_source {
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

std::string attribute_text(const SpanData& span, std::string_view key) {
  for (const auto& one : span.attributes())
    if (one.key() == key)
      return one.text();
  return "(none)";
}

ModelRequest asking(const std::string& text) {
  ModelRequest asked;
  auto& said = *asked.add_messages();
  said.set_role("user");
  said.set_content(text);
  return asked;
}

ModelAnswer answering(const std::string& text) {
  ModelAnswer answer;
  answer.set_text(text);
  answer.set_finish_reason("stop");
  return answer;
}

SpanData chat_span(bool contents, const std::string& text) {
  numbers random;
  outputs out;
  step_context context{instant{}, random, out};
  span_terms terms{.contents = contents};
  auto span = begin_wait(context, {{{1, 2}, {3}, 1}, "librarian", &terms}, asking(text));
  note(span, answering("because"));
  return span;
}

TEST(contents, are_in_no_span_unless_they_are_wanted) {
  auto span = chat_span(false, "why");
  EXPECT_EQ(attribute_text(span, "gen_ai.input.messages"), "(none)");
  EXPECT_EQ(attribute_text(span, "gen_ai.output.messages"), "(none)");
}

TEST(contents, are_written_as_the_conventions_want_them) {
  auto span = chat_span(true, "a \"quoted\" word");
  EXPECT_EQ(attribute_text(span, "gen_ai.input.messages"),
            R"([{"role":"user","parts":[{"type":"text","content":"a \"quoted\" word"}]}])");
  EXPECT_EQ(attribute_text(span, "gen_ai.output.messages"),
            R"([{"role":"assistant","parts":[{"type":"text","content":"because"}])"
            R"(,"finish_reason":"stop"}])");
}

TEST(contents, are_cut_in_their_texts_and_stay_json) {
  const std::vector<std::string> characters{"x",        "\"",         "\n",   "\x1b",
                                            "\xC3\xA9", "\U0001F426", "\xFF", "\U000E0041"};
  for (const auto& one : characters) {
    std::string text;
    while (text.size() < 20'000)
      text += one;
    auto span = chat_span(true, text);
    for (auto key : {"gen_ai.input.messages", "gen_ai.output.messages"}) {
      auto written = attribute_text(span, key);
      EXPECT_LE(written.size(), limits::span_text_bytes_max);
      auto read = nlohmann::json::parse(written, nullptr, false);
      ASSERT_TRUE(read.is_array()) << one << ": " << written.substr(written.size() - 80);
    }
    auto content = nlohmann::json::parse(
                       attribute_text(span, "gen_ai.input.messages"))[0]["parts"][0]["content"]
                       .get<std::string>();
    EXPECT_TRUE(content.ends_with("\u2026")) << one;
    EXPECT_GT(content.size(), 1'000u) << one;
  }
}

TEST(contents, leave_room_for_the_short_ones_of_many_messages) {
  auto asked = asking(std::string(20'000, 'x'));
  for (auto text : {"short", "the question"})
    *asked.add_messages() = asking(text).messages(0);
  SpanData span;
  set_input(span, asked);
  auto written = attribute_text(span, "gen_ai.input.messages");
  EXPECT_LE(written.size(), limits::span_text_bytes_max);
  EXPECT_GT(written.size(), limits::span_text_bytes_max - 64);
  auto read = nlohmann::json::parse(written);
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[1]["parts"][0]["content"], "short");
  EXPECT_EQ(read[2]["parts"][0]["content"], "the question");
}

TEST(contents, leave_out_the_oldest_of_very_many_messages) {
  ModelRequest asked;
  for (int i = 0; i < 1'000; ++i)
    *asked.add_messages() = asking(std::to_string(i)).messages(0);
  SpanData span;
  set_input(span, asked);
  auto read = nlohmann::json::parse(attribute_text(span, "gen_ai.input.messages"));
  ASSERT_GT(read.size(), 50u);
  EXPECT_EQ(read.back()["parts"][0]["content"], "999");
}

} // namespace
} // namespace troupe
