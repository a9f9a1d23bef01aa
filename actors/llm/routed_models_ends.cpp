#include "actors/llm/refuse_call.hpp"
#include "actors/llm/routed_models.hpp"
#include "config/base/invariants.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// -- its end --------------------------------------------------------------------------------------

/// Nobody else is asked. An answer that was not good enough is better than none.
void routed_models::give_up(step_context& context, std::uint32_t number) {
  auto& call = calls_.at(number);
  if (call.poor) {
    auto with = *std::exchange(call.poor, std::nullopt);
    call.cost_of_poor -= with.cost_nano_usd(); // it is counted in the answer
    return answer(context, number, std::move(with), true);
  }
  const auto& candidates = call.of->candidates();
  refuse_call(context, call.request,
              call.plan.error([&](auto candidate) { return candidates[candidate].title(); }));
  forget(context, number);
  check_invariants(*this);
}

/// Its timer has run out: an attempt has had its share of the time, or a pause is over.
void routed_models::end_late(step_context& context, std::uint32_t number) {
  auto found = calls_.find(number);
  if (found == calls_.end())
    return;
  auto& call = found->second;
  for (auto& one : std::vector<routed_call::asked_candidate>{call.running}) {
    if (one.first_by > context.now)
      continue;
    call_off(context, call, one.sequence);
    std::erase_if(call.running, [&](const auto& each) { return each.sequence == one.sequence; });
    breaker_of(*call.of, one.candidate).failed(context.now);
    call.of->failed(one.candidate, context.now - one.began, context.now);
    call.plan.failed(
        one.attempt, context.now,
        {{ec::timed_out, "it had not begun to answer in its share of the time"}, 0, true, {}});
  }
  go_on(context, number);
}

void routed_models::call_off_others(step_context& context, routed_call& call, std::uint64_t but) {
  for (auto& one : std::vector<routed_call::asked_candidate>{call.running}) {
    if (one.sequence == but)
      continue;
    call_off(context, call, one.sequence);
    breaker_of(*call.of, one.candidate).told_nothing(one.is_probe);
    call.plan.called_off(one.attempt, context.now);
    std::erase_if(call.running, [&](const auto& each) { return each.sequence == one.sequence; });
  }
}

/// What models_logic says to it is not heard any more.
void routed_models::call_off(step_context& context, const routed_call& call,
                             std::uint64_t sequence) {
  attempts_.erase(sequence);
  pass_on(context, make_cancel({own_, sequence}, call.request.sender, call.request.target));
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
  for (const auto& one : call.running)
    if (attempts_.contains(one.sequence)) {
      breaker_of(*call.of, one.candidate).told_nothing(one.is_probe);
      call_off(context, call, one.sequence);
    }
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
