#pragma once

#include "config/base/result.hpp"
#include "messages/errors.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// What a mind asked of a model, as far as it says what an answer to it is.
struct answer_terms {
  std::uint32_t tokens_max = 0; ///< 0: the model's own limit
  bool may_call = false;        ///< it was offered tools
  std::string purpose = {};     ///< the name of the prompt
};
answer_terms terms_of(const ModelRequest& call);

/// "open/gpt-5": who answered.
std::string title_of(const ModelAnswer& answer);

/// Whether a model has answered. Providers send all of these as answers, too, and taken for one
/// they would go on through a run as its result:
///
/// - `refused`: the model declined, or the provider's filter cut it off. The words are quoted. It
///   is not tried again: the same prompt would be paid for once more, to be declined once more.
/// - `provider_failed`: the model called a tool that nobody offered it, said nothing at all (which
///   only the model that is built in may do), or waits to be sent on.
result<void> check_answer(const ModelAnswer& answer, const answer_terms& terms);

/// What one has to know who reads an answer that passed: that the model had no more room.
std::optional<std::string> note_on(const ModelAnswer& answer, const answer_terms& terms);

} // namespace troupe
