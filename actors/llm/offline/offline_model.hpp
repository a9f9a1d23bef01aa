#pragma once

#include "messages/envelope.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The built-in model. It has no weights and no network, and it writes no words of its own. It
/// answers by choosing sentences from the text it is given, and says `NO ANSWER` if none of them
/// mentions what was asked. Its words match by stem and by a small table of everyday paraphrases
/// (actors/llm/offline/paraphrases.cpp); it does not understand, combine or infer.
///
/// A pure function: the same request gives the same bytes. Time grows linearly with the text; a 35
/// KB document takes milliseconds.
namespace troupe {

inline constexpr std::string_view offline_model_name = "offline";
inline constexpr std::string_view no_answer = "NO ANSWER";

struct offline_answer_text {
  std::string text;
  std::uint64_t input_tokens = 0;  ///< by count_tokens, of all messages
  std::uint64_t output_tokens = 0; ///< by count_tokens
  std::string_view finish_reason;  ///< "stop", or "length": whole sentences were left out
};

/// To a question: at most as many quotations as the prompt allows, the best first. Each has `> `
/// lines with the text's own line breaks (without indentation) and a line `Source: ` with the
/// source of its passage. Without a question: a summary of sentences of the text in their order,
/// white space folded. At most `max_output_tokens` tokens, cut between sentences; the text is empty
/// if not even one fits.
offline_answer_text offline_answer(const ModelRequest& request);

/// The text, cut where a reader would pause, after sentences and lines; joined, the parts are the
/// text.
std::vector<std::string_view> pieces_of(std::string_view text);

} // namespace troupe
