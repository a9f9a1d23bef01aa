#include "actors/llm/offline/paraphrases.hpp"
#include "actors/text/text.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

TEST(paraphrases, go_both_ways_and_never_to_the_word_itself) {
  auto has = [](std::string_view word, std::string_view wanted) {
    auto found = words_like(word);
    return std::any_of(found.begin(), found.end(), [&](const auto& w) { return w.word == wanted; });
  };
  EXPECT_TRUE(has("give", "convey"));
  EXPECT_TRUE(has("conveying", "give"));
  EXPECT_TRUE(has("guarantee", "warranty"));
  EXPECT_FALSE(has("give", "give"));
  EXPECT_FALSE(has("give", "warranty"));
  EXPECT_TRUE(words_like("everest").empty());
  EXPECT_EQ(base_form("told"), "tell");
  EXPECT_EQ(base_form("tell"), "");
}

TEST(paraphrases, are_near_but_never_the_same) {
  for (const auto& group : paraphrase_groups()) {
    EXPECT_GT(group.nearness, 0) << group.words;
    EXPECT_LT(group.nearness, 1) << group.words;
    EXPECT_NE(group.words.find(' '), std::string_view::npos) << group.words;
  }
}

} // namespace troupe
