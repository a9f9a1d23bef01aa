// What an agent may answer.

#include "actors/agents/agent_work.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

namespace troupe {

/// A reply that nobody could read, or that no message could carry, must not be sent.
result<void> agent_logic::check_reply(const AgentReply& reply) {
  auto what = now_->is_task ? "task " + now_->request.body.as<TaskWork>()->task().id()
                            : "the answer of " + called();
  if (auto fine = check_text(reply.text(), what + ", field \"text\""); !fine)
    return fine;
  if (auto fine = check_value(reply.output(), what + ", its output"); !fine)
    return fine;
  auto bytes = reply.ByteSizeLong();
  if (bytes > limits::content_bytes_max)
    return fail(ec::too_large, what + ": its output is " + std::to_string(bytes)
                                   + " bytes, more than the "
                                   + std::to_string(limits::content_bytes_max)
                                   + " that a message carries: pass it as a blob");
  return {};
}

} // namespace troupe
