#pragma once

#include "actors/coordination/fifo.hpp"
#include "actors/coordination/graph_inputs.hpp"
#include "actors/coordination/graph_plan.hpp"
#include "messages/envelope.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// What a task came to, besides its result.
struct task_usage {
  node_id node;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t duration_us = 0;
};

/// One execution of a graph: which of its tasks may begin, what they are given, what they came to.
/// A plain data structure: it knows no nodes, sends nothing, and is told what happened.
///
/// A task of the graph is a *step*; a step with `for_each` unfolds into one task per element as
/// soon as its list is known, any other is one task. Tasks are numbered in the order in which they
/// came to be. A task is ready the moment everything it refers to is there; there are no barriers.
/// Each completion costs constant time, and as much again for each task that it makes ready.
///
/// What would take long is done in parts: one call makes a bounded number of tasks, ready or given
/// up; `has_more_work` tells that others are left for `go_on`. Inputs and results are kept as bytes
/// (messages/value_bytes.hpp), results only if something refers to them.
///
/// A task that failed for good makes those that need it `not_run`, with the reason; everything else
/// goes on.
class run_state {
public:
  enum class status : std::uint8_t { waiting, ready, queued, running, done, failed, not_run };

  struct counts {
    std::uint32_t waiting = 0; ///< ready ones included, and one for a step that has not unfolded
    std::uint32_t queued = 0;
    std::uint32_t running = 0;
    std::uint32_t done = 0;
    std::uint32_t failed = 0; ///< those that were not run included
    std::uint32_t total() const noexcept { return waiting + queued + running + done + failed; }
  };

  /// Checks graph and inputs as a whole. `invalid_argument` says what is wrong and where.
  static result<std::unique_ptr<run_state>> create(Graph graph, value_map inputs,
                                                   const role_names* known);
  run_state(const run_state&) = delete;
  run_state& operator=(const run_state&) = delete;

  const Graph& graph() const noexcept { return graph_; }
  const std::vector<const std::string*>& roles() const noexcept { return plan_.roles; }

  // -- what may begin -------------------------------------------------------------------------

  bool has_ready(std::uint32_t role) const { return !ready_[role].empty(); }
  /// Takes out the oldest ready task of a role; the caller says what becomes of it.
  std::uint32_t take_ready(std::uint32_t role) { return ready_[role].pop(); }
  /// Undoes `take_ready`.
  void put_back(std::uint32_t task) { ready_[role_of(task)].push_front(task); }
  /// Calls `visit` with each role (index in `roles`) that got ready tasks since the last call,
  /// perhaps twice.
  template <class Visit>
  void visit_woken(Visit visit) {
    for (auto role : woken_)
      visit(role);
    woken_.clear();
  }

  std::size_t size() const noexcept { return tasks_.size(); }
  status status_of(std::uint32_t task) const { return tasks_[task].now; }
  std::uint32_t attempt_of(std::uint32_t task) const { return tasks_[task].attempt; } ///< from 1
  std::uint32_t role_of(std::uint32_t task) const { return plan_.steps[tasks_[task].step].role; }
  const GraphTask& step_of(std::uint32_t task) const { return written(tasks_[task].step); }
  std::string id_of(std::uint32_t task) const;    ///< "read[3]"
  std::string label_of(std::uint32_t task) const; ///< "read GPL-3"

  /// Puts together what the tasks of this one's step are given alike, once for all of them, as far
  /// as `bytes` go, which it takes from. False: not all of it yet. `invalid_argument` when the
  /// input has not the shape that the graph wants: such a task has failed for good.
  result<bool> prepare(std::uint32_t task, std::size_t& bytes);
  /// Sets the task with its input in a message that is empty; its label only where that is not its
  /// id. Run, time and trace are left to the caller. What is large is given as bytes
  /// (`Task.shared_input`). Errors as those of `prepare`, which it does to the end.
  result<void> fill_task(std::uint32_t task, Task& into);

  // -- what happened --------------------------------------------------------------------------

  void offered(std::uint32_t task) { move_to(task, status::queued); }
  void started(std::uint32_t task) { move_to(task, status::running); }
  /// It shall be tried again, not before `make_ready`. `next_attempt`: with the next attempt
  /// number.
  void hold_back(std::uint32_t task, bool next_attempt);
  void make_ready(std::uint32_t task);
  /// `output`: the bytes of a value that has so many levels of lists and maps (`value_depth`).
  void succeeded(std::uint32_t task, std::string output, int levels, const task_usage& usage);
  void failed(std::uint32_t task, failure why, const task_usage& usage);

  bool has_more_work() const noexcept { return !jobs_.empty(); }
  /// Does as much of it as one call may.
  void go_on();

  // -- the whole ------------------------------------------------------------------------------

  const counts& count() const noexcept { return counts_; }
  bool ended() const noexcept {
    return jobs_.empty() && counts_.waiting + counts_.queued + counts_.running == 0;
  }
  bool ok() const noexcept { return ended() && counts_.failed == 0; }
  /// Bytes of results and of what was made of them for tasks.
  std::size_t kept_bytes() const noexcept { return kept_bytes_; }
  /// Sets result (where it can be had), the outcome of each task in the graph's order, ok and
  /// failure. What has no end yet has failed by `cut_short`.
  void report(RunEnded& into, const failure* cut_short = nullptr) const;
  /// The same in parts: ok and failure; then the result, then the outcomes.
  void report_whole(RunEnded& into, const failure* cut_short) const;
  /// Where the copy of a list of results is that is put together in parts; at first as it is here.
  struct copy_place {
    std::uint32_t task = 0; ///< of that step
    bool begun = false;
    std::size_t begin = 0, list = 0; ///< where value and list begin in what they are copied to
  };
  /// Appends the result's bytes as far as `bytes` go, which it takes from. False: there are more.
  result<bool> report_result(std::string& into, copy_place& at, std::size_t& bytes) const;
  /// Tells `into` of a result that cannot be had.
  static void report_no_result(RunEnded& into, const failure& why);
  /// At most `at_most` outcomes from where `at` is (at first zero), which moves on. False: there
  /// are no more.
  struct outcome_place {
    std::uint32_t step = 0;
    std::uint32_t task = 0; ///< of that step
  };
  bool report_outcomes(RunEnded& into, outcome_place& at, std::size_t at_most,
                       const failure* cut_short) const;

