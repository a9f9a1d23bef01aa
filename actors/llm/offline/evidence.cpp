#include "actors/llm/offline/evidence.hpp"

#include "actors/llm/offline/question.hpp"
#include "actors/text/characters.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>

namespace troupe {

namespace {

constexpr std::size_t block_bytes_aim = 1500;
constexpr double k1 = 1.2, b = 0.75; // as in bm25

/// A handful of sentences does not show how rare a word is, so this many more are assumed, some of
/// which contain it.
constexpr double prior_sentences = 20, prior_with = 2;

/// The share that a sentence gets of terms that only its neighbours have, or only the rest of its
/// block.
constexpr double neighbour_share = 0.3, block_share = 0.15;
constexpr double kind_bonus = 0.5;       ///< if it is the kind of sentence that was asked for
constexpr double definition_bonus = 1.0; ///< if it defines what was asked about, when asked to
constexpr double early_bonus = 0.05; ///< at the very beginning; documents say first what matters
constexpr double heading_factor = 0.3, short_factor = 0.5;
constexpr std::uint32_t short_words = 5;

/// What a stretch of text contains of a question.
struct sentence_reading {
  std::vector<double> counts;  ///< by term, words weighed by their nearness
  std::vector<double> nearest; ///< by term: the nearest word that occurs; 0: none
  std::uint32_t words = 0;     ///< without stop words
  std::uint16_t signals = 0;
  bool defines = false; ///< begins with one of the asker's own words in quotation marks
};

/// Reads text for one question. Each spelling is looked up once.
class question_reader {
public:
  explicit question_reader(const question_terms& terms) : terms_(terms) {}

  sentence_reading read(std::string_view text) {
    constexpr std::size_t definition_bytes_max = 40;
    sentence_reading made;
    made.counts.resize(terms_.terms.size());
    made.nearest.resize(terms_.terms.size());
    bool refers = false; // within "sections 1 and 2"
    each_word(text, [&](std::string_view word, std::size_t begin) {
      const auto& known = look_at(word);
      auto numeral = characters::is_digit(word.front());
      refers = known.refers || (refers && (numeral || word == "and" || word == "or"));
      made.signals |= numeral && refers ? 0 : known.signals;
      made.words += known.counts ? 1 : 0;
      if (!known.meanings)
        return;
      for (const auto& meaning : *known.meanings) {
        made.counts[meaning.term] += meaning.nearness;
        made.nearest[meaning.term] = std::max(made.nearest[meaning.term], meaning.nearness);
        made.defines |= meaning.nearness == 1 && begin > 0 && begin < definition_bytes_max
                        && (text[begin - 1] == '"' || text[begin - 1] == '\x9c');
      }
    });
    return made;
  }

private:
  struct written_form {
    const std::vector<question_terms::meaning>* meanings = nullptr;
    std::uint16_t signals = 0;
    bool counts = false, refers = false;
  };

  const written_form& look_at(std::string_view word) {
    key_ = word;
    auto [known, fresh] = spellings_.try_emplace(key_);
    if (!fresh)
      return known->second;
    known->second.signals = signals_of(word);
    known->second.counts = !is_stop_word(word);
    known->second.refers = is_reference_word(word);
    if (auto named = terms_.by_name.find(key_); named != terms_.by_name.end())
      known->second.meanings = &named->second;
    else if (known->second.counts)
      if (auto found = terms_.by_stem.find(stem_of(word)); found != terms_.by_stem.end())
        known->second.meanings = &found->second;
    return known->second;
  }

  const question_terms& terms_;
  std::unordered_map<std::string, written_form> spellings_;
  std::string key_;
};

/// BM25 of readings; a term is all the words that may express it.
class ranking {
public:
  ranking(const question_terms& terms, const std::vector<sentence_reading>& readings)
      : weights_(terms.terms.size()) {
    std::uint64_t words = 0;
    std::vector<std::uint32_t> with(terms.terms.size(), 0);
    for (const auto& r : readings) {
      words += r.words;
      for (std::size_t t = 0; t < with.size(); ++t)
        with[t] += r.counts[t] > 0 ? 1 : 0;
    }
    auto all = static_cast<double>(readings.size());
    mean_words_ = std::max(1.0, static_cast<double>(words) / std::max(1.0, all));
    for (std::size_t t = 0; t < with.size(); ++t) {
      auto n = static_cast<double>(with[t]);
      weights_[t] =
          terms.terms[t].weight
          * std::log(1 + (all + prior_sentences - n - prior_with + 0.5) / (n + prior_with + 0.5));
      total_ += weights_[t];
    }
  }

  double score(const sentence_reading& r) const {
    auto length = static_cast<double>(r.words) / mean_words_;
    double sum = 0;
    for (std::size_t t = 0; t < weights_.size(); ++t)
      sum += weights_[t] * r.counts[t] * (k1 + 1) / (r.counts[t] + k1 * (1 - b + b * length));
    return sum;
  }

  /// What the sentence itself lacks but its neighbours have.
  double borrowed(const sentence_reading& r, const std::vector<double>& around) const {
    double sum = 0;
    for (std::size_t t = 0; t < weights_.size(); ++t)
      sum += weights_[t] * std::max(0.0, around[t] - r.nearest[t]);
    return sum;
  }

