#include "actors/coordination/coordinator_logic.hpp"

#include "actors/coordination/coordinator_run.hpp"
#include "actors/unread.hpp"
#include "config/limits/links.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/value_bytes.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool may_pass(ec code) { return info(code).may_retry || code == ec::timed_out; }

} // namespace

coordinator_logic::coordinator_logic(const coordinator_options& options, const role_table& roles,
                                     metrics& counted)
    : options_(options), roles_(roles), counted_(counted) {}

coordinator_logic::~coordinator_logic() = default;

void coordinator_logic::start(step_context& context, const address& self) {
  self_ = self;
  role_names own;
  for (const auto& [title, known] : roles_)
    if (known->info.for_tasks())
      own.insert(title);
  nodes_.begin(self.node, options_.capacity, std::move(own));
  context.out.send(ask_for_members(self_));
}

void coordinator_logic::step(step_context& context, event input) {
  now_ = context.now;
  if (auto message = std::get_if<envelope>(&input)) {
    on_message(context, *message);
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == timer_progress) {
      progress_armed_ = false;
      for (auto id : std::exchange(dirty_, {}))
        if (auto found = runs_.find(id); found != runs_.end())
          send_progress(context, *found->second);
    } else if (fired->timer == timer_deadline) {
      deadline_armed_.reset();
      on_deadline(context);
    } else if (fired->timer == timer_retry) {
      retry_armed_.reset();
    } else if (fired->timer == timer_go_on) {
      going_on_ = false;
      go_on_with_runs(context);
    } else if (fired->timer == timer_held) {
      held_armed_ = false;
      ask_queues(context); // before what this step offers
    } else if (fired->timer == timer_gone) {
      end_runs_of_gone(context);
    } else if (fired->timer == timer_blobs) {
      blobs_.renew(context, self_);
    }
  }
  place(context);
  end_ended(context);
  flush(context);
  report_in_parts(context);
  if (!working_.empty())
    go_on_later(context);
}

void coordinator_logic::stop(step_context& context) {
  failure why{ec::unavailable, "the node that owns the run is stopping: run it again"};
  while (!runs_.empty())
    end_run(context, *runs_.begin()->second, &why, nullptr);
  while (!endings_.empty())
    report_in_parts(context);
}

