#include "actors/coordination/run_summary.hpp"

#include <map>
#include <string>

namespace troupe {

RunSummary summary_of(const active_run& run) {
  RunSummary made;
  made.set_run(to_bytes(run.id));
  made.set_graph(run.state->graph().name());
  made.set_phase(RUN_GOES_ON);
  made.set_durability(run.durability);
  made.set_key(run.key);
  made.set_accepted_ms(run.accepted_ms);
  const auto& count = run.state->count();
  made.set_done(count.done);
  made.set_failed(count.failed);
  made.set_total(count.total());
  made.set_resumed(run.resumed);
  made.set_retry_of(run.retry_of);
  made.set_waits_for_version(run.waits_for_version());
  return made;
}

void tell_waits(const active_run& run, RunEnded& into) {
  std::map<std::string, const std::string*> needed;
  for (const auto& [task, one] : run.versions)
    if (one.waits)
      needed.emplace(run.state->id_of(task), &one.needed);
  if (needed.empty())
    return;
  for (auto& task : *into.mutable_tasks())
    if (auto found = needed.find(task.task()); found != needed.end())
      task.set_waits_for(*found->second);
}

RunSummary summary_of(const RunEvent::Began& began) {
  RunSummary made;
  made.set_graph(began.graph().name());
  made.set_phase(RUN_GOES_ON);
  made.set_durability(began.durability());
  made.set_key(began.key());
  made.set_accepted_ms(began.accepted_ms());
  made.set_retry_of(began.retry_of());
  return made;
}

} // namespace troupe
