// The steps of a task of a durable run, or of a message to a durable agent: what is recorded of
// them, and what is not asked again.

#include "actors/agents/agent_work.hpp"
#include "actors/agents/recorded_roles.hpp"
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
/// nothing, and in the role as it was when the run began. Of messages to a durable agent, those of
/// clients' sessions may be repeated.
result<void> agent_logic::begin_steps() {
  if (!now_->is_task) {
    if (now_->at.session)
      now_->steps = std::make_unique<task_steps>(
          kept_steps_ ? kept_steps_->take(now_->request.id) : StepsMade{}, state_.version(), role_);
    return {};
  }
  auto& todo = *now_->request.body.as<TaskWork>();
  if (!todo.task().durable())
    return {};
  recorded_roles known;
  auto kind = role_of_task(todo.task(), role_, known);
  if (!kind)
    return fail(kind.error().code,
                "the role of the task, as its run began with it: " + kind.error().message);
  now_->steps = std::make_unique<task_steps>(todo, *kind);
  if (role_->remembers || *kind != role_)
    mind_ = (*kind)->make();
  return {};
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
    case step_history::course::known:
      steps.open.push_back({stage::known, std::move(asked)});
      return;
    case step_history::course::differs:
      if (!steps.may_ask_otherwise)
        return ask_otherwise(context, steps.history.difference(number));
      steps.history.forget_from(number);
      steps.replaces_from = number;
      [[fallthrough]];
    case step_history::course::unknown:
      if (!steps.kind->asks_unknown_again)
        return ask_otherwise(context, steps.history.not_again(number));
      count_as_unknown();
      [[fallthrough]];
    case step_history::course::begin:
      steps.open.push_back({stage::beginning, std::move(asked), std::move(call)});
      return tell_owner(context, number, steps.history.begin(number));
  }
}

/// The owner of a run counts those of its tasks itself.
void agent_logic::count_as_unknown() {
  if (now_->is_task)
    return;
  ++now_->steps->unknown;
  counted_.plain().steps_unknown.fetch_add(1, std::memory_order_relaxed);
}

/// Its mind asks something else than it did before, or less. A task ends with that, and so does a
/// message: this is its reply, its steps go, and the state stays as it is.
void agent_logic::ask_otherwise(step_context& context, failure why) {
  if (now_->is_task)
    return give_up(context, std::move(why));
  withdraw_asks(context, *now_, why);
  roll_back();
  finish(context, std::move(why));
}

/// False: they are too many.
bool agent_logic::keep_steps(step_context& context, StepsMade& made) {
  name_message(made);
  now_->steps->replaces_from = 0;
  if (!kept_steps_)
    kept_steps_ = std::make_unique<steps_on_disk>();
  return kept_steps_->add(now_->request.id, made.ByteSizeLong(), context.now,
                          *made.mutable_settled());
}

/// What a later life has to know to take the message up: also what is known of its session, which
/// may have no reply on disk.
void agent_logic::name_message(StepsMade& made) const {
  auto& message = *made.mutable_message();
  const auto& id = now_->request.id;
  message.set_agent(std::string{self_.agent.text()});
  message.set_session(id.session.value);
  message.set_number(id.sequence);
  message.set_floor(id.sequence > 0 ? id.sequence - 1 : 0);
  if (auto known = delivery_.to_write(now_->at, {})) {
    message.set_floor(known->floor());
    message.set_acknowledged(known->acknowledged());
  }
  message.set_state_version(state_.version());
  message.set_role_hash(role_->definition_hash);
  message.set_replaces_from(now_->steps->replaces_from);
  message.set_unknown(now_->steps->unknown);
}

/// The messages that an earlier life has begun and not done. Of a session that has no reply on
/// disk, they are all that is known.
void agent_logic::take_up(step_context& context, SnapshotFound& found, bool is_first_time) {
  delivery::saved_sessions begun;
  for (const auto& one : found.open()) {
    auto known = begun.Add();
    known->set_session(one.message().session());
    known->set_floor(one.message().floor());
    known->set_acknowledged(one.message().acknowledged());
  }
  if (is_first_time)
    delivery_.restore(begun, context.now);
  kept_steps_ = std::make_unique<steps_on_disk>();
  kept_steps_->restore(*found.mutable_open(), context.now);
}

