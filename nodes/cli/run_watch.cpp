#include "nodes/cli/run_watch.hpp"

#include "config/limits/attaching.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "messages/durability.hpp"
#include "messages/runs.pb.h"
#include "nodes/cli/run_words.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto cancel_timeout = 3s; ///< how long a cancelled run may take to report its end

} // namespace

run_watch::run_watch(attached_client& cluster, attention& attends, run_watch_options options)
    : cluster_(cluster), attends_(attends), options_(std::move(options)),
      line_(terminal_of(STDERR_FILENO)) {}

cli_result<run_outcome> run_watch::submit(payload request, run_place place, command_trace& trace) {
  place_ = std::move(place);
  submits_ = true;
  auto submitted = request.as<RunSubmit>();
  bool brief = submitted && submitted->durability() == DURABILITY_OFF;
  auto now = clock::now();
  auto deadline =
      options_.timeout.count() > 0 ? std::optional{now + options_.timeout} : std::nullopt;
  pursuit_.emplace(brief ? run_pursuit::start::submits_brief : run_pursuit::start::submits,
                   attention::has_person(), deadline, now);
  return follow(trace, &request);
}

cli_result<run_outcome> run_watch::attach(run_id run, run_place place, command_trace& trace) {
  place_ = std::move(place);
  run_ = to_bytes(run);
  pursuit_.emplace(run_pursuit::start::attaches, attention::has_person(), std::nullopt,
                   clock::now());
  return follow(trace, nullptr);
}

cli_result<run_outcome> run_watch::follow(command_trace& trace, payload* request) {
  command_trace::part waiting{trace, span_names::wait};
  set(waiting.span(), attr::peer_node, cluster_.node().name());
  trace_ = waiting.inside();
  accepted_at_ = trace.now();
  returns_ = cluster_.link->returns();
  auto sent = request ? send_submission(std::move(*request)) : cli_result<void>{};
  auto outcome = sent ? pursue(trace) : cli_result<run_outcome>{unexpected{sent.error()}};
  line_.clear();
  if (!run_.empty())
    set(trace.span(), attr::run_id, id());
  if (auto why = pursuit_->why_cancelled(); why != run_pursuit::reason::none)
    set(trace.span(), attr::cancel_reason,
        why == run_pursuit::reason::timed_out ? "client_timeout" : "interrupted");
  if (!outcome && outcome.error().code == "run_lost")
    write_lost_run(trace, outcome.error());
  if (!outcome)
    waiting.failed(outcome.error());
  if (!outcome && !run_.empty())
    outcome.error().run = id();
  return outcome;
}

cli_result<void> run_watch::send_submission(payload request) {
  auto message = request_to_owner(std::move(request));
  message.remaining = limits::request_timeout;
  auto sent = cluster_.link->send(std::move(message), limits::request_timeout);
  if (sent) {
    submission_ = *sent;
    return {};
  }
  if (sent.error().code == ec::cancelled)
    return unexpected{cli_error{exit_interrupted, "cancelled", "interrupted"}};
  return unexpected{sent.error().code == ec::outcome_unknown ? unanswered(sent.error())
                                                             : error_of(sent.error())};
}

cli_result<run_outcome> run_watch::pursue(command_trace& trace) {
  for (;;) {
    if (options_.detach && pursuit_->is_accepted())
      return detached();
    auto step = pursuit_->next(clock::now());
    switch (step.what) {
      case run_move::wait:
        wait_until(step.until, trace);
        break;
      case run_move::attach:
        attach_again();
        break;
      case run_move::ask:
        line_.clear();
        attends_.listen();
        tell(leave_question());
        break;
      case run_move::cancel:
        attends_.ignore_lines();
        cancel();
        break;
      case run_move::done:
        return outcome();
      case run_move::left:
        return unexpected{left()};
      case run_move::abandoned:
        return unexpected{abandoned()};
      case run_move::lost:
        return unexpected{lost()};
    }
  }
}

/// A request to the node that owns the run. After a reconnection, the client may be attached to
/// another node.
envelope run_watch::request_to_owner(payload body) const {
  envelope request;
  request.kind = message_kind::request;
  request.target = address::of(service::coordinator, place_.owner);
  request.body = std::move(body);
  request.trace = trace_;
  return request;
}

void run_watch::wait_until(clock::time_point when, command_trace& trace) {
  auto time = std::max(std::chrono::ceil<std::chrono::milliseconds>(when - clock::now()), 0ms);
  if (link_lost_) {
    attends_.wait(time);
  } else if (auto next = cluster_.link->receive(time);
             !next && next.error().code != ec::cancelled) {
    link_lost_ = true;
    on_trouble(
        {pursuit_->is_accepted() ? next.error().code : ec::outcome_unknown, next.error().message});
  } else if (next && *next) {
    on_message(**next, trace);
  }
  if (auto returns = cluster_.link->returns(); returns != std::exchange(returns_, returns))
    pursuit_->link_returned(clock::now());
  while (auto signal = attends_.take())
    pursuit_->signalled(signal, clock::now());
  take_lines();
}

void run_watch::take_lines() {
  while (auto line = attends_.take_line()) {
    auto answer = read_answer(*line);
    if (!answer) {
      tell(leave_question());
      continue;
    }
    attends_.ignore_lines();
    pursuit_->answered(*answer, clock::now());
  }
}

