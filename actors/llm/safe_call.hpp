#pragma once

#include "actors/llm/relayed_pieces.hpp"
#include "actors/llm/safety/piece_checks.hpp"
#include "actors/llm/safety/placeholders.hpp"
#include "actors/llm/safety/safety_tally.hpp"
#include "messages/envelope.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace troupe {

/// A call of a model that is checked, from when it was asked until its answer is passed on. It
/// holds what was masked in it, and nobody else does.
struct safe_call {
  envelope request; ///< without its payload
  const call_rules* rules = nullptr;
  std::unique_ptr<placeholders> masked; ///< where it is, the checks of pieces know it
  safety_tally tally;
  std::optional<piece_checks> streams; ///< if it is streamed
  relayed_pieces relayed;
  std::uint32_t pieces = 0;                ///< passed on
  bool has_span = false;                   ///< a provider's call was told of
  std::optional<SpanData> ended_span = {}; ///< of that; it waits for what is found in the answer
  instant began{};

  bool is_of(const envelope& other) const {
    return request.id == other.id && request.sender == other.sender;
  }
};

} // namespace troupe
