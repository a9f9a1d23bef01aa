#include "actors/llm/offline/quotation.hpp"

#include "actors/text/characters.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <xxhash.h>

namespace troupe {

namespace {

/// A sentence must mention that share of what was asked about. Below it, a match shares a word with
/// the question and nothing more.
constexpr double coverage_min = 0.45;
constexpr double of_best_min = 0.5;       ///< another quotation must be that near to the best one
constexpr double repetition_weight = 0.7; ///< what is wholly repeated falls below `of_best_min`
constexpr std::size_t compared_max = 100;

/// The shape of an item's marker, "(a)" for "(iv)" and "0." for "12.": the items of one list share
/// it.
std::string marker_shape(std::string_view text) {
  std::string shape;
  for (auto c : text.substr(0, list_marker_length(text))) {
    auto kind = characters::is_digit(c) ? '0' : characters::is_lower(c) ? 'a' : c;
    if (characters::is_upper(c))
      kind = 'A';
    if (!characters::is_space(c) && (shape.empty() || shape.back() != kind))
      shape += kind;
  }
  return shape;
}

/// Words of a sentence for comparing it with others.
class word_set {
public:
  explicit word_set(std::string_view text) {
    for (const auto& word : words_of(text))
      hashes_.push_back(XXH3_64bits(word.data(), word.size()));
    std::sort(hashes_.begin(), hashes_.end());
    hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  }

  /// Shared words divided by all words of the smaller set, 0 to 1.
  double overlap(const word_set& other) const {
    auto smaller = std::min(hashes_.size(), other.hashes_.size());
    if (smaller == 0)
      return 0;
    std::size_t shared = 0;
    for (auto x = hashes_.begin(), y = other.hashes_.begin();
         x != hashes_.end() && y != other.hashes_.end();) {
      if (*x == *y)
        ++shared;
      auto step_x = *x <= *y, step_y = *y <= *x;
      x += step_x ? 1 : 0;
      y += step_y ? 1 : 0;
    }
    return static_cast<double>(shared) / static_cast<double>(smaller);
  }

private:
  std::vector<std::uint64_t> hashes_; ///< sorted
};

class chooser {
public:
  chooser(const evidence& found, std::size_t at_most) : found_(found), at_most_(at_most) {}

  std::vector<quotation> run() {
    for (const auto& c : found_.ranked) {
      if (c.coverage < coverage_min)
        continue;
      if (!open_.empty() && c.score < of_best_min * open_.front().candidate->score)
        break;
      open_.push_back({&c, word_set(c.place.text), 0});
      if (open_.size() == compared_max)
        break;
    }
    for (auto* next = best(); next; next = best())
      take(*next);
    return std::move(chosen_);
  }

private:
  struct entry {
    const troupe::candidate* candidate;
    word_set words;
    double repeated = 0; ///< the greatest overlap with what was chosen
    bool done = false;
  };

  entry* best() {
    entry* found = nullptr;
    double value = 0;
    for (auto& e : open_) {
      if (e.done)
        continue;
      if (chosen_.size() == at_most_ && !joined(*e.candidate))
        continue;
      auto v = e.candidate->score * (1 - repetition_weight * e.repeated);
      if (v > value && v >= of_best_min * open_.front().candidate->score) {
        found = &e;
        value = v;
      }
    }
    return found;
  }

  /// The quotation that `c` is next to, if there is room in it.
  quotation* joined(const candidate& c) {
    for (auto& q : chosen_) {
      if (q.block != c.block || (c.index + 1 != q.first && c.index != q.last + 1))
        continue;
      auto wider = q;
      wider.first = std::min(q.first, c.index);
      wider.last = std::max(q.last, c.index);
      if (text_of(found_, wider).size() <= limits::model_quote_bytes_max)
        return &q;
    }
    return nullptr;
  }

  bool quoted(const candidate& c) const {
    return std::any_of(chosen_.begin(), chosen_.end(), [&](const auto& q) {
      return q.block == c.block && q.first <= c.index && c.index <= q.last;
    });
  }

  void take(entry& taken) {
    taken.done = true;
    const auto& c = *taken.candidate;
    if (!quoted(c)) {
      if (auto* q = joined(c)) {
        q->first = std::min(q->first, c.index);
        q->last = std::max(q->last, c.index);
        with_list(*q);
      } else {
        chosen_.push_back({c.block, c.index, c.index});
        with_list(chosen_.back());
      }
    }
    for (auto& e : open_)
      e.repeated = std::max(e.repeated, e.words.overlap(taken.words));
  }

  /// The head of a list says nothing without its items, and the first item says nothing without the
  /// head: both come with as many items as there is room for.
  void with_list(quotation& q) const {
    const auto& sentences = found_.sentences[q.block];
    if (q.first > 0 && list_marker_length(sentences[q.first].text) > 0
        && is_list_head(sentences[q.first - 1].text)) {
      auto wider = q;
      --wider.first;
      if (text_of(found_, wider).size() > limits::model_quote_bytes_max)
        return;
      q = wider;
    } else if (!is_list_head(sentences[q.last].text)) {
      return;
    }
    auto item = is_list_head(sentences[q.last].text) ? q.last + 1 : q.last;
    for (auto wider = q; wider.last + 1 < sentences.size(); q = wider) {
      ++wider.last;
      if (marker_shape(sentences[wider.last].text) != marker_shape(sentences[item].text)
          || list_marker_length(sentences[item].text) == 0
          || text_of(found_, wider).size() > limits::model_quote_bytes_max)
        return;
    }
  }

  const evidence& found_;
  std::size_t at_most_;
  std::vector<entry> open_;
  std::vector<quotation> chosen_;
};

} // namespace

std::vector<quotation> choose_quotations(const evidence& found, std::size_t at_most) {
  return chooser(found, at_most).run();
}

std::string_view text_of(const evidence& found, const quotation& quoted) {
  const auto& sentences = found.sentences[quoted.block];
  auto begin = sentences[quoted.first].begin, end = sentences[quoted.last].end;
  return found.blocks[quoted.block].text.substr(begin, end - begin);
}

} // namespace troupe