  double share(double weight) const { return total_ > 0 ? weight / total_ : 0; }

  double covered(const sentence_reading& r) const {
    double sum = 0;
    for (std::size_t t = 0; t < weights_.size(); ++t)
      sum += weights_[t] * r.nearest[t];
    return sum;
  }

private:
  std::vector<double> weights_; ///< idf, times how much the term weighs
  double total_ = 0, mean_words_ = 1;
};

/// The blocks worth reading, in the order of the text.
void keep_best(std::vector<text_block>& blocks, const question_terms& terms,
               question_reader& reader) {
  if (blocks.size() <= limits::model_passages_read_max)
    return;
  std::vector<sentence_reading> readings;
  readings.reserve(blocks.size());
  for (const auto& block : blocks)
    readings.push_back(reader.read(block.text));
  ranking ranks(terms, readings);
  std::vector<double> scores;
  scores.reserve(readings.size());
  for (const auto& r : readings)
    scores.push_back(ranks.score(r));
  std::vector<std::uint32_t> order(blocks.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto x, auto y) { return scores[x] > scores[y]; });
  order.resize(limits::model_passages_read_max);
  std::sort(order.begin(), order.end());
  std::vector<text_block> kept;
  kept.reserve(order.size());
  for (auto at : order)
    kept.push_back(blocks[at]);
  blocks = std::move(kept);
}

double form_factor(const sentence& s, const sentence_reading& r) {
  constexpr std::string_view ends = ".?!:;,)\"'";
  auto last = s.text.back();
  auto closed =
      ends.find(last) != std::string_view::npos || (static_cast<unsigned char>(last) & 0x80);
  if (!closed && list_marker_length(s.text) == 0 && r.words < 2 * short_words)
    return heading_factor;
  return r.words < short_words ? short_factor : 1;
}

double kind_factor(std::uint16_t asked, const sentence_reading& r) {
  if (asked == 0)
    return 1;
  auto had = std::popcount(static_cast<std::uint16_t>(asked & r.signals));
  auto factor = 1 + kind_bonus * had / std::popcount(asked);
  return (asked & says_meaning) != 0 && r.defines ? factor + definition_bonus : factor;
}

/// What is said around sentence `at` of a block, by term; it counts less the farther away it is.
std::vector<double> around(std::span<const sentence_reading> block, std::size_t at) {
  std::vector<double> nearest(block[at].nearest.size(), 0.0);
  for (std::size_t i = 0; i < block.size(); ++i) {
    auto share = i + 1 >= at && i <= at + 1 ? neighbour_share : block_share;
    for (std::size_t t = 0; t < nearest.size(); ++t)
      nearest[t] = std::max(nearest[t], share * block[i].nearest[t]);
  }
  return nearest;
}

} // namespace

std::vector<text_block> blocks_of(const std::vector<prompt_passage>& passages) {
  std::vector<text_block> blocks;
  for (std::uint32_t i = 0; i < passages.size(); ++i) {
    auto text = passages[i].text;
    if (text.size() <= 2 * block_bytes_aim)
      blocks.push_back({i, text});
    else
      for (const auto& part : cut_passages(text, block_bytes_aim))
        blocks.push_back({i, text.substr(part.begin, part.end - part.begin)});
  }
  return blocks;
}

evidence find_evidence(const std::vector<prompt_passage>& passages, std::string_view question) {
  auto terms = read_question(question);
  question_reader reader(terms);
  evidence found;
  found.blocks = blocks_of(passages);
  keep_best(found.blocks, terms, reader);
  std::vector<sentence_reading> readings;
  for (const auto& block : found.blocks) {
    found.sentences.push_back(split_sentences(block.text));
    for (const auto& s : found.sentences.back())
      readings.push_back(reader.read(s.text.substr(list_marker_length(s.text))));
  }
  ranking ranks(terms, readings);
  std::size_t first = 0;
  for (std::uint32_t block = 0; block < found.blocks.size(); ++block) {
    const auto& sentences = found.sentences[block];
    for (std::uint32_t i = 0; i < sentences.size(); ++i) {
      const auto& r = readings[first + i];
      auto own = ranks.score(r);
      if (own <= 0)
        continue;
      auto borrowed =
          ranks.borrowed(r, around(std::span(readings).subspan(first, sentences.size()), i));
      auto coverage = ranks.share(ranks.covered(r) + borrowed);
      auto kind = kind_factor(terms.asks_for, r);
      auto early =
          1
          + early_bonus
                * (1 - static_cast<double>(block) / static_cast<double>(found.blocks.size()));
      found.ranked.push_back(
          {block, i, sentences[i],
           (own + borrowed) * (0.5 + coverage) * kind * early * form_factor(sentences[i], r),
           coverage});
    }
    first += sentences.size();
  }
  std::stable_sort(found.ranked.begin(), found.ranked.end(),
                   [](const auto& x, const auto& y) { return x.score > y.score; });
  return found;
}

} // namespace troupe
