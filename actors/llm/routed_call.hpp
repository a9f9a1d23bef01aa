#pragma once

#include "actors/llm/failing/attempt_plan.hpp"
#include "actors/llm/routing/router.hpp"
#include "messages/envelope.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// A call of a route on its way: what was asked, who was chosen, and the attempts that are made.
struct routed_call {
  /// An attempt that is on its way.
  struct asked_candidate {
    std::uint32_t attempt = 0;  ///< its number in the plan
    std::uint64_t sequence = 0; ///< of the request to the provider
    std::uint16_t candidate = 0;
    instant began{};
    instant first_by = instant::max(); ///< its first piece has to be there then
    bool has_piece = false;
    bool is_probe = false; ///< of the candidate's circuit breaker
    bool is_whole = false; ///< it was asked for its answer in one piece, to be judged
  };

  envelope request;
  const ModelRequest* asked = nullptr; ///< in the request
  router* of = nullptr;
  routing_decision decision;
  attempt_plan plan;
  instant deadline = instant::max();
  std::vector<asked_candidate> running;
  std::optional<ModelAnswer> poor = {}; ///< the last answer that was not accepted
  bool has_pieces = false;              ///< its asker has some: they cannot be taken back
  /// Of attempts that are not the answer, in nano-dollars: answers that were not accepted, and the
  /// prompts of those that failed in their answer, or were called off after they had gone.
  std::int64_t cost_of_others = 0;

  const ModelRequest& chat() const { return *asked; }
  bool is_of(const envelope& other) const {
    return request.id == other.id && request.sender == other.sender;
  }
  asked_candidate* find(std::uint64_t sequence) {
    auto one = std::find_if(running.begin(), running.end(),
                            [&](const auto& each) { return each.sequence == sequence; });
    return one == running.end() ? nullptr : &*one;
  }
};

} // namespace troupe
