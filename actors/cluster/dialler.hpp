#pragma once

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// Connects to members, on a thread of its own: a connect that hangs stalls nobody. A failed or
/// lost connection is tried again after a back-off with full jitter, from
/// `limits::dial_backoff_min` to `dial_backoff_max`.
///
/// Of any two members, the one with the lower id dials. The other only knocks, if it has no link
/// and has not been refused yet, so both learn at the same time that nobody listens there. A
/// connection made by knocking is closed again: the member that answers will dial.
class dialler {
public:
  enum class purpose { link, knock };

  struct options {
    std::function<void(int socket, node_id peer)> adopt; ///< owns the socket from then on
    /// Nobody listens there (ECONNREFUSED). Not called for errors that say nothing about the peer:
    /// a time-out, no route, a lack of descriptors here.
    std::function<void(node_id peer, std::string why)> refused;
    std::uint64_t seed = 0; ///< of the jitter
  };

  explicit dialler(options given);
  ~dialler() { stop(); }

  /// Closes pending connections and waits for the thread. Nothing is dialled after that.
  void stop();

  void dial(node_id peer, host_port place, purpose what = purpose::link);
  /// The link to that member is gone, or could not be made.
  void lost(node_id peer);
  /// There is a link to that member, whoever dialled it: there is nothing to try.
  void found(node_id peer);

private:
  using steady = std::chrono::steady_clock;
  enum class dial_state {
    waiting,    ///< for the time of the next attempt
    connecting, ///< until the outcome is known, or `next`
    settled     ///< there is a connection, or knocking has told what it can
  };
  struct target {
    node_id peer;
    host_port place;
    purpose what;
    backoff pauses;
    dial_state now = dial_state::waiting;
    steady::time_point next{}; ///< of the attempt, or the deadline of the current one
    steady::time_point settled_since{};
    file_handle socket{};
  };
  struct happened {
    node_id peer;
    int socket = -1; ///< connected; otherwise refused
    std::string why{};
  };

  void run();
  void advance(std::vector<happened>& news);
  void attempt(target& t, std::vector<happened>& news);
  void made(target& t, steady::time_point now, std::vector<happened>& news);
  void failed(target& t, const failure& why, std::vector<happened>& news);
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
