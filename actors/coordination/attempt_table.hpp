#pragma once

#include "actors/coordination/active_run.hpp"
#include "actors/coordination/placement.hpp"
#include "actors/logic.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One try of a task, offered to one node, that has no end yet.
struct attempt {
  enum class phase : std::uint8_t {
    free,    ///< no attempt: the entry waits for its next use
    offered, ///< the task waits in the node's queue, or is on its way there
    started  ///< an agent of the node works on the task: its time runs
  };

  phase now = phase::free;
  active_run* run = nullptr;
  std::uint32_t task = 0;
  placement::node_index node = 0;
  placement::lane_index lane = 0;
  instant ready{}; ///< its task
  instant offered{};
  instant began{};    ///< once it has started: when its owner heard of it
  instant deadline{}; ///< once it has started
  std::chrono::milliseconds time{0};
  std::size_t bytes = 0;
  std::uint64_t asked = 0;        ///< the last round in which its queue was asked for it
  std::optional<instant> missing; ///< since then its queue does not know it
  span_id span;

  std::uint32_t number() const { return run->state->attempt_of(task); } ///< from 1
};

/// The attempts of one owner: which node has which task, since when, and until when it must answer.
/// A task has at most one attempt here, the one that counts. `offer` and `release` keep placement,
/// the run and the state of its task in step.
///
/// Each transition of an attempt is logged here, at debug. Entries are used again: a pointer to one
/// is valid until the next `offer`.
class attempt_table {
public:
  /// `nodes` outlives the table.
  explicit attempt_table(placement& nodes) : nodes_(nodes) {}

  struct terms {
    placement::node_index node = 0;
    placement::lane_index lane = 0;
    std::chrono::milliseconds time{0}; ///< from its start until it must have ended
    std::size_t bytes = 0;             ///< of the task and its input
  };
  attempt& offer(step_context& context, active_run& run, std::uint32_t task, const terms& on);

  /// The attempt of that number, if it is the one that counts and `from` was offered it. `run` may
  /// be null. Links stamp the node of what they bring; what has none is of this node.
  attempt* find(active_run* run, std::uint32_t task, std::uint32_t number, node_id from);

  /// Its time begins. False: it began before.
  bool start(step_context& context, attempt& a);

  /// Whether work may have begun on it: the tasks of cheap roles start unannounced. If its node is
  /// lost, the task may be what killed it.
  bool may_have_begun(const attempt& a) const {
    return a.now == attempt::phase::started || nodes_.is_cheap(a.lane);
  }

  /// The attempt has ended or is given up: `how`, in words for the log. The caller decides about
  /// the task.
  void release(step_context& context, attempt& a, std::string_view how);

  struct overdue {
    std::vector<attempt*> attempts;
    std::optional<instant> next; ///< when the next one will be overdue
  };
  overdue find_overdue(instant now);

  template <class Visit>
  void visit(Visit visit) {
    for (auto& a : attempts_)
      if (a.now != attempt::phase::free)
        visit(a);
  }
  template <class Visit>
  void visit_of(active_run& run, Visit visit) {
    for (const auto& tries : run.tried)
      if (tries.attempt != active_run::none)
        visit(attempts_[tries.attempt]);
  }
  std::size_t size() const noexcept { return attempts_.size() - free_.size(); }
  bool empty() const noexcept { return size() == 0; }

  /// Tells the queue of its node that nobody waits for this attempt any more: another takes its
  /// place.
  void call_off(step_context& context, const address& owner, const attempt& a) const;
  /// Tells one node, or each that was offered a task of the run and is not down, that nobody waits
  /// for the run's tasks any more.
  void call_off(step_context& context, const address& owner, run_id run,
                placement::node_index node) const;
  void call_off_everywhere(step_context& context, const address& owner,
                           const active_run& run) const;

  /// Which nodes work on tasks of the run just now, and at which try.
  void tell_work(const active_run& run, RunEnded& into) const;

  /// For people: task, number, run and node.
  std::string describe(const attempt& a) const;

  /// False if the table contradicts itself, its runs or placement.
  bool invariants() const;

private:
  void note(step_context& context, const attempt& a, std::string_view what) const;

  placement& nodes_;
  std::vector<attempt> attempts_;
  std::vector<std::uint32_t> free_;
};

} // namespace troupe
