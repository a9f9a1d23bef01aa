#pragma once

#include "actors/llm/safety/placeholders.hpp"
#include "actors/llm/safety/safety_tally.hpp"
#include "messages/errors.hpp"
#include "messages/models.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Checks what goes to a model, and masks it there. Nothing, or why the call is refused
/// (`refused`): which check found something, and where; never what.
///
/// Results of tools, and passages of documents (offline/model_prompt.hpp) in messages, are data:
/// where they try to command the model, they are wrapped as data too. All else is what is asked.
/// What a model thought has a provider's signature and goes back as it was; images, and fields that
/// Troupe does not know, are not looked at.
std::optional<failure> check_question(ModelRequest& asked, const call_rules& rules,
                                      placeholders& masked, safety_tally& tally);

/// The texts to be embedded are data.
std::optional<failure> check_question(EmbeddingRequest& asked, const call_rules& rules,
                                      placeholders& masked, safety_tally& tally);

/// The words of a refusal: `why` is of a safety_outcome.
failure safety_refusal(safety_check by, std::string_view why, std::string_view where);

} // namespace troupe
