#pragma once

#include "actors/coordination/active_run.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// The runs of one owner, and which of them the owner must look at: those that end, those whose
/// state has work left for another step, those whose client is gone. It changes no run itself.
/// Pointers to a run stay valid until `take`.
class run_table {
public:
  active_run& add(std::unique_ptr<active_run> run);
  /// Null: there is none.
  active_run* find(run_id id) const;
  /// Any of them; null: there is none.
  active_run* first() const { return runs_.empty() ? nullptr : runs_.begin()->second.get(); }
  /// The run of a submission; null: there is none.
  active_run* find_request(const envelope& request) const;
  /// The run of a tenant's submission with that key; null: there is none.
  active_run* find_key(const name& tenant, std::string_view key) const;
  /// Takes the run out of the table and of each list.
  std::unique_ptr<active_run> take(const active_run& run);
  bool empty() const noexcept { return runs_.empty(); }
  std::size_t size() const noexcept { return runs_.size(); }
  template <class Visit>
  void visit(Visit visit) const {
    for (const auto& [id, run] : runs_)
      visit(*run);
  }
  /// Of all, the oldest `limits::status_runs_max`.
  RunsListed list() const;

  // -- what the owner must look at --------------------------------------------------------------

  /// To be called when the state of a run has changed: notes whether the run has ended, and whether
  /// it has work left.
  void note(active_run& run);
  /// The run shall end before its tasks do. The first reason counts.
  void end_early(active_run& run, failure why);
  /// A run that has ended or shall end; each is given once. Null: there is none.
  active_run* next_ended();
  /// A run that has work left (`run_state::go_on`), in turn; each is given once until `note` finds
  /// that there is still more. Null: there is none.
  active_run* next_working();
  bool has_working() const noexcept { return !working_.empty(); }

  // -- clients ----------------------------------------------------------------------------------

  /// Notes whose client is gone. A client that did not say good-bye may be on its way back, to this
  /// node or another. One that is attached to another node by now is not meant.
  void session_closed(const SessionClosed& closed, node_id here, instant now);
  /// From when on the patience for such a client counts.
  static instant gone_since(const SessionClosed& closed, instant now);
  struct left_alone {
    std::vector<active_run*> runs; ///< their clients have not come back in time
    std::optional<instant> next;   ///< when the next one will be among them
  };
  left_alone find_left_alone(instant now) const;

  /// False if the table contradicts itself.
  bool invariants() const;

private:
  std::map<run_id, std::unique_ptr<active_run>> runs_;
  std::vector<active_run*> ended_;
  std::vector<active_run*> working_;
};

} // namespace troupe
