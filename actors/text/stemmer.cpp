#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"

#include <array>

/// The steps and rules have the names they have in Porter's article; `m` is the measure of a stem,
/// the number of its vowel-consonant sequences.
namespace troupe {

namespace {

struct suffix_rule {
  std::string_view suffix;
  std::string_view replacement;
};

class porter {
public:
  explicit porter(std::string_view word) : word_(word) {}

  std::string run() {
    step_1a();
    step_1b();
    step_1c();
    step_2();
    step_3();
    step_4();
    step_5();
    return std::move(word_);
  }

private:
  bool is_consonant(std::size_t at) const {
    switch (word_[at]) {
      case 'a':
      case 'e':
      case 'i':
      case 'o':
      case 'u':
        return false;
      case 'y':
        return at == 0 || !is_consonant(at - 1);
      default:
        return true;
    }
  }

  std::size_t measure(std::size_t length) const {
    std::size_t sequences = 0;
    for (std::size_t i = 1; i < length; ++i)
      if (is_consonant(i) && !is_consonant(i - 1))
        ++sequences;
    return sequences;
  }

  bool has_vowel(std::size_t length) const {
    for (std::size_t i = 0; i < length; ++i)
      if (!is_consonant(i))
        return true;
    return false;
  }

  bool ends_in_double_consonant() const {
    auto n = word_.size();
    return n >= 2 && word_[n - 1] == word_[n - 2] && is_consonant(n - 1);
  }

  /// *o: consonant, vowel, consonant; the last is not w, x or y.
  bool ends_in_cvc(std::size_t n) const {
    return n >= 3 && is_consonant(n - 1) && !is_consonant(n - 2) && is_consonant(n - 3)
           && word_[n - 1] != 'w' && word_[n - 1] != 'x' && word_[n - 1] != 'y';
  }

  bool ends(std::string_view suffix) const {
    return word_.size() > suffix.size() && word_.ends_with(suffix);
  }
  std::size_t stem_length(std::string_view suffix) const { return word_.size() - suffix.size(); }

  void replace(std::string_view suffix, std::string_view by) {
    word_.erase(stem_length(suffix));
    word_ += by;
  }

  void step_1a() {
    if (ends("sses") || ends("ies"))
      word_.erase(word_.size() - 2);
    else if (!ends("ss") && ends("s"))
      word_.pop_back();
  }

  void step_1b() {
    if (ends("eed")) {
      if (measure(stem_length("eed")) > 0)
        word_.pop_back();
      return;
    }
    std::string_view suffix = ends("ed") ? "ed" : ends("ing") ? "ing" : "";
    if (suffix.empty() || !has_vowel(stem_length(suffix)))
      return;
    word_.erase(stem_length(suffix));
    bool doubled = ends_in_double_consonant() && word_.back() != 'l' && word_.back() != 's'
                   && word_.back() != 'z';
    if (ends("at") || ends("bl") || ends("iz")
        || (!doubled && measure(word_.size()) == 1 && ends_in_cvc(word_.size())))
      word_ += 'e';
    else if (doubled)
      word_.pop_back();
  }

  void step_1c() {
    if (ends("y") && has_vowel(word_.size() - 1))
      word_.back() = 'i';
  }

  /// Applies the first rule whose suffix matches, if the measure of the rest is large enough.
  template <std::size_t Size>
  void first_of(const std::array<suffix_rule, Size>& rules) {
    for (const auto& r : rules)
      if (ends(r.suffix)) {
        if (measure(stem_length(r.suffix)) > 0)
          replace(r.suffix, r.replacement);
        return;
      }
  }

  void step_2() {
    static constexpr std::array<suffix_rule, 20> rules{
        {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
         {"izer", "ize"},    {"abli", "able"},   {"alli", "al"},     {"entli", "ent"},
         {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
         {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
         {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"}}};
    first_of(rules);
  }

  void step_3() {
    static constexpr std::array<suffix_rule, 7> rules{{{"icate", "ic"},
                                                       {"ative", ""},
                                                       {"alize", "al"},
                                                       {"iciti", "ic"},
                                                       {"ical", "ic"},
                                                       {"ful", ""},
                                                       {"ness", ""}}};
    first_of(rules);
  }

  void step_4() {
    static constexpr std::array<std::string_view, 19> suffixes{
        "al",  "ance", "ence", "er",  "ic",  "able", "ible", "ant", "ement", "ment",
        "ent", "ion",  "ou",   "ism", "ate", "iti",  "ous",  "ive", "ize"};
    for (auto suffix : suffixes) {
      if (!ends(suffix))
        continue;
      auto length = stem_length(suffix);
      auto last = word_[length - 1];
      if (measure(length) > 1 && (suffix != "ion" || last == 's' || last == 't'))
        word_.erase(length);
      return;
    }
  }

  void step_5() {
    if (ends("e")) {
      auto m = measure(word_.size() - 1);
      if (m > 1 || (m == 1 && !ends_in_cvc(word_.size() - 1)))
        word_.pop_back();
    }
    if (ends("ll") && measure(word_.size() - 1) > 1)
      word_.pop_back();
  }

  std::string word_;
};

} // namespace

std::string porter_stem(std::string_view word) {
  if (word.size() < 3)
    return std::string(word);
  for (auto c : word)
    if (!characters::is_lower(c))
      return std::string(word); // a number, or not English
  return porter(word).run();
}

} // namespace troupe
