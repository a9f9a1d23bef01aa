#include "actors/agents/contents.hpp"

#include "actors/agents/wait_span.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

struct numbers final : random_source {
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

std::string text_of(const SpanData& span, std::string_view key) {
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

SpanData chat(bool contents, const std::string& text) {
  numbers random;
  outputs out;
  step_context context{instant{}, random, out};
  auto span = begin_wait(context, {{{1, 2}, {3}, 1}, "librarian", contents}, asking(text));
  note(span, answering("because"));
  return span;
}

TEST(contents, are_in_no_span_unless_they_are_wanted) {
  auto span = chat(false, "why");
  EXPECT_EQ(text_of(span, "gen_ai.input.messages"), "(none)");
  EXPECT_EQ(text_of(span, "gen_ai.output.messages"), "(none)");
}

TEST(contents, are_written_as_the_conventions_want_them) {
  auto span = chat(true, "a \"quoted\" word");
  EXPECT_EQ(text_of(span, "gen_ai.input.messages"),
            R"([{"role":"user","parts":[{"type":"text","content":"a \"quoted\" word"}]}])");
  EXPECT_EQ(text_of(span, "gen_ai.output.messages"),
            R"([{"role":"assistant","parts":[{"type":"text","content":"because"}])"
            R"(,"finish_reason":"stop"}])");
}

TEST(contents, are_cut) {
  EXPECT_LE(text_of(chat(true, std::string(20'000, 'x')), "gen_ai.input.messages").size(),
            8u * 1024);
}

} // namespace
} // namespace troupe
