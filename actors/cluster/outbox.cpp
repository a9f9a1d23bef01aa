#include "actors/cluster/outbox.hpp"

#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// The bytes that an envelope may take beside its payload: its record and three announced routes.
constexpr std::size_t record_bytes_max = 96 + 3 * (40 + limits::agent_name_bytes_max);

// A gathering frame is sealed before a record would take it over the aim. The largest record added
// to an empty frame has a payload that is just too small for chunks.
static_assert(limits::frame_body_bytes_aim + stream_payload_bytes + record_bytes_max
              <= limits::frame_body_bytes_max);
static_assert(chunk_head_bytes + limits::frame_body_bytes_aim <= limits::frame_body_bytes_max);
// The other end takes as many streams, and as many bytes, as may wait here at once.
static_assert((limits::link_bytes_max + limits::link_reserve_bytes) / stream_payload_bytes
              <= limits::link_streams_max);
static_assert(limits::link_bytes_max + limits::link_reserve_bytes
              <= limits::link_assembling_bytes_max);

} // namespace

std::size_t outbox::address_hash::operator()(const address& a) const noexcept {
  return a.agent.hash() ^ std::hash<node_id>{}(a.node) ^ (a.session.value * 31)
         ^ static_cast<std::size_t>(a.svc) << 8 ^ static_cast<std::size_t>(a.what);
}

outbox::outbox(std::size_t bytes_max, std::function<void()> wake, std::size_t reserve)
    : bytes_max_(bytes_max), reserve_(reserve), wake_(std::move(wake)) {}

outbox::put_result outbox::put(const envelope& message) {
  // Kept per thread: serialising allocates nothing once the buffer has grown.
  thread_local std::string scratch;
  scratch.clear();
  message.body.append_to(scratch);
  if (scratch.size() > limits::payload_bytes_max)
    return put_result::too_large;
  bool wake = false;
  auto done = put_result::queued;
  {
    std::lock_guard guard{mutex_};
    if (now_ == phase::closed)
      return put_result::closed;
    auto room = bytes_max_ + (may_be_refused(message) ? 0 : reserve_);
    if (waiting_ + scratch.size() + record_bytes_max > room) {
      done = put_result::overloaded;
      wake =
          !may_be_refused(message) && std::exchange(now_, phase::overflowed) != phase::overflowed;
    } else {
      if (message.kind == message_kind::request && message.sender.what == address::kind::session) {
        if (unanswered_.size() >= limits::link_unanswered_max)
          return put_result::overloaded;
        unanswered_.emplace(message.id, head_of(message));
      }
      done = scratch.size() < stream_payload_bytes ? put_small(message, scratch)
                                                   : put_stream(message, std::move(scratch));
      wake = now_ == phase::asleep;
      if (wake)
        now_ = phase::awake;
    }
  }
  if (wake && wake_)
    wake_();
  return done;
}

outbox::put_result outbox::put_small(const envelope& message, std::string_view payload_bytes) {
  open_frame(payload_bytes.size());
  auto before = open_.size();
  append_envelope(open_, message, routes_of(message), payload_bytes);
  waiting_ += open_.size() - before;
  return put_result::queued;
}

outbox::put_result outbox::put_stream(const envelope& message, std::string payload_bytes) {
  if (++last_stream_ == 0)
    ++last_stream_;
  waiting_ += payload_bytes.size();
  streams_.push_back({last_stream_, std::move(payload_bytes), 0, head_of(message)});
  return put_result::queued;
}

/// Ensures that a record with that payload can be added to `open_`.
void outbox::open_frame(std::size_t payload_bytes) {
  if (open_.size() > sealed_header_bytes
      && open_.size() + record_bytes_max + payload_bytes > limits::frame_body_bytes_aim) {
    full_.push_back(std::move(open_));
    open_.clear();
  }
  if (open_.empty()) {
    open_.reserve(limits::frame_body_bytes_aim / 8);
    open_.resize(sealed_header_bytes);
  }
}

wire_routes outbox::routes_of(const envelope& message) {
  // A full table starts again. It must not do so between the routes of one message.
  if (routes_.size() + 3 > limits::link_routes_max) {
    routes_.clear();
    last_target_ = last_sender_ = last_tenant_ = {};
    append_reset(open_);
  }
  wire_routes routes;
  routes.target = route_of(message.target, last_target_);
  routes.sender = route_of(message.sender, last_sender_);
  if (!message.tenant.empty())
    routes.tenant = route_of(address::of_agent(message.tenant), last_tenant_);
  return routes;
}

