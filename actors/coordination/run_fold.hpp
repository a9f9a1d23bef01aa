#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/run_journal.hpp"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// What a task came to in a run that another one repeats. Numbers of tasks follow the order in
/// which lists unfold, which failures change: the same number may be another task there.
struct earlier_result {
  std::string task;   ///< "read[3]"
  RunEvent succeeded; ///< its TaskSucceeded
};

/// What happens to a run, applied to its state. The same functions do it when it happens, when the
/// owner begins again and reads the run's journal, and in the simulator: the state of a durable run
/// is a fold over its events.
///
/// When it happens, the event is noted for the journal first (run_journal); for runs that are not
/// durable none is made.
class run_fold {
public:
  /// `journal` outlives it.
  explicit run_fold(run_journal& journal) : journal_(journal) {}

  /// The run has been accepted.
  void began(const active_run& run, const envelope& submission, const value_map& inputs);
  /// An agent of `node` works on the task. `here`: it is the owner's node.
  void started(active_run& run, std::uint32_t task, node_id node, bool here);
  /// A call of the task's mind. False: it contradicts what is known. Nothing happens if it is told
  /// again.
  bool step(active_run& run, std::uint32_t task, const StepRecord& step);
  void succeeded(active_run& run, std::uint32_t task, std::string output, int levels,
                 task_usage usage);
  /// The attempt has failed; another follows. `counts`: as one of the task's attempts.
  void failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                      const task_usage& usage, bool counts);
  void failed(active_run& run, std::uint32_t task, failure why, task_usage usage);
  /// A run that repeats another one takes over what a task came to there. Ignored if the task is
  /// another one here, or not ready.
  void repeat_result(active_run& run, earlier_result noted);
  /// What another attempt at the task needs to know of those before it.
  static void give_steps(const active_run& run, std::uint32_t task, Task& into);
  /// The tasks begin without the steps that are known of them, as a client wishes.
  void steps_set_aside(active_run& run, const std::vector<std::uint32_t>& tasks,
                       const envelope& wish);
  void cancel_asked(const active_run& run, CancelReason reason);
  /// The owner ends in good order.
  void left(const active_run& run);
  void finished(const active_run& run, RunSummary summary, std::string ended);

  /// A run as its first event tells of it. `invalid_argument`: it is not one that this version can
  /// see through.
  static result<std::unique_ptr<active_run>> begin(run_id id, RunEvent first, node_id self);
  /// Applies the next event of the journal. `bad_message`: it cannot be what happened.
  static result<void> apply(active_run& run, RunEvent event, node_id self);
  /// An attempt that failed so, on that node, has told all: no call of it is still on its way.
  static bool is_told_whole(const failure& why, node_id told_by);
  /// All events are applied: another life of the owner begins with the run.
  void resume(active_run& run);

private:
  void fail_exhausted(active_run& run);
  static AttemptEnd end_of(const active_run& run, std::uint32_t task, const task_usage& usage);
  static void begin_change(active_run& run);
  static void end_task(active_run& run, std::uint32_t task, task_usage& usage);
  static void apply_set_aside(active_run& run, RunEvent::StepsSetAside what);
  enum class taken : std::uint8_t { anew, known, contradicts };
  static taken apply_step(active_run& run, std::uint32_t task, std::uint32_t attempt,
                          const StepRecord& step);
  static void apply_succeeded(active_run& run, std::uint32_t task, std::string output, int levels,
                              task_usage usage);
  static void apply_failed_for_now(active_run& run, std::uint32_t task, const failure& why,
                                   const task_usage& usage, bool counts);
  static void apply_failed(active_run& run, std::uint32_t task, failure why, task_usage usage);

  run_journal& journal_;
};

/// For a person who asks why a run was cancelled, and for its trace.
failure why_cancelled(CancelReason reason);
std::string_view cancel_word(CancelReason reason);

} // namespace troupe
