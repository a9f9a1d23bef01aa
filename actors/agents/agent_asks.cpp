// What an agent's mind asks for, and what comes back.

#include "actors/agents/agent_work.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace troupe {

/// The wait begins.
template <class Message>
void agent_logic::send(step_context& context, ask asked, Message what) {
  if (now_->span) {
    asked.span = begin_wait(context, {now_->inside, role_->info.name(), terms_.get()}, what);
    if constexpr (std::is_same_v<Message, ModelRequest>)
      note_asked(*now_->span, *asked.span);
    now_->worked.pause(instant{std::chrono::nanoseconds{asked.span->start_ns()}});
  }
  auto message = request_for(context, service_of(asked), asked);
  message.body = payload::of(std::move(what));
  context.out.send(std::move(message));
  now_->asks.push_back(std::move(asked));
}

void agent_logic::feed(step_context& context, mind_event happened) {
  std::vector<mind_event> due; // outcomes known at once
  for (std::size_t next = 0;; ++next) {
    for (auto& todo : mind_->decide(std::move(happened))) {
      if (phase_ != phase::deciding)
        return;
      if (auto known_at_once = carry_out(context, std::move(todo)))
        due.push_back(std::move(*known_at_once));
    }
    if (phase_ != phase::deciding)
      return;
    if (now_->steps && next == due.size())
      if (auto heard = next_heard(context))
        due.push_back(*std::move(heard));
    if (next == due.size())
      return;
    if (next == limits::agent_asks_max)
      return finish(context, {ec::agent_failed, "the agent asks for ever without an answer"});
    happened = std::move(due[next]);
  }
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, command todo) {
  if (auto call = std::get_if<ask_model>(&todo))
    return carry_out(context, std::move(*call));
  if (auto texts = std::get_if<ask_embeddings>(&todo))
    return carry_out(context, std::move(*texts));
  if (auto fetch = std::get_if<fetch_blob>(&todo))
    return carry_out(context, std::move(*fetch));
  if (auto reading = std::get_if<ask_reading>(&todo))
    return carry_out(context, std::move(*reading));
  if (auto keeping = std::get_if<keep_blobs>(&todo))
    return carry_out(context, std::move(*keeping));
  if (auto reply = std::get_if<reply_with>(&todo))
    finish(context, std::move(reply->reply));
  else if (auto failed = std::get_if<reply_failed>(&todo))
    finish(context, std::move(failed->why));
  return std::nullopt;
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, ask_model todo) {
  if (auto why = cannot_ask())
    return model_answered{todo.request, {}, std::move(*why)};
  ask asked{++sequence_, todo.request, ask::subject::model, false,
            hold_back{std::move(todo.hold_back)}};
  asked.terms = terms_of(todo.call);
  asked.streams = todo.stream_to_reply && now_->owed() && !now_->is_task;
  todo.call.set_stream(asked.streams);
  if (now_->steps)
    take_step(context, std::move(asked), std::move(todo.call));
  else
    send(context, std::move(asked), std::move(todo.call));
  return std::nullopt;
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, ask_embeddings todo) {
  if (auto why = cannot_ask())
    return texts_embedded{todo.request, {}, std::move(*why)};
  ask asked{++sequence_, todo.request, ask::subject::embeddings, false, hold_back{""}};
  if (now_->steps)
    take_step(context, std::move(asked), std::move(todo.call));
  else
    send(context, std::move(asked), std::move(todo.call));
  return std::nullopt;
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, fetch_blob todo) {
  if (auto why = cannot_ask())
    return blob_fetched{todo.request, {}, std::move(*why)};
  ask asked{++sequence_, todo.request, ask::subject::blob, false, hold_back{""}};
  BlobGet get;
  *get.mutable_blob() = std::move(todo.blob);
  send(context, std::move(asked), std::move(get));
  return std::nullopt;
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, ask_reading todo) {
  if (auto why = cannot_ask())
    return reading_answered{todo.request, {}, std::move(*why)};
  ask asked{++sequence_, todo.request, ask::subject::reading, false, hold_back{""}};
  send(context, std::move(asked), std::move(todo.call));
  return std::nullopt;
}

