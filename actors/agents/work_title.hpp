#pragma once

#include "messages/envelope.hpp"

#include <string>

namespace troupe {

/// What leads from one line of the log to the others about the same message. For a task: "task
/// read[3] of run 0af7651916cd43dd8448eb211c80319c, attempt 1"; for others: "message
/// 00f067aa0ba902b7:12 of client 00f067aa0ba902b7".
std::string work_title(envelope& message);

} // namespace troupe
