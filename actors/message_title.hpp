#pragma once

#include "messages/envelope.hpp"

#include <string>

namespace troupe {

/// "00f067aa0ba902b7:12", which leads from one line of the log to the others about a message.
inline std::string message_title(const message_id& id) {
  return to_string(id.session) + ":" + std::to_string(id.sequence);
}

} // namespace troupe
