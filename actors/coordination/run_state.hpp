#pragma once

#include "actors/coordination/fifo.hpp"
#include "actors/coordination/graph_inputs.hpp"
#include "actors/coordination/graph_plan.hpp"
#include "messages/envelope.hpp"
#include "messages/model_usage.hpp"
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

/// How a task ended, besides its result.
struct task_usage {
  node_id node;
  model_usage used;
  std::uint64_t duration_us = 0;
  std::shared_ptr<const std::vector<std::string>> notes = {}; ///< on its result; null: none
  std::uint32_t unknown_steps = 0; ///< calls made again, because nobody knew what came of them
};

/// One execution of a graph: which of its tasks may begin, what their inputs are, how they ended.
/// A plain data structure: it knows no nodes, sends nothing, and is told what happened.
///
/// A task of the graph is a *step*. A step with `for_each` unfolds into one task per element as
/// soon as its list is known; any other step is one task. Tasks are numbered in the order in which
/// they are made. A task is ready as soon as everything it refers to is there; there are no
/// barriers. Each completion costs constant time, and as much again for each task that it makes
/// ready.
///
/// Long work is done in parts: one call makes, readies or gives up a bounded number of tasks. If
/// others are left, `has_more_work` says so, and `go_on` continues. Inputs and results are kept as
/// bytes (messages/value_bytes.hpp), results only if something refers to them.
///
/// If a task has failed for good, the tasks that need it become `not_run`, with the reason.
/// Everything else goes on.
class run_state {
public:
  enum class status : std::uint8_t {
    waiting, ///< something that it refers to is not there, or it is held back for another attempt
    ready,   ///< it may be offered to a node
    queued,  ///< it was offered to a node
    running, ///< an agent of the node works on it
    done,    ///< it has its result; this and the following are ends, which are final
    failed,  ///< it has failed for good
    not_run  ///< it was never ready, because something that it needs has failed
  };

  struct task_counts {
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
  value_map inputs() const; ///< with what was added for those that were not given
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

  /// The time of what happens next: tasks that become ready note it.
  void set_time(instant now) noexcept { now_ = now; }
  instant ready_since(std::uint32_t task) const { return tasks_[task].ready; }

  std::size_t size() const noexcept { return tasks_.size(); }
  status status_of(std::uint32_t task) const { return tasks_[task].now; }
  std::uint32_t attempt_of(std::uint32_t task) const { return tasks_[task].attempt; } ///< from 1
  /// How often it was tried, this time included: a repeated run counts anew.
  std::uint32_t tries_of(std::uint32_t task) const;
  std::uint32_t not_run() const noexcept { return not_run_; }
  /// Calls `visit` with the id of tasks, or of steps that have none, that were not run, and why:
  /// with at most so many.
  template <class Visit>
  void visit_not_run(std::size_t at_most, Visit visit) const {
    for (std::uint32_t step = 0; step < steps_.size() && at_most > 0; ++step) {
      const auto& record = steps_[step];
      if (!record.has_tasks() && record.why_not) {
        visit(written(step).id(), *record.why_not);
        --at_most;
      }
      for (std::uint32_t i = 0; record.has_tasks() && i < record.size && at_most > 0; ++i)
        if (const auto& task = tasks_[record.first + i]; task.now == status::not_run && task.why) {
          visit(id_of(record.first + i), *task.why);
          --at_most;
        }
    }
  }
  std::uint32_t role_of(std::uint32_t task) const { return plan_.steps[tasks_[task].step].role; }
  const GraphTask& step_of(std::uint32_t task) const { return written(tasks_[task].step); }
  std::string id_of(std::uint32_t task) const;    ///< "read[3]"
  std::string label_of(std::uint32_t task) const; ///< "read GPL-3"

