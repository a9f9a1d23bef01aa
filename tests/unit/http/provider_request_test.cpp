#include "config/limits/http.hpp"
#include "config/limits/simulate.hpp"
#include "nodes/simulate/provider_request.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

/// How requests are read: bounds, and values that fit a schema.
namespace troupe {
namespace {

using json = nlohmann::json;

constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto most = std::numeric_limits<std::int64_t>::max();

outcome<provider_request, request_error> read(std::string body, bool strict = false) {
  auto size = body.size();
  body.resize(size + limits::http_body_padding);
  return read_provider_request(provider_api::chat, std::string_view{body}.substr(0, size), strict);
}

/// The beginning of a chat, to which fields can be added.
std::string chat_with(const std::string& fields) {
  return R"({"model":"m","messages":[{"role":"user","content":"x"}])" + fields + "}";
}

json value_for(const json& schema) {
  const json format = {{"type", "json_schema"}, {"json_schema", {{"schema", schema}}}};
  auto made = read(chat_with(R"(,"response_format":)" + format.dump()));
  EXPECT_TRUE(made) << schema;
  return made ? json::parse(made->json_answer, nullptr, false) : json{};
}

TEST(provider_request, draws_numbers_between_any_bounds) {
  const std::pair<std::int64_t, std::int64_t> bounds[] = {
      {least, most},    {least, 0},         {least, -1},       {0, most},
      {1, most},        {-1, most},         {least, most - 1}, {least + 1, most},
      {most - 1, most}, {least, least + 1}, {most, most},      {least, least},
      {-3, 3}};
  for (auto [low, high] : bounds)
    for (auto type : {"integer", "number"}) {
      auto value = value_for({{"type", type}, {"minimum", low}, {"maximum", high}});
      ASSERT_TRUE(value.is_number_integer()) << low << " " << high << ": " << value;
      EXPECT_GE(value.get<std::int64_t>(), low);
      EXPECT_LE(value.get<std::int64_t>(), high);
    }
}

TEST(provider_request, draws_numbers_from_a_minimum_on) {
  for (auto low : {least, std::int64_t{0}, most - 100, most - 99, most - 98, most - 1, most}) {
    auto value = value_for({{"type", "integer"}, {"minimum", low}});
    ASSERT_TRUE(value.is_number_integer()) << low << ": " << value;
    EXPECT_GE(value.get<std::int64_t>(), low);
    EXPECT_LE(value.get<std::int64_t>(), low > most - 99 ? most : low + 99);
  }
  EXPECT_EQ(value_for({{"type", "integer"}, {"minimum", most}}), most);
  EXPECT_EQ(value_for({{"type", "integer"}, {"minimum", 2}, {"maximum", 1}}), 2);
}

TEST(provider_request, bounds_the_alternatives_of_a_token) {
  auto with_top = [](std::uint64_t count, bool strict) {
    return read(chat_with(R"(,"logprobs":true,"top_logprobs":)" + std::to_string(count)), strict);
  };
  for (bool strict : {false, true}) {
    EXPECT_TRUE(with_top(limits::simulate_top_logprobs_max, strict));
    for (auto count : {limits::simulate_top_logprobs_max + 1, ~std::uint64_t{0}}) {
      auto refused = with_top(count, strict);
      ASSERT_FALSE(refused) << count;
      EXPECT_EQ(refused.error().param, "top_logprobs");
      EXPECT_EQ(refused.error().status, 400u);
    }
  }
}

TEST(provider_request, names_the_first_field_that_comes_twice) {
  auto said = [](const std::string& fields) {
    auto made = read(chat_with(fields));
    return made ? std::string{} : made.error().message;
  };
  EXPECT_EQ(said(R"(,"a":1,"b":1)"), "");
  EXPECT_EQ(said(R"(,"a":1,"a":1)"), "The body has two fields 'a'.");
  EXPECT_EQ(said(R"(,"a":1,"b":1,"b":1,"a":1)"), "The body has two fields 'b'.");
  EXPECT_EQ(said(R"(,"b":1,"a":1,"b":1,"b":1,"a":1)"), "The body has two fields 'b'.");
  EXPECT_EQ(said(R"(,"":1,"":1)"), "The body has two fields ''.");
}

TEST(provider_request, takes_a_hundred_thousand_fields) {
  std::string fields;
  for (int i = 0; i < 100'000; ++i)
    fields += ",\"f" + std::to_string(i) + "\":0";
  EXPECT_TRUE(read(chat_with(fields)));
  auto refused = read(chat_with(fields + R"(,"f99999":0,"f7":0)"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "The body has two fields 'f99999'.");
}

} // namespace
} // namespace troupe
