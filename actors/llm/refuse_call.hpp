#pragma once

#include "actors/logic.hpp"
#include "actors/message_title.hpp"

namespace troupe {

/// Answers a model's call with a failure.
inline void refuse_call(step_context& context, const envelope& request, const failure& why) {
  context.out.debug(
      "models",
      [&] {
        return "refuses the call " + message_title(request.id) + " of " + to_string(request.sender)
               + ": " + why.message;
      },
      request.trace.trace);
  context.out.send(reply_failure(request, why));
}

} // namespace troupe
