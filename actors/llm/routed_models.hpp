#pragma once

#include "actors/llm/failing/circuit_breaker.hpp"
#include "actors/llm/failing/retry_budget.hpp"
#include "actors/llm/models_logic.hpp"
#include "actors/llm/routed_call.hpp"
#include "actors/llm/routing/router.hpp"
#include "actors/logic.hpp"
#include "messages/message_id_hash.hpp"
#include "messages/model_usage.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe {

/// service::models as its askers see it: models_logic, and before it the routes.
///
/// A call whose model is a route is asked of one of its models after the other, as its plan says
/// (failing/attempt_plan.hpp), until one answers; each attempt is a call of models_logic with an id
/// of its own, and what comes of it goes on to the asker under the id of the request. All other
/// calls go straight on: who names a model gets that one or an error.
///
/// An asker sees one call: pieces of one attempt only, one answer, and one error that names every
/// attempt. What all attempts cost is told with either.
///
/// A call of a role that bounds no answer has the bound of its class, or the usual one of roles
/// (`usual_output_tokens`).
///
/// It owns models_logic and steps it; both have one inbox.
class routed_models final : public logic {
public:
  routed_models(models_logic::options chosen, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void settle(step_context& context) override;
  void stop(step_context& context) override;

  bool invariants() const;

private:
  /// Timers with this bit are its own; the rest is the number of a call.
  static constexpr std::uint32_t own_timers = 0x8000'0000;

  using calls = std::map<std::uint32_t, routed_call>;
  /// How a call of models_logic ended, as far as its failure does not say.
  struct told_end {
    unsigned status = 0;
    std::string retry_after;
    bool was_sent = false;
  };

  void pass_on(step_context& context, event input);
  bool is_own_outcome(const envelope& message) const;
  void take_own(step_context& context, std::vector<envelope> came);
  void begin(step_context& context, envelope request, router& of);
  void go_on(step_context& context, std::uint32_t number);
  void ask(step_context& context, std::uint32_t number, const attempt_plan::advice& what);
  void came(step_context& context, envelope message);
  void piece_came(step_context& context, routed_call& call, routed_call::asked_candidate& from,
                  envelope message);
  void answered(step_context& context, std::uint32_t number, std::uint64_t sequence,
                ModelAnswer answer);
  void failed(step_context& context, std::uint32_t number, std::uint64_t sequence,
              const failure& why, const model_usage& used);
  void answer(step_context& context, std::uint32_t number, ModelAnswer with, bool was_whole);
  void give_up(step_context& context, std::uint32_t number);
  void call_off_others(step_context& context, routed_call& call, std::uint64_t but);
  bool call_off(routed_call& call, routed_call::asked_candidate which,
                std::vector<envelope>& orders);
  void give_orders(step_context& context, std::vector<envelope> orders);
  void end_late(step_context& context, std::uint32_t number);
  void arm(step_context& context, std::uint32_t number, instant until) const;
  void forget(step_context& context, std::uint32_t number);
  calls::iterator find(const envelope& other);
  void cancelled(step_context& context, std::uint32_t number);
  void taken(step_context& context, envelope message, routed_call& call);
  circuit_breaker& breaker_of(const router& of, std::uint16_t candidate);
  candidate_health health_of(const router& of, std::uint16_t candidate, instant now);
  static void apply_settings(ModelRequest& to, const routed_call& call);
  static nano_usd cost_of_failed(const routed_call& call, std::uint16_t candidate,
                                 const attempt_failure& ended, const model_usage& used);

  models_logic inner_;
  address self_;
  const models_catalog catalog_; ///< candidates have the prices of its providers
  std::map<std::string, router, std::less<>> routes_;
  std::map<std::string, circuit_breaker, std::less<>> breakers_; ///< by PROVIDER/MODEL
  retry_budget budget_;
  calls calls_;
  /// By the number of the request. Two senders may use the same.
  std::unordered_multimap<message_id, std::uint32_t, message_id_hash> numbers_;
  std::unordered_map<std::uint64_t, std::uint32_t> attempts_; ///< by sequence: whose they are
  std::unordered_map<std::uint64_t, told_end> ended_;         ///< until their failure comes
  session_id own_{};                                          ///< of the ids of attempts
  std::uint64_t last_sequence_ = 0;
  std::uint32_t last_call_ = 0;
};

} // namespace troupe
