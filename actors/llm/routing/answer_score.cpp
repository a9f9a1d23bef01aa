#include "actors/llm/routing/answer_score.hpp"

#include "actors/text/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace troupe {

namespace {

constexpr double unusable = 0, does_not_know = 0.2, was_cut = 0.4, good = 0.9, hedged = 0.5;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

bool says_it_does_not_know(std::string_view text) {
  constexpr std::size_t look_at = 200; // it is said at the beginning
  std::string head;
  for (auto c : text.substr(0, look_at))
    head.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  constexpr std::array<std::string_view, 8> words{
      "i don't know", "i do not know", "i'm not sure",      "i am not sure",
      "no answer",    "i cannot help", "i can't determine", "i'm unable to"};
  return std::any_of(words.begin(), words.end(),
                     [&](auto one) { return head.find(one) != head.npos; });
}

int hedging_words(std::string_view text) {
  constexpr std::array<std::string_view, 7> words{"might",   "perhaps",    "maybe", "possibly",
                                                  "unclear", "presumably", "unsure"};
  int count = 0;
  each_word(text, [&](std::string_view word, std::size_t) {
    count += std::find(words.begin(), words.end(), word) != words.end();
  });
  return count;
}

} // namespace

double answer_score(const ModelRequest& asked, const ModelAnswer& answer) {
  if (answer.finish() == FINISH_REFUSED || !answer.refusal().empty())
    return unusable;
  if (answer.finish() == FINISH_TOOL_CALLS)
    return good;
  if (is_blank(answer.text()))
    return unusable;
  if (asked.has_json_answer() && !nlohmann::json::accept(answer.text()))
    return unusable;
  if (says_it_does_not_know(answer.text()))
    return does_not_know;
  if (answer.finish() == FINISH_LENGTH)
    return was_cut;
  constexpr double each_two = 0.2;
  auto pairs = hedging_words(answer.text()) / 2;
  return std::max(hedged, good - each_two * static_cast<double>(pairs));
}

} // namespace troupe
