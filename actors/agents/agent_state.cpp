// The durable state of an agent: loading, writing, going back.

#include "actors/agents/agent_work.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

#include <utility>

namespace troupe {

/// For the first message that waits; the others wait for it too.
void agent_logic::load(step_context& context) {
  phase_ = phase::loading;
  SnapshotGet get;
  get.set_agent(std::string{self_.agent.text()});
  auto message =
      make_envelope(message_kind::request, address::of(service::state, self_.node), std::move(get));
  state_request_ = ++sequence_;
  message.id = {session_, state_request_};
  auto& first = inbox_->front();
  message.trace = first.request.trace;
  message.tenant = first.request.tenant;
  if (first.span) {
    auto inside = context_of(*first.span, first.request.trace);
    first.state_span =
        begin_wait(context, {inside, role_->info.name()}, *message.body.as<SnapshotGet>());
    message.trace = context_of(*first.state_span, inside);
  }
  message.sender = self_;
  message.remaining = limits::request_timeout;
  tell(context, [&] { return "asks for its state by " + message_title(message.id); });
  context.out.send(std::move(message));
  context.out.arm(state_timer, limits::request_timeout);
}

/// If the message that it was loaded for still waits.
void agent_logic::end_load_span(step_context& context, const failure& why, const Snapshot* found) {
  if (!inbox_ || !inbox_->front().state_span)
    return;
  auto& span = inbox_->front().state_span;
  if (found)
    note(*span, *found);
  end_span(context, span, why);
}

void agent_logic::loaded(step_context& context, envelope reply) {
  context.out.arm(state_timer, {});
  if (auto why = failure_in(reply))
    return cannot_load(context, *why);
  auto found = reply.body.as<SnapshotFound>();
  if (!found)
    return cannot_load(context, {ec::bad_message, "its answer could not be read"});
  mind_ = role_->make();
  written_.clear();
  version_ = 0;
  if (found->found()) {
    auto& snapshot = *found->mutable_snapshot();
    if (snapshot.role() != role_->info.name())
      return cannot_load(context, {ec::storage_failed,
                                   "it is the state of a role called \"" + snapshot.role() + "\""});
    if (!mind_->restore(snapshot.state()))
      return cannot_load(context, {ec::storage_failed, "its bytes are damaged"});
    end_load_span(context, {}, &snapshot);
    written_ = std::move(*snapshot.mutable_state());
    version_ = snapshot.version();
  }
  end_load_span(context, {});
  phase_ = phase::idle;
  tell(context, [&] {
    return "has its state, version " + std::to_string(version_) + " of "
           + std::to_string(written_.size()) + " bytes";
  });
}

void agent_logic::cannot_load(step_context& context, const failure& why) {
  phase_ = phase::absent; // the next message tries again
  mind_.reset();
  end_load_span(context, why);
  failure told{ec::storage_failed,
               "the state of " + called()
                   + " could not be loaded, so it does not answer: " + why.message};
  context.out.log(log_level::error, "agent", told.message);
  auto refused = std::move(inbox_);
  if (refused)
    for (auto& one : *refused)
      refuse(context, one, told);
}

void agent_logic::save_then_settle(step_context& context) {
  if (!role_->durable)
    return settle(context);
  auto state = mind_->snapshot();
  if (state == written_)
    return settle(context);
  if (state.size() > limits::agent_state_bytes_max) {
    roll_back();
    now_->why = {ec::too_large, called() + " would keep " + std::to_string(state.size())
                                    + " bytes, more than the "
                                    + std::to_string(limits::agent_state_bytes_max)
                                    + " that an agent may; nothing was kept"};
    return settle(context);
  }
  phase_ = phase::writing;
  SnapshotPut put;
  put.set_agent(std::string{self_.agent.text()});
  put.mutable_snapshot()->set_role(role_->info.name());
  put.mutable_snapshot()->set_state(state);
  put.mutable_snapshot()->set_version(version_ + 1);
  for (auto& hash : mind_->blobs_named())
    put.add_blobs(std::move(hash));
  now_->state = std::move(state);
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
        return "writes version " + std::to_string(version_ + 1) + " of its state by "
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
    written_ = std::move(now_->state);
    ++version_;
    tell(
        context, [&] { return "has written version " + std::to_string(version_); },
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
  context.out.log(log_level::error, "agent", now_->why.message, now_->request.trace.trace);
  settle(context);
  if (!refused) { // what is on disk counts
    phase_ = phase::absent;
    mind_.reset();
    if (inbox_)
      load(context);
  }
}

void agent_logic::roll_back() {
  mind_ = role_->make();
  if (!written_.empty())
    mind_->restore(written_);
}

} // namespace troupe
