#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "messages/agents.pb.h"
#include "messages/errors.hpp"
#include "messages/runs.pb.h"

#include <memory>
#include <string>

/// What a mind is told of a task, and how its answer becomes the task's result: for agents, which
/// work on any task, and for the owner of a run, which does cheap ones itself.
namespace troupe {

/// Moves the input out of the task. `bad_message`: its bytes are damaged. A mind that reads no
/// input is not told of it.
result<void> read_task(Task& todo, bool reads_input, message_received& into);

/// The bytes of the value that a reply to a task stands for: its output, or else its text.
std::string result_of(const AgentReply& reply);

/// A mind of the role that answers at once. Null: the role has none, or it cannot be made: nothing
/// that a user's code throws leaves this.
std::unique_ptr<mind> make_at_once(const role& of);

/// Does a task with a mind that answers at once: reads, answers, checks the reply. Nothing that the
/// mind throws leaves it: that is `agent_failed`, as for an agent.
result<void> answer_task(mind& who, bool reads_input, Task& todo, AgentReply& reply);

} // namespace troupe
