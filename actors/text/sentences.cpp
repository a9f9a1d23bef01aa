#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <array>

namespace troupe {

using namespace characters;

namespace {

/// Never the end of a sentence, whatever follows.
constexpr std::array always_inside = {"cf",  "dr", "eg",   "ie",  "mr",
                                      "mrs", "ms", "prof", "viz", "vs"};
/// Abbreviations before a number ("Fig. 3", "Oct. 1995"), words or ends of sentences elsewhere.
constexpr std::array inside_before_digit = {
    "approx", "apr", "art", "aug", "ca",  "ch", "dec",  "eq", "feb", "fig", "jan",  "jul", "jun",
    "mar",    "no",  "nos", "nov", "oct", "p",  "para", "pp", "sec", "sep", "sept", "vol"};
/// The end of a sentence only before a capital letter.
constexpr std::array inside_before_other = {"al", "co",  "corp", "etc", "inc",
                                            "jr", "ltd", "sr",   "st"};

template <std::size_t Size>
bool contains(const std::array<const char*, Size>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool ends_with_any(std::string_view text, std::string_view ends) {
  return !text.empty() && ends.find(text.back()) != std::string_view::npos;
}

/// "e.g", "U.S", "C.F.R": letters with full stops between them.
bool is_dotted(std::string_view word) {
  if (word.size() < 3 || word.size() % 2 == 0)
    return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (i % 2 == 0 ? !is_letter(word[i]) : word[i] != '.')
      return false;
  return true;
}

/// Whether a full stop after `word` ends a sentence when `next` is the first character after it.
bool ends_sentence(std::string_view word, char next) {
  if (is_lower(next) || next == ',' || next == ';' || next == ':')
    return false;
  while (!word.empty() && !is_word(word.front()))
    word.remove_prefix(1);
  if (word.empty() || word.size() > 8)
    return true;
  if (word.size() == 1 && is_upper(word.front()))
    return false; // an initial
  if (is_dotted(word))
    return word.back() == 'm' && word.front() != 'e'; // "a.m", "p.m" may end one
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  if (contains(always_inside, lower))
    return false;
  if (contains(inside_before_digit, lower))
    return !is_digit(next);
  if (contains(inside_before_other, lower))
    return is_upper(next);
  return true;
}

/// The length of a closing bracket or quotation mark at `at`; 0 if there is none.
std::size_t closer_length(std::string_view text, std::size_t at) {
  constexpr std::string_view plain = ")]}\"'.?!";
  if (plain.find(text[at]) != std::string_view::npos)
    return 1;
  for (std::string_view mark : {"\u2019", "\u201d", "\u00bb"})
    if (text.substr(at, mark.size()) == mark)
      return mark.size();
  return 0;
}

std::size_t ideographic_stop_length(std::string_view text, std::size_t at) {
  for (std::string_view mark : {"\u3002", "\uff01", "\uff1f"})
    if (text.substr(at, mark.size()) == mark)
      return mark.size();
  return 0;
}

bool is_roman(std::string_view label) {
  return label.size() <= 5 && label.find_first_not_of("ivxlc") == std::string_view::npos;
}

bool is_label(std::string_view label) {
  if (label.empty())
    return false;
  if (label.size() == 1)
    return is_digit(label[0]) || is_lower(label[0]) || is_upper(label[0]);
  return is_roman(label)
         || (label.size() <= 3 && std::all_of(label.begin(), label.end(), is_digit));
}

/// "3", "3.1", "1.0.1", a letter or a small roman number.
bool is_clause_label(std::string_view label) {
  constexpr std::size_t digits_max = 3; // "2007." ends a sentence
  if (is_label(label))
    return true;
  std::size_t digits = 0;
  for (auto c : label) {
    if (is_digit(c) ? ++digits > digits_max : c != '.' || digits == 0)
      return false;
    if (c == '.')
      digits = 0;
  }
  return digits > 0;
}

std::size_t with_space(std::string_view line, std::size_t length) {
  if (length >= line.size() || !is_space(line[length]))
    return 0;
  while (length < line.size() && is_space(line[length]))
    ++length;
  return length;
}

bool is_bullet(std::string_view line) {
  for (std::string_view mark : {"-", "*", "+", "\u2022", "\u2013"})
    if (line.substr(0, mark.size()) == mark)
      return true;
  return false;
}

/// A line of a box drawn with asterisks; it is not a list item.
bool is_boxed(std::string_view line) {
  return line.size() > 1 && line.front() == '*' && line.back() == '*';
}

class splitter {
public:
  explicit splitter(std::string_view text) : text_(text) {}

  std::vector<sentence> run() {
    for (std::size_t at = 0; at < text_.size();) {
      auto end = std::min(text_.find('\n', at), text_.size());
      take_line(at, end);
      at = end + 1;
    }
    close_block();
    return std::move(found_);
  }

private:
  void take_line(std::size_t begin, std::size_t end) {
    auto line = trim(text_.substr(begin, end - begin));
    if (is_blank_or_rule(line))
      return close_block();
    auto heading = line.front() == '#' && line.find_first_not_of('#') != std::string_view::npos
                   && line[line.find_first_not_of('#')] == ' ';
    if (heading || (open_ && begins_item(line)))
      close_block();
    if (!open_) {
      open_ = true;
      block_begin_ = begin;
      first_line_ = line;
    }
    block_end_ = end;
    last_line_ = line;
    if (heading)
      close_block();
  }

  /// Within a paragraph, a line begins an item if it looks like one and the line before may have
  /// ended there, or if the paragraph itself is such an item: a wrapped line may also begin with
  /// "2.".
  bool begins_item(std::string_view line) const {
    auto marker = list_marker_length(line);
    if (marker == 0 || is_boxed(line))
      return false;
    if (is_bullet(line))
      return true;
    return ends_with_any(last_line_, ".:;?!)") || last_line_.ends_with(" or")
           || last_line_.ends_with(" and") || last_line_.ends_with("or,")
           || last_line_.ends_with("and,")
           || (list_marker_length(first_line_) > 0 && !is_bullet(first_line_));
  }

  void close_block() {
    if (!open_)
      return;
    open_ = false;
    auto start = skip_space(block_begin_, block_end_);
    auto scan = start + list_marker_length(text_.substr(start, block_end_ - start));
    while (scan < block_end_) {
      auto stop = stop_after(scan);
      if (stop == 0) {
        ++scan;
        continue;
      }
      emit(start, stop);
      start = scan = skip_space(stop, block_end_);
    }
    emit(start, block_end_);
  }

  /// Where the sentence that may end with the character at `at` ends; 0 if it does not.
  std::size_t stop_after(std::size_t at) const {
    auto c = text_[at];
    if (is_wide(c)) {
      auto wide = ideographic_stop_length(text_.substr(0, block_end_), at);
      return wide == 0 ? 0 : at + wide;
    }
    if (c != '.' && c != '?' && c != '!')
      return 0;
    auto stop = at + 1;
    while (stop < block_end_) {
      auto more = closer_length(text_.substr(0, block_end_), stop);
      if (more == 0)
        break;
      stop += more;
    }
    if (stop >= block_end_ || !is_space(text_[stop]))
      return 0;
    auto next = skip_space(stop, block_end_);
    if (next >= block_end_)
      return 0;
    if (c != '.')
      return is_lower(text_[next]) ? 0 : stop;
    auto word = at;
    while (word > block_begin_ && !is_space(text_[word - 1]))
      --word;
    return ends_sentence(text_.substr(word, at - word), text_[next]) ? stop : 0;
  }

  std::size_t skip_space(std::size_t at, std::size_t end) const {
    while (at < end && is_space(text_[at]))
      ++at;
    return at;
  }

  void emit(std::size_t begin, std::size_t end) {
    while (begin < end) {
      auto size = cut_before(text_.substr(begin, end - begin), limits::sentence_bytes_max);
      auto kept = trim(text_.substr(begin, size));
      if (!is_blank_or_rule(kept)) {
        auto at = static_cast<std::size_t>(kept.data() - text_.data());
        found_.push_back({kept, at, at + kept.size()});
      }
      begin += size;
    }
  }

  std::string_view text_;
  std::vector<sentence> found_;
  bool open_ = false;
  std::size_t block_begin_ = 0, block_end_ = 0;
  std::string_view first_line_, last_line_;
};

} // namespace

std::vector<sentence> split_sentences(std::string_view text) { return splitter(text).run(); }

bool is_list_head(std::string_view sentence_text) {
  return ends_with_any(trim(sentence_text), ":");
}

std::size_t list_marker_length(std::string_view line) {
  if (line.empty())
    return 0;
  if (is_bullet(line))
    return with_space(line, is_wide(line.front()) ? 3 : 1);
  if (line.front() == '(') {
    auto close = line.substr(0, 8).find(')');
    if (close == std::string_view::npos || !is_label(line.substr(1, close - 1)))
      return 0;
    return with_space(line, close + 1);
  }
  auto end = line.substr(0, 13).find_first_of(" \t\r\n\v\f)");
  if (end == std::string_view::npos || end < 1)
    return 0;
  if (line[end] == ')')
    return is_label(line.substr(0, end)) ? with_space(line, end + 1) : 0;
  if (line[end - 1] != '.' || !is_clause_label(line.substr(0, end - 1)))
    return 0;
  return with_space(line, end);
}

} // namespace troupe
