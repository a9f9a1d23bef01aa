#include "telemetry/traceparent.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr std::string_view good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string with(std::size_t at, std::string_view put) {
  std::string text{good};
  text.replace(at, put.size(), put);
  return text;
}

TEST(traceparent, reads_the_example_of_the_standard) {
  auto context = parse_traceparent(good);
  ASSERT_TRUE(context);
  EXPECT_EQ(to_string(context->trace), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(to_string(context->span), "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled());
}

TEST(traceparent, writes_what_it_read) {
  EXPECT_EQ(format_traceparent(*parse_traceparent(good)), good);
  auto unsampled = with(53, "00");
  EXPECT_EQ(format_traceparent(*parse_traceparent(unsampled)), unsampled);
}

TEST(traceparent, keeps_only_the_sampled_flag) {
  EXPECT_EQ(parse_traceparent(with(53, "ff"))->flags, 1);
  EXPECT_EQ(parse_traceparent(with(53, "02"))->flags, 0);
}

TEST(traceparent, refuses_zero_ids) {
  EXPECT_FALSE(parse_traceparent(with(3, std::string(32, '0'))));
  EXPECT_FALSE(parse_traceparent(with(36, std::string(16, '0'))));
  EXPECT_TRUE(parse_traceparent(with(3, std::string(31, '0'))));
}

TEST(traceparent, refuses_upper_case_in_every_field) {
  EXPECT_FALSE(parse_traceparent(with(4, "A")));
  EXPECT_FALSE(parse_traceparent(with(36, "B")));
  EXPECT_FALSE(parse_traceparent(with(53, "0A")));
  EXPECT_FALSE(parse_traceparent(with(0, "0A")));
}

TEST(traceparent, refuses_what_is_no_hex_digit_in_every_field) {
  for (std::size_t at : {0u, 1u, 3u, 34u, 36u, 51u, 53u, 54u})
    for (std::string_view wrong : {"g", " ", "-", "+", "/", ":", "`"})
      EXPECT_FALSE(parse_traceparent(with(at, wrong))) << with(at, wrong);
  EXPECT_FALSE(parse_traceparent(with(10, std::string_view{"\0", 1})));
}

TEST(traceparent, refuses_other_separators) {
  for (std::size_t at : {2u, 35u, 52u})
    for (std::string_view wrong : {"_", "0", " "})
      EXPECT_FALSE(parse_traceparent(with(at, wrong))) << with(at, wrong);
}

TEST(traceparent, refuses_version_ff) {
  EXPECT_FALSE(parse_traceparent(with(0, "ff")));
  EXPECT_FALSE(parse_traceparent(with(0, "ff") + "-more"));
}

TEST(traceparent, refuses_every_shorter_text) {
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(parse_traceparent(good.substr(0, length))) << length;
}

TEST(traceparent, refuses_a_longer_text_of_version_00) {
  EXPECT_FALSE(parse_traceparent(std::string{good} + "-more"));
  EXPECT_FALSE(parse_traceparent(std::string{good} + " "));
  EXPECT_FALSE(parse_traceparent(" " + std::string{good}));
}

TEST(traceparent, reads_a_higher_version_by_its_first_four_fields) {
  EXPECT_TRUE(parse_traceparent(with(0, "01")));
  EXPECT_TRUE(parse_traceparent(with(0, "fe") + "-what-comes-later"));
  EXPECT_TRUE(parse_traceparent(with(0, "cc") + "-"));
  EXPECT_FALSE(parse_traceparent(with(0, "cc") + "x"));
  EXPECT_FALSE(parse_traceparent(with(0, "cc") + ".what"));
}

} // namespace
} // namespace troupe
