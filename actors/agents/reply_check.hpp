#pragma once

#include "config/base/result.hpp"
#include "messages/agents.pb.h"
#include "messages/errors.hpp"

#include <string>

namespace troupe {

/// Whether an agent may answer that. A reply that nobody could read (text that is no UTF-8, values
/// that are too deep), or that no message could carry, must not be sent. `what` names it in the
/// error: "task read[3]".
result<void> check_reply(const AgentReply& reply, const std::string& what);

} // namespace troupe
