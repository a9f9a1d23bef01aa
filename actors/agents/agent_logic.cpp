#include "actors/agents/agent_logic.hpp"

#include "actors/agents/agent_work.hpp"
#include "actors/agents/task_once.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/spans.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

bool expired(const envelope& message, instant arrived, instant now) {
  return message.remaining.count() < 0
         || (message.remaining.count() > 0 && now - arrived >= message.remaining);
}

} // namespace

agent_logic::agent_logic(std::shared_ptr<const role> kind, metrics& counted, instant complete_since,
                         std::chrono::nanoseconds holds_every,
                         std::shared_ptr<const span_terms> terms)
    : role_(std::move(kind)), counted_(counted), holds_every_(holds_every),
      terms_(std::move(terms)), delivery_(complete_since) {}

agent_logic::~agent_logic() = default;

void agent_logic::start(step_context& context, const address& self) {
  self_ = self;
  used_ = context.now;
  session_ = {context.random.next() | 1};
  auto text = self_.agent.text();
  counted_as_ = text.find('#') == std::string_view::npos ? role_of(self_.agent) : text;
  tell(context, [&] { return "is active, with messages of session " + to_string(session_); });
  if (role_->durable)
    phase_ = phase::absent; // its first message loads the state
}

bool agent_logic::invariants() const {
  if (inbox_ && inbox_->empty())
    return false;
  switch (phase_) {
    case phase::absent:
      return role_->durable && !now_ && !inbox_ && !mind_;
    case phase::loading:
      return role_->durable && !now_;
    case phase::idle:
      return !now_ && !inbox_ && (mind_ || !role_->durable);
    case phase::deciding:
      return now_ && mind_ && now_->asks.size() <= limits::agent_asks_pending_max;
    case phase::writing:
      return role_->durable && now_ && mind_;
  }
  return false;
}

void agent_logic::step(step_context& context, event input) {
  auto spans_before = context.out.spans.size();
  if (wished_to_rest_) // it was not let go, because this came
    rest_later(context, std::chrono::nanoseconds{0});
  if (auto message = std::get_if<envelope>(&input)) {
    switch (message->kind) {
      case message_kind::request:
      case message_kind::event:
        if (message->body.kind() == payload_kind::AgentRest) {
          if (auto asked = message->body.as<AgentRest>())
            rest(context, *asked);
          return;
        }
        used_ = context.now;
        arrived(context, *message);
        break;
      case message_kind::reply:
        answered(context, std::move(*message));
        break;
      case message_kind::piece:
        piece_came(context, std::move(*message));
        break;
      case message_kind::acknowledge:
        if (message->body.kind() == payload_kind::PiecesTaken)
          reader_took(context, *message);
        else
          delivery_.acknowledge(message->id);
        break;
      case message_kind::cancel:
        given_up(context, *message);
        break;
    }
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    timer_ran_out(context, fired->timer);
  }
  work_off(context);
  if (now_ && now_->span) {
    now_->worked.pause(context.time());
    hold_spans(context, spans_before);
  }
  check_invariants(*this);
}

void agent_logic::stop(step_context& context) {
  tell(context, [&] { return std::string{now_ ? "is stopped at work" : "leaves"}; });
  failure stopping{ec::unavailable, called() + " is being stopped; send the message again later"};
  if (now_) {
    // A state on its way to the disk may get there.
    if (phase_ == phase::writing)
      now_->why = {ec::outcome_unknown,
                   called() + " was stopped while its state was being written"};
    else
      now_->why = stopping;
    withdraw_asks(context, *now_, now_->why);
    end_span(context, now_->state_span, now_->why);
    end_message(context);
  }
  if (inbox_)
    for (auto& one : *inbox_)
      refuse(context, one, stopping);
  inbox_.reset();
}

// -- messages -------------------------------------------------------------------------------------

