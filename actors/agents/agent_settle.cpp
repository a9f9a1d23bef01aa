// The end of a message: what an agent answers, what it keeps on disk, and what it leaves behind.

#include "actors/agents/agent_work.hpp"
#include "actors/agents/reply_check.hpp"
#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace troupe {

namespace {

/// Of what a message waited for: its own time was over, or it is no longer wanted.
failure not_waited_for(const failure& why) {
  if (why.code == ec::timed_out || why.code == ec::outcome_unknown)
    return why;
  return {ec::cancelled, "it was no longer wanted: " + why.message};
}

void end_unwanted(step_context& context, std::optional<SpanData>& wait, const failure& why) {
  if (wait) // few messages are recorded, and the words cost memory
    end_span(context, wait, not_waited_for(why));
}

std::chrono::milliseconds rounded_up(std::chrono::nanoseconds time) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(time), std::chrono::milliseconds{1});
}

} // namespace

void agent_logic::finish(step_context& context, AgentReply reply) {
  auto what = now_->is_task ? "task " + now_->request.body.as<TaskWork>()->task().id()
                            : "the answer of " + called();
  if (auto fine = check_reply(reply, what); !fine) {
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
  end_unwanted(context, asked.state_span, why);
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
    end_unwanted(context, open.span, why);
  }
  from.asks.clear();
}

void agent_logic::settle(step_context& context) {
  auto done = std::move(now_);
  phase_ = phase::idle;
  if (!done->asks.empty())
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

// -- the state -----------------------------------------------------------------------------------

void agent_logic::save_then_settle(step_context& context) {
  if (!role_->durable)
    return settle(context);
  auto change = state_.change_to(*mind_, *role_, self_.agent);
  if (!change) {
    roll_back();
    now_->why = {change.error().code, called() + " " + change.error().message};
  }
  if (!change || !*change)
    return settle(context);
  phase_ = phase::writing;
  auto& put = **change;
  auto inside = now_->inside;
  if (now_->span) {
    now_->state_span = begin_wait(context, {inside, role_->info.name()}, put);
    now_->worked.pause(instant{std::chrono::nanoseconds{now_->state_span->start_ns()}});
    inside = context_of(*now_->state_span, inside);
  }
  auto message =
      make_envelope(message_kind::request, address::of(service::state, self_.node), std::move(put));
  state_request_ = ++sequence_;
  message.id = {session_, state_request_};
  message.trace = inside;
  message.tenant = now_->request.tenant;
  message.sender = self_;
  message.remaining = limits::request_timeout;
  tell(
      context,
      [&] {
        return "writes version " + std::to_string(state_.version() + 1) + " of its state by "
               + message_title(message.id);
      },
      now_->request.trace.trace);
  context.out.send(std::move(message));
  context.out.arm(state_timer, limits::request_timeout);
}

void agent_logic::written(step_context& context, envelope reply) {
  context.out.arm(state_timer, {});
  auto why = failure_in(reply);
  if (!why && !reply.body.as<SnapshotWritten>())
    why = failure{ec::bad_message, "its answer could not be read"};
  if (now_->span) {
    now_->worked.begin(context.time());
    end_span(context, now_->state_span, why.value_or(failure{}));
  }
  if (!why) {
    state_.is_written();
    tell(
        context, [&] { return "has written version " + std::to_string(state_.version()); },
        now_->request.trace.trace);
    return settle(context);
  }
  roll_back();
  bool refused = why->code == ec::storage_failed || why->code == ec::too_large;
  now_->why =
      refused ? failure{ec::storage_failed, "the state of " + called()
                                                + " could not be written, so this message has no "
                                                  "effect: "
                                                + why->message}
              : failure{ec::outcome_unknown, "whether the state of " + called()
                                                 + " was written, and this message has an effect, "
                                                   "is not known: "
                                                 + why->message};
  if (now_->span)
    context.log(*now_->span, log_level::error, "agent", now_->why.message);
  else
    context.out.log(log_level::error, "agent", now_->why.message, now_->request.trace.trace);
  settle(context);
  if (!refused) { // what is on disk counts
    phase_ = phase::absent;
    mind_.reset();
    if (inbox_)
      load(context);
  }
}

void agent_logic::roll_back() { mind_ = state_.mind_of(*role_); }

// -- nothing to do -------------------------------------------------------------------------------

/// It leaves when it has had nothing to do for that long and nobody may come back for a reply that
/// it keeps. Its next life begins from the state on disk.
void agent_logic::rest(step_context& context, const AgentRest& asked) {
  std::chrono::nanoseconds idle = std::chrono::milliseconds{asked.idle_ms()};
  bool busy = now_ || inbox_ || phase_ == phase::loading;
  if (busy || may_be_repeated(context.now))
    return rest_later(context, idle);
  if (auto quiet = context.now - used_; quiet < idle)
    return rest_later(context, idle - quiet);
  wished_to_rest_ = true;
  tell(context, [] { return std::string{"has nothing to do and wishes to leave"}; });
  context.out.leave();
}

void agent_logic::rest_later(step_context& context, std::chrono::nanoseconds after) {
  wished_to_rest_ = false;
  AgentRest answer;
  answer.set_agent(std::string{self_.agent.text()});
  answer.set_again_ms(static_cast<std::uint64_t>(rounded_up(after).count()));
  auto message = make_envelope(message_kind::event, address::of(service::roles, self_.node),
                               std::move(answer));
  message.sender = self_;
  context.out.send(std::move(message));
}

/// service::state knows what a durable state names. Only the agent knows what another state names.
void agent_logic::hold_blobs(step_context& context) {
  if (role_->durable || !role_->remembers || !mind_)
    return;
  auto named = mind_->blobs_named();
  if (named.empty())
    return;
  BlobsHeld held;
  for (auto& hash : named)
    held.add_sha256(std::move(hash));
  auto message =
      make_envelope(message_kind::event, address::of(service::blobs, self_.node), std::move(held));
  message.sender = self_;
  context.out.send(std::move(message));
  context.out.arm(hold_timer, holds_every_);
}

} // namespace troupe
