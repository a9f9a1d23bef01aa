#include "actors/llm/anthropic/cache_marks.hpp"

#include "actors/llm/anthropic/anthropic_dialect.hpp"
#include "config/limits/dialects.hpp"
#include "tests/unit/llm/provider_answer.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

/// What Anthropic's API is told to keep of a request.
namespace troupe {

namespace {

using namespace tests;
using json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string long_enough(limits::anthropic_cache_bytes_min, 'x');

/// `fixed_bytes` of it are fixed.
void say(ModelRequest& to, const char* role, const std::string& text, std::size_t fixed_bytes) {
  auto& message = *to.add_messages();
  message.set_role(role);
  message.set_content(text);
  message.set_fixed_bytes(static_cast<std::uint32_t>(fixed_bytes));
}

json written(const ModelRequest& what) {
  auto made = anthropic_dialect{}.ask(what, some_target);
  return made ? json::parse(made->body) : json{made.error().message};
}

TEST(cache_marks, stand_where_fixed_parts_end) {
  ModelRequest what;
  say(what, "system", long_enough, long_enough.size());
  say(what, "user", "Say it: hello", 8);
  EXPECT_THAT(cache_marks(what), ElementsAre(0, 1));
  auto body = written(what);
  const json mark = {{"type", "ephemeral"}};
  EXPECT_EQ(body["system"],
            json::array({{{"type", "text"}, {"text", long_enough}, {"cache_control", mark}}}));
  EXPECT_EQ(body["messages"][0]["content"],
            json::array({{{"type", "text"}, {"text", "Say it: "}, {"cache_control", mark}},
                         {{"type", "text"}, {"text", "hello"}}}));
}

TEST(cache_marks, are_only_where_enough_comes_before) {
  ModelRequest what;
  say(what, "system", "Be brief.", 9);
  say(what, "user", long_enough, long_enough.size() - 10);
  EXPECT_THAT(cache_marks(what), IsEmpty());
  EXPECT_EQ(written(what)["messages"][0]["content"], long_enough) << "one text, as ever";
  what.mutable_messages(1)->set_fixed_bytes(static_cast<std::uint32_t>(long_enough.size() - 9));
  EXPECT_THAT(cache_marks(what), ElementsAre(1)) << "what stands before counts";
  what.mutable_messages(1)->set_fixed_bytes(8);
  auto& tool = *what.add_tools();
  tool.set_name("find");
  tool.set_parameters("{\"x\":\"" + long_enough + "\"}");
  EXPECT_THAT(cache_marks(what), ElementsAre(0, 1)) << "tools, too";
}

TEST(cache_marks, are_four_with_those_of_the_asker) {
  ModelRequest what;
  for (int i = 0; i < 6; ++i)
    say(what, "user", long_enough, 5'000);
  EXPECT_THAT(cache_marks(what), ElementsAre(2, 3, 4, 5));
  what.mutable_messages(0)->add_parts()->set_text("mine");
  what.mutable_messages(0)->mutable_parts(0)->set_passed_on(
      R"({"cache_control":{"type":"ephemeral"}})");
  EXPECT_THAT(cache_marks(what), ElementsAre(3, 4, 5));
  what.set_passed_on(R"({"cache_control":{},"a":[{"cache_control":{}},{"cache_control":{}}]})");
  EXPECT_THAT(cache_marks(what), IsEmpty());
}

TEST(cache_marks, cut_no_character_and_leave_no_blank_block) {
  ModelRequest what;
  say(what, "user", long_enough + "\xc3\xa9.", long_enough.size() + 1);
  EXPECT_EQ(written(what)["messages"][0]["content"][1]["text"], "\xc3\xa9.");
  what.mutable_messages(0)->set_content(long_enough + "\n");
  what.mutable_messages(0)->set_fixed_bytes(static_cast<std::uint32_t>(long_enough.size()));
  EXPECT_EQ(written(what)["messages"][0]["content"].size(), 1u);
  EXPECT_EQ(written(what)["messages"][0]["content"][0]["text"], long_enough + "\n");
  what.mutable_messages(0)->set_fixed_bytes(1'000'000);
  EXPECT_EQ(written(what)["messages"][0]["content"][0]["text"], long_enough + "\n")
      << "more than there is";
}

} // namespace

} // namespace troupe
