#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What reading plain text needs: sentences, passages, words, ranking, and finding quotations
/// again. Pure functions of their arguments; any bytes are accepted, and UTF-8 is never cut inside
/// a character. English is assumed where a language must be (abbreviations, stop words, stems). All
/// offsets are bytes.
namespace troupe {

/// A sentence, heading or item of a list, without the white space around it. Its line breaks are
/// kept.
struct sentence {
  std::string_view text;
  std::size_t begin = 0, end = 0; ///< offsets in the text that was split
};

/// Splits at full stops, question and exclamation marks that end a sentence ("e.g.", "U.S.", "1."
/// and initials do not), at blank lines and rules, and before items of lists ("a)", "(ii)", "3.",
/// "- "). A line break alone does not end a sentence. In order, without overlaps; nothing but white
/// space and rules is left out. A sentence with no end within `limits::sentence_bytes_max` is cut
/// at a space.
std::vector<sentence> split_sentences(std::string_view text);

/// Whether a list follows: the sentence ends in a colon.
bool is_list_head(std::string_view sentence_text);
/// The length of the marker of an item at the beginning ("a) ", "(ii) ", "3.1. ", "- "); 0 if there
/// is none.
std::size_t list_marker_length(std::string_view line);

/// A part of a text that is given to a model as a unit. Lines are counted from 1.
struct passage {
  std::size_t begin = 0, end = 0;
  std::uint32_t first_line = 0, last_line = 0;
};

/// Cuts at paragraph borders into passages of about `bytes_aim` bytes, never longer than twice
/// that. A heading or the head of a list stays with what follows it. A paragraph that is too long
/// is cut at line breaks or, failing that, at spaces. Blank parts are in no passage.
std::vector<passage> cut_passages(std::string_view text, std::size_t bytes_aim);

/// The words that carry meaning: lower-cased, without stop words and possessive endings, British
/// spelling made American, stemmed. In order, repetitions included. Numbers are words.
std::vector<std::string> words_of(std::string_view text);

/// Calls `take` with each lower-cased word of `text`, stop words included, and its offset.
void each_word(std::string_view text,
               const std::function<void(std::string_view word, std::size_t begin)>& take);
bool is_stop_word(std::string_view lower_case_word);

/// The form under which a lower-case word is indexed: American spelling, stemmed.
std::string stem_of(std::string_view lower_case_word);

/// The stem of a lower-case word by M. F. Porter, "An algorithm for suffix stripping" (Program
/// 14/3, 1980).
std::string porter_stem(std::string_view word);

/// Runs of white space become one space; none at the ends.
std::string fold_space(std::string_view text);

struct quote_place {
  std::uint32_t first_line = 0, last_line = 0; ///< from 1
  std::size_t begin = 0, end = 0;
};

/// The first place of `quote` in `text`: white space folded on both sides, verbatim otherwise.
/// Nothing for an empty quote. Linear in both lengths.
std::optional<quote_place> locate_quote(std::string_view text, std::string_view quote);

/// A block of `> ` lines of a model's answer and the `Source:` line that follows it.
struct answer_quote {
  std::string text;   ///< lines without the prefix, joined by line breaks
  std::string source; ///< empty if no such line follows
};

/// The quotations of an answer, in order. None for `NO ANSWER` and for prose.
std::vector<answer_quote> quotes_in(std::string_view answer);

} // namespace troupe