std::optional<mind_event> agent_logic::carry_out(step_context& context, keep_blobs todo) {
  if (auto why = cannot_ask())
    return blobs_kept{todo.request, {}, std::move(*why)};
  ask asked{++sequence_, todo.request, ask::subject::keep, false, hold_back{""}};
  BlobsKeep keep;
  for (auto& blob : todo.blobs)
    *keep.add_blobs() = std::move(blob);
  send(context, std::move(asked), std::move(keep));
  return std::nullopt;
}

void agent_logic::make_call(step_context& context, ask asked, model_call call) {
  std::visit([&](auto& what) { send(context, std::move(asked), std::move(what)); }, call);
}

std::optional<failure> agent_logic::cannot_ask() {
  auto pending = now_->asks.size() + (now_->steps ? now_->steps->open.size() : 0);
  if (pending >= limits::agent_asks_pending_max)
    return failure{ec::overloaded, "at most " + std::to_string(limits::agent_asks_pending_max)
                                       + " model calls and blobs may be awaited at once"};
  if (++now_->asked > limits::agent_asks_max)
    return failure{ec::agent_failed, "at most " + std::to_string(limits::agent_asks_max)
                                         + " model calls and blobs serve one message"};
  return std::nullopt;
}

envelope agent_logic::request_for(step_context& context, service whom, const ask& what) {
  envelope made;
  made.kind = message_kind::request;
  made.id = {session_, what.sequence};
  tell(
      context,
      [&] {
        return "asks " + std::string{to_string(whom)} + " by " + message_title(made.id) + " for "
               + work_title(now_->request);
      },
      now_->request.trace.trace);
  made.trace = what.span ? context_of(*what.span, now_->inside) : now_->inside;
  made.tenant = now_->request.tenant;
  made.sender = self_;
  made.target = address::of(whom, self_.node);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(now_->deadline - context.now);
  made.remaining = std::max(left, std::chrono::milliseconds{1});
  return made;
}

void agent_logic::answered(step_context& context, envelope reply) {
  if (reply.id.session != session_)
    return;
  if (reply.id.sequence == state_request_) {
    if (phase_ == phase::loading)
      loaded(context, std::move(reply));
    else if (phase_ == phase::writing)
      written(context, std::move(reply));
    return;
  }
  if (phase_ != phase::deciding)
    return; // it serves a message that has ended
  auto of_reply = [&](const ask& a) { return a.sequence == reply.id.sequence; };
  auto found = std::find_if(now_->asks.begin(), now_->asks.end(), of_reply);
  if (found == now_->asks.end())
    return owner_answered(context, reply);
  auto asked = std::move(*found);
  now_->asks.erase(found);
  tell(
      context,
      [&] {
        return "is answered " + message_title(reply.id) + " with "
               + std::string{to_string(reply.body.kind())};
      },
      now_->request.trace.trace);
  work_again(context);
  if (asked.step != 0)
    return step_ended(context, std::move(asked), reply);
  if (now_->steps)
    return read_ended(context, std::move(asked), reply);
  feed(context, outcome_of(context, asked, reply));
}

/// Something that the agent waited for is there.
void agent_logic::work_again(step_context& context) {
  if (now_->span && !now_->waits())
    now_->worked.begin(context.time());
}

