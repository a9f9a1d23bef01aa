#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"

#include <algorithm>

namespace troupe {

using namespace characters;

std::string fold_space(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (auto c : trim(text)) {
    if (!is_space(c))
      folded += c;
    else if (folded.back() != ' ')
      folded += ' ';
  }
  return folded;
}

namespace {

/// How far a match of `pattern` may fall back after each of its characters (Knuth, Morris and Pratt
/// 1977).
std::vector<std::uint32_t> fallbacks_of(std::string_view pattern) {
  std::vector<std::uint32_t> fallbacks(pattern.size(), 0);
  std::uint32_t matched = 0;
  for (std::size_t i = 1; i < pattern.size(); ++i) {
    while (matched > 0 && pattern[i] != pattern[matched])
      matched = fallbacks[matched - 1];
    if (pattern[i] == pattern[matched])
      ++matched;
    fallbacks[i] = matched;
  }
  return fallbacks;
}

/// Goes back over `folded` characters that end at `end`, a run of white space counting as one.
std::size_t begin_of(std::string_view text, std::size_t end, std::size_t folded) {
  auto at = end;
  for (; folded > 0; --folded) {
    --at;
    if (is_space(text[at]))
      while (at > 0 && is_space(text[at - 1]))
        --at;
  }
  return at;
}

std::uint32_t lines_in(std::string_view text) {
  return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

std::optional<quote_place> locate_quote(std::string_view text, std::string_view quote) {
  auto pattern = fold_space(quote);
  if (pattern.empty())
    return std::nullopt;
  auto fallbacks = fallbacks_of(pattern);
  std::size_t matched = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto c = text[at];
    if (is_space(c)) {
      if (at > 0 && is_space(text[at - 1]))
        continue; // the run counted with its first
      c = ' ';
    }
    while (matched > 0 && c != pattern[matched])
      matched = fallbacks[matched - 1];
    if (c == pattern[matched])
      ++matched;
    if (matched < pattern.size())
      continue;
    auto begin = begin_of(text, at + 1, pattern.size());
    auto first_line = 1 + lines_in(text.substr(0, begin));
    return quote_place{first_line, first_line + lines_in(text.substr(begin, at + 1 - begin)), begin,
                       at + 1};
  }
  return std::nullopt;
}

std::vector<answer_quote> quotes_in(std::string_view answer) {
  constexpr std::string_view source_mark = "Source:";
  std::vector<answer_quote> found;
  bool in_quote = false, may_have_source = false;
  for (std::size_t at = 0; at < answer.size();) {
    auto end = std::min(answer.find('\n', at), answer.size());
    auto line = answer.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.starts_with('>')) {
      line.remove_prefix(line.starts_with("> ") ? 2 : 1);
      if (!in_quote)
        found.emplace_back();
      else
        found.back().text += '\n';
      found.back().text += line;
      in_quote = may_have_source = true;
      continue;
    }
    in_quote = false;
    auto said = trim(line);
    if (may_have_source && said.starts_with(source_mark))
      found.back().source = trim(said.substr(source_mark.size()));
    if (!said.empty())
      may_have_source = false;
  }
  return found;
}

} // namespace troupe
