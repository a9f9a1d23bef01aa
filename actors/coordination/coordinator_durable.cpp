// What makes runs outlive their owner: its journal, what it goes on with, the steps of tasks.

#include "actors/coordination/coordinator_logic.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

bool coordinator_logic::is_for_people(const envelope& message) const {
  switch (message.body.kind()) {
    case payload_kind::RunSubmit:
    case payload_kind::RunCancel:
    case payload_kind::RunAttach:
    case payload_kind::RunRetry:
    case payload_kind::RunsAsked:
    case payload_kind::RunAsked:
    case payload_kind::RunDelete:
      return true;
    default:
      return false;
  }
}

void coordinator_logic::on_answer(step_context& context, envelope& reply) {
  if (journal_.is_answer(reply))
    return on_journal(context, journal_.take_answer(context, reply));
  if (recovery_.is_answer(reply))
    return on_recovered(context, recovery_.take_answer(context, reply));
  if (inputs_.is_answer(reply)) {
    if (auto brought = inputs_.take_answer(context, reply))
      on_brought(context, *std::move(brought));
    return;
  }
  if (auto inquiry = inquiries_.take_answer(reply))
    on_found(context, *std::move(inquiry), reply);
}

void coordinator_logic::on_journal(step_context& context, run_journal::answer answer) {
  if (answer.broken)
    journal_is_lost(*answer.broken);
  for (auto id : answer.begun)
    if (auto run = runs_.find(id))
      set_off(context, *run);
  for (const auto& [id, why] : answer.refused)
    if (auto run = runs_.find(id)) {
      refuse(context, run->submission_head(self_), {delivery_state::fresh, run->submission}, why);
      blobs_.ended(context, self_, id);
      repeated_.erase(id);
      offers_.remove(*run);
      runs_.take(*run);
    }
  for (auto id : answer.resumed)
    if (auto run = runs_.find(id)) {
      run->resuming = false;
      if (run->closing)
        continue;
      run->state->set_time(context.now);
      offers_.wake(context, *run);
    }
  asking_again_ = true;
  for (auto& message : answer.again)
    on_message(context, message);
  asking_again_ = false;
}

void coordinator_logic::on_recovered(step_context& context, run_recovery::recovered found) {
  if (found.broken)
    journal_is_lost(*found.broken);
  if (found.unreadable)
    on_unreadable(context, *found.unreadable);
  if (found.run)
    go_on_with(context, std::move(found.run));
  if (!recovery_.is_over())
    return;
  for (auto& message : recovery_.take_kept())
    on_message(context, message);
}

void coordinator_logic::go_on_with(step_context& context, std::unique_ptr<active_run> taken) {
  auto& run = runs_.add(std::move(taken));
  run.roles.compare(run.state->roles(), roles_, recorded_roles_);
  run.resuming = true; // no other life of the owner may offer attempts with its numbers
  fold_.resume(run);
  run.began = std::min(run.began, context.now);
  run.gone = context.now; // until its submitter comes back
  blobs_.began(context, self_, run.id, run.state->inputs());
  offers_.add(run);
  context.out.log(log_level::info, "coordinator",
                  run.title() + " goes on: " + std::to_string(run.state->count().done) + " of "
                      + std::to_string(run.state->count().total()) + " tasks are done",
                  run.inside.trace);
  if (auto why = std::exchange(run.closing, std::nullopt))
    return close_run(context, run, *std::move(why));
  kept_.watch(run, 0);
}

/// An earlier journal has failed. Whether it wrote what it was sent, only the disk knows: the owner
/// begins again with what is there.
void coordinator_logic::on_journal_started(step_context& context) {
  for (auto& unanswered : inquiries_.take_all())
    refuse(context, unanswered.asked, unanswered.judged,
           {ec::unavailable, "the journal of the runs has failed: ask again"});
  if (!recovery_.is_over())
    recovery_.ask_again(context);
  if (journal_.is_asked())
    throw std::runtime_error("the journal of the runs has failed");
}

/// Nothing may be acknowledged any more, and nobody knows what is on the disk: the owner begins
/// again with what is there.
void coordinator_logic::journal_is_lost(const failure& why) const {
  if (options_.journal_failed)
    options_.journal_failed(why);
  throw std::runtime_error("the journal of the runs: " + why.message);
}

/// What a task's mind has asked, or what it was told: its agent waits until that is kept.
void coordinator_logic::on_steps(step_context& context, envelope& message) {
  auto& made = *message.body.as<StepsMade>();
  auto a = find_attempt(made.run(), made.index(), made.attempt(), message.sender.node);
  if (!a || a->run->closing)
    return context.out.send(
        reply_failure(message, {ec::cancelled, "nobody waits for this attempt at the task"}));
  queues_.heard_of(a->node);
  begin_time(context, *a);
  auto& run = *a->run;
  if (message.attempt > 1 && journal_.is_stalled(context.now))
    return; // what it has told before is answered when there is space again
  if (auto fits = kept_.check_steps(run, a->task, made); !fits)
    return context.out.send(reply_failure(message, fits.error()));
  auto unknown = run.unknown_steps;
  for (const auto& step : made.steps())
    if (!fold_.step(run, a->task, step))
      return context.out.send(reply_failure(
          message, {ec::invalid_argument, "step " + std::to_string(step.number())
                                              + " of the task does not follow those before it"}));
  counted_.plain().steps_unknown.fetch_add(run.unknown_steps - unknown, std::memory_order_relaxed);
  kept_.watch(run, a->task);
  journal_.send_when_kept(context, run, reply_to(message, StepsKept{}));
}

} // namespace troupe
