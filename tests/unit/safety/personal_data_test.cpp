#include "actors/llm/safety/personal_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Find>
std::vector<std::string> found_by(Find find, std::string_view text) {
  safety_findings found;
  find(text, found);
  std::vector<std::string> all;
  for (const auto& one : found)
    all.emplace_back(text.substr(one.begin, one.end - one.begin));
  return all;
}

TEST(emails, are_found_in_text) {
  EXPECT_THAT(found_by(find_emails, "Ask ada.lovelace+x@mail.engine.co.uk, or <b@c.de>."),
              ElementsAre("ada.lovelace+x@mail.engine.co.uk", "b@c.de"));
  EXPECT_THAT(found_by(find_emails, "a@b.de;c@d.de"), ElementsAre("a@b.de", "c@d.de"));
}

TEST(emails, are_not_what_only_has_an_at) {
  for (const auto* text :
       {"@home", "a@b", "x @ y.de", "a@2.0", "user@localhost", "a@b..de", "a.@b.de", "a@-b.de",
        "someone@example.com", "x@y.example.org", "@media.screen", "foo@1.2.3.4", "a@@b.de@"})
    EXPECT_THAT(found_by(find_emails, text), IsEmpty()) << text;
}

TEST(cards, are_found_in_one_piece_and_in_groups) {
  EXPECT_THAT(found_by(find_cards, "4111111111111111, 5555-5555-5555-4444, 3782 822463 10005."),
              ElementsAre("4111111111111111", "5555-5555-5555-4444", "3782 822463 10005"));
  EXPECT_THAT(found_by(find_cards, "card 6011 1111 1111 1117"), ElementsAre("6011 1111 1111 1117"));
}

TEST(cards, need_their_check_digit_their_network_and_their_groups) {
  for (const auto* text :
       {"4111111111111112", "9111111111111111", "411111111111111", "41111111111111111111",
        "4111 1111 1111 1111 1", "41 11 11 11 11 11 11 11", "4111-1111 1111-1111",
        "x4111111111111111", "4111111111111111a", "1.4111111111111111", "4111111111111111.5",
        "0000000000000000", "id-4111111111111111"})
    EXPECT_THAT(found_by(find_cards, text), IsEmpty()) << text;
}

TEST(ibans, are_found_in_one_piece_and_in_groups) {
  EXPECT_THAT(found_by(find_ibans, "To DE89370400440532013000 or GB82 WEST 1234 5698 7654 32."),
              ElementsAre("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"));
}

TEST(ibans, need_their_length_and_their_checksum) {
  for (const auto* text :
       {"DE89370400440532013001", "DE8937040044053201300", "DE893704004405320130000",
        "XX89370400440532013000", "xDE89370400440532013000", "DE89 3704 0044 0532 013",
        "de89370400440532013000", "GB82 WEST  1234 5698 7654 32"})
    EXPECT_THAT(found_by(find_ibans, text), IsEmpty()) << text;
}

} // namespace
} // namespace troupe
