#pragma once

#include "actors/llm/routing/route_candidate.hpp"
#include "actors/llm/routing/route_question.hpp"
#include "config/prices.hpp"
#include "config/routes.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Why a candidate is not asked.
enum class exclusion : std::uint8_t {
  none,
  short_context,   ///< the prompt and its answer do not fit
  short_output,    ///< it gives no answer of the length that was asked for
  no_tools,        ///< it takes no tools
  no_images,       ///< it takes no pictures
  no_json_schema,  ///< it does not keep to a schema
  failing,         ///< its calls failed lately: its circuit breaker is open
  waiting,         ///< its provider takes no more calls for now
  other_precision, ///< another has the quantization that its class wants
};

/// What a person reads: "the prompt does not fit its context".
std::string_view to_string(exclusion why);

/// Which model was chosen for a call, and why: a value that a trace and `troupe route --explain`
/// show. Candidates are named by their place in the route.
struct routing_decision {
  struct considered {
    std::uint16_t candidate = 0;
    exclusion why = exclusion::none;
    nano_usd cost = 0;                       ///< expected; 0: no price is known
    std::chrono::nanoseconds first_piece{0}; ///< by the moving average; 0: not measured
  };

  std::string route;
  route_policy policy = route_policy::fixed;
  route_question asked;
  std::optional<std::uint16_t> rule; ///< that said the tier; none: `otherwise`
  model_tier tier = model_tier::small;
  model_tier used_tier = model_tier::small; ///< another where nothing of `tier` can answer
  std::optional<std::uint16_t> settings;    ///< the class whose settings apply
  bool explores = false;                    ///< the first is asked to learn how fast it is now
  std::vector<considered> all;              ///< in the order of the route
  std::vector<std::uint16_t> order;         ///< who is asked, the first first; empty: nobody can
};

/// For people, a line each: what was read of the call, the rule, the order, and each model that is
/// not asked, with its reason.
std::string explain(const routing_decision& made, const route_config& route,
                    const std::vector<route_candidate>& candidates);

/// In a few words, for a span: "by_complexity: planning 0.71 takes medium; a/b".
std::string summary_of(const routing_decision& made,
                       const std::vector<route_candidate>& candidates);

/// Why nobody can be asked, if `order` is empty.
std::string why_nobody(const routing_decision& made,
                       const std::vector<route_candidate>& candidates);

} // namespace troupe