void run_watch::on_trouble(const failure& why) {
  pursuit_->link_lost(why, clock::now());
  tell_of_search();
}

void run_watch::attach_again() {
  if (link_lost_)
    if (auto back = come_back(); !back)
      return on_trouble(back.error());
  RunAttach message;
  message.set_run(run_);
  message.set_want_progress(!options_.quiet);
  auto request = request_to_owner(payload::of(std::move(message)));
  request.remaining = limits::run_attach_answer_max;
  auto sent = cluster_.link->send(std::move(request), limits::run_attach_answer_max);
  if (sent)
    attachment_ = *sent;
  else if (sent.error().code != ec::cancelled) // the signal is taken next
    on_trouble(sent.error());
}

/// A new link, to any node of the cluster.
result<void> run_watch::come_back() {
  auto cluster = attach_lasting(options_.flags, attends_.fd());
  if (!cluster)
    return fail(ec::unavailable, cluster.error().message);
  cluster_ = std::move(*cluster);
  link_lost_ = false;
  returns_ = cluster_.link->returns();
  return {};
}

void run_watch::cancel() {
  if (link_lost_)
    if (auto back = come_back(); !back)
      return;
  RunCancel message;
  message.set_run(run_);
  message.set_reason(pursuit_->why_cancelled() == run_pursuit::reason::timed_out
                         ? CANCEL_CLIENT_TIMEOUT
                         : CANCEL_INTERRUPTED);
  auto request = request_to_owner(payload::of(std::move(message)));
  request.trace = {}; // it is answered after the run's end has come, with which the command ends
  request.remaining = cancel_timeout;
  // If this cannot be sent, the node notices that the client is gone.
  [[maybe_unused]] auto sent = cluster_.link->send(std::move(request), cancel_timeout);
}

void run_watch::on_message(envelope& message, command_trace& trace) {
  if (message.kind == message_kind::reply && submission_ == message.id && !pursuit_->is_accepted())
    trace.answered(message.trace);
  if (auto progress = message.body.as<RunProgress>()) {
    pursuit_->heard(clock::now());
    tell_of_search();
    bool last = progress->total() > 0 && progress->done() + progress->failed() == progress->total();
    bool cancelled = pursuit_->why_cancelled() != run_pursuit::reason::none;
    if (!options_.quiet && !cancelled && !pursuit_->is_asking())
      line_.show(run_progress(*progress, line_.shown_on().columns), clock::now(), last);
    told_ = std::move(*progress);
    return;
  }
  if (auto accepted = message.body.as<RunAccepted>())
    return on_accepted(std::move(*accepted));
  auto ended = message.body.as<RunEnded>();
  if (ended && (run_.empty() || ended->run() == run_)) {
    ended_ = std::move(*ended);
    pursuit_->ended();
  } else if (message.body.unreadable() && message.body.kind() == payload_kind::RunEnded) {
    pursuit_->refused(why_not_taken("this program", message), clock::now());
  } else if (auto why = failure_in(message);
             why && (message.id == submission_ || message.id == attachment_)) {
    pursuit_->refused(*why, clock::now());
    tell_of_search();
  }
}

void run_watch::on_accepted(RunAccepted accepted) {
  bool first = accepted_.run().empty();
  if (run_.empty())
    run_ = accepted.run();
  if (accepted.run() != run_)
    return;
  pursuit_->accepted(is_durable(accepted.durability()), clock::now());
  tell_of_search();
  if (!first)
    return;
  accepted_ = std::move(accepted);
  if (options_.quiet)
    return;
  if (!options_.detach) {
    line_.clear();
    tell(accepted_text(accepted_, place_.owner_name) + "\n");
  }
  if (accepted_.known() && options_.is_keyed)
    tell("troupe: already accepted, showing the run of the first submission\n");
}

/// A durable run cannot be heard of for a while: that is told once, and when it is over.
void run_watch::tell_of_search() {
  bool searches = pursuit_->is_searching() && pursuit_->trouble();
  if (searches == told_of_search_ || pursuit_->is_asking() || (submits_ && run_.empty()))
    return;
  told_of_search_ = searches;
  if (options_.quiet)
    return;
  line_.clear();
  tell(searches ? "troupe: " + one_line(pursuit_->trouble()->message)
                      + "; the run is durable: attaching to it again\n"
                : "troupe: attached to the run again\n");
}

cli_result<run_outcome> run_watch::detached() {
  if (!pursuit_->is_durable()) {
    cancel();
    return unexpected{no_detach_error()};
  }
  run_outcome made;
  made.accepted = accepted_;
  made.owner_name = place_.owner_name;
  made.detached = true;
  return made;
}

run_outcome run_watch::outcome() {
  run_outcome made;
  made.ended = std::move(*ended_);
  made.accepted = accepted_;
  made.owner_name = place_.owner_name;
  auto cancelled = pursuit_->why_cancelled();
  if (made.ended.ok()) {
    made.exit_code = exit_ok;
  } else if (cancelled != run_pursuit::reason::none) {
    made.exit_code = abandoned().exit_code;
    made.why = why_text(cancelled);
  } else {
    made.exit_code = exit_failed;
    made.why = made.ended.failure().message();
  }
  for (const auto& task : made.ended.tasks())
    made.node_names.emplace(task.node(), cluster_.node_name(task.node()));
  return made;
}

} // namespace troupe::cli
