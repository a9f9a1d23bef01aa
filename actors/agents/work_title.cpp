#include "actors/agents/work_title.hpp"

#include "actors/message_title.hpp"
#include "messages/runs.pb.h"

namespace troupe {

std::string work_title(envelope& message) {
  if (auto work = message.body.as<TaskWork>()) {
    const auto& task = work->task();
    return "task " + task.id() + " of run " + to_string(run_from_bytes(task.run())) + ", attempt "
           + std::to_string(task.attempt());
  }
  return "message " + message_title(message.id) + " of " + to_string(message.sender);
}

} // namespace troupe
