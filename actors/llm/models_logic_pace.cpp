#include "actors/llm/failing/retry_choice.hpp"
#include "actors/llm/models_logic.hpp"
#include "config/base/count_of.hpp"
#include "telemetry/otlp_retry.hpp"

#include <chrono>
#include <optional>
#include <string_view>

/// What models_logic does about the limits of providers (pacing/provider_pace.hpp).
namespace troupe {

namespace {

constexpr std::string_view pace_component = "models";

} // namespace

/// The limits of its provider do not let it go now: the queue goes on later.
bool models_logic::must_wait(step_context& context, asked_provider& of, std::uint64_t number) {
  auto& one = calls_.find(number)->second;
  auto until = of.pace.waits(context.now, one.expected_tokens());
  if (!until)
    return false;
  if (one.hold_back())
    counted_.call_held_back(of.as->name);
  context.out.debug(pace_component, [&] {
    return "keeps " + count_of(of.queue.waiting(), "call") + " back for provider " + of.as->name
           + ", whose limits are used up";
  });
  context.out.arm(pace_timer | of.number, *until - context.now);
  return true;
}

void models_logic::count_limits(const asked_provider& of, instant now) const {
  auto known = of.pace.known(now);
  if (known.requests != 0)
    counted_.provider_limit(of.as->name, "requests", known.requests_left);
  if (known.tokens != 0)
    counted_.provider_limit(of.as->name, "tokens", known.tokens_left);
}

instant models_logic::takes_calls_at(std::string_view provider, instant now) const {
  auto found = providers_.find(provider);
  return found == providers_.end() ? now : found->second.pace.waits(now, 1).value_or(now);
}

bool models_logic::was_sent(const envelope& other) {
  auto found = find(other);
  return found != calls_.end() && found->second.was_sent();
}

/// The head of an answer tells of its provider's limits. While there are several keys that need not
/// wait, it speaks only of one of them, and nothing is held back: a key that was refused rests.
void models_logic::note_pace(step_context& context, carried_call& one,
                             const HttpEvent& happened) const {
  if (happened.status() == 0 || !one.paced_at())
    return;
  auto& of = one.provider();
  auto began = *one.paced_at();
  one.was_paced(std::nullopt);
  auto told = options_.http->take_limits(of.as->name).value_or(limit_headers{});
  bool has_other_key = options_.http->has_rested_key(of.as->name);
  if (has_other_key)
    told = {};
  if (told.is_told() && options_.nodes_up)
    of.pace.share_among(options_.nodes_up());
  if (happened.status() != too_many_requests)
    return of.pace.heard(context.now, one.expected_tokens(), told);
  if (has_other_key)
    return of.pace.failed(one.expected_tokens());
  std::optional<std::chrono::nanoseconds> retry_after = parse_retry_after(
      happened.retry_after(),
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(context.time()));
  of.pace.refused(began, context.now, one.expected_tokens(), retry_after, told);
}

} // namespace troupe
