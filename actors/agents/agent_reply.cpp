// How a message ends: what may be answered, to whom, and what is left of it.

#include "actors/agents/agent_work.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"
#include "messages/value_check.hpp"
#include "messages/values.pb.h"

namespace troupe {

namespace {

/// Of what a message waited for: its own time was over, or it is no longer wanted.
failure not_waited_for(const failure& why) {
  if (why.code == ec::timed_out || why.code == ec::outcome_unknown)
    return why;
  return {ec::cancelled, "it was no longer wanted: " + why.message};
}

} // namespace

/// A reply that nobody could read, or that no message could carry, must not be sent.
result<void> agent_logic::check_reply(const AgentReply& reply) {
  auto what = now_->is_task ? "task " + now_->request.body.as<TaskWork>()->task().id()
                            : "the answer of " + called();
  if (auto fine = check_text(reply.text(), what + ", field \"text\""); !fine)
    return fine;
  if (auto fine = check_value(reply.output(), what + ", its output"); !fine)
    return fine;
  auto bytes = reply.ByteSizeLong();
  if (bytes > limits::content_bytes_max)
    return fail(ec::too_large, what + ": its output is " + std::to_string(bytes)
                                   + " bytes, more than the "
                                   + std::to_string(limits::content_bytes_max)
                                   + " that a message carries: pass it as a blob");
  return {};
}

void agent_logic::refuse(step_context& context, waiting& asked, const failure& why) {
  end_span(context, asked.state_span, not_waited_for(why));
  end_span(context, asked.span, why);
  if (asked.request.kind != message_kind::request)
    return;
  auto reply = reply_failure(asked.request, why);
  reply.sender = self_;
  delivery_.complete(asked.at, reply.body, context.now);
  context.out.send(std::move(reply));
}

/// Nobody waits for them any more, for that reason. Their spans end here, before the message's.
void agent_logic::withdraw_asks(step_context& context, work& from, const failure& why) {
  for (auto& open : from.asks) {
    context.out.send(
        make_cancel({session_, open.sequence}, self_, address::of(service_of(open), self_.node)));
    end_span(context, open.span, not_waited_for(why));
  }
  from.asks.clear();
}

void agent_logic::settle(step_context& context) {
  auto done = std::move(now_);
  phase_ = phase::idle;
  withdraw_asks(context, *done, {ec::cancelled, "the agent ended without this answer"});
  auto ok = done->why.code == ec::none;
  if (done->deadline_armed)
    context.out.arm(deadline_timer, {});
  hold_blobs(context);
  counted_.task_processed(counted_as_, ok, done->is_task ? "task" : "message",
                          context.now - done->began);
  if (done->span) {
    if (done->provider) {
      set(*done->span, attr::provider, *done->provider);
      set(*done->span, attr::input_tokens, done->input_tokens);
      set(*done->span, attr::output_tokens, done->output_tokens);
    }
    done->worked.pause(context.time());
    set(*done->span, attr::agent_work, done->worked.milliseconds());
    end_span(context, done->span, done->why);
  }
  if (!done->owed())
    return;
  if (!ok)
    return refuse(context, *done, done->why);
  done->stream.finish(context, done->request, done->reply.text());
  auto reply = reply_to(done->request, std::move(done->reply));
  reply.sender = self_;
  if (done->at.session)
    delivery_.complete(done->at, reply.body, context.now);
  context.out.send(std::move(reply));
}

} // namespace troupe
