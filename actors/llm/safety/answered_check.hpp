#pragma once

#include "actors/llm/safety/placeholders.hpp"
#include "actors/llm/safety/safety_scan.hpp"
#include "messages/errors.hpp"
#include "messages/models.pb.h"

#include <optional>

namespace troupe {

/// Checks what a model says, masks it there, and puts the values of `asked` back, which were masked
/// in the question: also in the arguments of tools, for a tool needs the address itself. Nothing,
/// or why the answer is refused. What was found is added to `found`.
///
/// What a model thought and signed stays as it is, since its provider wants it back so; it can only
/// be refused. Log-probabilities of tokens that were masked or put back are left out.
std::optional<failure> check_answer(ModelAnswer& answer, const safety_rules& rules,
                                    const placeholders& asked, safety_counts& found);

} // namespace troupe
