#include "actors/coordination/coordinator_logic.hpp"

#include "actors/coordination/run_spans.hpp"
#include "actors/unread.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/answers.hpp"
#include "messages/value_bytes.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr std::chrono::nanoseconds deadline_grain = std::chrono::milliseconds{5};

std::shared_ptr<const std::vector<std::string>> notes_in(const TaskDone& done) {
  auto count = std::min<std::ptrdiff_t>(done.notes_size(), limits::reply_notes_max);
  if (count == 0)
    return nullptr;
  auto first = done.notes().begin();
  return std::make_shared<const std::vector<std::string>>(first, first + count);
}

} // namespace

coordinator_logic::coordinator_logic(const coordinator_options& options, const role_table& roles,
                                     metrics& counted)
    : options_(options), roles_(roles), counted_(counted),
      deadline_timer_(timer_deadline, deadline_grain) {}

void coordinator_logic::start(step_context& context, const address& self) {
  self_ = self;
  offers_.start(self);
  queues_.start(self);
  endings_.start(self);
  submissions_.start(self);
  progress_.start(self);
  role_names own;
  for (const auto& [title, known] : roles_)
    if (known->info.for_tasks())
      own.insert(title);
  nodes_.begin(self.node, options_.capacity, std::move(own));
  context.out.send(ask_for_members(self_));
  if (!options_.has_journal)
    return;
  journal_.start(context, self);
  inquiries_.start(context, self);
  inputs_.start(context, self);
  recovery_.start(context, self);
}

void coordinator_logic::step(step_context& context, event input) {
  in_step_ = true;
  if (auto message = std::get_if<envelope>(&input)) {
    absent_.heard_of(message->sender);
    on_message(context, *message);
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    on_timer(context, fired->timer);
  }
  bool more = offers_.offer_ready(context, !journal_.is_behind(context.now));
  if (!attempts_.empty())
    queues_.arm(context);
  end_ended(context);
  more = endings_.tell_some(context) || more;
  more = kept_.forget_some() || more;
  if (more || runs_.has_working())
    go_on_later(context);
  journal_.flush(context);
  if (recovery_.is_over() && inquiries_.empty() && !journal_.holds_requests())
    absent_.clear();
  in_step_ = false;
  check_invariants(*this);
}

/// What else has come gets in before. A timer, because no bound of a mailbox can refuse it.
void coordinator_logic::go_on_later(step_context& context) {
  if (!std::exchange(going_on_, true))
    context.out.arm(timer_go_on, std::chrono::nanoseconds{1});
}

void coordinator_logic::stop(step_context& context) {
  failure why{ec::unavailable, "the node that owns the run is stopping: run it again"};
  while (auto run = runs_.first()) {
    if (run->durable()) { // it goes on when the owner is there again
      if (!in_step_)      // else a task may be why the step has thrown
        fold_.left(*run);
      attempts_.visit_of(*run, [&](attempt& a) { attempts_.release(context, a, "is left"); });
      offers_.remove(*run);
      runs_.take(*run);
      continue;
    }
    // A step that threw may have ended its last task: then it has a result, and is not run again.
    const failure* cut_short = run->over ? &*run->over : &why;
    end_run(context, *run, run->state->ended() && !run->over ? nullptr : cut_short);
  }
  for (auto& waiting : inputs_.take_all()) {
    refuse(context, waiting.run.request, waiting.run.judged, *waiting.why);
    for (const auto& message : waiting.behind)
      context.out.send(reply_failure(message, *waiting.why));
  }
  while (!endings_.empty())
    endings_.tell_some(context);
  journal_.stop(context);
}

