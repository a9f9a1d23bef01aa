// The steps of a task of a durable run: what its owner is told, and what is not asked again.

#include "actors/agents/agent_work.hpp"
#include "config/limits/runs.hpp"
#include "messages/models.pb.h"
#include "messages/runs.pb.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace troupe {

namespace {

template <class Call>
std::string title_of_call(const Call& call) {
  std::string title = std::is_same_v<Call, ModelRequest> ? "chat" : "embeddings";
  return call.model().empty() ? title : title + " " + call.model();
}

failure error_in(const mind_event& outcome) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.error; })
          return one.error;
        else
          return failure{};
      },
      outcome);
}

} // namespace

/// The mind of a durable task begins as each attempt at it does, on whichever slot: knowing
/// nothing.
void agent_logic::begin_steps() {
  auto& todo = *now_->request.body.as<TaskWork>();
  if (!todo.task().durable())
    return;
  now_->steps = std::make_unique<task_steps>(todo);
  if (role_->remembers)
    mind_ = role_->make();
}

/// The mind asks a model.
void agent_logic::take_step(step_context& context, ask asked, model_call call) {
  auto& steps = *now_->steps;
  auto [number, what] = std::visit(
      [&]<class Call>(const Call& one) {
        return steps.history.ask(step_history::hash_of(payload_kind_of<Call>, one),
                                 title_of_call(one));
      },
      call);
  asked.step = number;
  using stage = task_steps::open_step::stage;
  switch (what) {
    case step_history::course::differs:
      return give_up(context, steps.history.difference(number));
    case step_history::course::known:
      steps.open.push_back({stage::known, std::move(asked)});
      return;
    case step_history::course::begin:
      steps.open.push_back({stage::beginning, std::move(asked), std::move(call)});
      return tell_owner(context, number, steps.history.begin(number));
  }
}

/// Its owner answers when it is in the journal.
void agent_logic::tell_owner(step_context& context, std::uint32_t step,
                             std::vector<StepRecord> records) {
  auto& steps = *now_->steps;
  auto is_meant = [step](const auto& one) { return one.asked.step == step; };
  auto& one = *std::find_if(steps.open.begin(), steps.open.end(), is_meant);
  one.told_by = ++sequence_;
  one.told_at = context.now;
  StepsMade made;
  made.set_run(steps.run);
  made.set_index(steps.index);
  made.set_attempt(steps.attempt);
  for (auto& record : records)
    *made.add_steps() = std::move(record);
  ask told;
  told.sequence = one.told_by;
  auto message = request_for(context, service::coordinator, told);
  message.target.node = steps.owner;
  message.body = payload::of(std::move(made));
  context.out.send(std::move(message));
  if (!std::exchange(steps.timer_armed, true))
    context.out.arm(steps_timer, limits::step_kept_timeout);
}

/// A model has answered, or failed.
void agent_logic::step_ended(step_context& context, ask asked, envelope& reply) {
  auto& steps = *now_->steps;
  auto number = asked.step;
  std::string bytes;
  reply.body.append_to(bytes);
  auto record = steps.history.end(number, reply.body.kind(), std::move(bytes));
  auto outcome = outcome_of(context, asked, reply);
  bool passes = step_history::may_pass(error_in(outcome).code);
  using stage = task_steps::open_step::stage;
  auto& one = steps.open.emplace_back();
  one.now = passes ? stage::outcome : stage::recording;
  one.asked = std::move(asked);
  one.outcome = std::move(outcome);
  if (!passes) {
    std::vector<StepRecord> records;
    records.push_back(std::move(record));
    return tell_owner(context, number, std::move(records));
  }
  one.passing = std::move(record);
  steps.history.may_hear(number);
  if (auto heard = next_heard(context))
    feed(context, *std::move(heard));
}

/// Something that is no step: only its place counts.
void agent_logic::read_ended(step_context& context, ask asked, envelope& reply) {
  auto outcome = outcome_of(context, asked, reply);
  auto place = now_->steps->history.read_ended();
  if (!place)
    return feed(context, std::move(outcome));
  auto& one = now_->steps->open.emplace_back();
  one.now = task_steps::open_step::stage::outcome;
  one.asked = std::move(asked);
  one.outcome = std::move(outcome);
  one.place = *place;
  if (auto heard = next_heard(context))
    feed(context, *std::move(heard));
}

