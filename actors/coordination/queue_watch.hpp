#pragma once

#include "actors/coordination/attempt_table.hpp"
#include "actors/coordination/run_table.hpp"
#include "actors/logic.hpp"
#include "messages/runs.pb.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// Watches what the queues of nodes hold for this owner. A message can be lost, and a queue can be
/// restarted: without a question, a run would wait for ever for a task that nobody has. A deadline
/// does not help, because a task may wait in a queue for any time.
///
/// So every `limits::held_interval` each queue is asked for the attempts that were offered to it
/// and have not ended (TasksAsked). A queue that does not answer for `limits::queue_silence_max` is
/// silent: placement does not use it until it sends something again.
///
/// This class finds out which attempts have started or are lost. The caller decides about them.
class queue_watch {
public:
  /// All outlive it. `timer` calls for `find_silent`, then `ask`.
  queue_watch(placement& nodes, attempt_table& attempts, const run_table& runs, std::uint32_t timer)
      : nodes_(nodes), attempts_(attempts), runs_(runs), timer_(timer) {}

  void start(const address& self) { self_ = self; }
  /// Asks for the timer, if it is not running. To be called while there are attempts.
  void arm(step_context& context);
  /// The timer has fired.
  void fired() noexcept { armed_ = false; }

  struct silent_queue {
    placement::node_index node = 0;
    std::vector<attempt*> attempts; ///< offered to it: lost
  };
  /// Finds the queues that have not answered for too long. Placement does not use them from now on.
  std::vector<silent_queue> find_silent(instant now);
  /// Asks each queue for what it should hold, and a silent one whether it is there.
  void ask(step_context& context);

  struct findings {
    std::vector<attempt*> started; ///< work has begun on them
    std::vector<attempt*> lost;    ///< their queue has not known them for too long
  };
  /// A queue has answered.
  findings on_held(const TasksHeld& held, node_id from, instant now);
  /// A message has come from the queue of the node, or the node was lost: no answer is expected.
  void heard_of(placement::node_index node);

private:
  /// What is known of a node's queue.
  struct queue_record {
    std::optional<instant> unanswered; ///< since then it was asked and has said nothing
    std::uint64_t round = 0;           ///< in which it was asked last
  };
  using by_node = std::vector<std::vector<attempt*>>;

  by_node sort_by_node();
  bool is_asked(placement::node_index node, const std::vector<attempt*>& there) const;
  void ask_queue(step_context& context, placement::node_index node, std::vector<attempt*>& there);
  static bool is_lost(attempt& a, bool on_way, instant now);

  placement& nodes_;
  attempt_table& attempts_;
  const run_table& runs_;
  std::uint32_t timer_;
  address self_;
  std::vector<queue_record> queues_; ///< by node
  std::uint64_t round_ = 0;          ///< numbers the messages to queues
  bool armed_ = false;
};

} // namespace troupe