void coordinator_logic::on_timer(step_context& context, std::uint32_t timer) {
  switch (timer) {
    case timer_progress:
      return progress_.send_all(context, runs_);
    case timer_deadline:
      deadline_timer_.fired();
      return on_deadline(context);
    case timer_retry:
      return offers_.timer_fired();
    case timer_held:
      queues_.fired();
      return ask_queues(context); // before what this step offers
    case timer_go_on:
      going_on_ = false;
      if (auto run = runs_.next_working(); run && !run->closing) { // one in a step: they take turns
        run->state->set_time(context.now);
        run->state->go_on();
        offers_.wake(context, *run);
      }
      return;
    case timer_gone:
      return end_runs_of_gone(context);
    case timer_closing:
      return on_closing(context);
    case timer_journal:
      return journal_.timer_fired(context);
    case timer_recovery:
      return recovery_.timer_fired(context);
    case timer_inputs:
      for (auto& late : inputs_.timer_fired(context))
        on_brought(context, std::move(late));
      return;
    case timer_blobs:
      return blobs_.renew(context, self_);
    default:
      return;
  }
}

void coordinator_logic::on_message(step_context& context, envelope& message) {
  auto from = message.sender.node;
  if (message.kind == message_kind::reply)
    return on_answer(context, message);
  if (!recovery_.is_over() && is_for_people(message)) {
    if (recovery_.keep(message))
      return;
    return context.out.send(reply_failure(
        message, {ec::overloaded, "this node is still reading its runs: try again soon"}));
  }
  if (auto done = message.body.as<TaskDone>()) {
    if (auto levels = value_depth(done->output()))
      return on_done(context, *done, *levels, from);
    message.body.set_unreadable();
    TaskKey key;
    key.set_run(done->run());
    key.set_index(done->index());
    key.set_attempt(done->attempt());
    return on_unreadable_done(context, message, key);
  }
  if (auto started = message.body.as<TaskStarted>())
    return on_started(context, *started, from);
  if (auto refused = message.body.as<TasksRefused>())
    return on_refused(context, *refused, from);
  if (auto held = message.body.as<TasksHeld>())
    return on_held(context, *held, from);
  if (auto members = message.body.as<MembersChanged>())
    return on_members(context, *members);
  if (auto closed = message.body.as<SessionClosed>()) {
    runs_.session_closed(*closed, self_.node, context.now);
    absent_.note(closed->session(), run_table::gone_since(*closed, context.now));
    return end_runs_of_gone(context);
  }
  if (message.body.as<RunSubmit>())
    return on_submit(context, message);
  if (message.body.as<RunCancel>())
    return on_cancel(context, message);
  if (message.body.as<JournalStarted>())
    return on_journal_started(context);
  if (message.body.as<StepsMade>())
    return on_steps(context, message);
  if (is_for_people(message))
    return on_inquiry(context, message);
  if (message.body.as<RunsQuery>())
    return context.out.send(reply_to(message, runs_.list()));
  if (auto key = message.body.salvage<TaskKey>();
      key && message.body.kind() == payload_kind::TaskDone)
    return on_unreadable_done(context, message, *key);
  not_taken(context, "the coordinator", message);
}

// -- tasks --------------------------------------------------------------------------------------

attempt* coordinator_logic::find_attempt(const std::string& run_bytes, std::uint32_t task,
                                         std::uint32_t number, node_id from) {
  return attempts_.find(runs_.find(run_from_bytes(run_bytes)), task, number, from);
}

void coordinator_logic::begin_time(step_context& context, attempt& a) {
  if (!attempts_.start(context, a))
    return;
  deadline_timer_.fire_at(context, a.deadline);
  fold_.started(*a.run, a.task, nodes_.id_of(a.node), a.node == 0);
  progress_.note(context, *a.run, a.task, a.node);
}

void coordinator_logic::on_started(step_context& context, const TaskStarted& started,
                                   node_id from) {
  auto a = find_attempt(started.run(), started.index(), started.attempt(), from);
  if (!a)
    return;
  queues_.heard_of(a->node);
  nodes_.answered(a->node, a->lane);
  begin_time(context, *a);
}

