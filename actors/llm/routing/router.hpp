#pragma once

#include "actors/llm/routing/response_times.hpp"
#include "actors/llm/routing/routing_decision.hpp"
#include "config/providers.hpp"
#include "config/routes.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace troupe {

/// How a candidate is at this moment.
enum class candidate_health : std::uint8_t {
  fine,
  failing, ///< its circuit breaker is open
  waiting, ///< its provider takes no more calls for now
};

/// Chooses the model of a call among those of one route, and who is asked if that one fails. Pure:
/// it has no clock, and no number is drawn; less than 20 us for 50 models.
///
/// Only those who can answer are considered: the prompt fits their context, they take the tools,
/// images and schema that the call has, and their calls do not fail just now. If nobody is left but
/// failing ones, they are asked after all: a wrong guess about health must not be an error. The
/// fallbacks of a call are those that come next, so each keeps the caller's meaning.
///
/// Of equal candidates the one that comes first in the route is chosen.
class router {
public:
  using instant = response_times::instant;

  /// `candidates` in the order of `route.models`, which `resolve_candidates` gives.
  router(route_config route, std::vector<route_candidate> candidates);

  /// `health`: of each candidate, in their order.
  routing_decision decide(const route_question& asked, std::span<const candidate_health> health,
                          instant now);

  void first_piece(std::size_t candidate, std::chrono::nanoseconds after, instant now) {
    times_.measured(candidate, after, now);
  }
  void failed(std::size_t candidate, std::chrono::nanoseconds after, instant now) {
    times_.failed(candidate, after, now);
  }

  const route_config& route() const noexcept { return route_; }
  const std::vector<route_candidate>& candidates() const noexcept { return candidates_; }

private:
  std::uint64_t output_bound(const routing_decision& made) const;
  static exclusion why_not(const route_candidate& one, const route_question& asked,
                           std::uint64_t bound);
  void say_tier(routing_decision& made) const;
  void say_settings(routing_decision& made) const;
  void consider(routing_decision& made, std::span<const candidate_health> health) const;
  void keep_quantization(routing_decision& made) const;
  void order_by_tier(routing_decision& made) const;
  void prefer_model_of_class(routing_decision& made) const;
  void prefer_fast(routing_decision& made, instant now);

  route_config route_;
  std::vector<route_candidate> candidates_;
  std::vector<int> class_models_; ///< of each class: the candidate that it names, or -1
  response_times times_;
};

/// The models of a route with what is known of them: their provider's own capabilities and prices
/// come before those of the program. All of them exist (`check_routes`).
std::vector<route_candidate> resolve_candidates(const route_config& route,
                                                const models_catalog& models,
                                                const std::vector<model_price>& prices,
                                                const std::vector<model_capabilities>& known);

/// The router of a route, with the models that its classes name found among its own.
router make_router(const route_config& route, const models_catalog& models,
                   const std::vector<model_price>& prices,
                   const std::vector<model_capabilities>& known);

/// How it is called within a decision.
route_candidate candidate_of(const resolved_model& found, const std::vector<model_price>& prices,
                             const std::vector<model_capabilities>& known);

} // namespace troupe
