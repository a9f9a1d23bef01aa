#include "actors/text/bm25.hpp"
#include "actors/text/text.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
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

namespace {

using counts = std::map<std::string, std::uint64_t>;

/// The formula, computed plainly from maps of words.
std::vector<double> plain_scores(const std::vector<std::string>& texts, std::string_view query) {
  std::vector<counts> words(texts.size());
  double length = 0;
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (const auto& word : words_of(texts[i])) {
      ++words[i][word];
      ++length;
    }
  auto mean = length / static_cast<double>(texts.size());
  std::vector<double> scores(texts.size());
  for (const auto& word : words_of(query)) {
    double with = 0;
    for (const auto& one : words)
      with += one.contains(word) ? 1 : 0;
    auto idf = std::log(1 + (static_cast<double>(texts.size()) - with + 0.5) / (with + 0.5));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      double all = 0;
      for (const auto& [stem, count] : words[i])
        all += static_cast<double>(count);
      auto count = words[i].contains(word) ? static_cast<double>(words[i].at(word)) : 0.0;
      scores[i] += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * all / mean));
    }
  }
  return scores;
}

std::vector<std::string> random_texts(std::mt19937& random, int texts, int words, int different) {
  std::vector<std::string> made(static_cast<std::size_t>(texts));
  for (auto& text : made)
    for (int i = static_cast<int>(random() % static_cast<unsigned>(words)); i > 0; --i) {
      text += static_cast<char>('b' + random() % 20);
      text += std::to_string(random() % static_cast<unsigned>(different)) + ' ';
    }
  return made;
}

} // namespace

TEST(bm25, agrees_with_the_formula_on_texts_of_many_words) {
  std::mt19937 random{20261126};
  for (int round = 0; round < 20; ++round) {
    auto texts = random_texts(random, 200, 300, 1 + round * 40);
    std::vector<std::string_view> views(texts.begin(), texts.end());
    bm25 index(views);
    auto query = texts[static_cast<std::size_t>(round)] + " nowhere";
    auto wanted = plain_scores(texts, query), scores = index.score(query);
    ASSERT_EQ(scores.size(), wanted.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
      ASSERT_NEAR(scores[i], wanted[i], 1e-9) << "round " << round << ", text " << i;
  }
}

TEST(bm25, knows_the_most_common_words_and_orders_equal_ones_by_their_letters) {
  std::mt19937 random{7};
  // In the last round, more words occur equally often than the code looks up one by one.
  for (int different : {3, 40, 100'000}) {
    auto texts = random_texts(random, 300, 200, different);
    std::vector<std::string_view> views(texts.begin(), texts.end());
    counts all;
    for (const auto& text : texts)
      for (const auto& word : words_of(text))
        ++all[word];
    std::vector<std::pair<std::string, std::uint64_t>> wanted(all.begin(), all.end());
    std::stable_sort(wanted.begin(), wanted.end(),
                     [](const auto& x, const auto& y) { return x.second > y.second; });
    wanted.resize(std::min<std::size_t>(wanted.size(), 24));
    auto common = bm25(views).common_words(views, 24);
    ASSERT_EQ(common.size(), wanted.size());
    for (std::size_t i = 0; i < common.size(); ++i) {
      EXPECT_EQ(common[i].stem, wanted[i].first) << different;
      EXPECT_EQ(common[i].weight, static_cast<double>(wanted[i].second)) << different;
    }
  }
}

TEST(bm25, of_different_words_is_no_larger_than_twice_the_text) {
  std::string text;
  for (int i = 0; i < 200'000; ++i)
    text += "w" + std::to_string(i * 7919) + ' ';
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < text.size(); at += 1'200)
    parts.push_back(std::string_view{text}.substr(at, 1'200));
  bm25 index(parts);
  EXPECT_LT(index.memory(), 2 * text.size());
  EXPECT_EQ(index.documents_with("w7919"), 1u);
}

TEST(bm25, ends_early_when_nobody_waits_for_it) {
  std::vector<std::string_view> texts(10'000, "cat dog");
  int asked = 0;
  bm25 index(texts, [&] { return ++asked > 2; });
  EXPECT_EQ(asked, 3);
  EXPECT_LT(index.documents_with("cat"), 1'000u);
}

} // namespace troupe