void coordinator_logic::on_done(step_context& context, TaskDone& done, int levels, node_id from) {
  auto a = find_attempt(done.run(), done.index(), done.attempt(), from);
  if (!a) {
    bool given_up = done.has_failure() && from_proto(done.failure()).code == ec::cancelled;
    if (!given_up)
      counted_.plain().late_results.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto& run = *a->run;
  auto task = a->task;
  queues_.heard_of(a->node);
  nodes_.answered(a->node, a->lane);
  progress_.note(context, run, task, a->node);
  task_usage usage{nodes_.id_of(a->node), usage_in(done), done.duration_us(), notes_in(done)};
  if (run.closing) {
    run.used += usage.used;
    attempts_.release(context, *a, "has been given up");
    return end_if_closed(context, run);
  }
  run.state->set_time(context.now);
  if (done.has_failure()) {
    auto why = from_proto(done.failure());
    bool counts = why.code != ec::timed_out || !was_held_up(*a, context.now);
    return offers_.attempt_failed(context, *a, std::move(why), usage, counts);
  }
  offers_.attempt_succeeded(context, *a, std::move(*done.mutable_output()), levels, usage);
}

/// A result that this node cannot read: its task fails at once, and with it nobody waits.
void coordinator_logic::on_unreadable_done(step_context& context, const envelope& message,
                                           const TaskKey& key) {
  TaskDone done;
  done.set_run(key.run());
  done.set_index(key.index());
  done.set_attempt(key.attempt());
  *done.mutable_failure() = to_proto(why_not_taken("the owner of the run", message));
  context.out.unread.push_back(message.body.kind());
  on_done(context, done, 0, message.sender.node);
}

void coordinator_logic::on_refused(step_context& context, const TasksRefused& refused,
                                   node_id from) {
  for (const auto& one : refused.tasks()) {
    auto a = find_attempt(one.run(), one.index(), one.attempt(), from);
    if (!a)
      continue;
    auto& run = *a->run;
    auto task = a->task;
    queues_.heard_of(a->node);
    if (refused.reason() == REFUSED_FULL)
      nodes_.refused(a->node, a->lane, context.now);
    if (run.closing) {
      attempts_.release(context, *a, "has been given up");
      end_if_closed(context, run);
      continue;
    }
    if (refused.reason() != REFUSED_FULL) {
      on_refused_version(context, *a, refused);
      continue;
    }
    progress_.note(context, run, task, a->node);
    run.state->set_time(a->ready); // it has been so all the time
    attempts_.release(context, *a, "was refused");
    run.state->hold_back(task, false);
    run.state->make_ready(task);
    offers_.wake(context, run);
  }
}

/// Its agent had to wait while the journal did not write.
bool coordinator_logic::was_held_up(const attempt& a, instant now) const {
  auto since = a.now == attempt::phase::started ? a.began : a.offered;
  return a.run->durable() && journal_.was_stalled_since(since, now);
}

void coordinator_logic::on_deadline(step_context& context) {
  auto overdue = attempts_.find_overdue(context.now);
  for (auto a : overdue.attempts) {
    if (a->now == attempt::phase::free) // its run has closed meanwhile
      continue;
    failure why{ec::timed_out, "the node " + nodes_.name_of(a->node) + " did not answer in time"};
    attempts_.call_off(context, self_, *a);
    give_up(context, *a, why, !was_held_up(*a, context.now));
  }
  if (overdue.next)
    deadline_timer_.fire_at(context, *overdue.next);
}

void coordinator_logic::give_up(step_context& context, attempt& a, const failure& why,
                                bool counts) {
  if (auto& run = *a.run; run.closing) {
    attempts_.release(context, a, "has been given up");
    return end_if_closed(context, run);
  }
  progress_.note(context, *a.run, a.task, a.node);
  write_lost_attempt(context, nodes_, a, why);
  offers_.try_again(context, a, why, counts);
}

bool coordinator_logic::invariants() const {
  bool fine = runs_.invariants() && attempts_.invariants() && offers_.invariants();
  runs_.visit([&fine](const active_run& run) { fine = fine && run.state->invariants(); });
  return fine;
}

} // namespace troupe
