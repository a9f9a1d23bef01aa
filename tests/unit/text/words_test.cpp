#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

namespace {

using list = std::vector<std::string>;

} // namespace

/// From Porter's article and his sample vocabulary.
TEST(porter_stem, does_what_the_article_says) {
  const std::pair<const char*, const char*> samples[] = {
      {"caresses", "caress"},    {"ponies", "poni"},
      {"caress", "caress"},      {"cats", "cat"},
      {"feed", "feed"},          {"agreed", "agre"},
      {"plastered", "plaster"},  {"bled", "bled"},
      {"motoring", "motor"},     {"sing", "sing"},
      {"conflated", "conflat"},  {"troubled", "troubl"},
      {"sized", "size"},         {"hopping", "hop"},
      {"falling", "fall"},       {"hissing", "hiss"},
      {"failing", "fail"},       {"filing", "file"},
      {"happy", "happi"},        {"sky", "sky"},
      {"relational", "relat"},   {"conditional", "condit"},
      {"digitizer", "digit"},    {"vietnamization", "vietnam"},
      {"operator", "oper"},      {"feudalism", "feudal"},
      {"decisiveness", "decis"}, {"sensitivity", "sensit"},
      {"triplicate", "triplic"}, {"formalize", "formal"},
      {"electrical", "electr"},  {"hopeful", "hope"},
      {"goodness", "good"},      {"revival", "reviv"},
      {"allowance", "allow"},    {"inference", "infer"},
      {"airliner", "airlin"},    {"adjustable", "adjust"},
      {"replacement", "replac"}, {"adoption", "adopt"},
      {"communism", "commun"},   {"effective", "effect"},
      {"probate", "probat"},     {"rate", "rate"},
      {"cease", "ceas"},         {"controll", "control"},
      {"roll", "roll"},          {"generalizations", "gener"},
      {"oscillators", "oscil"}};
  for (const auto& [word, stem] : samples)
    EXPECT_EQ(porter_stem(word), stem) << word;
}

TEST(porter_stem, leaves_alone_what_is_no_english_word) {
  for (auto word : {"", "a", "is", "2.0", "\u00fcbung", "x86ing"})
    EXPECT_EQ(porter_stem(word), word);
}

TEST(words, are_lower_case_stems_without_stop_words) {
  EXPECT_EQ(words_of("The Licences that were DISTRIBUTED must not be copied."),
            (list{"licens", "distribut", "copi"}));
}

TEST(words, are_the_same_in_british_and_american_spelling) {
  EXPECT_EQ(words_of("licence, organisation, authorised, colours, behaviour"),
            words_of("license, organization, authorized, colors, behavior"));
}

TEST(words, lose_possessives_and_keep_numbers) {
  EXPECT_EQ(words_of("the author's \u201cversion\u201d 2.1, 1,000 copies\u2014don't"),
            (list{"author", "version", "2.1", "1,000", "copi"}));
  EXPECT_EQ(words_of("author\u2019s"), (list{"author"}));
}

TEST(words, of_other_alphabets_are_lower_case_too) {
  EXPECT_EQ(words_of("\u00c4RGER \u0416\u0423\u041a \u039b\u03a8"),
            (list{"\u00e4rger", "\u0436\u0443\u043a", "\u03bb\u03c8"}));
}

TEST(words, are_bounded_and_come_out_of_any_bytes) {
  auto found = words_of(std::string(10'000, 'x') + " y\xff\xc3");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_LE(found[0].size(), limits::word_bytes_max);
  EXPECT_TRUE(words_of("").empty());
  EXPECT_TRUE(words_of(std::string_view("\0\1\2 ...", 7)).empty());
}

TEST(words, say_where_they_begin) {
  std::vector<std::pair<std::string, std::size_t>> found;
  each_word("Of  men, and",
            [&](std::string_view word, std::size_t at) { found.emplace_back(word, at); });
  EXPECT_EQ(found,
            (std::vector<std::pair<std::string, std::size_t>>{{"of", 0}, {"men", 4}, {"and", 9}}));
}

TEST(stop_words, are_all_found) {
  for (auto word : {"a", "because", "the", "yourself", "won't", "inside", "i"})
    EXPECT_TRUE(is_stop_word(word)) << word;
  for (auto word : {"licence", "", "zebra", "others"})
    EXPECT_EQ(is_stop_word(word), false) << word;
}

} // namespace troupe
