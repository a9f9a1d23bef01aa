#include "actors/host/client_door.hpp"

#include "config/limits/telemetry.hpp"
#include "telemetry/span.hpp"

namespace troupe {

void client_door::enter(envelope& message, span_id id, instant now) {
  if (message.kind != message_kind::request || !message.trace.sampled() || !message.trace.trace)
    return;
  auto what = to_string(message.body.kind());
  auto span = begin_span(span_names::door, what, message.trace, id, now);
  set(span, attr::message, what);
  auto inside = context_of(span, message.trace);
  std::lock_guard guard{mutex_};
  if (auto known = open_.find(message.id); known != open_.end()) {
    message.trace = context_of(known->second.span, message.trace);
    return;
  }
  if (open_.size() >= limits::door_requests_max)
    return;
  bool is_run = message.body.kind() == payload_kind::RunSubmit;
  open_.emplace(message.id, open_request{std::move(span), is_run});
  count_.store(open_.size(), std::memory_order_relaxed);
  message.trace = inside;
}

std::optional<SpanData> client_door::leave(envelope& message, instant now) {
  bool is_end =
      message.kind == message_kind::event && message.body.kind() == payload_kind::RunEnded;
  if ((message.kind != message_kind::reply && !is_end)
      || count_.load(std::memory_order_relaxed) == 0)
    return std::nullopt;
  std::optional<SpanData> span;
  {
    std::lock_guard guard{mutex_};
    auto found = open_.find(message.id);
    if (found == open_.end()
        || (found->second.is_run && message.body.kind() == payload_kind::RunAccepted))
      return std::nullopt;
    span = std::move(found->second.span);
    open_.erase(found);
    count_.store(open_.size(), std::memory_order_relaxed);
  }
  if (message.body.kind() == payload_kind::Failure)
    if (auto why = failure_in(message))
      set_failed(*span, *why);
  set_end(*span, now);
  return span;
}

std::vector<SpanData> client_door::closed(session_id client, instant now) {
  std::vector<SpanData> left;
  {
    std::lock_guard guard{mutex_};
    for (auto at = open_.begin(); at != open_.end();) {
      if (at->first.session != client) {
        ++at;
        continue;
      }
      left.push_back(std::move(at->second.span));
      at = open_.erase(at);
    }
    count_.store(open_.size(), std::memory_order_relaxed);
  }
  for (auto& span : left) {
    set_failed(span, {ec::cancelled, "the client went before the answer came"});
    set_end(span, now);
  }
  return left;
}

} // namespace troupe
