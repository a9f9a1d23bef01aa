#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe {

/// What kind of sentence would answer. Bits of `question_terms::asks_for`, and of what a sentence
/// has.
enum sentence_signal : std::uint16_t {
  says_duty = 1,         ///< must, shall, required, provided that
  says_permission = 2,   ///< may, allowed, permitted, not
  says_number = 4,       ///< digits or a number word
  says_reason = 8,       ///< because, in order to, therefore
  says_consequence = 16, ///< will, shall, void, terminate
  says_meaning = 32,     ///< means, is called, refers to
};

/// The signals of one lower-case word.
std::uint16_t signals_of(std::string_view lower_case_word);

/// Whether a number after this word only points somewhere: "section 3", "version 2".
bool is_reference_word(std::string_view lower_case_word);

/// What a question asks, as words to look for. Each term is one thing that was asked about. Several
/// words may express it; `nearness` says how near each word is (1: the asker's own word).
struct question_terms {
  struct term {
    std::string word;  ///< the asker's own, lower-case
    double weight = 1; ///< a name weighs more than a common word
  };
  struct meaning {
    std::uint32_t term = 0;
    double nearness = 1;
  };

  std::vector<term> terms;
  std::unordered_map<std::string, std::vector<meaning>> by_stem;
  std::unordered_map<std::string, std::vector<meaning>>
      by_name;                ///< names: lower-case, as they are spelled
  std::uint16_t asks_for = 0; ///< of sentence_signal
};

question_terms read_question(std::string_view question);

} // namespace troupe
