#include "actors/coordination/run_reader.hpp"

#include "actors/coordination/run_fold.hpp"
#include "actors/coordination/run_summary.hpp"
#include "config/limits/runs.hpp"
#include "messages/payload.hpp"

#include <utility>

namespace troupe {

JournalRead run_reader::next() const {
  JournalRead asked;
  asked.set_run(to_bytes(id_));
  asked.set_after(next_);
  asked.set_bytes_max(limits::journal_page_bytes_aim);
  return asked;
}

result<bool> run_reader::take(JournalRecords& page) {
  if (page.events().empty() && page.more())
    return fail(ec::bad_message, "the journal says that a run has more events, and gives none");
  for (const auto& bytes : page.events()) {
    RunEvent noted;
    if (!parse_message(noted, bytes))
      return fail(ec::bad_message, "event " + std::to_string(next_ + 1) + " of run "
                                       + to_string(id_) + " cannot be read");
    if (auto taken = take(std::move(noted)); !taken)
      return unexpected{std::move(taken).error()};
    ++next_;
  }
  if (!page.more() && !run)
    return fail(ec::bad_message, "run " + to_string(id_) + " has no events");
  return !page.more();
}

result<void> run_reader::take(RunEvent noted) {
  if (run && keeps_ == keeps::steps)
    return take_with_steps(std::move(noted));
  if (run && keeps_ == keeps::results)
    return take_with_results(std::move(noted));
  if (run)
    return run_fold::apply(*run, std::move(noted), self_);
  if (keeps_ == keeps::results)
    began = noted;
  if (noted.has_began())
    summary = summary_of(noted.began());
  auto made = run_fold::begin(id_, std::move(noted), self_);
  if (!made)
    return unexpected{std::move(made).error()};
  run = *std::move(made);
  return {};
}

result<void> run_reader::take_with_results(RunEvent noted) {
  if (noted.has_finished())
    end = noted;
  if (!noted.has_task_succeeded())
    return run_fold::apply(*run, std::move(noted), self_);
  results.push_back({{}, noted});
  auto applied = run_fold::apply(*run, std::move(noted), self_);
  auto task = results.back().succeeded.task_succeeded().end().index();
  if (applied)
    results.back().task = run->state->id_of(task);
  return applied;
}

result<void> run_reader::take_with_steps(RunEvent noted) {
  auto unknown = run->unknown_steps;
  auto kept = noted;
  if (auto applied = run_fold::apply(*run, std::move(noted), self_); !applied)
    return applied;
  steps.note(kept, run->unknown_steps > unknown);
  if (kept.has_finished())
    end = std::move(kept);
  return {};
}

} // namespace troupe
