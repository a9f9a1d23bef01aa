#include "actors/coordination/task_offers.hpp"

#include "actors/coordination/run_spans.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Retries that wait for another node than the one they failed on are looked at in vain; not too
/// many.
constexpr std::size_t retries_in_vain_max = 16;
constexpr std::chrono::nanoseconds retry_grain = std::chrono::milliseconds{5};

} // namespace

task_offers::task_offers(const tables& shared, metrics& counted, std::uint32_t timer)
    : roles_(shared.roles), nodes_(shared.nodes), attempts_(shared.attempts), runs_(shared.runs),
      kept_(shared.kept), progress_(shared.progress), fold_(shared.fold),
      inline_(shared.roles, counted), retry_timer_(timer, retry_grain) {}

void task_offers::add(active_run& run) {
  run.in_lane.resize(run.state->roles().size());
  for (auto role : run.state->roles()) {
    auto known = roles_.find(*role);
    auto lane = nodes_.lane_of(*role, known != roles_.end() && known->second->cheap);
    run.lanes.push_back(lane);
    lanes_.resize(std::max<std::size_t>(lanes_.size(), lane + 1));
  }
}

void task_offers::remove(const active_run& run) {
  for (auto& lane : lanes_) {
    lane.runs.remove_if([&run](const ready_run& other) { return other.run == &run; });
    std::erase_if(lane.retries, [&run](const retry& again) { return again.run == &run; });
  }
  std::erase_if(later_, [&run](const auto& again) { return again.second.run == &run; });
}

void task_offers::wake(step_context& context, active_run& run) {
  run.state->visit_woken([&](std::uint32_t role) {
    if (run.in_lane[role])
      return;
    run.in_lane[role] = true;
    lanes_[run.lanes[role]].runs.push({&run, context.now});
    context.out.debug(
        "coordinator",
        [&] {
          return run.title() + " has ready tasks for the role `" + *run.state->roles()[role] + "`";
        },
        run.inside.trace);
  });
  runs_.note(run);
}

// -- offering -----------------------------------------------------------------------------------

bool task_offers::offer_ready(step_context& context, bool durable) {
  offers_durable_ = durable;
  while (!later_.empty() && later_.begin()->first <= context.now) {
    auto again = later_.extract(later_.begin()).mapped();
    lanes_[again.lane].retries.push_back(again);
  }
  if (!later_.empty())
    retry_timer_.fire_at(context, later_.begin()->first);
  budget_ = {limits::offers_per_step_max, limits::offer_bytes_per_step_max};
  inline_.begin_step(context);
  bool more = false;
  do { // what was done here may have made tasks ready in lanes that were passed
    did_some_ = false;
    more = offer_lanes(context);
  } while (did_some_ && !inline_.spent() && !budget_.spent());
  send_offers(context);
  return more || did_some_;
}

bool task_offers::offer_lanes(step_context& context) {
  bool more = false;
  auto count = static_cast<lane_index>(lanes_.size());
  for (lane_index i = 0; i < count; ++i) {
    auto at = (first_lane_ + i) % count;
    auto& lane = lanes_[at];
    if (lane.empty())
      continue;
    if (budget_.spent()) {
      first_lane_ = at;
      return true;
    }
    offer_retries(context, at);
    offer_runs(context, at);
    if (lane.empty())
      lane.stranded.reset();
    else if (budget_.spent() || inline_.spent())
      more = true;
    else
      more = wait_for_room(context, at) || more;
  }
  return more;
}

void task_offers::offer_retries(step_context& context, lane_index lane) {
  auto& retries = lanes_[lane].retries;
  std::size_t in_vain = 0;
  while (in_vain < retries.size() && in_vain < retries_in_vain_max && !budget_.spent()) {
    auto again = retries[in_vain];
    auto never = refusers_of(again);
    auto node = nodes_.choose(lane, again.avoid, context.now, never);
    if (node == placement::none && never != 0 && !nodes_.hosted(lane, placement::none, never)) {
      retries.erase(retries.begin() + static_cast<std::ptrdiff_t>(in_vain));
      wait_for_version(context, again);
      continue;
    }
    if (node == placement::none || is_held_back(*again.run)) {
      ++in_vain;
      continue;
    }
    if (!prepare(*again.run, again.task))
      return;
    retries.erase(retries.begin() + static_cast<std::ptrdiff_t>(in_vain));
    offer(context, *again.run, again.task, {lane, node, again.since});
  }
}

