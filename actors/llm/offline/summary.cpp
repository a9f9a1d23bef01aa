#include "actors/llm/offline/summary.hpp"

#include "actors/llm/offline/evidence.hpp"
#include "actors/text/characters.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

namespace troupe {

namespace {

constexpr std::size_t blocks_from_begin = limits::model_passages_read_max / 4;
constexpr std::size_t words_min = 6, words_max = 45; ///< of a sentence, stop words not counted
constexpr double early_weight = 1.5; ///< of the first sentence; halves every `early_half`
constexpr double early_half = 12;    ///< sentences
constexpr double item_factor = 0.5, shouted_factor = 0.4;
constexpr double definition_factor = 0.5; ///< says what a word means, not what the text is about
constexpr double leaning_factor = 0.7;    ///< begins with a word that needs the previous sentence
constexpr double fragment_factor = 0.4;   ///< begins in the middle of a sentence
constexpr double length_power = 0.6;      ///< 1 would favour short sentences, 0 long ones
constexpr double title_weight = 1;        ///< for words of the title (Edmundson 1969)

struct scored {
  std::string text; ///< folded
  std::vector<std::uint32_t> words;
  double factor = 1; ///< for its place and form
  bool chosen = false;
};

class summary {
public:
  void read(std::string_view block) {
    for (const auto& s : split_sentences(block)) {
      scored made{fold_space(s.text), {}, 1, false};
      for (auto& word : words_of(s.text)) {
        auto next = static_cast<std::uint32_t>(counts_.size());
        auto number = numbers_.try_emplace(std::move(word), next).first->second;
        if (number == next)
          counts_.push_back(0);
        ++counts_[number];
        ++words_;
        made.words.push_back(number);
      }
      std::sort(made.words.begin(), made.words.end());
      made.words.erase(std::unique(made.words.begin(), made.words.end()), made.words.end());
      if (sentences_.empty() && title_.empty())
        title_ = made.words;
      if (is_sentence(made)) {
        made.factor = factor_of(made);
        sentences_.push_back(std::move(made));
      }
    }
  }

  std::vector<std::string> choose(std::size_t at_most) {
    std::vector<double> chance;
    for (auto count : counts_)
      chance.push_back(static_cast<double>(count) / static_cast<double>(words_));
    for (std::size_t n = 0; n < at_most; ++n) {
      scored* best = nullptr;
      double most = 0;
      for (auto& s : sentences_)
        if (auto value = s.chosen ? 0 : value_of(s, chance); value > most) {
          best = &s;
          most = value;
        }
      if (!best)
        break;
      best->chosen = true;
      for (auto& s : sentences_) // what occurs twice is said once
        if (s.words == best->words)
          s.factor = 0;
      for (auto word : best->words)
        chance[word] *= chance[word];
    }
    std::vector<std::string> chosen;
    for (auto& s : sentences_)
      if (s.chosen)
        chosen.push_back(std::move(s.text));
    return chosen;
  }

private:
  static bool is_sentence(const scored& s) {
    constexpr std::string_view ends = ".?!\"')";
    auto last = s.text.empty() ? ' ' : s.text.back();
    return s.words.size() >= words_min && s.words.size() <= words_max
           && (ends.find(last) != std::string_view::npos || characters::is_wide(last));
  }

  double factor_of(const scored& s) const {
    auto place = static_cast<double>(sentences_.size());
    auto factor = 1 + early_weight * std::exp2(-place / early_half);
    auto titled = std::count_if(s.words.begin(), s.words.end(), [&](auto word) {
      return std::binary_search(title_.begin(), title_.end(), word);
    });
    if (!title_.empty())
      factor += title_weight * static_cast<double>(titled) / static_cast<double>(title_.size());
    return factor * form_factor(s.text);
  }

  static double form_factor(std::string_view text) {
    double factor = 1;
    if (auto marker = list_marker_length(text); marker > 0) {
      factor *= item_factor;
      text.remove_prefix(marker);
    }
    if (text.empty() || text.front() == '"' || text.front() == '`')
      factor *= definition_factor;
    else if (!characters::is_upper(text.front()) && !characters::is_wide(text.front()))
      factor *= fragment_factor;
    if (leans(text))
      factor *= leaning_factor;
    auto upper = std::count_if(text.begin(), text.end(), characters::is_upper);
    auto lower = std::count_if(text.begin(), text.end(), characters::is_lower);
    return upper > lower ? factor * shouted_factor : factor;
  }

  static bool leans(std::string_view text) {
    constexpr std::array<std::string_view, 20> openings{
        "However", "Therefore",   "But",         "And",      "Also",  "Otherwise", "Moreover",
        "Thus",    "It",          "They",        "These",    "Those", "Such",      "Then",
        "In such", "In addition", "For example", "For this", "He ",   "She "};
    return std::any_of(openings.begin(), openings.end(),
                       [&](auto opening) { return text.starts_with(opening); });
  }

  static double value_of(const scored& s, const std::vector<double>& chance) {
    double sum = 0;
    for (auto word : s.words)
      sum += chance[word];
    return s.factor * sum / std::pow(static_cast<double>(s.words.size()), length_power);
  }

  std::vector<scored> sentences_;
  std::vector<std::uint32_t> title_; ///< words of what the text begins with, sorted
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::uint32_t> counts_;
  std::uint64_t words_ = 0;
};

} // namespace

std::vector<std::string> summarise(const std::vector<prompt_passage>& passages,
                                   std::size_t at_most) {
  auto blocks = blocks_of(passages);
  summary made;
  auto behind = blocks.size() - std::min(blocks.size(), blocks_from_begin);
  auto sampled = limits::model_passages_read_max - blocks_from_begin;
  auto step = std::max<std::size_t>(1, (behind + sampled - 1) / sampled);
  for (std::size_t i = 0; i < blocks.size(); i += i < blocks_from_begin ? 1 : step)
    made.read(blocks[i].text);
  auto chosen = made.choose(at_most);
  if (chosen.empty() && !blocks.empty()) // no proper sentence at all: what it begins with
    for (const auto& s : split_sentences(blocks.front().text)) {
      chosen.push_back(fold_space(s.text));
      break;
    }
  return chosen;
}

} // namespace troupe
