#include "actors/llm/text.hpp"

#include <cmath>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {

TEST(bm25, is_what_the_formula_says) {
  std::vector<std::string_view> documents{"cat cat dog", "dog", "bird fish"};
  bm25 index(documents);
  auto scores = index.score("cat");
  auto idf = std::log(1 + (3 - 1 + 0.5) / 1.5);
  auto expected = idf * 2 * 2.2 / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2.0));
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_NEAR(scores[0], expected, 1e-12);
  EXPECT_EQ(scores[1], 0);
  EXPECT_EQ(scores[2], 0);
}

TEST(bm25, favours_rare_words_and_short_documents) {
  std::vector<std::string_view> documents{"dog cat", "dog bird",
                                          "dog fish with many more words around it", "dog fish"};
  bm25 index(documents);
  EXPECT_GT(index.idf("cat"), index.idf("dog"));
  EXPECT_GT(index.idf("unicorn"), index.idf("cat"));
  EXPECT_EQ(index.documents_with("dog"), 4u);
  auto scores = index.score("fish");
  EXPECT_GT(scores[3], scores[2]);
}

TEST(bm25, finds_words_by_their_stems) {
  std::vector<std::string_view> documents{"He distributes licences.", "Nothing of the kind."};
  EXPECT_GT(bm25(documents).score("licensed distribution")[0], 0);
}

TEST(bm25, weighs_words_as_it_is_told) {
  std::vector<std::string_view> documents{"cat", "dog"};
  bm25 index(documents);
  std::vector<bm25::weighted_word> query{{"cat", 1}, {"dog", 0.5}};
  auto scores = index.score(query);
  EXPECT_NEAR(scores[0], 2 * scores[1], 1e-12);
}

TEST(bm25, of_nothing_scores_nothing) {
  EXPECT_TRUE(bm25({}).score("cat").empty());
  std::vector<std::string_view> blank{"", " the of "};
  for (auto score : bm25(blank).score("cat the"))
    EXPECT_EQ(score, 0);
}

} // namespace troupe
