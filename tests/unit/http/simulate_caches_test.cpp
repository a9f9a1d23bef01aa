#include "config/limits/http.hpp"
#include "config/limits/simulate.hpp"
#include "nodes/simulate/prompt_cache.hpp"
#include "tests/unit/http/simulation.hpp"

/// What the simulated providers keep of long prompts, as the real ones do.
namespace troupe {
namespace {

using namespace http_testing;
using namespace std::chrono_literals;

/// So many tokens as the simulation counts them.
std::string words(std::size_t tokens, const std::string& one = "abc ") {
  std::string text;
  while (text.size() < tokens * 4)
    text += one;
  return text;
}

json chat_of(const std::string& system, const std::string& question) {
  return {{"model", "gpt"},
          {"messages",
           {{{"role", "system"}, {"content", system}}, {{"role", "user"}, {"content", question}}}}};
}

json marked(const std::string& text) {
  return {{"type", "text"}, {"text", text}, {"cache_control", {{"type", "ephemeral"}}}};
}

json message_of(const json& system, const json& content) {
  return {{"model", "claude"},
          {"max_tokens", 100},
          {"system", json::array({system})},
          {"messages", {{{"role", "user"}, {"content", content}}}}};
}

class a_caching_simulation : public a_simulation {
protected:
  std::uint64_t cached(const json& asked, const std::string& headers = {}) {
    return chat(asked, headers)["usage"]["prompt_tokens_details"]["cached_tokens"];
  }
  /// Read from the cache and written into it.
  std::pair<int, int> kept(const json& asked, const std::string& headers = {}) {
    auto usage = ask("/v1/messages", asked, headers)["usage"];
    auto count = ask("/v1/messages/count_tokens", asked)["input_tokens"].get<int>();
    int read = usage["cache_read_input_tokens"], written = usage["cache_creation_input_tokens"];
    EXPECT_EQ(usage["input_tokens"].get<int>() + read + written, count);
    return {read, written};
  }
};

TEST_F(a_caching_simulation, keeps_what_chats_have_in_common_in_steps) {
  auto system = words(1'300);
  EXPECT_EQ(cached(chat_of(system, "one")), 0u);
  EXPECT_EQ(cached(chat_of(system, "two")), 1'280u) << "1,024 and two steps of 128";
  EXPECT_EQ(cached(chat_of(words(1'200) + "xyz", "three")), 1'152u) << "up to where it differs";
  EXPECT_EQ(cached(chat_of("x" + system, "one")), 0u) << "it begins otherwise";
  auto other = chat_of(system, "one");
  other["model"] = "gpt-mini";
  EXPECT_EQ(cached(other), 0u);
  EXPECT_EQ(cached(chat_of(system, "one"), "X-Simulate-Cached-Tokens: 0\r\n"), 0u) << "as told";
}

TEST_F(a_caching_simulation, keeps_no_short_chats) {
  auto system = words(1'000);
  EXPECT_EQ(cached(chat_of(system, "one")), 0u);
  EXPECT_EQ(cached(chat_of(system, "one")), 0u);
  auto asked = chat_of(words(1'010), words(14));
  EXPECT_EQ(cached(asked), 0u);
  EXPECT_EQ(cached(asked), 1'024u) << "messages count together";
}

TEST_F(a_caching_simulation, tells_streams_of_it_too) {
  auto asked = chat_of(words(1'300), "one");
  asked["stream"] = true;
  asked["stream_options"] = {{"include_usage", true}};
  events("/v1/chat/completions", asked);
  auto all = events("/v1/chat/completions", asked);
  EXPECT_EQ(all.back()["usage"]["prompt_tokens_details"]["cached_tokens"], 1'280);
  auto message = message_of(marked(words(1'300)), "one");
  message["stream"] = true;
  events("/v1/messages", message);
  all = events("/v1/messages", message);
  EXPECT_EQ(all.front()["message"]["usage"]["cache_read_input_tokens"], 1'300);
}

TEST_F(a_caching_simulation, keeps_what_messages_mark) {
  auto system = marked(words(1'300));
  EXPECT_EQ(kept(message_of(system, "one")), (std::pair{0, 1'300}));
  EXPECT_EQ(kept(message_of(system, "two")), (std::pair{1'300, 0}));
  auto unmarked = system;
  unmarked.erase("cache_control");
  EXPECT_EQ(kept(message_of(unmarked, "two")), (std::pair{0, 0})) << "nobody asked for it";
  EXPECT_EQ(kept(message_of(marked(words(1'000)), "one")), (std::pair{0, 0})) << "too short";
  EXPECT_EQ(kept(message_of(system, json::array({marked(words(100)), marked("more")}))),
            (std::pair{1'300, 4 + 100 + 1}))
      << "the rest of it";
  EXPECT_EQ(kept(message_of(system, json::array({marked(words(100)), marked("other")}))),
            (std::pair{1'300 + 4 + 100, 2}))
      << "up to the longest mark that is there";
}

TEST_F(a_caching_simulation, looks_twenty_blocks_back_from_a_mark) {
  auto blocks = [](std::size_t after) {
    auto all = json::array();
    for (std::size_t i = 0; i < after; ++i)
      all.push_back({{"type", "text"}, {"text", "abcd"}});
    all.push_back(marked("end"));
    return all;
  };
  auto open = marked(words(1'300));
  EXPECT_EQ(kept(message_of(open, blocks(0))).first, 0);
  open.erase("cache_control");
  EXPECT_EQ(kept(message_of(open, blocks(18))).first, 1'300) << "the twentieth";
  EXPECT_EQ(kept(message_of(open, blocks(19))).first, 0);
}

TEST_F(a_caching_simulation, bills_what_it_keeps) {
  auto prices = price_list::parse("prices: [{model: '*', input: 1, output: 0, cached: 0.1, "
                                  "cache_written: 1.25}]\n",
                                  "prices.yaml");
  ASSERT_TRUE(prices);
  EXPECT_EQ(prices->nano_dollars("claude", {1'000, 500, 0, 100}), 400'000u + 50'000 + 125'000);
}

TEST_F(a_caching_simulation, keeps_the_prompts_of_keys_apart) {
  auto asked = chat_of(words(1'300), "one");
  cached(asked);
  EXPECT_EQ(cached(asked), 1'280u);
  auto path = "/v1/chat/completions";
  auto text = asked.dump();
  auto of_other = request(path, text);
  of_other.replace(of_other.find("sk-test"), 7, "sk-mine");
  caller peer{provider_->address()};
  peer.say(of_other);
  auto told = json::parse(body_of(peer.hear_all()), nullptr, false);
  EXPECT_EQ(told["usage"]["prompt_tokens_details"]["cached_tokens"], 0) << told;
}

TEST_F(a_caching_simulation, refuses_five_marks_if_it_is_strict) {
  simulation_options options;
  options.strict = true;
  start(std::move(options));
  auto four = json::array({marked("a"), marked("b"), marked("c")});
  EXPECT_FALSE(ask("/v1/messages", message_of(marked("x"), four)).contains("error"));
  four.push_back(marked("d"));
  auto refused = ask("/v1/messages", message_of(marked("x"), four));
  EXPECT_EQ(refused["error"]["message"],
            "A maximum of 4 blocks with cache_control may be provided. Found 5.");
}

TEST(prompt_cache, forgets_after_five_minutes_without_use) {
  provider_request asked;
  asked.beginnings = {{1'024, 7, false}};
  prompt_cache kept;
  prompt_cache::time_point now{};
  kept.keep(asked, 1, now);
  EXPECT_EQ(kept.look_up(asked, 1, now + 4min).read, 1'024u) << "which counts as a use";
  EXPECT_EQ(kept.look_up(asked, 1, now + 8min).read, 1'024u);
  EXPECT_EQ(kept.look_up(asked, 2, now + 8min).read, 0u);
  EXPECT_EQ(kept.look_up(asked, 1, now + 13min).read, 0u);
}

} // namespace
} // namespace troupe
