#include "actors/coordination/run_summary.hpp"

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
  return made;
}

} // namespace troupe
