#pragma once

#include "actors/agents/mind.hpp"

namespace troupe {

/// Repeats what it is told. For tests and measurements.
class echo_mind {
public:
  result<void> answer(message_received asked, AgentReply& reply) const;
};

/// Finishes its task at once, without output. For measuring what a task costs.
class noop_mind {
public:
  result<void> answer(const message_received& asked, AgentReply& reply) const;
};

} // namespace troupe
