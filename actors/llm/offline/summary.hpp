#pragma once

#include "actors/llm/offline/model_prompt.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe {

/// At most `at_most` sentences that say most about the subject of the passages, in the order of the
/// text, white space folded: frequent words (SumBasic, Nenkova and Vanderwende 2005), early
/// sentences first, no repetition. Of a long text, the beginning and an even sample of the rest are
/// read.
std::vector<std::string> summarise(const std::vector<prompt_passage>& passages,
                                   std::size_t at_most);

} // namespace troupe
