#pragma once

#include "actors/logic.hpp"

#include <string_view>

namespace troupe {

/// The end of every logic's dispatch: it handles a message that none of the cases took, so that
/// nobody is left waiting and nothing is lost silently. A request is answered `bad_message`;
/// anything else is logged. Messages that nobody here could have read are counted.
inline void not_taken(step_context& context, std::string_view who, const envelope& message) {
  auto why = why_not_taken(who, message);
  if (message.body.unreadable() || !is_known(message.body.kind()))
    context.out.unread.push_back(message.body.kind());
  if (message.kind == message_kind::request)
    context.out.send(reply_failure(message, why));
  else if (message.kind != message_kind::acknowledge)
    context.out.log(log_level::warning, "messages",
                    "dropped a message of " + to_string(message.sender) + ": " + why.message,
                    message.trace.trace);
}

} // namespace troupe