route_id outbox::route_of(const address& a, recent_route& last) {
  if (a.empty())
    return 0;
  if (last.id != 0 && last.place == a)
    return last.id;
  auto [at, added] = routes_.try_emplace(a, static_cast<route_id>(routes_.size() + 1));
  if (added)
    append_route(open_, at->second, a);
  last = {a, at->second};
  return at->second;
}

/// Appends the next part of the payload whose turn it is, unsealed. After the last part, its
/// envelope gathers.
void outbox::take_chunk(std::vector<char>& out) {
  auto& next = streams_.front();
  auto size = std::min(limits::frame_body_bytes_aim, next.bytes.size() - next.sent);
  out.resize(out.size() + sealed_header_bytes);
  append_chunk_head(out, next.id, next.bytes.size());
  out.insert(out.end(), next.bytes.data() + next.sent, next.bytes.data() + next.sent + size);
  next.sent += size;
  if (next.sent < next.bytes.size()) {
    streams_.push_back(std::move(next));
  } else {
    waiting_ -= next.bytes.size();
    open_frame(0);
    auto before = open_.size();
    append_envelope(open_, next.head, routes_of(next.head), next.bytes, next.id);
    waiting_ += open_.size() - before;
  }
  streams_.pop_front();
}

std::vector<char> outbox::take_records() {
  std::vector<char> frame;
  if (!full_.empty()) {
    frame = std::move(full_.front());
    full_.pop_front();
  } else if (open_.size() > sealed_header_bytes) {
    frame = std::exchange(open_, {});
  }
  if (!frame.empty())
    waiting_ -= frame.size() - sealed_header_bytes;
  return frame;
}

bool outbox::take(std::vector<char>& out, std::size_t bytes_aim, frame_seal& seal) {
  auto finish = [&](std::size_t begin, frame_kind kind) {
    if (seal_frame(out, begin, kind, seal))
      return;
    out.resize(begin); // the assertions above say that this never happens
    std::lock_guard guard{mutex_};
    now_ = phase::overflowed;
  };
  for (auto limit = out.size() + bytes_aim; out.size() < limit;) {
    std::vector<char> records;
    auto begin = out.size();
    {
      std::lock_guard guard{mutex_};
      if (!something_waits()) {
        if (now_ == phase::awake)
          now_ = phase::asleep;
        return false;
      }
      records = take_records();
      if (!streams_.empty())
        take_chunk(out);
    }
    if (out.size() > begin)
      finish(begin, frame_kind::chunk);
    begin = out.size();
    out.insert(out.end(), records.begin(), records.end());
    if (!records.empty())
      finish(begin, frame_kind::envelopes);
  }
  return true;
}

bool outbox::overflowed() const {
  std::lock_guard guard{mutex_};
  return now_ == phase::overflowed;
}

bool outbox::invariants() const {
  std::lock_guard guard{mutex_};
  auto records = [](std::size_t frame_bytes) {
    return frame_bytes - std::min(frame_bytes, sealed_header_bytes);
  };
  auto held = records(open_.size());
  for (const auto& frame : full_)
    held += records(frame.size());
  for (const auto& each : streams_)
    held += each.bytes.size();
  if (waiting_ != held || waiting_ > bytes_max_ + reserve_)
    return false;
  if (now_ == phase::closed)
    return !something_waits() && unanswered_.empty();
  return now_ != phase::asleep || !something_waits();
}

std::size_t outbox::waiting() const {
  std::lock_guard guard{mutex_};
  return waiting_;
}

bool outbox::answered(const message_id& request) {
  std::lock_guard guard{mutex_};
  return unanswered_.erase(request) > 0;
}

std::vector<envelope> outbox::close() {
  std::lock_guard guard{mutex_};
  now_ = phase::closed;
  open_ = {};
  full_ = {};
  streams_.clear();
  waiting_ = 0;
  std::vector<envelope> unanswered;
  for (auto& [id, head] : unanswered_)
    unanswered.push_back(std::move(head));
  unanswered_.clear();
  std::sort(unanswered.begin(), unanswered.end(),
            [](const envelope& a, const envelope& b) { return a.id < b.id; });
  return unanswered;
}

} // namespace troupe
