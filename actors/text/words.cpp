#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <array>

namespace troupe {

using namespace characters;

namespace {

/// Words that say how a sentence is built, not what it is about. Sorted, for binary search.
constexpr std::array<std::string_view, 158> stop_words{
    "a",      "about",  "above",    "after",     "again",      "against",   "ain't",   "all",
    "also",   "am",     "an",       "and",       "any",        "are",       "aren't",  "as",
    "at",     "be",     "because",  "been",      "before",     "being",     "below",   "between",
    "both",   "but",    "by",       "can",       "can't",      "cannot",    "could",   "couldn't",
    "did",    "didn't", "do",       "does",      "doesn't",    "doing",     "don't",   "down",
    "during", "each",   "either",   "else",      "for",        "from",      "further", "get",
    "got",    "had",    "has",      "have",      "having",     "he",        "her",     "here",
    "hers",   "him",    "his",      "how",       "however",    "i",         "i'm",     "if",
    "in",     "inside", "into",     "is",        "isn't",      "it",        "it's",    "its",
    "just",   "let",    "like",     "many",      "may",        "me",        "might",   "mine",
    "more",   "most",   "much",     "must",      "my",         "neither",   "no",      "nor",
    "not",    "of",     "off",      "on",        "once",       "one",       "only",    "or",
    "other",  "our",    "out",      "over",      "own",        "please",    "shall",   "she",
    "should", "so",     "some",     "such",      "tell",       "than",      "that",    "the",
    "their",  "theirs", "them",     "then",      "there",      "therefore", "these",   "they",
    "this",   "those",  "through",  "thus",      "to",         "too",       "under",   "until",
    "up",     "upon",   "us",       "very",      "was",        "we",        "were",    "what",
    "when",   "where",  "whether",  "which",     "while",      "who",       "whom",    "whose",
    "why",    "will",   "with",     "within",    "without",    "won't",     "would",   "you",
    "your",   "yours",  "yourself", "ourselves", "themselves", "itself"};

constexpr auto sorted_stop_words = [] {
  auto sorted = stop_words;
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}();

/// American spelling, so that one spelling finds the other. Only endings that are safe without a
/// dictionary.
std::string american(std::string_view word) {
  std::string made(word);
  auto ends = [&](std::string_view end) {
    return made.size() > end.size() + 2 && made.ends_with(end);
  };
  if (made.starts_with("licenc"))
    made[5] = 's';
  else if (made.starts_with("behaviour"))
    made.erase(7, 1);
  else if (ends("isation") || ends("ising") || ends("ised") || ends("ise"))
    made[made.rfind("is") + 1] = 'z';
  else if (made.size() > 5 && (ends("our") || ends("ours")))
    made.erase(made.rfind("our") + 1, 1);
  return made;
}

/// Lower case for ASCII and, by their two bytes, for Latin-1, Greek and Cyrillic letters.
void append_lower(std::string& out, std::string_view text, std::size_t& at) {
  auto first = static_cast<unsigned char>(text[at]);
  if (first < 0xC3 || first > 0xD0 || at + 1 >= text.size() || !is_continuation(text[at + 1])) {
    out += to_lower(text[at++]);
    return;
  }
  auto second = static_cast<unsigned char>(text[at + 1]);
  auto code = static_cast<unsigned>((first & 0x1F) << 6 | (second & 0x3F));
  if ((code >= 0xC0 && code <= 0xDE && code != 0xD7) || (code >= 0x391 && code <= 0x3A9)
      || (code >= 0x410 && code <= 0x42F))
    code += 0x20;
  else if (code >= 0x400 && code <= 0x40F)
    code += 0x50;
  out += static_cast<char>(0xC0 | code >> 6);
  out += static_cast<char>(0x80 | (code & 0x3F));
  at += 2;
}

/// Marks that join the characters on both sides: "don't", "2.1", "1,000".
std::size_t joiner_length(std::string_view text, std::size_t at) {
  if (at == 0 || at + 1 >= text.size())
    return 0;
  auto before = text[at - 1], after = text[at + 1];
  if (text[at] == '\'')
    return is_letter(before) && is_letter(after) ? 1 : 0;
  if (text[at] == '.' || text[at] == ',')
    return is_digit(before) && is_digit(after) ? 1 : 0;
  return 0;
}

constexpr std::string_view curly_apostrophe = "\u2019";

/// General punctuation (U+2000 to U+206F) and the no-break space are wide bytes but no letters.
std::size_t wide_punctuation_length(std::string_view text, std::size_t at) {
  auto is = [&](std::size_t i, unsigned char wanted) {
    return i < text.size() && static_cast<unsigned char>(text[i]) == wanted;
  };
  if (is(at, 0xE2) && (is(at + 1, 0x80) || is(at + 1, 0x81)))
    return std::min<std::size_t>(3, text.size() - at);
  if (is(at, 0xC2) && (is(at + 1, 0xA0) || is(at + 1, 0xAB) || is(at + 1, 0xBB)))
    return 2;
  if (is(at, 0xE3) && is(at + 1, 0x80))
    return std::min<std::size_t>(3, text.size() - at);
  return 0;
}

/// Reads the word at `at` into `word` and moves `at` past it.
void read_word(std::string_view text, std::size_t& at, std::string& word) {
  word.clear();
  while (at < text.size()) {
    if (text.substr(at, curly_apostrophe.size()) == curly_apostrophe && !word.empty()
        && at + 3 < text.size() && is_letter(text[at + 3])
        && wide_punctuation_length(text, at + 3) == 0) {
      word += '\'';
      at += curly_apostrophe.size();
      continue;
    }
    if (is_wide(text[at]) && wide_punctuation_length(text, at) > 0)
      return;
    if (!is_word(text[at])) {
      if (joiner_length(text, at) == 0)
        return;
      word += text[at++];
      continue;
    }
    if (word.size() + 2 > limits::word_bytes_max)
      ++at; // counts by its beginning
    else
      append_lower(word, text, at);
  }
}

} // namespace

bool is_stop_word(std::string_view lower_case_word) {
  return std::binary_search(sorted_stop_words.begin(), sorted_stop_words.end(), lower_case_word);
}

void each_word(std::string_view text,
               const std::function<void(std::string_view, std::size_t)>& take) {
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    auto wide = is_wide(text[at]) ? wide_punctuation_length(text, at) : 0;
    if (wide > 0 || !is_word(text[at])) {
      at += wide > 0 ? wide : 1;
      continue;
    }
    auto begin = at;
    read_word(text, at, word);
    if (word.ends_with("'s"))
      word.resize(word.size() - 2);
    take(word, begin);
  }
}

std::string stem_of(std::string_view lower_case_word) {
  return porter_stem(american(lower_case_word));
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  each_word(text, [&](std::string_view word, std::size_t) {
    if (!is_stop_word(word))
      words.push_back(stem_of(word));
  });
  return words;
}

} // namespace troupe
