#pragma once

#include "messages/models.pb.h"

#include <string_view>

namespace troupe {

/// How good an answer seems to be, 0 to 1, for a cascade: whether a better model is asked. A guess
/// from its form, with no model asked and no meaning known:
///
/// - 0: it has no text, was refused, or is no JSON where JSON was wanted;
/// - 0.2: it says that it does not know ("I don't know", "I'm not sure", NO ANSWER);
/// - 0.4: it was cut at a limit of tokens;
/// - otherwise 0.9, less 0.2 for each two words that hedge ("might", "perhaps"), at least 0.5.
///
/// Calls of tools count as 0.9.
double answer_score(const ModelRequest& asked, const ModelAnswer& answer);

} // namespace troupe
