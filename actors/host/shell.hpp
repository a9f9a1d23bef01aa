#pragma once

#include "actors/host/inbox_meter.hpp"
#include "actors/host/interfaces.hpp"
#include "actors/host/node_host.hpp"
#include "actors/host/waiting_list.hpp"

#include <caf/actor_cast.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <cstddef>
#include <string>

namespace troupe {

/// What all actors that run a logic have in common: an address, a mailbox that is counted and
/// bounded, and an end that leaves nobody without an answer.
///
/// The end of a shell: it closes its inbox (`close_inbox`), which also takes it out of the post.
/// Messages from senders that were let in before are still to come. Each is refused as it comes,
/// and the actor ends with the last of them. A killed shell answers what waits; what comes later is
/// answered by its sender.
class shell : public logic_actor::base {
public:
  shell(caf::actor_config& cfg, node_host& host, troupe::address self);

  inbox_meter& inbox() noexcept { return inbox_; }
  const troupe::address& place() const noexcept { return self_; }

  /// Takes messages that the inbox has let in. From any thread; `unit` as for `post::send`.
  void hand_over(gathered_messages messages, caf::execution_unit* unit);

  void on_exit() override;
  resume_result resume(caf::execution_unit* unit, std::size_t throughput) override;

protected:
  /// The next message, which is still charged to the inbox; null: none waits.
  std::unique_ptr<waiting_message> next_waiting() noexcept { return waiting_.next(); }
  /// Works on what waits until others must have their turn, then says `sleep_if_empty`. Also called
  /// after `come_again`.
  virtual void work_off_burst() = 0;
  /// The end of a burst. If something still waits, the actor has another turn, behind others.
  void sleep_if_empty() noexcept { waiting_.sleep(); }
  /// It has something to do in its next burst, even if no message waits. To be called by itself.
  void come_again() noexcept { comes_again_.store(true, std::memory_order_relaxed); }
  /// Whether it has called `come_again` since the last time.
  bool has_come_again() noexcept { return comes_again_.exchange(false, std::memory_order_relaxed); }
  /// Takes a charged message off the account. Call it for each message that comes, before working
  /// on it.
  void taken(std::size_t bytes) noexcept;

  /// From now on nobody finds it or is let in.
  void close_inbox(bool by_a_fault);
  /// The same for an agent to which nothing is on its way; false: something is, and nothing has
  /// changed.
  bool close_inbox_if_empty();
  bool closed() const noexcept { return closed_; }
  /// Closed, and nothing is still to come.
  bool drained() const noexcept { return closed_ && owed_ == 0; }

  /// The message is for an agent that was not active: the post must hear when it is passed on or
  /// given up (`post::came_around`).
  bool came_around(const envelope& message) const noexcept;

  /// Answers a request that it no longer works on. From any thread.
  void refuse_as_ended(const envelope& message);

  /// It was killed: messages that it holds outside its mailbox have to be answered here.
  virtual void killed() = 0;

  node_host& host_;
  const troupe::address self_;

private:
  /// Also for a thread that has let go of the actor: then another may do it.
  bool has_work() const noexcept {
    return comes_again_.load(std::memory_order_relaxed) || !waiting_.sleeps();
  }
  void wake(caf::execution_unit* unit);
  void give_up(const envelope& message);

  inbox_meter inbox_;
  waiting_list waiting_;
  /// The actor's own. Atomic because a thread that has just blocked the mailbox looks at it once
  /// more: what it sees too late costs one turn.
  std::atomic<bool> comes_again_{false};
  bool closed_ = false;
  std::size_t owed_ = 0; ///< let in before the close, and still to come
};

/// The shell behind a handle in the post.
inline shell& shell_of(const logic_actor& who) {
  return *static_cast<shell*>(caf::actor_cast<caf::abstract_actor*>(who));
}

} // namespace troupe
