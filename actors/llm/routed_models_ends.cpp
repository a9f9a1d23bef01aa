#include "actors/llm/refuse_call.hpp"
#include "actors/llm/routed_models.hpp"
#include "config/base/invariants.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// -- its end --------------------------------------------------------------------------------------

/// Nobody else is asked. An answer that was not good enough is better than none, but it cannot go
/// on where another one broke off.
void routed_models::give_up(step_context& context, std::uint32_t number) {
  auto& call = calls_.at(number);
  if (call.poor && !call.has_pieces) {
    auto with = *std::exchange(call.poor, std::nullopt);
    call.cost_of_others -= with.cost_nano_usd(); // it is counted in the answer
    return answer(context, number, std::move(with), true);
  }
  const auto& candidates = call.of->candidates();
  auto refusal = reply_failure(
      call.request, call.plan.error([&](auto candidate) { return candidates[candidate].title(); }));
  refusal.body.as<Failure>()->set_cost_nano_usd(call.cost_of_others);
  context.out.send(std::move(refusal));
  forget(context, number);
  check_invariants(*this);
}

/// Its timer has run out: an attempt has had its share of the time, or a pause is over.
void routed_models::end_late(step_context& context, std::uint32_t number) {
  auto found = calls_.find(number);
  if (found == calls_.end())
    return;
  auto& call = found->second;
  std::vector<envelope> orders;
  for (const auto& one : std::vector<routed_call::asked_candidate>{call.running}) {
    if (one.first_by > context.now)
      continue;
    bool was_sent = call_off(call, one, orders);
    if (was_sent) {
      breaker_of(*call.of, one.candidate).failed(context.now);
      call.of->failed(one.candidate, context.now - one.began, context.now);
    } else {
      breaker_of(*call.of, one.candidate).told_nothing(one.is_probe);
    }
    auto words = was_sent ? "it had not begun to answer in its share of the time"
                          : "it had not had its turn at its provider in its share of the time";
    call.plan.failed(one.attempt, context.now, {{ec::timed_out, words}, 0, was_sent, {}});
  }
  give_orders(context, std::move(orders));
  go_on(context, number);
}

void routed_models::call_off_others(step_context& context, routed_call& call, std::uint64_t but) {
  std::vector<envelope> orders;
  for (const auto& one : std::vector<routed_call::asked_candidate>{call.running}) {
    if (one.sequence == but)
      continue;
    call_off(call, one, orders);
    breaker_of(*call.of, one.candidate).told_nothing(one.is_probe);
    call.plan.called_off(one.attempt, context.now);
  }
  give_orders(context, std::move(orders));
}

/// What models_logic says to it is not heard any more. True: it had gone to its provider, so its
/// prompt is paid for; what was made of an answer, nobody tells. Adds what models_logic is to be
/// told, once all is noted: a place that gets free there begins other attempts, which may fail at
/// once and end this call.
bool routed_models::call_off(routed_call& call, routed_call::asked_candidate which,
                             std::vector<envelope>& orders) {
  attempts_.erase(which.sequence);
  std::erase_if(call.running, [&](const auto& each) { return each.sequence == which.sequence; });
  auto order = make_cancel({own_, which.sequence}, call.request.sender, call.request.target);
  bool was_sent = inner_.was_sent(order);
  if (was_sent)
    call.cost_of_others +=
        call.of->candidates()[which.candidate].cost_of(call.decision.asked.input_tokens, 0);
  orders.push_back(std::move(order));
  return was_sent;
}

/// The last first: it may wait for the place of the one before.
void routed_models::give_orders(step_context& context, std::vector<envelope> orders) {
  for (auto order = orders.rbegin(); order != orders.rend(); ++order)
    pass_on(context, std::move(*order));
}

/// Its usage, if it is told; otherwise its prompt, as far as its provider has worked on it: one
/// that refuses a request, or was not reached, has not.
nano_usd routed_models::cost_of_failed(const routed_call& call, std::uint16_t candidate,
                                       const attempt_failure& ended, const model_usage& used) {
  constexpr unsigned refused_from = 300; // of HTTP
  const auto& who = call.of->candidates()[candidate];
  if (used.cost_nano_usd > 0)
    return used.cost_nano_usd;
  if (used.any())
    return who.cost_of(used.input_tokens, used.output_tokens);
  bool was_refused =
      ended.status >= refused_from || (ended.status == 0 && ended.why.code == ec::unavailable);
  return ended.was_sent && !was_refused ? who.cost_of(call.decision.asked.input_tokens, 0) : 0;
}

void routed_models::cancelled(step_context& context, std::uint32_t number) {
  refuse_call(context, calls_.at(number).request, {ec::cancelled, "the call was cancelled"});
  forget(context, number);
  check_invariants(*this);
}

/// Its asker is so far with the pieces of the attempt that answers.
void routed_models::taken(step_context& context, envelope message, routed_call& call) {
  for (const auto& one : call.running)
    if (one.has_piece) {
      message.id = {own_, one.sequence};
      return pass_on(context, std::move(message));
    }
}

void routed_models::arm(step_context& context, std::uint32_t number, instant until) const {
  for (const auto& one : calls_.at(number).running)
    until = std::min(until, one.first_by);
  if (until != instant::max())
    context.out.arm(own_timers | number, std::max<std::chrono::nanoseconds>(
                                             until - context.now, std::chrono::milliseconds{1}));
}

/// Attempts that are still on their way are called off.
void routed_models::forget(step_context& context, std::uint32_t number) {
  auto found = calls_.find(number);
  auto call = std::move(found->second);
  calls_.erase(found);
  auto [first, last] = numbers_.equal_range(call.request.id);
  numbers_.erase(std::find_if(first, last, [&](const auto& one) { return one.second == number; }));
  context.out.arm(own_timers | number, std::chrono::nanoseconds{0});
  std::vector<envelope> orders;
  for (const auto& one : std::vector<routed_call::asked_candidate>{call.running}) {
    breaker_of(*call.of, one.candidate).told_nothing(one.is_probe);
    call_off(call, one, orders);
  }
  give_orders(context, std::move(orders));
}

routed_models::calls::iterator routed_models::find(const envelope& other) {
  auto [first, last] = numbers_.equal_range(other.id);
  for (auto at = first; at != last; ++at)
    if (auto found = calls_.find(at->second); found->second.is_of(other))
      return found;
  return calls_.end();
}

bool routed_models::invariants() const {
  std::size_t running = 0;
  for (const auto& [number, call] : calls_) {
    running += call.running.size();
    if (!call.plan.invariants())
      return false;
  }
  return running == attempts_.size() && numbers_.size() == calls_.size() && inner_.invariants();
}

} // namespace troupe
