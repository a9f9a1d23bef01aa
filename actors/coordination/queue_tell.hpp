#pragma once

#include "actors/coordination/queue_logic.hpp"

#include <utility>

/// How a queue tells owners of their tasks. Private to queue_*.cpp.
namespace troupe {

template <class Message, class Key>
void set_key(Message& message, const Key& key) {
  message.set_run(to_bytes(key.run));
  message.set_index(key.index);
  message.set_attempt(key.attempt);
}

inline TaskDone failed(const failure& why) {
  TaskDone done;
  *done.mutable_failure() = to_proto(why);
  return done;
}

template <class Message>
void queue_logic::tell(step_context& context, node_id owner, const name& tenant,
                       Message message) const {
  auto news = make_envelope(message_kind::event, address::of(service::coordinator, owner),
                            std::move(message));
  news.sender = self_;
  news.tenant = tenant;
  context.out.send(std::move(news));
}

} // namespace troupe
