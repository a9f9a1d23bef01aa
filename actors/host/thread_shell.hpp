#pragma once

#include "actors/host/fast_random.hpp"
#include "actors/host/shell.hpp"
#include "actors/timer_table.hpp"

#include <caf/actor_control_block.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace troupe {

/// The actor of a logic that blocks or computes for a long time (disks, scoring a document): a
/// thread of its own does the steps, and the actor passes on incoming messages. CAF's detached
/// actors have no bound on waiting messages and have a known race when the system ends
/// (docs/decisions/0003-scheduler.md).
///
/// Such a logic starts no children and does not leave. Messages that wait for the thread count as
/// waiting in the mailbox: there is one bound for both. The time that a request waits counts
/// against its deadline. A request with no time left is answered `timed_out` and not worked on.
/// Requests that still wait when the actor ends are answered `unavailable`.
///
/// A killed actor does not wait for its thread, whose step may hang: the thread holds a reference
/// to the actor and drops it when the thread ends (`running_threads`).
class thread_shell final : public shell {
public:
  thread_shell(caf::actor_config& cfg, node_host& host, troupe::address self,
               std::unique_ptr<logic> mind);
  ~thread_shell() override;

  behavior_type make_behavior() override;
  const char* name() const override { return "thread_shell"; }

  /// For the actor itself, which holds the mutex.
  bool invariants() const;

private:
  enum class phase : std::uint8_t {
    working,  ///< the thread takes up what waits
    stopping, ///< it ends after the step that it is in: it was asked to, or that step has failed
    ended,    ///< it has made its last step, or there never was one: nothing is taken up any more
  };

  struct queued_message {
    envelope message;
    std::size_t bytes = 0; ///< what the mailbox is charged for it
    instant since;
  };

  void work_off_burst() override;
  void pass_on(envelope message, std::size_t bytes);
  void begin();
  void ask_to_stop();
  void leave();
  void refuse_what_waits();
  void end_if_drained();
  void killed() override;
  void run();
  bool step(const std::function<void(step_context&)>& call);
  bool next(std::optional<queued_message>& message);
  bool nothing_waits();
  bool is_too_late(queued_message& one);
  bool fire_timers();
  bool work_on(envelope message);

  std::unique_ptr<logic> mind_; ///< the thread's, as are the next three
  fast_random random_;
  outputs out_;
  timer_table timers_;
  std::mutex mutex_; ///< of the next four
  std::condition_variable wake_;
  std::deque<queued_message> waiting_;
  phase phase_ = phase::working;
  std::string fault_; ///< what went wrong in the thread; not while it is working
  std::thread thread_;
};

} // namespace troupe