void coordinator_logic::on_message(step_context& context, envelope& message) {
  if (auto done = message.body.as<TaskDone>()) {
    if (auto levels = value_depth(done->output()))
      return on_done(context, *done, *levels, message.sender.node);
    message.body.set_unreadable();
    TaskKey key;
    key.set_run(done->run());
    key.set_index(done->index());
    key.set_attempt(done->attempt());
    return on_unreadable_done(context, message, key);
  }
  if (auto started = message.body.as<TaskStarted>())
    return on_started(context, *started, message.sender.node);
  if (auto refused = message.body.as<TasksRefused>())
    return on_refused(context, *refused, message.sender.node);
  if (auto held = message.body.as<TasksHeld>())
    return on_held(context, *held, message.sender.node);
  if (auto members = message.body.as<MembersChanged>())
    return on_members(context, *members);
  if (auto closed = message.body.as<SessionClosed>())
    return on_session_closed(context, *closed);
  if (message.body.as<RunSubmit>())
    return on_submit(context, message);
  if (message.body.as<RunCancel>())
    return on_cancel(context, message);
  if (message.body.as<RunsQuery>())
    return on_query(context, message);
  if (auto key = message.body.salvage<TaskKey>();
      key && message.body.kind() == payload_kind::TaskDone)
    return on_unreadable_done(context, message, *key);
  not_taken(context, "the coordinator", message);
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

// -- runs -------------------------------------------------------------------------------------

void coordinator_logic::on_repeated(step_context& context, envelope& request,
                                    const delivery::judgement& judged) {
  auto accepted = [&](std::string run) {
    RunAccepted again;
    again.set_run(std::move(run));
    context.out.send(reply_to(request, std::move(again)));
  };
  auto is_it = [&](run& known) {
    if (known.request != request.id || known.submitter.session != request.sender.session)
      return false;
    known.submitter = request.sender; // it may have come back through another node
    known.gone.reset();
    accepted(to_bytes(known.id));
    return true;
  };
  if (std::any_of(runs_.begin(), runs_.end(), [&](auto& one) { return is_it(*one.second); })
      || std::any_of(endings_.begin(), endings_.end(),
                     [&](auto& one) { return is_it(*one->ended); }))
    return;
  if (judged.what == delivery_state::repeated_done) {
    auto kept = submissions_.kept(judged.at);
    if (auto refused = kept.as<Failure>())
      return context.out.send(reply_failure(request, from_proto(*refused)));
    auto ended = make_envelope(message_kind::event, request.sender, RunEnded{});
    ended.id = request.id;
    ended.sender = self_;
    ended.tenant = request.tenant;
    ended.body = std::move(kept);
    accepted(ended.body.as<RunEnded>() ? ended.body.as<RunEnded>()->run() : std::string{});
    return context.out.send(std::move(ended));
  }
  context.out.send(
      reply_failure(request, {ec::outcome_unknown,
                              "whether this run was done is not known any more: look at what "
                              "it should have done before you run it again"}));
}

void coordinator_logic::on_submit(step_context& context, envelope& request) {
  auto judged = submissions_.accept(request.sender, request.id, request.attempt);
  if (judged.what != delivery_state::fresh)
    return on_repeated(context, request, judged);
  auto refuse = [&](const failure& why) {
    auto reply = reply_failure(request, why);
    submissions_.complete(judged.at, reply.body);
    context.out.send(std::move(reply));
  };
  if (runs_.size() + endings_.size() >= options_.runs_max)
    return refuse({ec::overloaded, "this node has " + std::to_string(runs_.size())
                                       + " runs already: try again when one has ended"});
  auto& submit = *request.body.as<RunSubmit>();
  value_map inputs;
  inputs.swap(*submit.mutable_inputs());
  run_id id{context.random.next(), context.random.next() | 1};
  blobs_.began(context, self_, id, inputs);
  auto state =
      run_state::create(std::move(*submit.mutable_graph()), std::move(inputs), &nodes_.roles());
  if (!state) {
    blobs_.ended(context, self_, id);
    return refuse(std::move(state).error());
  }

  auto made = std::make_unique<run>();
  auto& r = *made;
  r.id = id;
  r.state = *std::move(state);
  r.submitter = request.sender;
  r.request = request.id;
  r.submission = judged.at;
  r.tenant = request.tenant;
  r.began = context.now;
  r.want_progress = submit.want_progress();
  r.in_lane.resize(r.state->roles().size());
  for (auto role : r.state->roles()) {
    auto known = roles_.find(*role);
    r.lanes.push_back(nodes_.lane_of(*role, known != roles_.end() && known->second->cheap));
  }
  lanes_.resize(std::max<std::size_t>(
      lanes_.size(), r.lanes.empty() ? 0 : *std::max_element(r.lanes.begin(), r.lanes.end()) + 1));
  begin_root_span(context, r, request.trace);
  runs_.emplace(r.id, std::move(made));

  RunAccepted accepted;
  accepted.set_run(to_bytes(r.id));
  context.out.send(reply_to(request, std::move(accepted)));
  touch(context, r, none, none);
  wake(r);
}

void coordinator_logic::on_cancel(step_context& context, envelope& request) {
  auto id = run_from_bytes(request.body.as<RunCancel>()->run());
  auto found = runs_.find(id);
  if (found == runs_.end()) {
    if (request.kind == message_kind::request)
      context.out.send(
          reply_failure(request, {ec::not_found, "this node has no run " + to_string(id)
                                                     + ": it has ended, or another node owns it"}));
    return;
  }
  failure why{ec::cancelled, "the run was cancelled"};
  end_run(context, *found->second, &why,
          request.kind == message_kind::request ? &request : nullptr);
}

/// A client that did not say good-bye may be on its way back, to this node or another. One that is
/// attached elsewhere by now is not meant.
void coordinator_logic::on_session_closed(step_context& context, const SessionClosed& closed) {
  for (const auto& [id, r] : runs_) {
    const auto& who = r->submitter;
    bool here = !who.node || who.node == self_.node;
    if (who.what == address::kind::session && who.session.value == closed.session() && here)
      r->gone = closed.left() ? context.now - limits::client_return_max : context.now;
  }
  end_runs_of_gone(context);
}

void coordinator_logic::end_runs_of_gone(step_context& context) {
  failure why{ec::cancelled, "the client that submitted the run is gone"};
  std::vector<run*> over;
  std::optional<instant> next;
  for (const auto& [id, r] : runs_) {
    if (!r->gone)
      continue;
    auto due = *r->gone + limits::client_return_max;
    if (due <= context.now)
      over.push_back(r.get());
    else
      next = std::min(next.value_or(due), due);
  }
  for (auto r : over)
    end_run(context, *r, &why, nullptr);
  if (next)
    context.out.arm(timer_gone, *next - context.now);
}

// -- tasks ------------------------------------------------------------------------------------

coordinator_logic::attempt* coordinator_logic::current(const std::string& run_bytes,
                                                       std::uint32_t task, std::uint32_t number,
                                                       node_id from) {
  auto found = runs_.find(run_from_bytes(run_bytes));
  if (found == runs_.end() || task >= found->second->places.size())
    return nullptr;
  auto& r = *found->second;
  auto at = r.places[task].attempt;
  if (at == none || r.state->attempt_of(task) != number)
    return nullptr;
  // Only the node to which it was offered may say what became of it. Links stamp the node of what
  // they bring; what has none is of this node.
  if (from && from != nodes_.id_of(attempts_[at].node))
    return nullptr;
  return &attempts_[at];
}

void coordinator_logic::on_started(step_context& context, const TaskStarted& started,
                                   node_id from) {
  auto a = current(started.run(), started.index(), started.attempt(), from);
  if (!a)
    return;
  heard_of(a->node);
  nodes_.answered(a->node, a->lane);
  begin_time(context, *a);
}

void coordinator_logic::on_done(step_context& context, TaskDone& done, int levels, node_id from) {
  auto a = current(done.run(), done.index(), done.attempt(), from);
  if (!a) {
    counted_.plain().late_results.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto& r = *a->owner;
  auto task = a->task;
  heard_of(a->node);
  nodes_.answered(a->node, a->lane);
  touch(context, r, task, a->node);
  if (done.has_failure()) {
    auto why = from_proto(done.failure());
    record_attempt(context, *a, &why, done.queue_wait_us());
    if (may_pass(why.code))
      return try_again(context, *a, std::move(why), true);
    task_usage usage{nodes_.id_of(a->node), done.input_tokens(), done.output_tokens(),
                     done.duration_us()};
    release(*a);
    return fail_task(r, task, std::move(why), usage);
  }
  record_attempt(context, *a, nullptr, done.queue_wait_us());
  task_usage usage{nodes_.id_of(a->node), done.input_tokens(), done.output_tokens(),
                   done.duration_us()};
  release(*a);
  r.state->succeeded(task, std::move(*done.mutable_output()), levels, usage);
  watch_kept(r, task);
  wake(r);
}

void coordinator_logic::on_refused(step_context& context, const TasksRefused& refused,
                                   node_id from) {
  for (const auto& one : refused.tasks()) {
    auto a = current(one.run(), one.index(), one.attempt(), from);
    if (!a)
      continue;
    auto& r = *a->owner;
    auto task = a->task;
    heard_of(a->node);
    nodes_.refused(a->node, a->lane, context.now);
    touch(context, r, task, a->node);
    r.state->hold_back(task, false);
    release(*a);
    r.state->make_ready(task);
    wake(r);
  }
}

void coordinator_logic::on_members(step_context& context, const MembersChanged& members) {
  auto change = nodes_.update(members);
  auto bit = [](node_index node) { return std::uint64_t{1} << node; };
  for (auto node : change.lost) {
    heard_of(node); // whatever it did not answer does not count any more
    failure why{ec::unavailable, "the node " + nodes_.name_of(node) + " is "
                                     + std::string{to_string(nodes_.state_of(node))}};
    if (nodes_.is_up(node))
      why.message = "the node " + nodes_.name_of(node) + " was started anew";
    std::size_t tasks = 0;
    for (auto& a : attempts_) {
      if (!a.owner || a.node != node)
        continue;
      ++tasks;
      a.owner->stale |= bit(node);
      touch(context, *a.owner, a.task, node);
      record_attempt(context, a, &why, 0);
      try_again(context, a, why, a.started || nodes_.is_cheap(a.lane));
    }
    if (tasks > 0)
      context.out.log(log_level::warning, "coordinator",
                      why.message + ": " + std::to_string(tasks) + " tasks are offered again");
  }
  for (auto node : change.returned)
    for (auto& [id, r] : runs_)
      if (r->stale & bit(node)) { // its slots shall not finish what others do by now
        r->stale &= ~bit(node);
        send_cancel(context, id, node);
      }
}

void coordinator_logic::on_deadline(step_context& context) {
  std::optional<instant> next;
  for (auto& a : attempts_) {
    if (!a.owner || !a.started)
      continue;
    if (a.deadline > context.now) {
      next = std::min(next.value_or(a.deadline), a.deadline);
      continue;
    }
    failure why{ec::timed_out, "the node " + nodes_.name_of(a.node) + " did not answer in time"};
    call_off(context, a);
    touch(context, *a.owner, a.task, a.node);
    record_attempt(context, a, &why, 0);
    try_again(context, a, std::move(why), true);
  }
  if (next)
    watch_deadline(context, *next);
}

} // namespace troupe
