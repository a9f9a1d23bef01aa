// Steps that tasks begin without, because they are those of another version.

#include "actors/coordination/run_fold.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe {

void run_fold::steps_set_aside(active_run& run, const std::vector<std::uint32_t>& tasks,
                               const envelope& wish) {
  RunEvent noted;
  auto& what = *noted.mutable_steps_set_aside();
  what.mutable_index()->Assign(tasks.begin(), tasks.end());
  what.set_session(wish.sender.session.value);
  what.set_number(wish.id.sequence);
  journal_.note(run, noted);
  apply_set_aside(run, std::move(what));
}

/// A call that may be on its way is made again, too: it may be paid for twice.
void run_fold::apply_set_aside(active_run& run, RunEvent::StepsSetAside what) {
  for (auto task : what.index()) { // of one that has ended nothing is there
    if (auto found = run.steps.find(task); found != run.steps.end()) {
      auto& known = found->second;
      run.steps_bytes -= known.bytes;
      auto on_way = static_cast<std::uint32_t>(
          known.begun_by.size() - std::count(known.begun_by.begin(), known.begun_by.end(), 0u));
      run.unknown_steps += on_way;
      active_run::known_steps counted;
      counted.unknown = known.unknown + on_way;
      known = std::move(counted);
    }
    run.versions.erase(task);
  }
  what.clear_index();
  run.set_aside.push_back(std::move(what));
}

} // namespace troupe
