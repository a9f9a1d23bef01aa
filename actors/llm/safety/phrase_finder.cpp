#include "actors/llm/safety/phrase_finder.hpp"

#include "actors/llm/safety/safety_finding.hpp"

#include <algorithm>
#include <deque>

namespace troupe {

namespace {

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
char folded(char c) {
  if (is_white(c))
    return ' ';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The text as it is compared: calls `take` with each byte, its place and where it ends.
template <class Take>
void each_folded(std::string_view text, const Take& take) {
  for (std::size_t at = 0; at < text.size();) {
    auto begin = at;
    auto c = folded(text[at++]);
    while (c == ' ' && at < text.size() && is_white(text[at]))
      ++at;
    take(c, begin, at);
  }
}

} // namespace

phrase_finder::phrase_finder(const std::vector<std::string>& phrases) {
  for (std::size_t i = 0; i < phrases.size(); ++i)
    add(phrases[i], i);
  link();
}

std::uint32_t phrase_finder::child(std::uint32_t of, char c) const {
  for (auto [byte, next] : all_[of].next)
    if (byte == c)
      return next;
  return 0;
}

void phrase_finder::add(std::string_view phrase, std::size_t number) {
  auto begin = std::find_if_not(phrase.begin(), phrase.end(), is_white);
  auto end = std::find_if_not(phrase.rbegin(), std::make_reverse_iterator(begin), is_white).base();
  if (begin == end)
    return;
  auto words = phrase.substr(static_cast<std::size_t>(begin - phrase.begin()),
                             static_cast<std::size_t>(end - begin));
  std::uint32_t at = 0;
  each_folded(words, [&](char c, std::size_t, std::size_t) {
    auto next = child(at, c);
    if (next == 0) {
      next = static_cast<std::uint32_t>(all_.size());
      all_[at].next.emplace_back(c, next);
      auto depth = all_[at].depth + 1;
      all_.emplace_back().depth = depth;
    }
    at = next;
  });
  auto& last = all_[at];
  last.phrase = static_cast<std::int32_t>(number);
  last.begins_word = is_word_byte(words.front());
  last.ends_word = is_word_byte(words.back());
  ++phrases_;
}

void phrase_finder::link() {
  std::deque<std::uint32_t> row;
  for (auto [byte, next] : all_[0].next)
    row.push_back(next);
  while (!row.empty()) {
    auto at = row.front();
    row.pop_front();
    for (auto [byte, next] : all_[at].next) {
      all_[next].fallback = step(all_[at].fallback, byte);
      row.push_back(next);
    }
    auto other = all_[at].fallback;
    all_[at].shorter = all_[other].phrase >= 0 ? other : all_[other].shorter;
  }
}

std::uint32_t phrase_finder::step(std::uint32_t from, char c) const {
  for (auto at = from;; at = all_[at].fallback) {
    if (auto next = child(at, c); next != 0)
      return next;
    if (at == 0)
      return 0;
  }
}

std::vector<phrase_finder::found_phrase> phrase_finder::find(std::string_view text) const {
  std::vector<found_phrase> found;
  if (empty())
    return found;
  std::vector<std::size_t> begins; // of the bytes as they are compared
  std::uint32_t at = 0;
  std::size_t free_from = 0;
  each_folded(text, [&](char c, std::size_t begin, std::size_t end) {
    begins.push_back(begin);
    at = step(at, c);
    for (auto one = all_[at].phrase >= 0 ? at : all_[at].shorter; one != 0;
         one = all_[one].shorter) {
      const auto& ends = all_[one];
      auto first = begins[begins.size() - ends.depth];
      bool touches = (ends.begins_word && first > 0 && is_word_byte(text[first - 1]))
                     || (ends.ends_word && end < text.size() && is_word_byte(text[end]));
      if (touches || first < free_from)
        continue;
      found.push_back({static_cast<std::size_t>(ends.phrase), first, end});
      free_from = end;
      break;
    }
  });
  return found;
}

std::size_t phrase_finder::open_from(std::string_view text) const {
  if (empty())
    return text.size();
  std::vector<std::size_t> begins;
  std::uint32_t at = 0;
  each_folded(text, [&](char c, std::size_t begin, std::size_t) {
    begins.push_back(begin);
    at = step(at, c);
  });
  return all_[at].depth == 0 ? text.size() : begins[begins.size() - all_[at].depth];
}

} // namespace troupe
