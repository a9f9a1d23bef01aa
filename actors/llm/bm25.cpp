#include "actors/llm/text.hpp"

#include <cmath>
#include <limits>

namespace troupe {

namespace {

constexpr double k1 = 1.2, b = 0.75;

/// Stems, numbered. Each spelling is looked at once: stemming is the dearest part of reading.
class stem_numbers {
public:
  static constexpr auto none = std::numeric_limits<std::uint32_t>::max();

  explicit stem_numbers(std::unordered_map<std::string, std::uint32_t>& numbers)
      : numbers_(numbers) {}

  /// `none` for a stop word.
  std::uint32_t number_of(std::string_view word) {
    spelling_ = word;
    auto [known, fresh] = spellings_.try_emplace(spelling_, none);
    if (fresh && !is_stop_word(word)) {
      auto next = static_cast<std::uint32_t>(numbers_.size());
      known->second = numbers_.try_emplace(stem_of(word), next).first->second;
    }
    return known->second;
  }

private:
  std::unordered_map<std::string, std::uint32_t>& numbers_;
  std::unordered_map<std::string, std::uint32_t> spellings_;
  std::string spelling_;
};

} // namespace

bm25::bm25(std::span<const std::string_view> documents) {
  stem_numbers stems(numbers_);
  lengths_.reserve(documents.size());
  std::uint64_t words = 0;
  for (auto text : documents) {
    auto document = static_cast<std::uint32_t>(lengths_.size());
    std::uint32_t length = 0;
    each_word(text, [&](std::string_view word, std::size_t) {
      auto number = stems.number_of(word);
      if (number == stem_numbers::none)
        return;
      ++length;
      if (number == postings_.size())
        postings_.emplace_back();
      auto& list = postings_[number];
      if (list.empty() || list.back().document != document)
        list.push_back({document, 0});
      ++list.back().count;
    });
    lengths_.push_back(length);
    words += length;
  }
  if (!lengths_.empty() && words > 0)
    mean_length_ = static_cast<double>(words) / static_cast<double>(lengths_.size());
}

const std::vector<bm25::posting>* bm25::find(const std::string& stem) const {
  auto found = numbers_.find(stem);
  return found == numbers_.end() ? nullptr : &postings_[found->second];
}

std::size_t bm25::documents_with(const std::string& stem) const {
  auto list = find(stem);
  return list ? list->size() : 0;
}

double bm25::idf(const std::string& stem) const {
  auto with = static_cast<double>(documents_with(stem));
  return std::log(1 + (static_cast<double>(size()) - with + 0.5) / (with + 0.5));
}

std::vector<double> bm25::score(std::string_view query) const {
  std::vector<weighted_word> words;
  for (auto& word : words_of(query))
    words.push_back({std::move(word), 1});
  return score(words);
}

std::vector<double> bm25::score(std::span<const weighted_word> query) const {
  std::vector<double> scores(size(), 0.0);
  for (const auto& word : query) {
    auto list = find(word.stem);
    if (!list)
      continue;
    auto weight = word.weight * idf(word.stem);
    for (const auto& entry : *list) {
      auto count = static_cast<double>(entry.count);
      auto length = static_cast<double>(lengths_[entry.document]) / mean_length_;
      scores[entry.document] += weight * count * (k1 + 1) / (count + k1 * (1 - b + b * length));
    }
  }
  return scores;
}

} // namespace troupe
