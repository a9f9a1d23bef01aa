#pragma once

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/socket.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// Connects to the members that this node dials (those of higher id), on a thread of its own: a
/// connect that hangs stalls nobody. A failed or lost connection is tried again after a back-off
/// with full jitter, from `limits::dial_backoff_min` to `dial_backoff_max`.
class dialler {
public:
  struct options {
    std::function<void(int socket, node_id peer)> adopt;        ///< owns the socket from then on
    std::function<void(node_id peer, std::string why)> refused; ///< nobody listens there
    std::uint64_t seed = 0;                                     ///< of the jitter
  };

  explicit dialler(options given);
  ~dialler() { stop(); }

  /// Closes what is being connected and waits for the thread. Nothing is dialled any more.
  void stop();

  void dial(node_id peer, host_port place);
  /// The connection that was handed over has ended.
  void lost(node_id peer);

private:
  using steady = std::chrono::steady_clock;
  enum class stage { waiting, connecting, linked };
  struct target {
    node_id peer;
    host_port place;
    backoff pauses;
    stage now = stage::waiting;
    steady::time_point next{}; ///< of the attempt, or the deadline of the one under way
    steady::time_point linked_since{};
    file_handle socket{};
  };
  struct happened {
    node_id peer;
    int socket = -1; ///< connected; else refused
    std::string why;
  };

  void run();
  void advance(std::vector<happened>& news);
  void attempt(target& t, std::vector<happened>& news);
  void failed(target& t, const std::string& why, std::vector<happened>& news);
  void pause(target& t);
  int milliseconds_to_next() const;
  void wake();

  options given_;
  file_handle wake_;
  std::mutex mutex_; ///< of what follows
  std::vector<target> targets_;
  bool stopping_ = false;
  std::uint64_t random_;
  std::thread thread_;
};

} // namespace troupe
