#pragma once

#include "messages/envelope.hpp"
#include "messages/models.pb.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The convention in which minds and models refer to documents; the same for every provider.
/// Passages are in the user's message, with each tag on a line of its own:
///
///     <passage source="GPL-3 lines 10-24">
///     text
///     </passage>
///     Question: What must I do ...?
///
/// A text is always shown unchanged: it is quoted from the prompt and must be found again in its
/// document. If a text itself contains passage tags, all passages of the message are called
/// `passage-N`, with a number that is in none of them.
///
/// "at most 3 quotes" or "at most 3 sentences" bounds the answer. Without a `Question:` line, a
/// summary is requested. Without passages, the rest of the message is the text.
namespace troupe {

struct prompt_passage {
  std::string_view source; ///< empty for text without a passage around it
  std::string_view text;
};

/// Refers to the request it was read from.
struct model_prompt {
  std::vector<prompt_passage> passages;
  std::string_view question; ///< empty: a summary is requested
  std::size_t at_most = 3;   ///< quotations or sentences, from 1 to `limits::model_quotes_max`
};

/// The passages of a message, in order; they refer to it.
std::vector<prompt_passage> passages_in(std::string_view message);

/// Reads the last message of the user; "at most" also from the system's messages.
model_prompt read_prompt(const ModelRequest& request);

/// A passage as it appears in a prompt. `text` must not contain an end tag of that name.
std::string passage_block(std::string_view source, std::string_view text,
                          std::string_view tag = "passage");

/// The passages as they appear in a message, one after the other, for writers of messages.
std::string show_passages(std::span<const prompt_passage> passages);

} // namespace troupe
