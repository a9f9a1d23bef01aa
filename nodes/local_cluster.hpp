#pragma once

#include "config/limits/supervision.hpp"
#include "nodes/child_process.hpp"
#include "nodes/node_phase.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A node that `local_cluster` starts and keeps running.
struct local_node {
  std::string name;
  std::string id;
  std::string address;
  std::string http_address;
  child_command command;     ///< writes the lines described in nodes/node.hpp to descriptor 3
  std::filesystem::path log; ///< JSON lines; may be empty
};

/// Is told what happens to the nodes. `local_cluster::run` calls it in its own thread.
class cluster_observer {
public:
  virtual ~cluster_observer() = default;
  /// `restarted`: an earlier process of this node was already ready once.
  virtual void node_ready(const local_node&, pid_t, bool /*restarted*/) {}
  /// Every node has been ready once.
  virtual void cluster_ready() {}
  /// The node gives no sign of life and is killed; `node_exited` follows.
  virtual void node_hangs(const local_node&, pid_t, const std::string& /*why*/) {}
  virtual void node_exited(const local_node&, pid_t, const child_exit&) {}
  /// `why`: the node's last words, as `status` shows them.
  virtual void node_restarting(const local_node&, std::chrono::milliseconds /*after*/,
                               const std::string& /*why*/) {}
  /// The node is restarted only on request; the other nodes go on.
  virtual void node_given_up(const local_node&, const std::string& /*why*/) {}
  virtual void stopping() {}
};

struct local_cluster_options {
  std::vector<local_node> nodes;
  int stop_fd = -1;  ///< readable: stop in order; readable again after `insist_after`: kill
  int start_fd = -1; ///< readable: start the nodes that do not run
  bool restart = true;
  std::chrono::milliseconds backoff_min = limits::node_restart_backoff_min;
  std::chrono::milliseconds backoff_max = limits::node_restart_backoff_max;
  std::chrono::milliseconds period = limits::node_restart_period;
  std::chrono::milliseconds ready_timeout = limits::node_ready_timeout;
  std::chrono::milliseconds silence_max = limits::node_silence_max;
  std::chrono::milliseconds stop_timeout = limits::node_stop_timeout;
  std::chrono::milliseconds insist_after = limits::node_insist_after;
  /// Gets the state of all nodes after each change. `asked`: how often `start_fd` was readable.
  std::function<void(std::vector<supervised_node>, std::uint64_t asked)> publish = [](auto&&,
                                                                                      auto) {};
};

/// How the supervision ended. `code` 0: it was asked to stop, and all nodes ended.
struct local_cluster_end {
  int code = 0;
  std::string message; ///< why, unless 0
};

/// Starts node processes, watches them by their pidfds, restarts those that end, and stops them in
/// reverse order: SIGTERM, then SIGKILL after `stop_timeout`. It uses one thread and one poll loop.
///
/// The first start is all or nothing within `ready_timeout`, because somebody waits for it. After
/// that, no temporary problem (its port is taken, its disk is full or missing, it crashes) makes a
/// node give up: there is always another try, and the pauses between tries double up to
/// `backoff_max`. `exit_usage`, `exit_damaged` and `exit_config` do not go away by themselves. Such
/// a node is given up until `start_fd` asks for it.
///
/// A node hangs if it does not report within `ready_timeout` that it listens, or if it gives signs
/// of life (`pulse`) and then none for `silence_max`. It is killed and restarted. Time in which
/// this process itself was stopped does not count.
class local_cluster {
public:
  local_cluster(local_cluster_options options, cluster_observer& observer);

  /// Returns when all nodes have ended.
  local_cluster_end run();

private:
  using clock = std::chrono::steady_clock;

  enum class stage : std::uint8_t {
    starting, ///< not all nodes have been ready: one that fails ends the start
    running,  ///< all have been ready once: one that ends is restarted
    stopping, ///< nothing is started any more; the nodes are asked to end one by one
  };

  struct node_slot {
    local_node node;
    std::optional<child_process> process;
    node_phase phase = node_phase::starting;
    bool was_ready = false;
    std::string line;   ///< from the ready pipe, still incomplete
    std::string said;   ///< why this process cannot start, in its own words
    off_t log_from = 0; ///< where its lines in the log begin
    std::string hung;   ///< why we killed it; empty if we did not
    std::string why;    ///< why the last process ended; empty once ready
    std::uint32_t tries = 0;
    std::optional<clock::time_point> listen_by; ///< when it is killed unless it listens
    std::optional<clock::time_point> heard_at;  ///< its last sign of life, if it gives any
    std::optional<clock::time_point> ready_at;
    std::optional<clock::time_point> next_try;
  };

  void start(node_slot& s);
  void poll_once();
  std::chrono::milliseconds until_next_deadline() const;
  void leave_out_stop(std::chrono::milliseconds wait);
  void on_stop_requested();
  void on_start_requested();
  void on_ready_pipe(node_slot& s);
  void on_ready_line(node_slot& s, std::string_view text);
  void on_ready(node_slot& s);
  void on_exit(node_slot& s);
  std::string words_of(const node_slot& s, bool with_log) const;
  void plan_restart(node_slot& s, const child_exit& ended, const std::string& why);
  void wait_for(node_slot& s, const std::string& why);
  void check_deadlines();
  void check_signs_of_life(node_slot& s, clock::time_point now);
  void give_up(node_slot& s, const std::string& why);
  void fail_start(int code, std::string message);
  void begin_stop();
  void stop_next();
  bool all_ended() const;
  void publish();

  local_cluster_options options_;
  cluster_observer& observer_;
  std::vector<node_slot> slots_;
  local_cluster_end end_;
  stage stage_ = stage::starting;
  bool changed_ = true; ///< since the last `publish`
  std::uint64_t asked_ = 0;
  node_slot* being_stopped_ = nullptr; ///< was sent SIGTERM
  clock::time_point turn_at_;          ///< when the last poll returned
  std::optional<clock::time_point> stop_asked_at_;
  std::optional<clock::time_point> ready_deadline_;
  std::optional<clock::time_point> kill_at_;
};

} // namespace troupe
