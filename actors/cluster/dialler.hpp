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
/// Of each two members one dials (the one with the lower id). The other only knocks, when it has no
/// link and was not refused yet: so both learn at the same time that nobody listens there. What it
/// has connected to it closes again: whoever answers will dial.
class dialler {
public:
  enum class purpose { link, knock };

  struct options {
    std::function<void(int socket, node_id peer)> adopt; ///< owns the socket from then on
    /// Nobody listens there (ECONNREFUSED). Not called for what says nothing of the peer: a
    /// time-out, no route, a lack of descriptors here.
    std::function<void(node_id peer, std::string why)> refused;
    std::uint64_t seed = 0; ///< of the jitter
  };

  explicit dialler(options given);
  ~dialler() { stop(); }

  /// Closes what is being connected and waits for the thread. Nothing is dialled any more.
  void stop();

  void dial(node_id peer, host_port place, purpose what = purpose::link);
  /// There is no link to that member any more, or it could not be made.
  void lost(node_id peer);
  /// There is a link to that member, whoever dialled it: nothing needs to be tried.
  void found(node_id peer);

private:
  using steady = std::chrono::steady_clock;
  enum class dial_state {
    waiting,    ///< for the time of the next attempt
    connecting, ///< until it is decided, or `next`
    settled     ///< there is a connection, or knocking has told what it could
  };
  struct target {
    node_id peer;
    host_port place;
    purpose what;
    backoff pauses;
    dial_state now = dial_state::waiting;
    steady::time_point next{}; ///< of the attempt, or the deadline of the one under way
    steady::time_point settled_since{};
    file_handle socket{};
  };
  struct happened {
    node_id peer;
    int socket = -1; ///< connected; else refused
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