  /// Makes the part of the input that all tasks of this task's step share, once for all of them. It
  /// stops after `bytes` bytes and subtracts what it used. False: a part is still missing.
  /// `invalid_argument` if the input does not have the shape that the graph wants: such a task has
  /// failed for good.
  result<bool> prepare(std::uint32_t task, std::size_t& bytes);
  /// Fills an empty message with the task and its input, and with its label unless that is its id.
  /// The caller sets run, time and trace. Large parts of the input are bytes (`Task.shared_input`).
  /// It finishes `prepare` first and has the same errors.
  result<void> fill_task(std::uint32_t task, Task& into);

  // -- what happened --------------------------------------------------------------------------

  void offered(std::uint32_t task) { move_to(task, status::queued); }
  void started(std::uint32_t task) { move_to(task, status::running); }
  /// The task waits for another try, until `make_ready` or `offered`. `next_attempt`: with the next
  /// attempt number.
  void hold_back(std::uint32_t task, bool next_attempt);
  void make_ready(std::uint32_t task);
  /// `output`: the bytes of a value that has so many levels of lists and maps (`value_depth`).
  void succeeded(std::uint32_t task, std::string output, int levels, const task_usage& usage);
  void failed(std::uint32_t task, failure why, const task_usage& usage);

  bool has_more_work() const noexcept { return !jobs_.empty(); }
  /// Does as much of it as one call may.
  void go_on();
  /// Does all of it. The numbers of tasks depend on the order of what happens, so a run that is
  /// durable does this before anything else happens to it: read from its journal, it comes to the
  /// same.
  void go_on_to_the_end();
  /// What is told above was told of an earlier life of the owner: no task is offered, and the next
  /// attempts have numbers from `first_attempt` on.
  void begin_life(std::uint32_t first_attempt);

  // -- the whole ------------------------------------------------------------------------------

  const task_counts& count() const noexcept { return counts_; }
  bool ended() const noexcept {
    return jobs_.empty() && counts_.waiting + counts_.queued + counts_.running == 0;
  }
  bool ok() const noexcept { return ended() && counts_.failed == 0; }
  /// Bytes of results and of what was made of them for tasks.
  std::size_t kept_bytes() const noexcept { return kept_bytes_; }
  /// Sets the result if there is one, the outcome of each task in the graph's order, ok and
  /// failure. Tasks that have not ended have failed with `cut_short`.
  void report(RunEnded& into, const failure* cut_short = nullptr) const;
  /// The same in parts: ok and failure; then the result, then the outcomes.
  void report_whole(RunEnded& into, const failure* cut_short) const;
  /// Where copying a list of results goes on, which is done in parts. It begins as it is here.
  struct copy_cursor {
    std::uint32_t task = 0; ///< of that step
    bool begun = false;
    std::size_t begin = 0, list = 0; ///< where value and list begin in what they are copied to
  };
  /// Appends bytes of the result. It stops after `bytes` bytes and subtracts what it used. False:
  /// there are more.
  result<bool> report_result(std::string& into, copy_cursor& at, std::size_t& bytes) const;
  /// Says in `into` why there is no result.
  static void report_no_result(RunEnded& into, const failure& why);
  /// Adds at most `at_most` outcomes, from `at` on, which moves on; it begins with zeros. False:
  /// there are no more.
  struct outcome_cursor {
    std::uint32_t step = 0;
    std::uint32_t task = 0; ///< of that step
  };
  bool report_outcomes(RunEnded& into, outcome_cursor& at, std::size_t at_most,
                       const failure* cut_short) const;

  /// Forgets at most `at_most` tasks of a run that was reported. False: there are no more. Freeing
  /// a wide run at once would take too long.
  bool forget_tasks(std::size_t at_most);

