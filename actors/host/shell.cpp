#include "actors/host/shell.hpp"

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace troupe {

shell::shell(caf::actor_config& cfg, node_host& host, troupe::address self)
    : logic_actor::base(cfg), host_(host), self_(std::move(self)), inbox_(host.post->queued()) {}

void shell::hand_over(gathered_messages messages, caf::execution_unit* unit) {
  switch (waiting_.put(messages)) {
    case waiting_list::put_result::queued:
      return;
    case waiting_list::put_result::ring:
      return wake(unit);
    case waiting_list::put_result::closed: // it was killed, and has answered all it knew of
      messages.for_each([this](const waiting_message& late) {
        inbox_.leave(1, late.bytes);
        give_up(late.message);
      });
  }
}

/// What CAF does when a message comes to a blocked mailbox, without a message.
void shell::wake(caf::execution_unit* unit) {
  if (!mailbox().try_unblock())
    return; // it runs, or is about to, and will look
  caf::intrusive_ptr_add_ref(ctrl());
  if (unit)
    unit->exec_later(this);
  else
    home_system().scheduler().enqueue(this);
}

/// One turn: what CAF has, then a burst of what waits. A stop or an exit does not wait behind a
/// burst. The mailbox is blocked last, as the sign that nobody runs the actor; from then on it
/// belongs to the next who wakes it.
caf::resumable::resume_result shell::resume(caf::execution_unit* unit, std::size_t) {
  if (!getf(is_initialized_flag) || getf(is_terminated_flag) || !mailbox().empty()) {
    auto then = logic_actor::base::resume(unit, host_.burst_messages_max);
    bool is_blocked = then == resumable::awaiting_message;
    if (is_blocked ? !has_work() || !mailbox().try_unblock() : then != resumable::resume_later)
      return then;
  }
  if (has_work()) {
    context(unit);
    if (auto fault = fault_of([this] { work_off_burst(); }); !fault.empty())
      quit(reason_of_end(fault));
    if (finalize())
      return resumable::done;
  }
  if (!mailbox().try_block())
    return resumable::resume_later;
  // More is left, or a sender has found the mailbox open just before and left it to this thread.
  return has_work() && mailbox().try_unblock() ? resumable::resume_later
                                               : resumable::awaiting_message;
}

void shell::taken(std::size_t bytes) noexcept {
  inbox_.leave(1, bytes);
  if (closed_)
    --owed_;
}

void shell::close_inbox(bool by_a_fault) {
  closed_ = true;
  owed_ = inbox_.close(by_a_fault);
  host_.post->remove(self_, id());
}

bool shell::close_inbox_if_empty() {
  closed_ = host_.post->remove_if_idle(self_.agent, id(), inbox_);
  return closed_;
}

void shell::refuse_as_ended(const envelope& message) {
  if (message.kind == message_kind::request)
    host_.post->send(reply_failure(
        message, {ec::unavailable, troupe::to_string(self_) + " has ended; send it again"}));
}

bool shell::came_around(const envelope& message) const noexcept {
  return self_.what == address::kind::service && message.target.what == address::kind::agent;
}

void shell::on_exit() {
  if (drained())
    return;
  if (!closed_)
    close_inbox(true);
  killed();
  waiting_.close();
  while (auto left = next_waiting()) {
    taken(left->bytes);
    give_up(left->message);
  }
}

void shell::give_up(const envelope& message) {
  refuse_as_ended(message);
  if (came_around(message))
    host_.post->came_around(message.target.agent);
}

} // namespace troupe
