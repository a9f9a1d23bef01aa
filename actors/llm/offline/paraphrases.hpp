#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace troupe {

/// What plain English says in different words, and how near the words of a group are to one
/// another: 1 is "the same", 0 "unrelated". A word may stand in several groups. Base forms,
/// lower-case. The table is of everyday and office English; it knows nothing of any document.
struct paraphrase_group {
  double nearness;
  std::string_view words; ///< separated by spaces
};

std::span<const paraphrase_group> paraphrase_groups();

/// The base form of an irregular past or participle ("told": "tell"); empty for any other word.
std::string_view base_form(std::string_view lower_case_word);

struct related_word {
  std::string_view word;
  double nearness;
};

/// The words of all groups that contain `lower_case_word` (or another word with its stem), without
/// the word itself.
std::vector<related_word> words_like(std::string_view lower_case_word);

} // namespace troupe
