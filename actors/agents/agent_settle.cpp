// The end of a message: what an agent answers, and what it leaves behind.

#include "actors/agents/agent_work.hpp"
#include "messages/agents.pb.h"

#include <utility>

namespace troupe {

namespace {

/// Of what a message waited for: its own time was over, or it is no longer wanted.
failure not_waited_for(const failure& why) {
  if (why.code == ec::timed_out || why.code == ec::outcome_unknown)
    return why;
  return {ec::cancelled, "it was no longer wanted: " + why.message};
}

} // namespace

void agent_logic::finish(step_context& context, AgentReply reply) {
  if (auto fine = check_reply(reply); !fine) {
    if (role_->durable)
      roll_back();
    now_->why = std::move(fine).error();
    return settle(context);
  }
  if (reply.input_tokens() == 0 && reply.output_tokens() == 0) {
    reply.set_input_tokens(now_->input_tokens);
    reply.set_output_tokens(now_->output_tokens);
  }
  now_->reply = std::move(reply);
  save_then_settle(context);
}

void agent_logic::finish(step_context& context, failure why) {
  now_->why = std::move(why);
  if (mind_)
    save_then_settle(context);
  else
    settle(context);
}

/// Ends the current message, whatever the mind does about it.
void agent_logic::give_up(step_context& context, failure why) {
  withdraw_asks(context, *now_, why);
  if (role_->durable)
    roll_back();
  else
    mind_->decide(cancelled{});
  now_->why = std::move(why);
  settle(context);
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
  tell(
      context,
      [&] {
        return "settles " + work_title(done->request) + ": "
               + (ok ? "done" : std::string{to_string(done->why.code)} + ", " + done->why.message);
      },
      done->request.trace.trace);
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
