// Messages that an agent answers in the step that brings them.

#include "actors/agents/agent_work.hpp"
#include "actors/agents/reply_check.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include <utility>

namespace troupe {

bool agent_logic::is_answered_at_once(envelope& message) {
  if (message.body.kind() == payload_kind::Echo)
    return true;
  if (role_->durable)
    return false;
  if (auto todo = message.body.as<TaskWork>(); todo && !todo->task().role_definition().empty())
    return false; // its mind may be another one
  if (!mind_)
    mind_ = role_->make();
  return mind_->answers_at_once();
}

/// Nothing else is open. What `begin`, `finish` and `end_message` do for a message that may wait.
void agent_logic::answer_at_once(step_context& context, envelope& request,
                                 const delivery::entry_id& at) {
  if (request.body.kind() == payload_kind::Echo)
    return send_back(context, request, at);
  auto trace = request.trace.trace;
  tell(
      context, [&] { return "begins " + work_title(request); }, trace);
  message_received asked;
  auto answer = payload::make<AgentReply>();
  auto& reply = *answer.as<AgentReply>();
  auto fine = read_body(request, asked);
  bool owed = request.kind == message_kind::request;
  if (!fine && (!owed || request.body.unreadable()))
    context.out.unread.push_back(request.body.kind());
  bool is_task = asked.is_task;
  auto began = is_task ? context.time() : context.now; // a message is not worth two looks
  if (fine)
    fine = mind_->answer(std::move(asked), reply);
  if (fine)
    fine = check_reply(reply, [&] { return title_of_answer(request); });
  auto why = fine ? failure{} : std::move(fine).error();
  tell(
      context,
      [&] {
        return "settles " + work_title(request) + ": "
               + (why.code == ec::none ? "done"
                                       : std::string{to_string(why.code)} + ", " + why.message);
      },
      trace);
  count(why.code == ec::none, is_task, (is_task ? context.time() : context.now) - began);
  if (!owed)
    return;
  request.body = why.code == ec::none ? std::move(answer) : payload::of(to_proto(why));
  send_back(context, request, at);
}

/// The request itself goes back, with its body as the answer: no address is copied.
void agent_logic::send_back(step_context& context, envelope& request,
                            const delivery::entry_id& at) {
  if (request.kind != message_kind::request)
    return;
  if (at.session)
    delivery_.complete(at, request.body, context.now);
  std::swap(request.sender, request.target);
  request.sender.node = self_.node;
  request.kind = message_kind::reply;
  request.activations = 0;
  request.attempt = 1;
  request.age_ms = 0;
  request.remaining = {};
  context.out.send(std::move(request));
}

/// For errors.
std::string agent_logic::title_of_answer(envelope& request) const {
  auto todo = request.body.as<TaskWork>();
  return todo ? "task " + todo->task().id() : "the answer of " + called();
}

void agent_logic::count(bool ok, bool is_task, std::chrono::nanoseconds duration) {
  auto type = is_task ? "task" : "message";
  if (!ok)
    return counted_.task_processed(counted_as_, false, type, duration);
  auto& series = is_task ? tasks_done_ : answered_;
  if (!series)
    series = &counted_.tasks_of(counted_as_, true, type);
  metrics::add(*series, duration);
}

} // namespace troupe
