#pragma once

#include "actors/logic.hpp"
#include "actors/node_host_actor.hpp"
#include "actors/timers.hpp"
#include "messages/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace troupe {

/// The actor of a logic that blocks or computes for long (disks, scoring a document): a thread of
/// its own does the steps, the actor passes on what comes. CAF's detached actors have no bound on
/// what waits and a known race when the system ends (docs/decisions/0003-scheduler.md).
///
/// Such a logic starts no children. At most `limits::thread_inbox_max` messages wait, then
/// `overloaded`. The time that a request waits is taken from the time it has; one that has none
/// left is answered `timed_out` and not worked on. Requests that still wait when it ends are
/// answered `unavailable`.
class thread_shell : public logic_actor::base {
public:
  thread_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
               std::unique_ptr<logic> mind);
  ~thread_shell() override;

  behavior_type make_behavior() override;
  const char* name() const override { return "thread_shell"; }

private:
  struct waiting {
    envelope message;
    instant since;
  };

  void pass_on(envelope message);
  void refuse(const envelope& message, const failure& why);
  void leave();
  void run(const caf::actor_addr& shell);
  bool step(const std::function<void(step_context&)>& call);
  bool next(std::optional<waiting>& message);
  bool is_too_late(waiting& one);
  bool fire_timers();
  bool work_on(envelope message);

  node_host& host_;
  troupe::address self_;
  std::unique_ptr<logic> mind_; ///< the thread's, as are the next three
  fast_random random_;
  outputs out_;
  timer_table timers_;
  std::mutex mutex_; ///< of the next four
  std::condition_variable wake_;
  std::deque<waiting> inbox_;
  bool stopping_ = false;
  std::string fault_;
  bool ended_ = false; ///< the actor's: the thread has been joined
  std::thread thread_;
};

} // namespace troupe
