#include "actors/llm/routing/complexity.hpp"

#include "config/limits/choosing.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace troupe {

namespace {

enum cue : std::uint8_t {
  thought = 1,   ///< asks for thought
  condition = 2, ///< bounds what may be answered
  demand = 4,    ///< asks for something to be made or said
  code = 8,      ///< code is meant
  makes = 16,    ///< with `code`: code is to be made
  plans = 32,
  analyses = 64,
};

struct cue_word {
  std::string_view stem; ///< the word is this, or has up to `more` letters behind it
  std::uint8_t what;
  double weight = 0; ///< of thought
  std::uint8_t more = 2;
};

/// In the order of their first letters.
constexpr cue_word cue_words[] = {
    {"add", demand | makes, 0, 1},
    {"advantage", analyses, 0.1},
    {"algorithm", thought | code, 0.2},
    {"alternative", thought, 0.2},
    {"analys", thought | analyses | demand, 0.3, 3},
    {"analyz", thought | analyses | demand, 0.3, 3},
    {"api", code, 0, 1},
    {"architect", thought | plans, 0.3, 5},
    {"argument", thought | analyses, 0.2},
    {"array", code},
    {"assess", thought | analyses | demand, 0.3, 4},
    {"assum", thought, 0.25, 6},
    {"bash", code},
    {"benchmark", thought | code, 0.2},
    {"bias", thought, 0.2, 4},
    {"budget", condition | plans},
    {"bug", code | analyses, 0, 1},
    {"cannot", condition},
    {"cause", thought | analyses, 0.15, 1},
    {"class", code, 0, 0},
    {"classif", demand, 0, 3},
    {"code", code, 0, 1},
    {"compar", thought | analyses | demand, 0.2, 4},
    {"compil", code | thought, 0.2, 4},
    {"component", code, 0, 1},
    {"concurren", thought | code, 0.3, 3},
    {"confounder", thought | analyses, 0.3},
    {"consider", thought, 0.15},
    {"consisten", thought, 0.25, 3},
    {"constraint", thought | condition, 0.25},
    {"convert", demand},
    {"counterexample", thought, 0.35},
    {"counterfactual", thought | analyses, 0.35},
    {"create", demand | makes},
    {"critical", thought, 0.25, 2},
    {"dependenc", thought | plans, 0.2, 3},
    {"deriv", thought | analyses | demand, 0.35, 5},
    {"describe", demand},
    {"design", thought | plans | makes | demand, 0.3, 2},
    {"determine", thought | analyses | demand, 0.2},
    {"develop", plans | demand | makes, 0.1, 2},
    {"differ", condition, 0, 2},
    {"disadvantage", analyses, 0.1},
    {"discuss", thought | analyses | demand, 0.2},
    {"distinguish", thought | analyses, 0.25},
    {"distribut", thought, 0.25, 3},
    {"downtime", condition | thought | plans, 0.2},
    {"during", condition},
    {"dynamic", thought, 0.15, 1},
    {"each", condition, 0, 0},
    {"estimate", thought | analyses | demand, 0.2},
    {"evaluat", thought | analyses | demand, 0.3, 3},
    {"every", condition, 0, 0},
    {"evidence", thought | analyses, 0.2},
    {"exactly", condition},
    {"exam", plans, 0, 0},
    {"explain", demand, 0.05},
    {"express", code, 0, 0},
    {"extract", demand, 0},
    {"fault", thought, 0.2},
    {"fix", demand | makes, 0.1, 2},
    {"formal", thought, 0.25, 2},
    {"function", code},
    {"generate", demand | makes},
    {"git", code, 0, 0},
    {"go", code, 0, 0},
    {"guarantee", thought | condition, 0.25, 2},
    {"handl", condition, 0.05, 3},
    {"html", code},
    {"hypothes", thought | analyses, 0.3, 3},
    {"identify", thought | analyses | demand, 0.15},
    {"if", condition, 0, 0},
    {"implement", thought | makes | demand, 0.3, 2},
    {"incident", analyses},
    {"includ", condition, 0, 3},
    {"infer", thought, 0.2, 4},
    {"interface", code, 0.1},
    {"interpret", thought | code, 0.2, 3},
    {"invariant", thought | condition, 0.35},
    {"java", code, 0, 6},
    {"json", condition},
    {"justif", thought | analyses | demand, 0.3, 3},
    {"keep", condition, 0, 0},
    {"latenc", thought | condition, 0.2, 3},
    {"likely", analyses},
    {"linearizab", thought, 0.35, 4},
    {"list", demand, 0, 0},
    {"log", analyses, 0, 1},
    {"loop", code},
    {"maximum", condition},
    {"measure", condition, 0.05, 1},
    {"method", thought, 0.1, 5},
    {"migrat", thought | plans, 0.3, 3},
    {"milestone", plans | thought, 0.15},
    {"mitigat", thought, 0.2, 4},
    {"model", thought, 0.1, 2},
    {"most", condition, 0, 0},
    {"must", condition, 0.05, 0},
    {"never", condition},
    {"nobody", condition},
    {"not", condition, 0, 0},
    {"only", condition, 0, 0},
    {"optimal", thought, 0.25},
    {"optimi", thought | makes | demand, 0.3, 5},
    {"parallel", thought, 0.25},
    {"parser", code | thought, 0.2},
    {"partition", thought, 0.25},
    {"phase", plans, 0.1},
    {"plan", plans | thought | demand, 0.2, 4},
    {"premise", thought | analyses, 0.3},
    {"print", code},
    {"program", code, 0, 3},
    {"proof", thought, 0.35},
    {"propos", thought | demand, 0.15, 3},
    {"prove", thought | analyses | demand, 0.4, 1},
    {"python", code},
    {"quantif", thought | analyses, 0.25, 3},
    {"query", code, 0.05},
    {"race", thought, 0.2, 1},
    {"react", code, 0, 0},
    {"recommend", thought | demand, 0.15},
    {"reconstruct", thought | analyses | demand, 0.25},
    {"recursive", code | thought, 0.2},
    {"refactor", thought | makes | demand | code, 0.3, 3},
    {"replicat", thought, 0.25, 3},
    {"return", condition, 0, 1},
    {"rewrite", demand},
    {"risk", thought, 0.15, 1},
    {"roadmap", plans | thought, 0.25},
    {"rollback", thought | plans, 0.25},
    {"root", analyses, 0.1, 0},
    {"route", code, 0, 0},
    {"rust", code, 0, 0},
    {"scal", thought, 0.2, 6},
    {"scenario", thought | plans, 0.2},
    {"schedule", plans | thought, 0.15},
    {"schema", code, 0.1},
    {"script", code},
    {"security", thought, 0.2},
    {"show", demand, 0},
    {"specif", condition | demand, 0.1, 4},
    {"sql", code, 0, 3},
    {"strateg", plans | thought, 0.25, 3},
    {"stress", thought, 0.15, 0},
    {"success", condition, 0.05},
    {"summari", demand, 0.05, 3},
    {"test", code, 0.1, 1},
    {"theorem", thought, 0.35},
    {"thread", thought | code, 0.25, 2},
    {"threat", thought | analyses, 0.2, 1},
    {"timeline", thought, 0.15},
    {"tradeoff", thought | analyses, 0.3},
    {"trade-off", thought | analyses, 0.3},
    {"translate", demand},
    {"trip", plans},
    {"typescript", code},
    {"uncertainty", thought | analyses, 0.3},
    {"under", condition, 0, 0},
    {"unit", code, 0, 0},
    {"validat", thought | code, 0.1, 3},
    {"verif", thought, 0.2, 4},
    {"week", plans, 0, 2},
    {"where", condition, 0, 0},
    {"which", condition, 0, 0},
    {"while", condition, 0, 0},
    {"why", analyses | thought, 0.15, 0},
    {"without", condition, 0, 0},
    {"word", condition, 0, 1},
    {"worst", thought | condition, 0.15, 0},
    {"write", demand | makes, 0, 0},
};
constexpr std::size_t words_known = std::size(cue_words);

/// Where the words with each first letter begin.
constexpr auto first_of_letter = [] {
  std::array<std::uint8_t, 27> begins{};
  std::size_t at = 0;
  for (std::size_t letter = 0; letter < 26; ++letter) {
    begins[letter] = static_cast<std::uint8_t>(at);
    while (at < words_known && cue_words[at].stem.front() == static_cast<char>('a' + letter))
      ++at;
  }
  begins[26] = static_cast<std::uint8_t>(at);
  return begins;
}();
static_assert(first_of_letter[26] == words_known, "words are in the order of their first letters");

constexpr std::string_view question_words[] = {"what", "who",    "when", "where",     "which",
                                               "how",  "is",     "are",  "does",      "do",
                                               "hi",   "thanks", "tell", "translate", "give"};

struct tally {
  double thought_sum = 0;
  std::size_t words = 0, conditions = 0, demands = 0, numbers = 0, listed = 0;
  std::size_t code_words = 0, makers = 0, planners = 0, analysts = 0;
  bool begins_plainly = false;
  std::bitset<words_known> seen;
};

constexpr std::size_t word_bytes_max = 24;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void count_word(tally& to, std::string_view word) {
  if (to.words++ == 0)
    to.begins_plainly = std::find(std::begin(question_words), std::end(question_words), word)
                        != std::end(question_words);
  auto letter = static_cast<std::size_t>(word.front() - 'a');
  for (std::size_t i = first_of_letter[letter]; i < first_of_letter[letter + 1]; ++i) {
    const auto& known = cue_words[i];
    if (!word.starts_with(known.stem) || word.size() > known.stem.size() + known.more)
      continue;
    if (to.seen[i])
      return;
    to.seen[i] = true;
    to.thought_sum += known.weight;
    to.conditions += (known.what & condition) != 0;
    to.demands += (known.what & demand) != 0;
    to.code_words += (known.what & code) != 0;
    to.makers += (known.what & makes) != 0;
    to.planners += (known.what & plans) != 0;
    to.analysts += (known.what & analyses) != 0;
    return;
  }
}

void read(tally& to, std::string_view text) {
  std::array<char, word_bytes_max> word{};
  for (std::size_t at = 0; at < text.size();) {
    auto c = text[at];
    if (is_letter(c)) {
      std::size_t length = 0;
      for (; at < text.size() && (is_letter(text[at]) || text[at] == '-'); ++at)
        if (length < word.size())
          word[length++] = lower(text[at]);
      count_word(to, {word.data(), length});
    } else if (is_digit(c)) {
      ++to.numbers;
      while (at < text.size() && (is_digit(text[at]) || text[at] == '.' || text[at] == ','))
        ++at;
    } else {
      to.listed += c == ',' || c == ';' || c == ':';
      ++at;
    }
  }
}

task_type task_of(const tally& of) {
  if (of.code_words > 0 && of.makers > 0 && of.code_words + of.makers > of.planners)
    return task_type::code_generation;
  if (of.planners > of.analysts)
    return task_type::planning;
  return of.analysts > 0 ? task_type::analysis : task_type::other;
}

double at_most(double most, double value) { return std::min(most, value); }

} // namespace

complexity estimate_complexity(std::string_view prompt) {
  tally all;
  constexpr auto head = limits::complexity_head_bytes, tail = limits::complexity_tail_bytes;
  if (prompt.size() <= head + tail) {
    read(all, prompt);
  } else {
    read(all, prompt.substr(0, head));
    read(all, prompt.substr(prompt.size() - tail));
  }
  constexpr double words_max = 96, short_words = 16;
  auto count = [](std::size_t number) { return static_cast<double>(number); };
  double sum = 0.75 * all.thought_sum + 0.06 * at_most(6, count(all.conditions))
               + 0.075 * at_most(4, count(all.demands)) + 0.045 * at_most(4, count(all.numbers))
               + 0.0375 * at_most(8, count(all.listed))
               + 0.35 * at_most(1, count(all.words) / words_max);
  if (all.begins_plainly && count(all.words) <= short_words)
    sum /= 2;
  return {1 - std::exp(-sum), task_of(all)};
}

} // namespace troupe