/// The owner of the run answers when it is in the journal, service::state when it is on disk. No
/// records: it is told again.
void agent_logic::tell_owner(step_context& context, std::uint32_t step,
                             std::vector<StepRecord> records) {
  auto& steps = *now_->steps;
  auto is_meant = [step](const auto& one) { return one.asked.step == step; };
  auto& one = *std::find_if(steps.open.begin(), steps.open.end(), is_meant);
  one.told_at = context.now;
  if (!records.empty()) {
    StepsMade made;
    for (auto& record : records) {
      if (steps.kind->mind_version != 1) // which is what it is when nothing is said
        record.set_mind_version(steps.kind->mind_version);
      *made.add_steps() = std::move(record);
    }
    if (now_->is_task) {
      made.set_run(steps.run);
      made.set_index(steps.index);
      made.set_attempt(steps.attempt);
    } else if (!keep_steps(context, made)) {
      return give_up(context, {ec::too_large, "what " + steps.history.title_of(step)
                                                  + " has come to is too large to be kept"});
    }
    one.told_by = ++sequence_;
    if (now_->span) {
      one.wait = begin_wait(context, {now_->inside, role_->info.name()}, made);
      now_->worked.pause(instant{std::chrono::nanoseconds{one.wait->start_ns()}});
    }
    one.told = payload::of(std::move(made));
  }
  ask told;
  told.sequence = one.told_by;
  told.span = one.wait;
  auto message = request_for(context, steps.recorder, told);
  if (now_->is_task)
    message.target.node = steps.owner;
  message.attempt = ++one.told_times;
  message.body = one.told.share();
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

/// What the agent has told is on disk. Otherwise nobody waits for this attempt, or the owner
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
  auto at = static_cast<std::size_t>(found - steps.open.begin());
  if (!reply.body.as<StepsKept>()) {
    auto why = failure_in(reply).value_or(failure{ec::bad_message, "its answer could not be read"});
    end_span(context, found->wait, why);
    if (!now_->is_task && why.code == ec::storage_failed)
      return go_on_from(context, at); // as an agent without a state would: rather an answer
    if (why.code == ec::cancelled)
      return give_up(context, {ec::cancelled, "the owner of the run does not want this attempt"});
    return give_up(context, {why.code == ec::too_large ? why.code : ec::unavailable,
                             std::string{steps.recorder_name()} + " has not recorded "
                                 + steps.history.title_of(number) + ": " + why.message});
  }
  end_span(context, found->wait);
  go_on_from(context, at);
}

/// The step is recorded, or cannot be: its call is made, or its outcome heard.
void agent_logic::go_on_from(step_context& context, std::size_t open_step) {
  auto& steps = *now_->steps;
  auto& step = steps.open[open_step];
  auto number = step.asked.step;
  using stage = task_steps::open_step::stage;
  if (step.now == stage::beginning) {
    auto one = std::move(step);
    steps.open.erase(steps.open.begin() + static_cast<std::ptrdiff_t>(open_step));
    steps.history.has_begun(number);
    return make_call(context, std::move(one.asked), std::move(one.call));
  }
  step.now = stage::outcome;
  step.told = {};
  work_again(context);
  steps.history.may_hear(number);
  if (auto heard = next_heard(context))
    feed(context, *std::move(heard));
}

/// The timer has run out: for the step that the owner was told of first, or for an earlier one. It
/// is told again, for as long as the task has time: its journal may wait for space on the disk.
/// What an owner that is silent or does not know the attempt has here, the queue calls off.
void agent_logic::look_after_owner(step_context& context) {
  auto& steps = *now_->steps;
  std::optional<instant> first;
  for (auto& one : steps.open) {
    if (!one.waits_for_owner())
      continue;
    if (one.told_at + limits::step_kept_timeout <= context.now) {
      if (!now_->is_task)
        return give_up(context, {ec::unavailable, "the agent's own store does not answer: whether "
                                                      + steps.history.title_of(one.asked.step)
                                                      + " was recorded is not known"});
      tell_owner(context, one.asked.step, {});
    }
    first = std::min(first.value_or(one.told_at), one.told_at);
  }
  steps.timer_armed = first.has_value();
  if (first)
    context.out.arm(steps_timer, *first + limits::step_kept_timeout - context.now);
}

} // namespace troupe