  /// Forgets up to `at_most` tasks of a run that was reported, so that its end takes no longer than
  /// a step may. False: there are no more.
  bool forget_tasks(std::size_t at_most);

private:
  static constexpr std::uint32_t none = graph_plan::none;

  struct task_record {
    std::uint32_t step = 0;
    std::uint32_t element = none; ///< of its step's list
    std::uint32_t attempt = 1;
    status now = status::waiting;
    bool begun = false; ///< it was ready once
    task_usage usage;
    std::string output; ///< the bytes of a Value
    std::unique_ptr<failure> why;
  };
  /// The list of a for_each.
  struct element_list {
    std::string own;               ///< unless it stands in an input or a result
    std::string_view items;        ///< the bytes of a ValueList
    std::vector<std::uint32_t> at; ///< where in them an element begins
  };
  /// Where the making of what tasks are given alike is.
  struct alike_place {
    std::uint32_t field = 0;
    bool begun = false;
    std::size_t begin = 0, entry = 0, value = 0; ///< where they begin in the bytes
    copy_place copy;
  };
  struct step_record {
    std::uint32_t needs = 0; ///< steps that are not done yet
    std::uint32_t first = none;
    std::uint32_t size = 0;
    std::uint32_t open = 0; ///< tasks without an end
    bool unfolded = false;
    bool complete = false;
    bool wanted = false;          ///< something refers to its results
    bool deepest = false;         ///< one of its results cannot be put into a list
    bool spoiled = false;         ///< one of its tasks failed, or it is dead
    bool alike_known = false;     ///< `alike` is whole
    std::size_t output_bytes = 0; ///< of all its results
    std::string alike;            ///< what its tasks are given alike, as the bytes of a ValueMap
    std::unique_ptr<alike_place> making; ///< where the making of `alike` is
    std::unique_ptr<failure> unmade;     ///< why there is no `alike`
    std::unique_ptr<element_list> list;  ///< of a for_each, unless it goes element by element
    std::unique_ptr<failure> dead;       ///< why its tasks are not run
  };
  /// What one completion brings about is done from a list: a chain of thousands does not recurse.
  enum class job : std::uint8_t { unfold, release, task_closed, step_closed, step_dead };
  struct todo {
    job what{};
    std::uint32_t which = 0;
    std::uint32_t from = 0; ///< what comes before was done in an earlier part
  };

  explicit run_state(Graph graph) : graph_(std::move(graph)) {}

  const GraphTask& written(std::uint32_t step) const {
    return graph_.tasks(static_cast<int>(step));
  }
  void begin(const value_map& inputs);
  void move_to(std::uint32_t task, status next);
  std::uint32_t& counter(status s);
  void work_off();
  /// Whether the work that is left allows another one; if not, `now` goes on there later.
  bool may_do(const todo& now, std::uint32_t from);
  void take_work(std::size_t units) { work_left_ -= std::min(work_left_, units); }
  void unfold(const todo& now);
  result<std::uint32_t> find_list(std::uint32_t step);
  result<std::uint32_t> begin_unfolding(std::uint32_t step);
  void release(const todo& now);
  void task_closed(std::uint32_t task);
  void step_closed(std::uint32_t step);
  void step_dead(const todo& now);
  void give_up_task(std::uint32_t task, failure why);
  void give_up_step(std::uint32_t step, failure why);
  void close(std::uint32_t task, status end);
  failure because_of(const std::string& id, bool was_run, const std::string& why) const;
  void remember_first(const std::string& id, const std::string& why);

  std::string_view element(std::uint32_t step, std::uint32_t at) const;
  std::string element_label(std::uint32_t step, std::uint32_t at) const;
  std::uint32_t find_step(std::string_view id) const;
  result<bool> make_alike(std::uint32_t step, alike_place& at, std::size_t& bytes);
  void give_alike(step_record& record, Task& into);
  result<void> fill_item(const graph_plan::field& field, const task_record& reader,
                         Task& into) const;
  result<bool> copy_source(const Source& from, std::string& into, copy_place& at,
                           std::size_t& bytes) const;
  std::optional<std::string_view> find_whole(const Source& from) const;
  result<void> copy_item(const Source& from, const task_record& reader, std::string& into) const;
  result<bool> copy_results(std::uint32_t step, const Source& from, std::string& into,
                            copy_place& at, std::size_t& bytes) const;
  void report_task(TaskOutcome& into, std::uint32_t task, const failure* cut_short) const;
  failure why_failed() const;

  Graph graph_;
  graph_plan plan_;
  std::map<std::string, std::string, std::less<>> inputs_; ///< the bytes of their values
  std::vector<task_record> tasks_;
  std::vector<step_record> steps_;
  std::vector<fifo<std::uint32_t>> ready_; // by role
  std::vector<std::uint32_t> woken_;
  fifo<todo> jobs_;
  std::size_t work_left_ = 0; ///< of this call
  std::size_t kept_bytes_ = 0;
  counts counts_;
  std::uint32_t not_run_ = 0;
  std::string first_failed_;
};

} // namespace troupe
