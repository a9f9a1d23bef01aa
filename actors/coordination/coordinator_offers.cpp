#include "actors/coordination/coordinator_run.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
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
      lanes_[r.lanes[role]].runs.push({&r, now_});
    }
  });
  if (r.state->ended() && !std::exchange(r.ending, true))
    ended_.push_back(&r);
  if (r.state->has_more_work() && !std::exchange(r.working, true))
    working_.push_back(&r);
}

/// Offers what may be offered, within the budget of a step; each step begins with another lane.
void coordinator_logic::place(step_context& context) {
  while (!later_.empty() && later_.begin()->first <= context.now) {
    auto again = later_.extract(later_.begin()).mapped();
    lanes_[again.lane].retries.push_back(again);
  }
  if (!later_.empty())
    watch_retry(context, later_.begin()->first);
  budget_ = {limits::offers_per_step_max, limits::offer_bytes_per_step_max};
  auto count = static_cast<lane_index>(lanes_.size());
  for (lane_index i = 0; i < count; ++i) {
    auto lane = (first_lane_ + i) % count;
    auto& queue = lanes_[lane];
    if (queue.runs.empty() && queue.retries.empty())
      continue;
    if (budget_.spent()) {
      first_lane_ = lane;
      return go_on_later(context);
    }
    place_retries(context, lane);
    place_ready(context, lane);
    if (queue.runs.empty() && queue.retries.empty())
      queue.stranded.reset();
    else if (budget_.spent())
      go_on_later(context);
    else
      wait_for_room(context, lane);
  }
}

/// What else has come gets in before. A timer, because no bound of a mailbox can refuse it.
void coordinator_logic::go_on_later(step_context& context) {
  if (!std::exchange(going_on_, true))
    context.out.arm(timer_go_on, std::chrono::nanoseconds{1});
}

void coordinator_logic::place_retries(step_context& context, lane_index lane) {
  auto& retries = lanes_[lane].retries;
  std::size_t in_vain = 0;
  while (in_vain < retries.size() && in_vain < retries_in_vain_max && !budget_.spent()) {
    auto again = retries[in_vain];
    auto node = nodes_.choose(lane, again.avoid, context.now);
    if (node == none) {
      ++in_vain;
      continue;
    }
    if (!prepare(*again.owner, again.task))
      return;
    retries.erase(retries.begin() + static_cast<std::ptrdiff_t>(in_vain));
    offer(context, *again.owner, again.task, lane, node);
  }
}

void coordinator_logic::place_ready(step_context& context, lane_index lane) {
  auto& queue = lanes_[lane];
  while (!queue.runs.empty() && !budget_.spent()) {
    auto node = nodes_.choose(lane, none, context.now);
    if (node == none)
      return;
    auto waiting = queue.runs.pop();
    auto& r = *waiting.owner;
    auto role = r.role_in(lane);
    auto task = r.state->take_ready(role);
    bool whole = prepare(r, task);
    if (!whole)
      r.state->put_back(task);
    r.in_lane[role] = r.state->has_ready(role);
    if (r.in_lane[role])
      queue.runs.push({&r, whole ? context.now : waiting.since});
    if (whole)
      offer(context, r, task, lane, node);
  }
}

void coordinator_logic::wait_for_room(step_context& context, lane_index lane) {
  auto& queue = lanes_[lane];
  if (!nodes_.hosted(lane))
    return give_up_stranded(context, lane);
  queue.stranded.reset(); // a result makes room; a refusal does not
  if (auto next = nodes_.next_try(lane, context.now))
    watch_retry(context, *next);
}

/// Fails what has waited long enough for a node that hosts the role: each task from when it began
/// to wait, not from when another did.
void coordinator_logic::give_up_stranded(step_context& context, lane_index lane) {
  auto& queue = lanes_[lane];
  if (!queue.stranded)
    queue.stranded = context.now;
  std::optional<instant> next;
  auto left = limits::offers_per_step_max;
  auto is_due = [&](instant since) {
    auto due = std::max(*queue.stranded, since) + limits::placement_patience;
    if (due > context.now)
      next = std::min(next.value_or(due), due);
    return due <= context.now;
  };
  failure why{ec::unavailable,
              "no node that does tasks for the role `" + nodes_.role_of(lane) + "` is up"};
  for (auto& again : std::exchange(queue.retries, {}))
    if (is_due(again.since))
      fail_task(*again.owner, again.task, why, {});
    else
      queue.retries.push_back(again);
  for (auto runs = queue.runs.size(); runs > 0; --runs) {
    auto waiting = queue.runs.pop();
    auto& r = *waiting.owner;
    auto role = r.role_in(lane);
    if (!is_due(waiting.since)) {
      queue.runs.push(waiting);
      continue;
    }
    r.in_lane[role] = true; // so that no failure puts it in once more
    for (; left > 0 && r.state->has_ready(role); --left)
      fail_task(r, r.state->take_ready(role), why, {});
    r.in_lane[role] = r.state->has_ready(role);
    if (!r.in_lane[role])
      continue;
    queue.runs.push(waiting);
    go_on_later(context);
  }
  if (next)
    watch_retry(context, *next);
}

// -- one offer --------------------------------------------------------------------------------

void coordinator_logic::offer(step_context& context, run& r, std::uint32_t task, lane_index lane,
                              node_index node) {
  auto& to = batch_for(node, r.tenant);
  auto& made = *to.offer.add_tasks();
  auto filled = r.state->fill_task(task, made);
  // What stays on this node is never turned into bytes.
  auto bytes = node == 0 && made.input().empty() ? made.shared_input().size() : made.ByteSizeLong();
  if (filled && node != 0 && bytes > limits::content_bytes_max)
    filled = fail(ec::too_large, "the task and its input are " + std::to_string(bytes)
                                     + " bytes, more than a message may have: pass files as blobs");
  spend(made, bytes);
  if (!filled) {
    to.offer.mutable_tasks()->RemoveLast();
    return fail_task(r, task, std::move(filled).error(), {});
  }
  to.bytes += node == 0 ? 0 : bytes;
  auto time = time_of(r, task);
  auto at = new_attempt();
  auto& a = attempts_[at];
  a = {};
  a.owner = &r;
  a.task = task;
  a.node = node;
  a.lane = lane;
  a.offered = context.now;
  a.time = time;
  a.bytes = bytes;
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
  nodes_.take(node, lane, bytes);
  watch_held(context);
}

/// Values are copied one by one, which takes longer than copying as many bytes.
void coordinator_logic::spend(const Task& made, std::size_t bytes) {
  auto shared = made.shared_input().size();
  auto weight = shared + (bytes - shared) * limits::copied_value_weight;
  budget_.bytes -= std::min(budget_.bytes, weight);
  --budget_.tasks;
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
  nodes_.give_back(a.node, a.lane, a.bytes);
  a.owner = nullptr;
  free_attempts_.push_back(static_cast<std::uint32_t>(&a - attempts_.data()));
}

void coordinator_logic::try_again(step_context& context, attempt& a, failure why, bool counts) {
  auto& r = *a.owner;
  retry again{&r, a.task, a.lane, a.node, context.now};
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
    later_.emplace(context.now + limits::offer_backoff_min * (1u << number), again);
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