void agent_logic::arrived(step_context& context, envelope& message) {
  delivery::entry_id at;
  bool is_known = phase_ != phase::absent && phase_ != phase::loading; // what was answered before
  if (message.kind == message_kind::request && is_known) {
    auto judged = delivery_.accept(message.sender, message.id, message.attempt, context.now,
                                   std::chrono::milliseconds{message.age_ms});
    if (judged.what != delivery_state::fresh)
      return repeated(context, message, judged);
    at = judged.at;
  }
  bool waits = phase_ != phase::idle || inbox_;
  auto span = begin_agent_span(context, role_->info, self_, message, context.now);
  if (!waits && !span && message.remaining.count() >= 0 && is_answered_at_once(message))
    return answer_at_once(context, message, at);
  waiting next{std::move(message), at, context.now, std::move(span)};
  if (waits)
    enqueue(context, std::move(next));
  else
    begin(context, std::move(next));
}

void agent_logic::repeated(step_context& context, envelope& message,
                           const delivery::judgement& judged, std::optional<SpanData> span) {
  tell(
      context,
      [&] {
        return "gets " + work_title(message) + " again, attempt " + std::to_string(message.attempt);
      },
      message.trace.trace);
  switch (judged.what) {
    case delivery_state::fresh:
      break;
    case delivery_state::repeated_in_progress:
      // The client may have come back through another node: the one reply goes there.
      if (now_ && now_->request.id == message.id) {
        now_->request.sender = std::move(message.sender);
        now_->gone_since.reset();
        now_->stream.repeat(context, now_->request);
        tell_taken(context); // it is counted anew
        watch_reader(context);
      } else if (inbox_) {
        for (auto& one : *inbox_)
          if (one.request.id == message.id)
            one.request.sender = message.sender;
      }
      break;
    case delivery_state::repeated_done: {
      auto reply = reply_to(message, Failure{});
      reply.body = delivery_.kept(judged.at);
      reply.sender = self_;
      context.out.send(std::move(reply));
      break;
    }
    case delivery_state::outcome_unknown: {
      failure why{ec::outcome_unknown,
                  "whether the message was done is not known: it was repeated, and " + called()
                      + " does not remember the first time; look before you send it again"};
      if (!span)
        span = begin_agent_span(context, role_->info, self_, message, context.now);
      end_span(context, span, why);
      context.out.send(reply_failure(message, why));
      return;
    }
  }
  end_span(context, span);
}

void agent_logic::enqueue(step_context& context, waiting next) {
  if (!inbox_)
    inbox_ = std::make_unique<std::deque<waiting>>();
  if (inbox_->size() >= limits::agent_inbox_max)
    return refuse(context, next,
                  {ec::overloaded, called() + " already has its maximum of waiting messages ("
                                       + std::to_string(limits::agent_inbox_max)
                                       + "); try again later"});
  tell(
      context,
      [&] {
        return "lets " + work_title(next.request) + " wait, behind "
               + std::to_string(inbox_->size());
      },
      next.request.trace.trace);
  inbox_->push_back(std::move(next));
  if (phase_ == phase::absent)
    load(context);
}

void agent_logic::work_off(step_context& context) {
  while (phase_ == phase::idle && inbox_) {
    auto next = std::move(inbox_->front());
    inbox_->pop_front();
    if (inbox_->empty())
      inbox_.reset();
    begin(context, std::move(next));
  }
}

void agent_logic::begin(step_context& context, waiting next) {
  if (expired(next.request, next.arrived, context.now)) {
    counted_.plain().envelopes_expired.fetch_add(1, std::memory_order_relaxed);
    return refuse(
        context, next,
        {ec::timed_out, "the time for this message was over before " + called() + " came to it"});
  }
  if (next.span)
    note_started(*next.span, context.time());
  if (next.request.body.kind() == payload_kind::Echo) {
    end_span(context, next.span);
    return send_back(context, next.request, next.at);
  }
  now_ = std::make_unique<work>(std::move(next), context.now);
  if (now_->span)
    now_->worked.begin(context.time());
  phase_ = phase::deciding;
  tell(
      context, [&] { return "begins " + work_title(now_->request); }, now_->request.trace.trace);
  message_received received;
  auto fine = read_body(now_->request, received);
  now_->is_task = received.is_task;
  if (auto* message = now_->request.body.as<AgentMessage>(); message && message->paced())
    now_->stream.pace();
  set_deadline(context, *now_,
               received.is_task ? now_->request.body.as<TaskWork>()->task().time_ms() : 0);
  if (!fine) {
    if (!now_->owed() || now_->request.body.unreadable())
      context.out.unread.push_back(now_->request.body.kind());
    return finish(context, std::move(fine).error());
  }
  if (received.is_task || role_->durable)
    if (auto begun = begin_steps(); !begun)
      return finish(context, std::move(begun).error());
  if (!mind_)
    mind_ = role_->make();
  feed(context, std::move(received));
  if (phase_ == phase::deciding && !now_->deadline_armed) {
    now_->deadline_armed = true;
    context.out.arm(deadline_timer, now_->deadline - context.now);
    watch_reader(context);
  }
}

