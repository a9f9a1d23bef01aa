#include "actors/host/shell.hpp"

#include "actors/host/mailbox_order.hpp"

namespace troupe {

shell::shell(caf::actor_config& cfg, node_host& host, troupe::address self)
    : logic_actor::base(cfg), host_(host), self_(std::move(self)), inbox_(host.post->queued()) {}

void shell::taken(std::size_t messages, std::size_t bytes) noexcept {
  inbox_.leave(messages, bytes);
  if (closed_)
    owed_ -= messages;
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
  answer_mailbox();
}

void shell::answer(caf::mailbox_element& element) {
  auto& content = element.content();
  if (content.match_elements<parcel>()) {
    auto& one = content.get_mutable_as<parcel>(0).value;
    taken(1, one.bytes);
    give_up(one.message);
  } else if (content.match_elements<parcels>()) {
    auto& many = content.get_mutable_as<parcels>(0).value;
    taken(many.messages.size(), many.bytes);
    for (auto& message : many.messages)
      give_up(message);
  }
}

void shell::give_up(const envelope& message) {
  refuse_as_ended(message);
  if (came_around(message))
    host_.post->came_around(message.target.agent);
}

/// CAF would drop what is in it.
void shell::answer_mailbox() {
  auto each = [this](auto, auto&, auto&... rest) {
    if constexpr (sizeof...(rest) == 1) // otherwise it is a queue of streams, which are not used
      answer(rest...);
    return caf::intrusive::task_result::resume;
  };
  mailbox().close();
  get_normal_queue().flush_cache();
  get_urgent_queue().flush_cache();
  after_dequeue(this);
  while (mailbox().queue().new_round(1000, each).consumed_items > 0) {
  }
}

} // namespace troupe
