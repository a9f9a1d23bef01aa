#include "actors/llm/unit_cutter.hpp"

#include "actors/text/text.hpp"
#include "config/limits/models.hpp"
#include "config/limits/work.hpp"

#include <utility>

namespace troupe {

void unit_cutter::give(std::string_view text, std::vector<std::string>& units) {
  switch (unit_) {
    case UNIT_LINES:
      kept_ += text;
      cut_lines(units);
      break;
    case UNIT_SENTENCES:
      kept_ += text;
      cut_sentences(text, units);
      break;
    case UNIT_JSON_VALUES:
      cut_values(text, units);
      break;
    default:
      kept_ += text;
      take_all(units);
  }
  if (kept_.size() >= limits::piece_unit_bytes_max)
    take_all(units);
}

std::string unit_cutter::rest() {
  looked_at_ = 0;
  return std::exchange(kept_, {});
}

void unit_cutter::take_all(std::vector<std::string>& units) {
  if (!kept_.empty())
    units.push_back(rest());
}

void unit_cutter::cut_lines(std::vector<std::string>& units) {
  std::size_t from = 0;
  for (auto end = kept_.find('\n', looked_at_); end != kept_.npos; end = kept_.find('\n', from)) {
    units.push_back(kept_.substr(from, end + 1 - from));
    from = end + 1;
  }
  kept_.erase(0, from);
  looked_at_ = kept_.size();
}

/// A sentence is whole when the next one has begun, and said enough to tell that it has: "Mr." ends
/// none, and a word tells more than its first letter. One after the other, from what is left, so
/// that it does not matter what was seen at once.
void unit_cutter::cut_sentences(std::string_view added, std::vector<std::string>& units) {
  constexpr std::string_view space = " \t\r\n";
  constexpr std::size_t seen_max = 4 * limits::sentence_bytes_max;
  if (added.find_first_of(space) == added.npos)
    return; // no word has ended
  std::size_t from = 0;
  for (;;) {
    auto seen = std::string_view{kept_}.substr(from, seen_max);
    auto found = split_sentences(seen);
    if (found.size() < 2 || seen.find_first_of(space, found[1].begin) == seen.npos)
      break;
    units.emplace_back(seen.substr(0, found[1].begin));
    from += found[1].begin;
  }
  kept_.erase(0, from);
}

void unit_cutter::cut_values(std::string_view added, std::vector<std::string>& units) {
  for (auto c : added) {
    bool opens = !in_text_ && (c == '{' || c == '[');
    if (depth_ == 0 && !opens)
      continue; // between two values
    kept_ += c;
    if (in_text_) {
      in_text_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_text_ = true;
    } else if (opens) {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      take_all(units);
    }
  }
}

} // namespace troupe
