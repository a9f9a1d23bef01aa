#pragma once

#include "actors/llm/offline/evidence.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// Neighbouring sentences of one block that are quoted together: at least one, `last` included.
struct quotation {
  std::uint32_t block = 0;
  std::uint32_t first = 0, last = 0;
};

/// Chooses at most `at_most` quotations: strong enough, near enough to the best, and not repeating
/// what was already chosen (maximal marginal relevance, Carbonell and Goldstein 1998). A sentence
/// next to a chosen one joins it; the head of a list brings its items with it. None: the text holds
/// no answer.
std::vector<quotation> choose_quotations(const evidence& found, std::size_t at_most);

/// The quoted text, exactly as in the source.
std::string_view text_of(const evidence& found, const quotation& quoted);

} // namespace troupe
