// How an agent leaves memory, and what it holds while it is there.

#include "actors/agents/agent_work.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::chrono::milliseconds rounded_up(std::chrono::nanoseconds time) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(time), std::chrono::milliseconds{1});
}

} // namespace

/// It leaves when it has had nothing to do for that long and nobody may come back for a reply that
/// it keeps. Its next life begins from the state on disk.
void agent_logic::rest(step_context& context, const AgentRest& asked) {
  std::chrono::nanoseconds idle = std::chrono::milliseconds{asked.idle_ms()};
  bool busy = now_ || inbox_ || phase_ == phase::loading;
  if (busy || may_be_repeated(context.now))
    return rest_later(context, idle);
  if (auto quiet = context.now - used_; quiet < idle)
    return rest_later(context, idle - quiet);
  wished_to_rest_ = true;
  tell(context, [] { return std::string{"has nothing to do and wishes to leave"}; });
  context.out.leave();
}

void agent_logic::rest_later(step_context& context, std::chrono::nanoseconds after) {
  wished_to_rest_ = false;
  AgentRest answer;
  answer.set_agent(std::string{self_.agent.text()});
  answer.set_again_ms(static_cast<std::uint64_t>(rounded_up(after).count()));
  auto message = make_envelope(message_kind::event, address::of(service::roles, self_.node),
                               std::move(answer));
  message.sender = self_;
  context.out.send(std::move(message));
}

/// service::state knows what a durable state names. Only the agent knows what another state names.
void agent_logic::hold_blobs(step_context& context) {
  if (role_->durable || !role_->remembers || !mind_)
    return;
  auto named = mind_->blobs_named();
  if (named.empty())
    return;
  BlobsHeld held;
  for (auto& hash : named)
    held.add_sha256(std::move(hash));
  auto message =
      make_envelope(message_kind::event, address::of(service::blobs, self_.node), std::move(held));
  message.sender = self_;
  context.out.send(std::move(message));
  context.out.arm(hold_timer, holds_every_);
}

} // namespace troupe
