#pragma once

#include "actors/llm/safe_call.hpp"
#include "actors/llm/safety/safety_book.hpp"
#include "actors/logic.hpp"
#include "messages/message_id_hash.hpp"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// service::models where a configuration has a section `safety`: the checks of what goes to models
/// and comes back, and behind them the models (routed_models).
///
/// A call is checked by the rules of its sender's role and its tenant. What is masked goes to the
/// model as a placeholder, and comes back to the asker as the value it stands for, in pieces too.
/// So who asks sees and records what it said itself, and never a placeholder: steps of durable
/// tasks are found again whatever the rules are.
///
/// The call behind has an id of its own, and all that comes of it passes here; also what the
/// offline model answers, which elsewhere goes straight to the asker. Calls whose rules are all off
/// pass unchanged. Refused calls and answers are `refused`.
///
/// It owns the models and steps them; both have one inbox, and the timers are theirs.
class safe_models final : public logic {
public:
  struct options {
    safety_config policies;
    std::vector<std::string> roles; ///< that this node knows; another name of a policy is told
  };

  safe_models(options chosen, std::unique_ptr<logic> models, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void settle(step_context& context) override;
  /// Waiting callers get `unavailable`.
  void stop(step_context& context) override;

  bool invariants() const;

private:
  using calls = std::map<std::uint64_t, safe_call>;

  void pass_on(step_context& context, event input);
  void take_own(step_context& context, std::vector<envelope> came_out);
  template <class Asked>
  void take(step_context& context, envelope request, Asked& asked);
  template <class Asked>
  void begin(step_context& context, envelope request, Asked& asked, const call_rules& rules);
  void ask(step_context& context, std::uint64_t sequence, envelope request);
  void came(step_context& context, envelope message);
  void piece_came(step_context& context, std::uint64_t sequence, envelope message);
  void reply_came(step_context& context, std::uint64_t sequence, envelope message);
  void answer_came(step_context& context, std::uint64_t sequence, envelope message,
                   ModelAnswer& answer);
  void send_pieces(step_context& context, safe_call& call, std::vector<Piece> pieces,
                   std::uint32_t attempt);
  void span_came(step_context& context, safe_call& call, SpanData span);
  void refuse(step_context& context, std::uint64_t sequence, const failure& why);
  void tell(step_context& context, safe_call& call, const failure& why);
  void tell_span(step_context& context, const safe_call& call, SpanData span) const;
  void taken(step_context& context, calls::iterator found, envelope message);
  void tell_taken(step_context& context, std::uint64_t sequence, safe_call& call,
                  std::uint32_t attempt);
  safe_call forget(calls::iterator found);
  calls::iterator find(const envelope& other);

  safety_book book_;
  std::vector<std::string> roles_;
  std::unique_ptr<logic> models_;
  metrics& counted_;
  address self_;
  calls calls_; ///< by the sequence of the call behind
  /// By the number of the request. Two senders may use the same.
  std::unordered_multimap<message_id, std::uint64_t, message_id_hash> numbers_;
  session_id own_{}; ///< of the ids of calls behind
  std::uint64_t last_sequence_ = 0;
};

} // namespace troupe