/// The asker no longer wants it. If it is being written, it is done: its answer goes out.
void agent_logic::given_up(step_context& context, const envelope& order) {
  auto is_meant = [&order](const waiting& one) {
    return one.request.id == order.id && one.request.sender == order.sender;
  };
  failure why{ec::cancelled, "the request was cancelled"};
  if (now_ && is_meant(*now_)) {
    if (phase_ == phase::deciding)
      give_up(context, std::move(why));
    return;
  }
  while (inbox_) { // more than once if it was repeated while the state is loaded
    auto found = std::find_if(inbox_->begin(), inbox_->end(), is_meant);
    if (found == inbox_->end())
      return; // it was answered before
    refuse(context, *found, why);
    inbox_->erase(found);
    if (inbox_->empty())
      inbox_.reset();
  }
}

/// Moves what the mind is told out of the message's body.
result<void> agent_logic::read_body(envelope& request, message_received& into) const {
  const auto& info = role_->info;
  if (auto message = request.body.as<AgentMessage>()) {
    if (!info.for_talk())
      return fail(ec::invalid_argument, "role " + info.name() + " takes tasks, not messages");
    into.text = std::move(*message->mutable_text());
    for (auto& document : *message->mutable_documents())
      into.documents.push_back(std::move(document));
    return {};
  }
  if (auto todo = request.body.as<TaskWork>()) {
    into.is_task = true;
    if (!info.for_tasks())
      return fail(ec::invalid_argument, "role " + info.name() + " takes messages, not tasks");
    return read_task(*todo->mutable_task(), role_->reads_input, into);
  }
  return unexpected{why_not_taken(called(), request)};
}

void agent_logic::set_deadline(step_context& context, work& now, std::uint64_t task_ms) {
  std::chrono::nanoseconds left = role_->time_max;
  if (task_ms > 0 && task_ms < static_cast<std::uint64_t>(role_->time_max.count()))
    left = std::chrono::milliseconds{task_ms};
  if (now.request.remaining.count() > 0)
    left = std::min<std::chrono::nanoseconds>(left,
                                              now.request.remaining - (context.now - now.arrived));
  now.deadline = context.now + left;

  if (now.span && now.is_task) {
    const auto& task = now.request.body.as<TaskWork>()->task();
    set(*now.span, attr::task_attempt, task.attempt());
    if (!task.label().empty())
      set(*now.span, attr::task_label, task.label());
  }
}

void agent_logic::timer_ran_out(step_context& context, std::uint32_t timer) {
  if (timer == deadline_timer && phase_ == phase::deciding) {
    now_->deadline_armed = false;
    give_up(context, {ec::timed_out, called() + " was not done with this message in its time"});
  } else if (timer == hold_timer) {
    hold_blobs(context);
  } else if (timer == reader_timer && now_) {
    ask_reader(context);
  } else if (timer == steps_timer && phase_ == phase::deciding && now_->steps) {
    look_after_owner(context);
  } else if (timer == state_timer && phase_ == phase::loading) {
    cannot_load(context, {ec::storage_failed, "the state store does not answer"});
  } else if (timer == state_timer && phase_ == phase::writing) {
    envelope nothing;
    nothing.body = payload::of(to_proto({ec::timed_out, "the state store does not answer"}));
    written(context, std::move(nothing));
  }
}

} // namespace troupe
