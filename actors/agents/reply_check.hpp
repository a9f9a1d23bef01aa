#pragma once

#include "config/base/result.hpp"
#include "messages/agents.pb.h"
#include "messages/errors.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Whether an agent may answer that. A reply that nobody could read (text that is no UTF-8, values
/// that are too deep), or that no message could carry, must not be sent. `what` names it in the
/// error: "task read[3]".
result<void> check_reply(const AgentReply& reply, std::string_view what);

/// The same where `what()` makes the name: it is called only if something is wrong.
template <class What>
requires std::is_invocable_v<const What&> result<void> check_reply(const AgentReply& reply,
                                                                   const What& what) {
  if (auto fine = check_reply(reply, std::string_view{}); fine)
    return fine;
  return check_reply(reply, std::string_view{what()});
}

} // namespace troupe
