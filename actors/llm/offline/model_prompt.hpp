#pragma once

#include "messages/envelope.hpp"
#include "messages/models.pb.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The convention in which minds and models speak of documents; the same for every provider.
/// Passages stand in the user's message, each tag on a line of its own:
///
///     <passage source="GPL-3 lines 10-24">
///     text
///     </passage>
///     Question: What must I do ...?
///
/// A text is shown as it is, whatever stands in it: it is quoted from the prompt and must be found
/// again in its document. Where a text speaks of passages itself, all passages of the message are
/// called `passage-N`, with a number that stands in none of them.
///
/// "at most 3 quotes" or "at most 3 sentences" bounds the answer. Without a `Question:` line a
/// summary is asked for. Without passages the rest of the message is the text.
namespace troupe {

struct prompt_passage {
  std::string_view source; ///< empty for text without a passage around it
  std::string_view text;
};

/// Refers to the request it was read from.
struct model_prompt {
  std::vector<prompt_passage> passages;
  std::string_view question; ///< empty: a summary is asked for
  std::size_t at_most = 3;   ///< quotations or sentences, from 1 to `limits::model_quotes_max`
};

/// Reads the last message of the user; "at most" also from the system's messages.
model_prompt read_prompt(const ModelRequest& request);

/// A passage as it stands in a prompt. `text` must not hold the end of a tag of that name.
std::string passage_block(std::string_view source, std::string_view text,
                          std::string_view tag = "passage");

/// The passages as they stand in a message, one after the other, for whoever writes one.
std::string show_passages(std::span<const prompt_passage> passages);

} // namespace troupe
