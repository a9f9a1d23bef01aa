#pragma once

#include "config/limits/supervision.hpp"
#include "nodes/child_process.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A node that `local_cluster` starts and keeps running.
struct local_node {
  std::string name;
  std::string id;
  std::string address;
  std::string http_address;
  child_command command; ///< writes the lines of nodes/node.hpp to its descriptor 3
};

/// What a cluster's supervision tells. Called from `local_cluster::run`, in its thread.
class cluster_observer {
public:
  virtual ~cluster_observer() = default;
  /// `restarted`: it was ready before, as another process.
  virtual void node_ready(const local_node&, pid_t, bool /*restarted*/) {}
  /// Every node has been ready once.
  virtual void cluster_ready() {}
  virtual void node_exited(const local_node&, pid_t, const child_exit&) {}
  virtual void node_restarting(const local_node&, std::chrono::milliseconds /*after*/) {}
  /// It is not started again; the others go on.
  virtual void node_given_up(const local_node&, const std::string& /*why*/) {}
  virtual void stopping() {}
};

struct local_cluster_options {
  std::vector<local_node> nodes;
  int stop_fd = -1; ///< readable once: stop in order; a second time: kill
  bool restart = true;
  std::uint32_t intensity = limits::node_restart_intensity;
  std::chrono::milliseconds period = limits::node_restart_period;
  std::chrono::milliseconds backoff_min = limits::node_restart_backoff_min;
  std::chrono::milliseconds backoff_max = limits::node_restart_backoff_max;
  std::chrono::milliseconds ready_timeout = limits::node_ready_timeout;
  std::chrono::milliseconds stop_timeout = limits::node_stop_timeout;
};

/// How the supervision ended. `code` 0: it was asked to stop, and all nodes have ended.
struct local_cluster_end {
  int code = 0;
  std::string message; ///< why, unless 0
};

/// Starts node processes, watches them by their pidfds, starts those that die again (OTP's
/// intensity within period, with back-off; exit codes 65 and 78 say that starting again does not
/// help), and stops them in reverse order: SIGTERM, then SIGKILL after `stop_timeout`. One thread,
/// one poll, no timers but its own.
class local_cluster {
public:
  local_cluster(local_cluster_options options, cluster_observer& observer);

  /// Returns when all nodes have ended.
  local_cluster_end run();

private:
  using clock = std::chrono::steady_clock;

  struct slot {
    local_node node;
    std::optional<child_process> process;
    bool ready = false;
    bool was_ready = false;
    bool given_up = false;
    std::string line; ///< of the ready pipe, not complete yet
    std::deque<clock::time_point> restarts;
    std::optional<clock::time_point> restart_at;
  };

  void start(slot& s);
  void poll_once();
  std::chrono::milliseconds until_next_deadline() const;
  void on_stop_requested();
  void on_ready_pipe(slot& s);
  void on_ready_line(slot& s, std::string_view text);
  void on_exit(slot& s);
  void plan_restart(slot& s, const child_exit& ended);
  void check_deadlines();
  void give_up(slot& s, const std::string& why);
  void fail_start(int code, std::string message);
  void begin_stop();
  void stop_next();
  bool all_ended() const;

  local_cluster_options options_;
  cluster_observer& observer_;
  std::vector<slot> slots_;
  local_cluster_end end_;
  bool told_ready_ = false;
  bool stopping_ = false;
  slot* being_stopped_ = nullptr; ///< has been sent SIGTERM
  std::optional<clock::time_point> ready_deadline_;
  std::optional<clock::time_point> kill_at_;
};

} // namespace troupe
