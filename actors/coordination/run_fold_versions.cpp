// Steps that tasks begin without, because they are those of another version.

#include "actors/coordination/run_fold.hpp"

namespace troupe {

void run_fold::steps_set_aside(active_run& run, const std::vector<std::uint32_t>& tasks) {
  RunEvent noted;
  noted.mutable_steps_set_aside()->mutable_index()->Assign(tasks.begin(), tasks.end());
  journal_.note(run, noted);
  for (auto task : tasks)
    apply_set_aside(run, task);
}

void run_fold::apply_set_aside(active_run& run, std::uint32_t task) {
  if (auto found = run.steps.find(task); found != run.steps.end()) {
    run.steps_bytes -= found->second.bytes;
    run.steps.erase(found);
  }
  run.versions.erase(task);
}

} // namespace troupe