void task_offers::offer_runs(step_context& context, lane_index lane) {
  auto& turns = lanes_[lane].runs;
  std::size_t held_back = 0; // one after the other
  while (held_back < turns.size() && !budget_.spent()) {
    if (is_held_back(*turns.front().run)) {
      turns.push(turns.pop());
      ++held_back;
      continue;
    }
    held_back = 0;
    auto node = nodes_.choose(lane, placement::none, context.now);
    if (node == placement::none)
      return;
    bool here = is_done_here(*turns.front().run, lane, node, context.now);
    if (here && inline_.spent())
      return;
    auto waiting = turns.pop();
    auto& run = *waiting.run;
    auto role = run.role_in(lane);
    auto task = run.state->take_ready(role);
    bool whole = prepare(run, task);
    if (!whole)
      run.state->put_back(task);
    run.in_lane[role] = run.state->has_ready(role);
    if (run.in_lane[role])
      turns.push({&run, whole ? context.now : waiting.since});
    if (!whole)
      continue;
    taken_task taken{lane, node, std::max(run.state->ready_since(task), run.began)};
    if (here)
      do_here(context, run, task, taken);
    else
      offer(context, run, task, taken);
  }
}

/// False: it takes another step. If the task cannot be made, `offer` finds that out.
bool task_offers::prepare(active_run& run, std::uint32_t task) {
  auto made = run.state->prepare(task, budget_.bytes);
  kept_.watch(run, task);
  return !made || *made;
}

/// No node has room for the tasks of the lane. True: it has work left for another step.
bool task_offers::wait_for_room(step_context& context, lane_index lane) {
  if (!nodes_.hosted(lane))
    return give_up_stranded(context, lane);
  lanes_[lane].stranded.reset(); // a result makes room; a refusal does not
  if (auto next = nodes_.next_try(lane, context.now))
    retry_timer_.fire_at(context, *next);
  return false;
}

/// Fails what has waited long enough for a node that hosts the role: each task from when it began
/// to wait, not from when another did.
bool task_offers::give_up_stranded(step_context& context, lane_index lane) {
  auto& [runs, retries, stranded] = lanes_[lane];
  if (!stranded)
    stranded = context.now;
  bool more = false;
  std::optional<instant> next;
  auto left = limits::offers_per_step_max;
  auto is_due = [&, from = *stranded](instant since) {
    auto due = std::max(from, since) + limits::placement_patience;
    if (due > context.now)
      next = std::min(next.value_or(due), due);
    return due <= context.now;
  };
  failure why{ec::unavailable,
              "no node that does tasks for the role `" + nodes_.role_of(lane) + "` is up"};
  for (auto& again : std::exchange(retries, {}))
    if (is_due(again.since))
      fail_task(context, *again.run, again.task, why, {});
    else
      retries.push_back(again);
  for (auto turns = runs.size(); turns > 0; --turns) {
    auto waiting = runs.pop();
    auto& run = *waiting.run;
    auto role = run.role_in(lane);
    if (!is_due(waiting.since)) {
      runs.push(waiting);
      continue;
    }
    run.in_lane[role] = true; // so that no failure puts it in once more
    for (; left > 0 && run.state->has_ready(role); --left)
      fail_task(context, run, run.state->take_ready(role), why, {});
    run.in_lane[role] = run.state->has_ready(role);
    if (!run.in_lane[role])
      continue;
    runs.push(waiting);
    more = true;
  }
  if (next)
    retry_timer_.fire_at(context, *next);
  return more;
}

// -- one offer ----------------------------------------------------------------------------------

void task_offers::offer(step_context& context, active_run& run, std::uint32_t task,
                        const taken_task& taken) {
  auto [lane, node, ready] = taken;
  auto& to = offer_for(node, run.tenant);
  auto& made = *to.offer.add_tasks();
  auto filled = run.state->fill_task(task, made);
  run_fold::give_steps(run, task, made);
  run.roles.give(run.state->role_of(task), made);
  // What stays on this node is never turned into bytes.
  bool is_light =
      node == 0 && made.input().empty() && made.steps().empty() && made.role_definition().empty();
  auto bytes = is_light ? made.shared_input().size() : made.ByteSizeLong();
  if (filled && node != 0 && bytes > limits::content_bytes_max)
    filled = fail(ec::too_large, "the task and its input are " + std::to_string(bytes)
                                     + " bytes, more than a message may have: pass files as blobs");
  spend(made, bytes);
  if (!filled) {
    to.offer.mutable_tasks()->RemoveLast();
    return fail_task(context, run, task, std::move(filled).error(), {});
  }
  to.bytes += node == 0 ? 0 : bytes;
  auto time = time_of(run, task);
  auto& a = attempts_.offer(context, run, task, {node, lane, time, bytes});
  a.ready = ready;
  if (run.root)
    a.span = context.next_span();
  made.set_run(to_bytes(run.id));
  made.set_time_ms(static_cast<std::uint64_t>(time.count()));
  set_trace(made, run, a);
}

/// Values are copied one by one, which takes longer than copying as many bytes.
void task_offers::spend(const Task& made, std::size_t bytes) {
  auto shared = made.shared_input().size();
  auto weight = shared + (bytes - shared) * limits::copied_value_weight;
  budget_.bytes -= std::min(budget_.bytes, weight);
  --budget_.tasks;
}

