#include "actors/agents/delivery.hpp"

#include "config/limits/messages.hpp"

#include <algorithm>

namespace troupe {

namespace {

static_assert((limits::replies_kept_max & (limits::replies_kept_max - 1)) == 0);
constexpr std::size_t ring_size_min = 4;

} // namespace

delivery::judgement delivery::accept(const address& sender, message_id id, std::uint16_t attempt,
                                     instant now, std::chrono::milliseconds age) {
  if (sender.what == address::kind::service)
    return {};
  if (sender.what != address::kind::session || !id.session)
    return {attempt > 1 ? delivery_state::outcome_unknown : delivery_state::fresh, {}};
  auto slot = find(id.session);
  if (slot == nowhere) {
    if (attempt > 1 && !never_came(age, now))
      return {delivery_state::outcome_unknown, {}};
    slot = open(id, now);
  }
  auto& w = sessions_[slot];
  w.last_used = ++uses_;
  if (id.sequence > w.highest)
    return add(w, slot, id.sequence);
  return judge_older(w, slot, id.sequence, attempt);
}

/// Uses no subtractions, which could wrap: `complete_since_` may be the end of time.
bool delivery::never_came(std::chrono::milliseconds age, instant now) const {
  age += limits::repeat_slack;
  return age < limits::replies_kept_time && complete_since_ <= now - age;
}

delivery::judgement delivery::judge_older(window& w, std::size_t slot, std::uint64_t sequence,
                                          std::uint16_t attempt) {
  for (auto position = w.end; position-- > w.begin;) {
    auto& seen = w.at(position);
    if (seen.sequence != sequence)
      continue;
    entry_id at{w.session, static_cast<std::uint32_t>(slot), position};
    switch (seen.state) {
      case progress::working:
        return {delivery_state::repeated_in_progress, at};
      case progress::done:
        return {delivery_state::repeated_done, at};
      case progress::gone:
        return {delivery_state::outcome_unknown, at};
    }
  }
  // An old link may bring a first attempt when its repetition has long been answered.
  if (sequence <= (attempt > 1 ? w.floor : w.acknowledged))
    return {delivery_state::outcome_unknown, {}};
  return add(w, slot, sequence);
}

delivery::judgement delivery::add(window& w, std::size_t slot, std::uint64_t sequence) {
  auto count = w.end - w.begin;
  if (count == limits::replies_kept_max) {
    drop_oldest(w);
  } else if (count == w.ring.size()) {
    std::vector<request> larger(std::max(ring_size_min, 2 * w.ring.size()));
    for (auto position = w.begin; position != w.end; ++position)
      larger[position & (larger.size() - 1)] = std::move(w.at(position));
    w.ring = std::move(larger);
  }
  w.highest = std::max(w.highest, sequence);
  auto& added = w.at(w.end);
  added.sequence = sequence;
  added.state = progress::working;
  added.on_disk = false;
  return {delivery_state::fresh, {w.session, static_cast<std::uint32_t>(slot), w.end++}};
}

void delivery::complete(const entry_id& at, payload& reply, instant now, bool on_disk) {
  auto done = find(at);
  if (!done || done->state != progress::working)
    return;
  done->on_disk = on_disk;
  if (!on_disk)
    last_done_ = std::max(last_done_, now);
  auto copy = reply.share();
  auto size = copy.wire_size();
  if (size > limits::replies_kept_bytes_max) {
    done->state = progress::gone;
    return;
  }
  if (bytes_ + size > limits::replies_kept_bytes_max) {
    make_room(at, size, now);
    done = find(at);
    if (!done)
      return;
  }
  done->reply = std::move(copy);
  done->state = progress::done;
  bytes_ += size;
}

payload delivery::kept(const entry_id& at) {
  auto done = find(at);
  return done && done->state == progress::done ? done->reply.share() : payload{};
}

void delivery::acknowledge(message_id id) {
  auto slot = find(id.session);
  if (slot == nowhere)
    return;
  auto& w = sessions_[slot];
  while (w.begin != w.end && w.at(w.begin).sequence <= id.sequence)
    drop_oldest(w);
  // A request that came out of order after a higher number goes when it gets to the front.
  w.acknowledged = std::max(w.acknowledged, id.sequence);
  w.floor = std::max(w.floor, id.sequence);
  w.highest = std::max(w.highest, id.sequence);
}

bool delivery::may_be_repeated(instant now) const {
  bool is_recent = now < last_done_ + limits::replies_kept_time;
  auto waits = [is_recent](const window& w) {
    for (auto position = w.begin; position != w.end; ++position) {
      const auto& one = w.at(position);
      if (one.state == progress::working || (is_recent && !one.on_disk))
        return true;
    }
    return false;
  };
  return std::any_of(sessions_.begin(), sessions_.end(), waits);
}

// -- on disk -------------------------------------------------------------------------------------

SessionReplies delivery::head_of(const window& w) {
  SessionReplies head;
  head.set_session(w.session.value);
  head.set_floor(w.floor);
  head.set_acknowledged(w.acknowledged);
  return head;
}

std::optional<SessionReplies> delivery::to_write(const entry_id& at, KeptReply reply) const {
  auto slot = static_cast<std::size_t>(at.slot);
  if (!at.session || slot >= sessions_.size() || sessions_[slot].session != at.session)
    return std::nullopt;
  const auto& w = sessions_[slot];
  if (at.position < w.begin || at.position >= w.end)
    return std::nullopt;
  auto made = head_of(w);
  *made.add_replies() = std::move(reply);
  return made;
}

void delivery::save(saved_sessions& into, const entry_id& at, const KeptReply& reply) const {
  std::vector<const window*> by_use;
  for (const auto& w : sessions_)
    if (w.begin != w.end)
      by_use.push_back(&w);
  std::sort(by_use.begin(), by_use.end(),
            [](auto* a, auto* b) { return a->last_used < b->last_used; });
  for (const auto* w : by_use) {
    auto saved = head_of(*w);
    for (auto position = w->begin; position != w->end; ++position) {
      const auto& one = w->at(position);
      if (one.state == progress::working) {
        if (w->session == at.session && position == at.position)
          *saved.add_replies() = reply;
        continue;
      }
      auto kept = saved.add_replies();
      kept->set_number(one.sequence);
      if (one.state == progress::gone)
        continue;
      kept->set_kind(static_cast<std::uint32_t>(one.reply.kind()));
      one.reply.append_to(*kept->mutable_reply());
    }
    if (saved.replies_size() > 0)
      *into.Add() = std::move(saved);
  }
}

void delivery::restore(const saved_sessions& saved, instant now) {
  for (const auto& one : saved) {
    if (one.session() == 0 || find(session_id{one.session()}) != nowhere)
      continue;
    auto slot = open({session_id{one.session()}, 0}, now);
    sessions_[slot].last_used = ++uses_;
    sessions_[slot].floor = sessions_[slot].highest = one.floor();
    for (const auto& kept : one.replies()) {
      auto at = add(sessions_[slot], slot, kept.number()).at;
      auto kind = static_cast<payload_kind>(kept.kind());
      if (kind == payload_kind::none) {
        auto gone = find(at);
        gone->state = progress::gone;
        gone->on_disk = true;
        continue;
      }
      auto reply = payload::from_wire(kind, byte_slice::copy_of(kept.reply()));
      complete(at, reply, now, true);
    }
    acknowledge({session_id{one.session()}, one.acknowledged()});
  }
}

bool delivery::is_settled(message_id id) const {
  auto is_meant = [&](const window& w) { return w.session == id.session; };
  auto found = std::find_if(sessions_.begin(), sessions_.end(), is_meant);
  return found == sessions_.end() || id.sequence <= found->floor;
}

// -- the windows ---------------------------------------------------------------------------------

std::size_t delivery::find(session_id session) {
  if (last_slot_ < sessions_.size() && sessions_[last_slot_].session == session)
    return last_slot_;
  for (std::size_t slot = 0; slot < sessions_.size(); ++slot)
    if (sessions_[slot].session == session)
      return last_slot_ = slot;
  return nowhere;
}

delivery::request* delivery::find(const entry_id& at) {
  auto slot = static_cast<std::size_t>(at.slot);
  if (!at.session || slot >= sessions_.size() || sessions_[slot].session != at.session)
    return nullptr;
  auto& w = sessions_[slot];
  return at.position >= w.begin && at.position < w.end ? &w.at(at.position) : nullptr;
}

std::size_t delivery::open(message_id first, instant now) {
  if (sessions_.size() < limits::sessions_kept_max) {
    last_slot_ = sessions_.size();
    sessions_.emplace_back();
  } else {
    last_slot_ = least_recently_used();
    forget(last_slot_, now);
  }
  auto& opened = sessions_[last_slot_];
  opened.session = first.session;
  opened.begin = opened.end = next_position_;
  // Anything the session sent before may have been done and forgotten.
  opened.floor = opened.highest = first.sequence == 0 ? 0 : first.sequence - 1;
  return last_slot_;
}

void delivery::drop_oldest(window& w) {
  auto& oldest = w.at(w.begin++);
  w.floor = std::max(w.floor, oldest.sequence);
  if (oldest.state == progress::done)
    bytes_ -= oldest.reply.wire_size();
  oldest.reply = {};
}

void delivery::make_room(const entry_id& at, std::size_t bytes, instant now) {
  auto own = static_cast<std::size_t>(at.slot);
  while (bytes_ + bytes > limits::replies_kept_bytes_max) {
    auto victim = oldest_with_replies(own);
    if (victim == nowhere)
      break;
    forget(victim, now);
  }
  auto& w = sessions_[own];
  while (bytes_ + bytes > limits::replies_kept_bytes_max && w.begin != w.end)
    drop_oldest(w);
}

void delivery::forget(std::size_t slot, instant now) {
  auto& w = sessions_[slot];
  next_position_ = std::max(next_position_, w.end);
  if (w.begin != w.end)
    complete_since_ = std::max(complete_since_, now);
  while (w.begin != w.end)
    drop_oldest(w);
  w = {};
}

std::size_t delivery::least_recently_used() const {
  auto earlier = [](const window& a, const window& b) { return a.last_used < b.last_used; };
  auto found = std::min_element(sessions_.begin(), sessions_.end(), earlier);
  return static_cast<std::size_t>(found - sessions_.begin());
}

std::size_t delivery::oldest_with_replies(std::size_t except) const {
  auto found = nowhere;
  for (std::size_t slot = 0; slot < sessions_.size(); ++slot)
    if (slot != except && sessions_[slot].begin != sessions_[slot].end
        && (found == nowhere || sessions_[slot].last_used < sessions_[found].last_used))
      found = slot;
  return found;
}

} // namespace troupe
