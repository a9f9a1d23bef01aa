// The end of a message: what an agent answers, what it keeps on disk, and what it leaves behind.

#include "actors/agents/agent_work.hpp"
#include "actors/agents/reply_check.hpp"
#include "config/base/count_of.hpp"
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
  return {ec::cancelled, "no longer wanted; the message ended: " + why.message};
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
  if (now_->steps && !now_->steps->may_ask_otherwise)
    if (auto why = now_->steps->history.left_out())
      return ask_otherwise(context, *std::move(why));
  auto title = [this] { return title_of_answer(now_->request); };
  if (auto fine = check_reply(reply, title); !fine) {
    if (role_->durable)
      roll_back();
    now_->why = std::move(fine).error();
    return end_message(context);
  }
  set_usage(reply, now_->used);
  if (now_->steps && now_->steps->unknown > 0)
    now_->note("possibly paid twice: " + count_of(now_->steps->unknown, "call"));
  for (auto& words : now_->notes)
    reply.add_notes(std::move(words));
  now_->reply = std::move(reply);
  save_then_end(context);
}

void agent_logic::finish(step_context& context, failure why) {
  now_->why = std::move(why);
  if (mind_)
    save_then_end(context);
  else
    end_message(context);
}

/// Ends the current message, whatever the mind does about it.
void agent_logic::give_up(step_context& context, failure why) {
  withdraw_asks(context, *now_, why);
  if (role_->durable)
    roll_back();
  else
    mind_->decide(cancelled{});
  now_->why = std::move(why);
  end_message(context);
}

void agent_logic::refuse(step_context& context, waiting& asked, const failure& why,
                         const model_usage& used) {
  end_unwanted(context, asked.state_span, why);
  end_span(context, asked.span, why);
  if (asked.request.kind != message_kind::request)
    return;
  auto wire = to_proto(why);
  set_usage(wire, used);
  auto reply = reply_to(asked.request, std::move(wire));
  reply.sender = self_;
  delivery_.complete(asked.at, reply.body, context.now, asked.reply_is_on_disk);
  context.out.send(std::move(reply));
}

/// Nobody waits for them any more, for that reason. Their spans end here, before the message's.
void agent_logic::withdraw_asks(step_context& context, work& from, const failure& why) {
  for (auto& open : from.asks) {
    context.out.send(
        make_cancel({session_, open.sequence}, self_, address::of(service_of(open), self_.node)));
    if (open.span)
      open.end_spans(context, not_waited_for(why));
  }
  from.asks.clear();
  if (from.steps)
    for (auto& open : from.steps->open)
      end_unwanted(context, open.wait, why);
}

/// A node that dies takes the span of a message along if the agent still works on it. What is below
/// that span would then have no parent, so it leaves together with it. `before`: so many spans were
/// there when the step began.
void agent_logic::hold_spans(step_context& context, std::size_t before) {
  auto& all = context.out.spans;
  auto first = all.begin() + static_cast<std::ptrdiff_t>(std::min(before, all.size()));
  const auto& own = *now_->span;
  auto leaves = [&](const SpanData& span) {
    return span.trace_hi() != own.trace_hi() || span.trace_lo() != own.trace_lo()
           || row_of(span.name()) == row_of(own.name())
           || now_->ended_spans.size() >= limits::agent_spans_held_max;
  };
  auto held = std::stable_partition(first, all.end(), leaves);
  std::move(held, all.end(), std::back_inserter(now_->ended_spans));
  all.erase(held, all.end());
}

void agent_logic::end_message(step_context& context) {
  auto done = std::move(now_);
  phase_ = phase::idle;
  if (done->waits())
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
  if (done->steps && done->steps->timer_armed)
    context.out.arm(steps_timer, {});
  if (done->steps && done->steps->kind != role_ && !role_->durable)
    mind_.reset(); // it is of the role as it was when the run began
  leave_reader(context, *done);
  hold_blobs(context);
  count(ok, done->is_task, (done->is_task ? context.time() : context.now) - done->began);
  if (done->span) {
    if (done->provider) {
      set(*done->span, attr::configured_provider, *done->provider);
      set_usage(*done->span, done->used);
    }
    done->worked.pause(context.time());
    set(*done->span, attr::agent_work, done->worked.milliseconds());
    std::move(done->ended_spans.begin(), done->ended_spans.end(),
              std::back_inserter(context.out.spans));
    end_span(context, done->span, done->why);
  }
  if (!done->owed())
    return;
  if (!ok)
    return refuse(context, *done, done->why, done->used);
  done->stream.finish(context, done->request, done->reply.text());
  auto reply = reply_to(done->request, std::move(done->reply));
  reply.sender = self_;
  if (done->at.session)
    delivery_.complete(done->at, reply.body, context.now, done->reply_is_on_disk);
  context.out.send(std::move(reply));
}

// -- the state -----------------------------------------------------------------------------------

void agent_logic::save_then_end(step_context& context) {
  if (!role_->durable)
    return end_message(context);
  if (now_->is_task && now_->steps) { // it was done by a mind of its own
    roll_back();
    return end_message(context);
  }
  auto reply = reply_to_keep();
  auto change = state_.change_to(*mind_, *role_, self_.agent, delivery_.to_write(now_->at, reply),
                                 delivery_.bytes_kept());
  if (!change) {
    roll_back();
    now_->why = {change.error().code, called() + " " + change.error().message};
  }
  if (!change || !*change)
    return end_message(context);
  phase_ = phase::writing;
  auto& put = **change;
  if (put.has_snapshot())
    delivery_.save(*put.mutable_snapshot()->mutable_sessions(), now_->at, reply);
  if (kept_steps_) {
    kept_steps_->settle(now_->request.id, delivery_, context.now, *put.mutable_settled());
    if (kept_steps_->empty())
      kept_steps_.reset();
  }
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

/// The same bytes that the client gets, if they are not too many to keep.
KeptReply agent_logic::reply_to_keep() const {
  KeptReply kept;
  kept.set_number(now_->request.id.sequence);
  if (!now_->at.session)
    return kept;
  auto keep = [&kept](payload_kind kind, const google::protobuf::Message& reply) {
    if (reply.ByteSizeLong() > limits::replies_kept_bytes_max)
      return;
    kept.set_kind(static_cast<std::uint32_t>(kind));
    reply.SerializeToString(kept.mutable_reply());
  };
  if (now_->why.code == ec::none) {
    keep(payload_kind::AgentReply, now_->reply);
  } else {
    auto wire = to_proto(now_->why);
    set_usage(wire, now_->used);
    keep(payload_kind::Failure, wire);
  }
  return kept;
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
    now_->reply_is_on_disk = true;
    tell(
        context, [&] { return "has written version " + std::to_string(state_.version()); },
        now_->request.trace.trace);
    return end_message(context);
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
  end_message(context);
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
