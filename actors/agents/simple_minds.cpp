#include "actors/agents/simple_minds.hpp"

#include "actors/agents/values.hpp"

namespace troupe {

result<void> echo_mind::answer(message_received asked, AgentReply& reply) const {
  if (asked.is_task)
    *reply.mutable_output() = value_of(std::move(asked.input));
  else
    reply.set_text(std::move(asked.text));
  return {};
}

result<void> noop_mind::answer(const message_received&, AgentReply&) const { return {}; }

} // namespace troupe