/// The outcome whose turn it is.
std::optional<mind_event> agent_logic::next_heard(step_context& context) {
  using stage = task_steps::open_step::stage;
  auto& steps = *now_->steps;
  if (steps.open.empty())
    return std::nullopt;
  bool still_reads = std::any_of(now_->asks.begin(), now_->asks.end(),
                                 [](const ask& one) { return one.step == 0; });
  auto turn = steps.history.next_heard(still_reads);
  if (!turn)
    return std::nullopt;
  auto is_meant = [&](const auto& one) {
    return one.asked.step == turn->number && (turn->number != 0 || one.place == turn->place);
  };
  auto found = std::find_if(steps.open.begin(), steps.open.end(), is_meant);
  auto one = std::move(*found);
  steps.open.erase(found);
  if (one.now == stage::known)
    return recorded_outcome(context, one.asked);
  if (one.passing)
    steps.history.heard_without_record(*std::move(one.passing));
  return std::move(one.outcome);
}

/// It was paid for by the attempt that recorded it: this one's reply does not count it.
mind_event agent_logic::recorded_outcome(step_context& context, ask& asked) {
  auto& history = now_->steps->history;
  auto record = history.take_recorded(asked.step);
  tell(
      context,
      [&] {
        return history.title_of(asked.step) + " of " + work_title(now_->request)
               + " is recorded: it is replayed, no call is made";
      },
      now_->request.trace.trace);
  envelope reply;
  reply.kind = message_kind::reply;
  reply.body = payload::from_wire(static_cast<payload_kind>(record.kind()),
                                  byte_slice::copy_of(record.outcome()));
  auto used = now_->used;
  auto outcome = outcome_of(context, asked, reply);
  now_->used = used;
  return outcome;
}

/// What the agent has told is in the journal. Otherwise nobody waits for this attempt, or the owner
/// cannot go on with it.
void agent_logic::owner_answered(step_context& context, envelope& reply) {
  if (!now_->steps)
    return; // late, for a message that has ended
  auto& steps = *now_->steps;
  auto found = std::find_if(steps.open.begin(), steps.open.end(), [&](const auto& one) {
    return one.waits_for_owner() && one.told_by == reply.id.sequence;
  });
  if (found == steps.open.end())
    return;
  auto number = found->asked.step;
  if (!reply.body.as<StepsKept>()) {
    auto why = failure_in(reply).value_or(failure{ec::bad_message, "its answer could not be read"});
    if (why.code == ec::cancelled)
      return give_up(context, {ec::cancelled, "the owner of the run does not want this attempt"});
    return give_up(context, {why.code == ec::too_large ? why.code : ec::unavailable,
                             "the owner of the run has not recorded "
                                 + steps.history.title_of(number) + ": " + why.message});
  }
  if (now_->span && now_->asks.empty())
    now_->worked.begin(context.time());
  using stage = task_steps::open_step::stage;
  if (found->now == stage::beginning) {
    auto one = std::move(*found);
    steps.open.erase(found);
    steps.history.has_begun(number);
    return make_call(context, std::move(one.asked), std::move(one.call));
  }
  found->now = stage::outcome;
  steps.history.may_hear(number);
  if (auto heard = next_heard(context))
    feed(context, *std::move(heard));
}

/// The timer has run out: for the step that the owner was told of first, or for an earlier one.
void agent_logic::look_after_owner(step_context& context) {
  auto& steps = *now_->steps;
  steps.timer_armed = false;
  const task_steps::open_step* first = nullptr;
  for (const auto& one : steps.open)
    if (one.waits_for_owner() && (!first || one.told_at < first->told_at))
      first = &one;
  if (!first)
    return;
  auto left = first->told_at + limits::step_kept_timeout - context.now;
  if (left.count() <= 0)
    return give_up(context, {ec::unavailable, "the owner of the run does not answer: whether "
                                                  + steps.history.title_of(first->asked.step)
                                                  + " was recorded is not known"});
  steps.timer_armed = true;
  context.out.arm(steps_timer, left);
}

} // namespace troupe