/// What the mind is told about an answer, which ends the wait for it.
mind_event agent_logic::outcome_of(step_context& context, ask& asked, envelope& reply) {
  auto why = failure_in(reply).value_or(failure{});
  auto check = [&](auto* answer) {
    if (!answer && why.code == ec::none)
      why = {ec::bad_message, "an answer that could not be read"};
    if constexpr (requires { note(*asked.span, *answer); })
      if (answer && asked.span)
        note(*asked.span, *answer);
    asked.end_spans(context, why);
  };
  auto tell = [&](auto told, auto* answer, const auto& take) -> mind_event {
    check(answer);
    if (answer)
      take(told, *answer);
    told.error = std::move(why);
    return told;
  };
  switch (asked.of) {
    case ask::subject::model:
      return tell(model_answered{asked.request, {}, {}}, reply.body.as<ModelAnswer>(),
                  [&](auto& told, auto& answer) {
                    now_->used += usage_in(answer);
                    now_->provider = answer.provider();
                    if (auto fine = check_answer(answer, asked.terms); !fine)
                      return void(why = std::move(fine).error());
                    if (auto words = note_on(answer, asked.terms))
                      now_->note(*std::move(words));
                    told.answer = std::move(answer);
                  });
    case ask::subject::embeddings:
      return tell(texts_embedded{asked.request, {}, {}}, reply.body.as<EmbeddingAnswer>(),
                  [&](auto& told, auto& answer) {
                    now_->used += {answer.input_tokens(), 0, answer.cost_nano_usd()};
                    now_->provider = answer.provider();
                    told.answer = std::move(answer);
                  });
    case ask::subject::blob:
      return tell(blob_fetched{asked.request, {}, {}}, reply.body.as<BlobData>(),
                  [](auto& told, auto& data) { told.bytes = std::move(*data.mutable_bytes()); });
    case ask::subject::keep:
      return tell(blobs_kept{asked.request, {}, {}}, reply.body.as<BlobsStored>(),
                  [](auto& told, auto& kept) {
                    for (auto& blob : *kept.mutable_blobs())
                      told.blobs.push_back(std::move(blob));
                  });
    case ask::subject::reading:
      return tell(reading_answered{asked.request, {}, {}}, reply.body.as<ReadingAnswer>(),
                  [](auto& told, auto& answer) { told.answer = std::move(answer); });
  }
  return cancelled{};
}

// -- the state on disk ---------------------------------------------------------------------------

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
  auto* snapshot = found->found() ? &found->snapshot() : nullptr;
  auto made = state_.take(*role_, snapshot);
  if (!made)
    return cannot_load(context, made.error());
  mind_ = std::move(*made);
  end_load_span(context, {}, snapshot);
  bool knows_nobody = delivery_.sessions() == 0;
  if (snapshot && knows_nobody)
    delivery_.restore(snapshot->sessions(), context.now);
  if (found->open_size() > 0)
    take_up(context, *found, knows_nobody);
  phase_ = phase::idle;
  judge_waiting(context);
  tell(context, [&] {
    return "has its state, version " + std::to_string(state_.version()) + " of "
           + std::to_string(state_.bytes()) + " bytes";
  });
}

/// What came while it was not known what was answered before.
void agent_logic::judge_waiting(step_context& context) {
  auto all = std::move(inbox_);
  if (!all)
    return;
  for (auto& one : *all) {
    auto& message = one.request;
    delivery::judgement judged{delivery_state::fresh, one.at};
    if (message.kind == message_kind::request && !one.at.session)
      judged = delivery_.accept(message.sender, message.id, message.attempt, context.now,
                                std::chrono::milliseconds{message.age_ms});
    if (judged.what != delivery_state::fresh) {
      repeated(context, message, judged, std::move(one.span));
      continue;
    }
    one.at = judged.at;
    if (!inbox_)
      inbox_ = std::make_unique<std::deque<waiting>>();
    inbox_->push_back(std::move(one));
  }
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
  if (!refused)
    return;
  // Whether one that is repeated was done before stands where nobody can read it.
  auto not_known = told;
  not_known.code = ec::outcome_unknown;
  for (auto& one : *refused) {
    bool may_be_done = one.request.attempt > 1 && !one.at.session
                       && one.request.sender.what != address::kind::service;
    refuse(context, one, may_be_done ? not_known : told);
  }
}

} // namespace troupe
