#include "actors/agents/task_once.hpp"

#include "actors/agents/reply_check.hpp"
#include "messages/payload.hpp"
#include "messages/value_bytes.hpp"

#include <exception>
#include <utility>

namespace troupe {

result<void> read_task(Task& todo, bool reads_input, message_received& into) {
  into.is_task = true;
  if (!reads_input)
    return {};
  into.input.mutable_fields()->swap(*todo.mutable_input());
  if (todo.shared_input().empty())
    return {};
  ValueMap shared; // by our parser: values go deeper than protobuf's bound
  if (!parse_message(shared, todo.shared_input()))
    return fail(ec::bad_message, "the bytes of this task's input are damaged");
  for (auto& [field, value] : *shared.mutable_fields())
    (*into.input.mutable_fields())[field] = std::move(value);
  return {};
}

std::string result_of(const AgentReply& reply) {
  if (reply.has_output())
    return reply.output().SerializeAsString();
  std::string text;
  append_field(text, Value::kTextFieldNumber, reply.text());
  return text;
}

std::unique_ptr<mind> make_at_once(const role& of) {
  if (!of.make)
    return nullptr;
  try {
    auto made = of.make();
    return made && made->answers_at_once() ? std::move(made) : nullptr;
  } catch (...) { // an agent that is made in the ordinary way says what it was
    return nullptr;
  }
}

result<void> answer_task(mind& who, bool reads_input, Task& todo, AgentReply& reply) {
  message_received asked;
  if (auto fine = read_task(todo, reads_input, asked); !fine)
    return fine;
  try {
    if (auto done = who.answer(std::move(asked), reply); !done)
      return done;
  } catch (const std::exception& e) {
    return fail(ec::agent_failed, "task " + todo.id() + " failed: " + e.what());
  } catch (...) {
    return fail(ec::agent_failed, "task " + todo.id() + " failed: an unknown exception");
  }
  return check_reply(reply, [&todo] { return "task " + todo.id(); });
}

} // namespace troupe
