#include "actors/llm/offline/question.hpp"

#include "actors/llm/offline/paraphrases.hpp"
#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <array>

namespace troupe {

using namespace characters;

namespace {

/// Words that make a question but are not what it is about, beyond the stop words.
constexpr std::array<std::string_view, 14> asking_words{
    "happen", "happens", "happened", "want", "wants",   "know", "mean",
    "means",  "called",  "say",      "says", "mention", "find", "exactly"};

/// Words that stand for anybody or anything: the other words say what is asked about.
constexpr std::array<std::string_view, 16> indefinite_words{
    "others",   "somebody",   "someone", "something", "anybody", "anyone", "anything", "everybody",
    "everyone", "everything", "people",  "person",    "thing",   "things", "way",      "kind"};

constexpr double name_weight = 1.5, indefinite_weight = 0.3;

struct signal_word {
  std::string_view word;
  std::uint16_t signals;
};

constexpr std::array signal_words{
    signal_word{"must", says_duty},
    signal_word{"shall", says_duty | says_consequence},
    signal_word{"required", says_duty},
    signal_word{"requires", says_duty},
    signal_word{"should", says_duty},
    signal_word{"provided", says_duty},
    signal_word{"need", says_duty},
    signal_word{"may", says_permission},
    signal_word{"can", says_permission},
    signal_word{"cannot", says_permission},
    signal_word{"not", says_permission},
    signal_word{"no", says_permission},
    signal_word{"neither", says_permission},
    signal_word{"allowed", says_permission},
    signal_word{"permitted", says_permission},
    signal_word{"prohibited", says_permission},
    signal_word{"permission", says_permission},
    signal_word{"free", says_permission},
    signal_word{"because", says_reason},
    signal_word{"since", says_reason},
    signal_word{"therefore", says_reason},
    signal_word{"so", says_reason},
    signal_word{"reason", says_reason},
    signal_word{"reasons", says_reason},
    signal_word{"purpose", says_reason},
    signal_word{"order", says_reason},
    signal_word{"will", says_consequence},
    signal_word{"void", says_consequence},
    signal_word{"terminate", says_consequence},
    signal_word{"terminates", says_consequence},
    signal_word{"automatically", says_consequence},
    signal_word{"then", says_consequence},
    signal_word{"means", says_meaning},
    signal_word{"mean", says_meaning},
    signal_word{"called", says_meaning},
    signal_word{"refers", says_meaning},
    signal_word{"defined", says_meaning},
    signal_word{"two", says_number},
    signal_word{"three", says_number},
    signal_word{"four", says_number},
    signal_word{"five", says_number},
    signal_word{"six", says_number},
    signal_word{"seven", says_number},
    signal_word{"eight", says_number},
    signal_word{"nine", says_number},
    signal_word{"ten", says_number},
    signal_word{"twelve", says_number},
    signal_word{"hundred", says_number},
    signal_word{"thousand", says_number},
    signal_word{"million", says_number},
};

bool is_indefinite(std::string_view word) {
  return std::find(indefinite_words.begin(), indefinite_words.end(), word)
         != indefinite_words.end();
}

bool is_asking_word(std::string_view word) {
  return std::find(asking_words.begin(), asking_words.end(), word) != asking_words.end();
}

/// What the words of a question say about the kind of answer.
std::uint16_t kind_of(const std::vector<std::string>& words) {
  auto has = [&](std::string_view wanted) {
    return std::find(words.begin(), words.end(), wanted) != words.end();
  };
  auto pair = [&](std::string_view first, std::string_view second) {
    for (std::size_t i = 1; i < words.size(); ++i)
      if (words[i - 1] == first && words[i] == second)
        return true;
    return false;
  };
  std::uint16_t kind = 0;
  if (pair("how", "many") || pair("how", "much") || pair("how", "long") || pair("how", "often")
      || pair("how", "old") || pair("which", "year") || words.front() == "when")
    kind |= says_number;
  if (has("must") || has("should") || has("need") || (has("have") && has("to")) || has("required")
      || has("obliged"))
    kind |= says_duty;
  if (has("may") || has("can") || has("allowed") || has("permitted"))
    kind |= says_permission;
  if (has("why"))
    kind |= says_reason;
  if (has("happens") || has("happen") || has("consequence") || has("consequences"))
    kind |= says_consequence;
  if (pair("what", "is") || pair("what", "are") || has("mean") || has("means"))
    kind |= says_meaning;
  return kind;
}

class terms_reader {
public:
  explicit terms_reader(std::string_view question) : question_(question) {}

  question_terms run() {
    std::vector<std::string> words;
    each_word(question_, [&](std::string_view word, std::size_t begin) {
      auto how_long = word == "long" && !words.empty() && words.back() == "how";
      words.emplace_back(word);
      if (!is_stop_word(word) && !is_asking_word(word) && !how_long
          && made_.terms.size() < limits::question_terms_max)
        take(word, begin);
    });
    if (!words.empty())
      made_.asks_for = kind_of(words);
    return std::move(made_);
  }

private:
  void take(std::string_view word, std::size_t begin) {
    auto number = static_cast<std::uint32_t>(made_.terms.size());
    if (begin > 0 && is_upper(question_[begin])) {
      if (made_.by_name.try_emplace(std::string(word), 1, question_terms::meaning{number, 1})
              .second)
        made_.terms.push_back({std::string(word), name_weight});
      return;
    }
    auto stem = stem_of(word);
    if (auto known = made_.by_stem.find(stem); known != made_.by_stem.end())
      for (const auto& meaning : known->second)
        if (meaning.nearness == 1)
          return; // said twice
    made_.terms.push_back({std::string(word), is_indefinite(word) ? indefinite_weight : 1});
    add(stem, number, 1);
    auto base = base_form(word);
    if (!base.empty())
      add(stem_of(base), number, 1);
    for (const auto& like : words_like(base.empty() ? word : base))
      add(stem_of(like.word), number, like.nearness);
  }

  void add(const std::string& stem, std::uint32_t number, double nearness) {
    auto& meanings = made_.by_stem[stem];
    for (auto& known : meanings)
      if (known.term == number) {
        known.nearness = std::max(known.nearness, nearness);
        return;
      }
    meanings.push_back({number, nearness});
  }

  std::string_view question_;
  question_terms made_;
};

} // namespace

std::uint16_t signals_of(std::string_view lower_case_word) {
  std::uint16_t signals = 0;
  if (!lower_case_word.empty() && is_digit(lower_case_word.front()))
    signals = says_number;
  for (const auto& entry : signal_words)
    if (entry.word == lower_case_word)
      signals |= entry.signals;
  return signals;
}

bool is_reference_word(std::string_view lower_case_word) {
  constexpr std::array<std::string_view, 12> words{
      "section",  "sections", "paragraph", "paragraphs", "subsection", "article",
      "articles", "clause",   "chapter",   "version",    "exhibit",    "page"};
  return std::find(words.begin(), words.end(), lower_case_word) != words.end();
}

question_terms read_question(std::string_view question) { return terms_reader(question).run(); }

} // namespace troupe
