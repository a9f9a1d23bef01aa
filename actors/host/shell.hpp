#pragma once

#include "actors/host/inbox_meter.hpp"
#include "actors/host/interfaces.hpp"
#include "actors/host/node_host.hpp"

#include <caf/actor_cast.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <string>

namespace troupe {

/// What all actors that run a logic have in common: an address, a mailbox that is counted and
/// bounded, and an end that leaves nobody without an answer.
///
/// The end of a shell: it closes its inbox (`close_inbox`), which also takes it out of the post.
/// Messages from senders that were let in before are still to come. Each is refused as it comes,
/// and the actor ends with the last of them. A killed shell answers what is in its mailbox. A
/// message whose sender is just between the count and the mailbox is then lost, and its deadline
/// ends it.
class shell : public logic_actor::base {
public:
  shell(caf::actor_config& cfg, node_host& host, troupe::address self);

  inbox_meter& inbox() noexcept { return inbox_; }
  const troupe::address& place() const noexcept { return self_; }

  void on_exit() override;

protected:
  /// Takes charged messages off the account. Call it for each message that comes, before working on
  /// it.
  void taken(std::size_t messages, std::size_t bytes) noexcept;

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
  void answer(caf::mailbox_element& element);
  void give_up(const envelope& message);
  void answer_mailbox();

  inbox_meter inbox_;
  bool closed_ = false;
  std::size_t owed_ = 0; ///< let in before the close, and still to come
};

/// The shell behind a handle in the post.
inline shell& shell_of(const logic_actor& who) {
  return *static_cast<shell*>(caf::actor_cast<caf::abstract_actor*>(who));
}

} // namespace troupe
