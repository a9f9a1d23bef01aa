#include "actors/coordination/coordinator_run.hpp"
#include "config/limits/links.hpp"
#include "config/limits/units.hpp"
#include "config/limits/work.hpp"

#include <algorithm>

/// From ready tasks to offers, and back when an attempt came to nothing.
namespace troupe {

namespace {

/// Retries that wait for another node than the one they failed on are looked at in vain; not too
/// many.
constexpr std::size_t retries_in_vain_max = 16;
constexpr std::chrono::nanoseconds timer_grain = std::chrono::milliseconds{5};

} // namespace

void coordinator_logic::wake(run& r) {
  r.state->visit_woken([&](std::uint32_t role) {
    if (!r.in_lane[role]) {
      r.in_lane[role] = true;
      lanes_[r.lanes[role]].runs.push(&r);
    }
  });
  if (r.state->ended() && !std::exchange(r.ending, true))
    ended_.push_back(&r);
}

void coordinator_logic::place(step_context& context) {
  if (!later_.empty())
    std::erase_if(later_, [&](const retry& r) {
      if (r.not_before <= context.now)
        lanes_[r.lane].retries.push_back(r);
      else
        watch_retry(context, r.not_before);
      return r.not_before <= context.now;
    });
  for (lane_index lane = 0; lane < lanes_.size(); ++lane) {
    auto& queue = lanes_[lane];
    if (queue.runs.empty() && queue.retries.empty())
      continue;
    place_retries(context, lane);
    place_ready(context, lane);
    if (queue.runs.empty() && queue.retries.empty())
      queue.stranded.reset();
    else
      wait_for_room(context, lane);
  }
}

void coordinator_logic::place_retries(step_context& context, lane_index lane) {
  auto& retries = lanes_[lane].retries;
  std::size_t in_vain = 0;
  while (in_vain < retries.size() && in_vain < retries_in_vain_max) {
    auto again = retries[in_vain];
    auto node = nodes_.choose(lane, again.avoid, context.now);
    if (node == none) {
      ++in_vain;
      continue;
    }
    retries.erase(retries.begin() + static_cast<std::ptrdiff_t>(in_vain));
    offer(context, *again.owner, again.task, lane, node);
  }
}

void coordinator_logic::place_ready(step_context& context, lane_index lane) {
  auto& queue = lanes_[lane];
  while (!queue.runs.empty()) {
    auto node = nodes_.choose(lane, none, context.now);
    if (node == none)
      return;
    auto& r = *queue.runs.pop();
    auto role = static_cast<std::uint32_t>(std::find(r.lanes.begin(), r.lanes.end(), lane)
                                           - r.lanes.begin());
    auto task = r.state->take_ready(role);
    r.in_lane[role] = r.state->has_ready(role);
    if (r.in_lane[role])
      queue.runs.push(&r);
    offer(context, r, task, lane, node);
  }
}

void coordinator_logic::wait_for_room(step_context& context, lane_index lane) {
  auto& queue = lanes_[lane];
  if (nodes_.hosted(lane)) { // a result makes room; a refusal does not
    queue.stranded.reset();
    if (auto next = nodes_.next_try(lane, context.now))
      watch_retry(context, *next);
    return;
  }
  if (!queue.stranded)
    queue.stranded = context.now;
  auto due = *queue.stranded + limits::placement_patience;
  if (context.now < due)
    return watch_retry(context, due);
  queue.stranded.reset();
  failure why{ec::unavailable,
              "no node that does tasks for the role `" + nodes_.role_of(lane) + "` is up"};
  for (const auto& again : std::exchange(queue.retries, {}))
    fail_task(*again.owner, again.task, why, {});
  while (!queue.runs.empty()) {
    auto& r = *queue.runs.pop();
    auto role = static_cast<std::uint32_t>(std::find(r.lanes.begin(), r.lanes.end(), lane)
                                           - r.lanes.begin());
    r.in_lane[role] = false;
    while (r.state->has_ready(role))
      fail_task(r, r.state->take_ready(role), why, {});
  }
}

// -- one offer --------------------------------------------------------------------------------

void coordinator_logic::offer(step_context& context, run& r, std::uint32_t task, lane_index lane,
                              node_index node) {
  auto& to = batch_for(node, r.tenant);
  auto& made = *to.offer.add_tasks();
  auto filled = r.state->fill_task(task, made);
  // What stays on this node is never turned into bytes.
  std::size_t bytes = node == 0 ? 0 : made.ByteSizeLong();
  if (filled && bytes > limits::payload_bytes_max - limits::mib)
    filled = fail(ec::too_large, "the task and its input are " + std::to_string(bytes)
                                     + " bytes, more than a message may have: pass files as blobs");
  if (!filled) {
    to.offer.mutable_tasks()->RemoveLast();
    return fail_task(r, task, std::move(filled).error(), {});
  }
  to.bytes += bytes;
  auto time = time_of(r, task);
  auto at = new_attempt();
  auto& a = attempts_[at];
  a = {&r, task, node, lane, false, context.now, context.now + time + limits::task_deadline_slack,
       {}};
  if (r.root)
    a.span = context.next_span();
  made.set_run(to_bytes(r.id));
  made.set_time_ms(static_cast<std::uint64_t>(time.count()));
  made.set_offered_ns(context.now.time_since_epoch().count());
  made.set_trace_hi(r.inside.trace.hi);
  made.set_trace_lo(r.inside.trace.lo);
  made.set_span(r.root ? a.span.value : r.inside.span.value);
  made.set_trace_flags(r.inside.flags);

  r.place_of(task).attempt = at;
  r.touched |= std::uint64_t{1} << node;
  r.state->offered(task);
  nodes_.take(node, lane);
  watch_deadline(context, a.deadline);
}

std::uint32_t coordinator_logic::new_attempt() {
  if (free_attempts_.empty()) {
    attempts_.emplace_back();
    return static_cast<std::uint32_t>(attempts_.size() - 1);
  }
  auto at = free_attempts_.back();
  free_attempts_.pop_back();
  return at;
}

std::chrono::milliseconds coordinator_logic::time_of(const run& r, std::uint32_t task) const {
  const auto& step = r.state->step_of(task);
  if (step.time_ms() > 0)
    return std::chrono::milliseconds{step.time_ms()};
  auto known = roles_.find(step.role());
  return known != roles_.end() ? known->second->time_max
                               : std::chrono::milliseconds{limits::task_timeout};
}

/// The last batch for a node, unless it is large enough or another tenant's.
coordinator_logic::batch& coordinator_logic::batch_for(node_index node, const name& tenant) {
  for (auto b = batches_.rbegin(); b != batches_.rend(); ++b)
    if (b->node == node && b->bytes < limits::offer_bytes_aim && b->tenant == tenant)
      return *b;
  auto& made = batches_.emplace_back();
  made.node = node;
  made.tenant = tenant;
  made.offer.set_owner(to_bytes(self_.node));
  return made;
}

void coordinator_logic::flush(step_context& context) {
  for (auto& b : batches_) {
    if (b.offer.tasks().empty()) // its only task could not be made
      continue;
    auto offer = make_envelope(
        message_kind::event, address::of(service::queue, nodes_.id_of(b.node)), std::move(b.offer));
    offer.sender = self_;
    offer.tenant = std::move(b.tenant);
    context.out.send(std::move(offer));
  }
  batches_.clear();
}

// -- when it came to nothing ------------------------------------------------------------------

void coordinator_logic::release(attempt& a) {
  a.owner->places[a.task].attempt = none;
  nodes_.give_back(a.node, a.lane);
  a.owner = nullptr;
  free_attempts_.push_back(static_cast<std::uint32_t>(&a - attempts_.data()));
}

void coordinator_logic::try_again(step_context& context, attempt& a, failure why, bool counts) {
  auto& r = *a.owner;
  retry again{&r, a.task, a.lane, a.node, {}};
  auto& used = r.places[a.task].used;
  used = static_cast<std::uint8_t>(used + (counts ? 1 : 0));
  release(a);
  auto most = r.state->step_of(again.task).attempts();
  auto number = r.state->attempt_of(again.task);
  if (used >= (most > 0 ? most : limits::task_attempts) || number >= limits::task_attempts_max) {
    if (number > 1)
      why.message += " (attempt " + std::to_string(number) + ")";
    return fail_task(r, again.task, std::move(why), {nodes_.id_of(again.avoid), 0, 0, 0});
  }
  r.state->hold_back(again.task, true);
  if (why.code == ec::overloaded) { // at once it would be no better anywhere
    again.not_before = context.now + limits::offer_backoff_min * (1u << number);
    later_.push_back(again);
  } else {
    lanes_[again.lane].retries.push_back(again);
  }
}

void coordinator_logic::fail_task(run& r, std::uint32_t task, failure why,
                                  const task_usage& usage) {
  r.state->failed(task, std::move(why), usage);
  wake(r);
}

void coordinator_logic::watch_deadline(step_context& context, instant deadline) {
  if (deadline_armed_ && *deadline_armed_ <= deadline)
    return;
  deadline_armed_ = deadline;
  context.out.arm(timer_deadline, std::max(deadline - context.now, timer_grain));
}

void coordinator_logic::watch_retry(step_context& context, instant due) {
  if (retry_armed_ && *retry_armed_ <= due)
    return;
  retry_armed_ = due;
  context.out.arm(timer_retry, std::max(due - context.now, timer_grain));
}

} // namespace troupe
