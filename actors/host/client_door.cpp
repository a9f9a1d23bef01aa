#include "actors/host/client_door.hpp"

#include "config/limits/links.hpp"
#include "config/limits/telemetry.hpp"
#include "telemetry/span.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr const char* client_service = "troupe-cli";

void end_without_client(SpanData& span, instant now) {
  set_failed(span, {ec::cancelled, "the client went before the answer came"});
  set_end(span, now);
}

void end_for_client(SpanData& span, instant until) {
  span.set_service(client_service);
  span.set_node_name(client_service);
  set(span, attr::written_for, client_service);
  set_end(span, until);
}

} // namespace

void client_door::enter(envelope& message, span_id id, instant now) {
  if (message.kind != message_kind::request || !message.trace.sampled() || !message.trace.trace)
    return;
  auto what = to_string(message.body.kind());
  auto span = begin_span(span_names::door, what, message.trace, id, now);
  set(span, attr::message, what);
  auto inside = context_of(span, message.trace);
  std::lock_guard guard{mutex_};
  if (auto known = open_.find(message.id); known != open_.end()) {
    known->second.gone.reset(); // it is back
    message.trace = context_of(known->second.span, message.trace);
    return;
  }
  if (open_.size() >= limits::door_requests_max)
    return;
  note_part(message, now);
  bool is_run = message.body.kind() == payload_kind::RunSubmit;
  open_.emplace(message.id, open_request{std::move(span), is_run, now + message.remaining, {}});
  count_.store(open_.size(), std::memory_order_relaxed);
  message.trace = inside;
}

/// The span of the client in which it has asked.
void client_door::note_part(const envelope& message, instant now) {
  if (!message.trace.span
      || (parts_.size() >= limits::door_requests_max && !parts_.contains(message.id.session)))
    return;
  auto& parts = parts_[message.id.session];
  for (auto& one : parts)
    if (one.inside.span == message.trace.span) {
      one.until = now;
      return;
    }
  auto kind = message.body.kind();
  bool uploads = kind == payload_kind::BlobPut || kind == payload_kind::BlobPuts;
  if (parts.size() < limits::door_client_spans_max)
    parts.push_back({uploads ? &span_names::upload : &span_names::wait, message.trace, now, now});
}

std::vector<SpanData> client_door::leave(envelope& message, instant now) {
  bool is_end =
      message.kind == message_kind::event && message.body.kind() == payload_kind::RunEnded;
  if ((message.kind != message_kind::reply && !is_end)
      || count_.load(std::memory_order_relaxed) == 0)
    return {};
  auto why = failure_in(message);
  std::lock_guard guard{mutex_};
  auto ended = end_silent(now);
  auto found = open_.find(message.id);
  if (found == open_.end()
      || (found->second.is_run && message.body.kind() == payload_kind::RunAccepted)) {
    count_.store(open_.size(), std::memory_order_relaxed);
    return ended;
  }
  auto done = std::move(found->second);
  open_.erase(found);
  count_.store(open_.size(), std::memory_order_relaxed);
  if (auto known = parts_.find(message.id.session); known != parts_.end())
    for (auto& one : known->second)
      if (one.inside.span.value == done.span.parent())
        one.until = now;
  if (done.gone) {
    end_without_client(done.span, now);
    if (done.is_run)
      write_client(message.id.session, done.span, now, ended);
  } else {
    if (why)
      set_failed(done.span, *why);
    set_end(done.span, now);
  }
  ended.push_back(std::move(done.span));
  return ended;
}

/// Of a client that died in the trace of `run`. The span of the command itself is not known: one
/// with an id of its own holds the others together.
void client_door::write_client(session_id client, const SpanData& run, instant now,
                               std::vector<SpanData>& into) {
  auto known = parts_.find(client);
  if (known == parts_.end())
    return;
  auto& all = known->second;
  auto mine = std::stable_partition(all.begin(), all.end(), [&](const client_part& one) {
    return one.inside.trace != trace_id{run.trace_hi(), run.trace_lo()};
  });
  std::vector<client_part> parts(mine, all.end());
  all.erase(mine, all.end());
  if (all.empty())
    parts_.erase(known);
  if (parts.empty())
    return;
  auto from = std::min_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
                return a.from < b.from;
              })->from;
  auto inside = parts.front().inside;
  inside.span = {};
  auto command = begin_span(span_names::command, {}, inside, {~run.parent()}, from);
  set(command, attr::cancel_reason, "client_gone");
  set_failed(command, {ec::unavailable, "the client was lost: what it did besides is not known"});
  auto below = context_of(command, inside);
  for (const auto& one : parts) {
    auto span = begin_span(*one.what, {}, below, one.inside.span, one.from);
    bool was_open = one.inside.span.value == run.parent();
    end_for_client(span, was_open ? now : one.until);
    into.push_back(std::move(span));
  }
  end_for_client(command, now);
  into.push_back(std::move(command));
}

std::vector<SpanData> client_door::closed(session_id client, bool left, instant now) {
  std::lock_guard guard{mutex_};
  auto ended = end_silent(now);
  if (left)
    parts_.erase(client);
  bool has_run = false;
  for (auto at = open_.begin(); at != open_.end();) {
    auto& [id, request] = *at;
    if (id.session == client && !left) {
      request.gone = now;
      look_again_at_ = std::min(look_again_at_, silent_at(request));
      has_run = has_run || request.is_run;
    }
    if (id.session != client || !left) {
      ++at;
      continue;
    }
    end_without_client(request.span, now);
    ended.push_back(std::move(request.span));
    at = open_.erase(at);
  }
  if (!has_run)
    parts_.erase(client);
  count_.store(open_.size(), std::memory_order_relaxed);
  return ended;
}

instant client_door::silent_at(const open_request& gone) {
  return std::max(*gone.gone, gone.answered_by) + limits::door_silence_max;
}

/// The answer to who is gone may have gone another way: the client is attached to another node.
std::vector<SpanData> client_door::end_silent(instant now) {
  std::vector<SpanData> ended;
  if (now <= look_again_at_)
    return ended;
  look_again_at_ = instant::max();
  for (auto at = open_.begin(); at != open_.end();) {
    auto& request = at->second;
    auto until = request.gone ? silent_at(request) : instant::max();
    if (now <= until) {
      look_again_at_ = std::min(look_again_at_, until);
      ++at;
      continue;
    }
    end_without_client(request.span, now);
    ended.push_back(std::move(request.span));
    parts_.erase(at->first.session);
    at = open_.erase(at);
  }
  return ended;
}

} // namespace troupe