std::chrono::milliseconds task_offers::time_of(const active_run& run, std::uint32_t task) const {
  const auto& step = run.state->step_of(task);
  if (step.time_ms() > 0)
    return std::chrono::milliseconds{step.time_ms()};
  if (auto kept = run.roles.find(run.state->role_of(task)))
    return kept->time_max;
  auto known = roles_.find(step.role());
  return known != roles_.end() ? known->second->time_max
                               : std::chrono::milliseconds{limits::task_timeout};
}

/// The last one for a node, unless it is large enough or another tenant's.
task_offers::filling_offer& task_offers::offer_for(node_index node, const name& tenant) {
  for (auto f = filling_.rbegin(); f != filling_.rend(); ++f)
    if (f->node == node && f->bytes < limits::offer_bytes_aim && f->tenant == tenant)
      return *f;
  auto& made = filling_.emplace_back();
  made.node = node;
  made.tenant = tenant;
  made.offer.set_owner(to_bytes(self_.node));
  return made;
}

void task_offers::send_offers(step_context& context) {
  for (auto& one : filling_) {
    if (one.offer.tasks().empty()) // its only task could not be made
      continue;
    auto offer =
        make_envelope(message_kind::event, address::of(service::queue, nodes_.id_of(one.node)),
                      std::move(one.offer));
    offer.sender = self_;
    offer.tenant = std::move(one.tenant);
    context.out.send(std::move(offer));
  }
  filling_.clear();
}

// -- when it came to nothing --------------------------------------------------------------------

void task_offers::try_again(step_context& context, attempt& a, failure why, bool counts,
                            const task_usage& usage) {
  auto& run = *a.run;
  retry again{&run, a.task, a.lane, a.node, context.now};
  if (counts || usage.node) // it has told what it cost
    fold_.failed_for_now(run, a.task, why, usage, counts);
  attempts_.release(context, a, "came to nothing");
  auto used = run.tried[again.task].used;
  auto most = run.state->step_of(again.task).attempts();
  auto number = run.state->attempt_of(again.task) - run.first_attempt() + 1;
  if (used >= (most > 0 ? most : limits::task_attempts) || number >= limits::task_attempts_max) {
    if (number > 1)
      why.message += " (attempt " + std::to_string(number) + ")";
    return fail_task(context, run, again.task, std::move(why),
                     {nodes_.id_of(again.avoid), 0, 0, 0});
  }
  run.state->hold_back(again.task, true);
  context.out.debug(
      "coordinator",
      [&] {
        return "task " + run.state->id_of(again.task) + " of " + run.title()
               + " will be tried again: " + why.message;
      },
      run.inside.trace);
  std::chrono::milliseconds delay{0};
  if (why.code == ec::overloaded) { // at once it would be no better anywhere
    delay = limits::offer_backoff_min * (1u << number);
    later_.emplace(context.now + delay, again);
  } else {
    lanes_[again.lane].retries.push_back(again);
  }
  note_retry(run, again.task, why, delay, nodes_.name_of(again.avoid), context.now);
}

void task_offers::attempt_succeeded(step_context& context, attempt& a, std::string output,
                                    int levels, const task_usage& usage) {
  auto& run = *a.run;
  auto task = a.task;
  attempts_.release(context, a, "is done");
  run.state->set_time(context.now);
  fold_.succeeded(run, task, std::move(output), levels, usage);
  kept_.watch(run, task);
  wake(context, run);
}

void task_offers::attempt_failed(step_context& context, attempt& a, failure why,
                                 const task_usage& usage, bool counts) {
  auto& run = *a.run;
  auto task = a.task;
  run.tries_of(task).last = a.span;
  if (info(why.code).may_retry || why.code == ec::timed_out)
    return try_again(context, a, std::move(why), counts, usage);
  attempts_.release(context, a, "has failed");
  fail_task(context, run, task, std::move(why), usage);
}

void task_offers::fail_task(step_context& context, active_run& run, std::uint32_t task, failure why,
                            const task_usage& usage) {
  context.out.debug(
      "coordinator",
      [&] {
        return "task " + run.state->id_of(task) + " of " + run.title()
               + " has failed for good: " + why.message;
      },
      run.inside.trace);
  run.state->set_time(context.now);
  fold_.failed(run, task, std::move(why), usage);
  wake(context, run);
}

bool task_offers::invariants() const {
  bool fine = filling_.empty();                // offers leave in the step that makes them
  auto look_at = [&fine](const retry& again) { // it has no attempt meanwhile
    fine = fine && again.run->state->status_of(again.task) == run_state::status::waiting
           && again.run->tried[again.task].attempt == active_run::none;
  };
  for (lane_index lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane].runs.visit([&](const ready_run& one) {
      auto role = one.run->role_in(lane);
      fine = fine && one.run->in_lane[role] && one.run->state->has_ready(role);
    });
    for (const auto& again : lanes_[lane].retries)
      look_at(again);
  }
  for (const auto& [due, again] : later_)
    look_at(again);
  return fine;
}

} // namespace troupe
