#pragma once

#include "config/routes.hpp"

#include <string_view>

namespace troupe {

/// How hard a prompt seems, and what it asks for. A guess from its words: no model is asked.
struct complexity {
  double value = 0; ///< 0 (a greeting) to 1 (a design with proofs and constraints)
  task_type task = task_type::other;
};

/// Estimates from the words of the prompt alone; English is assumed. Each of these adds to a sum,
/// and the value is 1 - exp(-sum):
///
/// - words that ask for thought ("prove", "derive", "design", "trade-off"), by weight; each counts
///   once, however often it comes, so a long document adds no more than a short one;
/// - conditions ("must", "at most", "without"), numbers, and things that are listed with commas;
/// - different demands ("write", "explain", "list");
/// - its length up to 96 words, which alone does not make 0.3.
///
/// A short prompt that begins as a plain question ("what is", "who", "when") has half of its sum.
/// Of a prompt longer than `complexity_head_bytes + complexity_tail_bytes` only its beginning and
/// its end are read, so the time is bounded: less than 50 us.
///
/// The task is code generation if something is to be made and code is meant, else planning or
/// analysis if words for that prevail. The order of the values is tested against 60 prompts of
/// which a reader has said how hard they are (tests/data/complexity_prompts.yaml).
complexity estimate_complexity(std::string_view prompt);

} // namespace troupe
