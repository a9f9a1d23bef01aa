// Runs that the owner cannot go on with: what is told of them, and how they are forgotten.

#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/run_summary.hpp"

#include <string>
#include <utility>

namespace troupe {

namespace {

/// The run that a question is about.
run_id run_asked_about(envelope& asked) {
  if (auto attach = asked.body.as<RunAttach>())
    return run_from_bytes(attach->run());
  if (auto shown = asked.body.as<RunAsked>())
    return run_from_bytes(shown->run());
  if (auto gone = asked.body.as<RunDelete>())
    return run_from_bytes(gone->run());
  return {};
}

} // namespace

void coordinator_logic::on_unreadable(step_context& context, const RunSummary& found) {
  auto why = from_proto(found.failure()).message;
  if (!unreadable_.add(found))
    why += "; it is not listed, because there are too many of these";
  context.out.log(log_level::error, "coordinator", why);
}

/// Whether the question was about such a run; then it is taken.
bool coordinator_logic::answers_for_unreadable(step_context& context, envelope& asked) {
  if (unreadable_.empty())
    return false;
  auto known = unreadable_.find(run_asked_about(asked));
  if (!known)
    return false;
  if (asked.body.as<RunAsked>()) {
    RunShown shown;
    *shown.mutable_summary() = *known;
    shown.mutable_ended()->set_run(known->run());
    *shown.mutable_ended()->mutable_failure() = known->failure();
    context.out.send(reply_to(asked, std::move(shown)));
  } else if (asked.body.as<RunDelete>()) {
    end_unreadable(context, asked, *known);
  } else {
    context.out.send(reply_failure(asked, from_proto(known->failure())));
  }
  return true;
}

/// Its end is written first: the journal forgets only runs that have ended.
void coordinator_logic::end_unreadable(step_context& context, envelope& asked,
                                       const RunSummary& known) {
  RunEnded told;
  told.set_run(known.run());
  *told.mutable_failure() = known.failure();
  RunEvent noted;
  auto& finished = *noted.mutable_finished();
  *finished.mutable_summary() = known;
  finished.mutable_summary()->set_phase(RUN_FAILED);
  finished.mutable_summary()->set_ended_ms(milliseconds_of(context.now));
  finished.set_ended(told.SerializeAsString());
  JournalAppend written;
  auto& entry = *written.add_entries();
  entry.set_run(known.run());
  entry.set_event(noted.SerializeAsString());
  ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(written)));
}

/// The end of a run that is to be forgotten is in the journal.
void coordinator_logic::on_unreadable_ended(step_context& context, run_inquiries::inquiry inquiry) {
  JournalDelete gone;
  gone.set_run(inquiry.asked.body.as<RunDelete>()->run());
  unreadable_.forget(run_from_bytes(gone.run()));
  ask_journal(context, std::move(inquiry), payload::of(std::move(gone)));
}

} // namespace troupe