  /// False if the state contradicts itself. Looks at each task.
  bool invariants() const;

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
    instant ready{}; ///< since when
  };
  /// The list of a for_each.
  struct element_list {
    std::string own;               ///< a copy, unless the list is part of an input or a result
    std::string_view items;        ///< the bytes of a ValueList
    std::vector<std::uint32_t> at; ///< where in them an element begins
  };
  /// Where making `step_record::alike` goes on.
  struct alike_cursor {
    std::uint32_t field = 0;
    bool begun = false;
    std::size_t begin = 0, entry = 0, value = 0; ///< where they begin in the bytes
    copy_cursor copy{};
  };
  enum class phase : std::uint8_t {
    folded,    ///< its list is not known: it has no tasks
    unfolding, ///< its tasks are being made, perhaps in several parts
    open,      ///< it has its tasks; each that has ended was done
    done,      ///< each of its tasks was done, and so is every step that it needs
    spoiled,   ///< one of its tasks was not done, and those that need the whole step know it
    failed,    ///< as spoiled, and each of its tasks has ended
    given_up,  ///< it is not run: its tasks, if it has any, are being given up
    not_run    ///< it is not run, and those that need it know it
  };
  struct step_record {
    phase now = phase::folded;
    std::uint32_t needs = 0; ///< steps that are not done yet
    std::uint32_t first = none;
    std::uint32_t size = 0;
    std::uint32_t open = 0;       ///< tasks without an end
    bool wanted = false;          ///< something refers to its results
    bool deepest = false;         ///< one of its results cannot be put into a list
    bool alike_known = false;     ///< `alike` is whole
    std::size_t output_bytes = 0; ///< of all its results
    std::string alike;            ///< what its tasks are given alike, as the bytes of a ValueMap
    std::unique_ptr<alike_cursor> making; ///< where the making of `alike` is
    std::unique_ptr<failure> unmade;      ///< why there is no `alike`
    std::unique_ptr<element_list> list;   ///< of a for_each, unless it goes element by element
    std::unique_ptr<failure> why_not;     ///< why it is not run

    bool is_given_up() const noexcept { return now == phase::given_up || now == phase::not_run; }
    /// All of its tasks are there; it may have been given up since.
    bool has_tasks() const noexcept { return first != none && now != phase::unfolding; }
  };
  /// The consequences of a completion stand in a list: a chain of thousands does not recurse.
  enum class job : std::uint8_t { unfold, release, task_closed, step_closed, step_given_up };
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
  static std::uint32_t& count_in(task_counts& counts, status s);
  void work_off();
  /// Whether this call may do more. If not, `now` goes on at `from` in the next call.
  bool may_do(const todo& now, std::uint32_t from);
  void take_work(std::size_t units) { work_left_ -= std::min(work_left_, units); }
  void unfold(const todo& now);
  result<std::uint32_t> find_list(std::uint32_t step);
  result<std::uint32_t> begin_unfolding(std::uint32_t step);
  void release(const todo& now);
  void task_closed(std::uint32_t task);
  void step_closed(std::uint32_t step);
  void step_given_up(const todo& now);
  void give_up_task(std::uint32_t task, failure why);
  void give_up_step(std::uint32_t step, failure why);
  void close(std::uint32_t task, status end);
  failure because_of(const std::string& id, bool was_run, const std::string& why) const;
  void remember_first(const std::string& id, const std::string& why);

  std::string_view element(std::uint32_t step, std::uint32_t at) const;
  std::string element_label(std::uint32_t step, std::uint32_t at) const;
  std::uint32_t find_step(std::string_view id) const;
  result<bool> make_alike(std::uint32_t step, alike_cursor& at, std::size_t& bytes);
  void give_alike(step_record& record, Task& into);
  result<void> fill_item(const graph_plan::field& field, const task_record& reader,
                         Task& into) const;
  result<bool> copy_source(const Source& from, std::string& into, copy_cursor& at,
                           std::size_t& bytes) const;
  std::optional<std::string_view> find_whole(const Source& from) const;
  result<void> copy_item(const Source& from, const task_record& reader, std::string& into) const;
  result<bool> copy_results(std::uint32_t step, const Source& from, std::string& into,
                            copy_cursor& at, std::size_t& bytes) const;
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
  task_counts counts_;
  instant now_{};
  std::uint32_t not_run_ = 0;
  std::string first_failed_;
};

} // namespace troupe
