#pragma once

#include "actors/llm/offline/model_prompt.hpp"
#include "actors/text/text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A part of a passage that is small enough to be ranked as one.
struct text_block {
  std::uint32_t passage = 0; ///< index in the prompt
  std::string_view text;
};

/// Cuts long passages; all of them, in order.
std::vector<text_block> blocks_of(const std::vector<prompt_passage>& passages);

/// A sentence that may be an answer, with the evidence for it.
struct candidate {
  std::uint32_t block = 0;
  std::uint32_t index = 0; ///< among the sentences of its block
  sentence place;          ///< offsets in the block
  double score = 0;        ///< comparable within one request only
  double coverage = 0;     ///< share of what was asked about that it mentions, 0 to 1
};

struct evidence {
  std::vector<text_block> blocks;               ///< those that were read
  std::vector<std::vector<sentence>> sentences; ///< of each block
  std::vector<candidate> ranked;                ///< the best first; ties in the order of the text
};

/// Ranks the sentences of `passages` by how well they answer `question`. At most
/// `limits::model_passages_read_max` blocks are read sentence by sentence: the best by BM25.
evidence find_evidence(const std::vector<prompt_passage>& passages, std::string_view question);

} // namespace troupe
