#include "actors/agents/simple_minds.hpp"

#include "actors/agents/values.hpp"

namespace troupe {

std::pair<echo_mind::state, commands> echo_mind::decide(state&&, mind_event happened) const {
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    reply_with back;
    if (message->is_task)
      *back.reply.mutable_output() = value_of(std::move(message->input));
    else
      back.reply.set_text(std::move(message->text));
    todo.push_back(std::move(back));
  }
  return {state{}, std::move(todo)};
}

std::pair<noop_mind::state, commands> noop_mind::decide(state&&, const mind_event& happened) const {
  commands todo;
  if (std::holds_alternative<message_received>(happened))
    todo.push_back(reply_with{});
  return {state{}, std::move(todo)};
}

} // namespace troupe
