#include "actors/coordination/unreadable_runs.hpp"

#include "config/limits/runs.hpp"
#include "messages/envelope.hpp"

#include <string>
#include <utility>

namespace troupe {

RunSummary unreadable_runs::summary(RunSummary read, run_id run, const failure& why) {
  auto id = to_string(run);
  bool has_began = !read.graph().empty();
  failure told{
      ec::bad_message,
      "run " + id + " cannot be gone on with: " + why.message + ". It stays as it is: "
          + (has_began ? "`troupe runs retry " + id + "` begins a run with its graph and inputs, "
                       : "")
          + "`troupe runs delete " + id + "` forgets it"};
  read.set_run(to_bytes(run));
  read.set_phase(RUN_UNREADABLE);
  *read.mutable_failure() = to_proto(told);
  return read;
}

bool unreadable_runs::add(RunSummary run) {
  if (runs_.size() >= limits::unreadable_runs_max)
    return false;
  auto id = run_from_bytes(run.run());
  runs_.insert_or_assign(id, std::move(run));
  return true;
}

const RunSummary* unreadable_runs::find(run_id run) const {
  auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : &found->second;
}

} // namespace troupe
