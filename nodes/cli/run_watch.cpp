#include "nodes/cli/run_watch.hpp"

#include "config/limits/messages.hpp"
#include "messages/runs.pb.h"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"

#include <unistd.h>

#include <algorithm>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto cancel_timeout = 3s; ///< how long a cancelled run may take to report its end
constexpr auto wait_step = 10s;

} // namespace

run_watch::run_watch(attached_client& cluster, interrupts& signals,
                     std::chrono::milliseconds timeout, bool quiet)
    : cluster_(cluster), signals_(signals), quiet_(quiet), line_(terminal_of(STDERR_FILENO)) {
  if (timeout.count() > 0) {
    deadline_ = clock::now() + timeout;
  }
}

cli_result<run_outcome> run_watch::run(RunSubmit submitted, command_trace& trace) {
  command_trace::part waiting{trace, span_names::wait};
  set(waiting.span(), attr::peer_node, cluster_.node().name());
  trace_ = waiting.inside();
  auto outcome = follow(std::move(submitted), trace);
  if (!run_.empty())
    set(trace.span(), attr::run_id, to_string(run_from_bytes(run_)));
  if (cancelled_)
    set(trace.span(), attr::cancel_reason,
        cancelled_->exit_code == exit_timed_out ? "client_timeout" : "interrupted");
  if (!outcome && outcome.error().exit_code == exit_run_lost)
    write_lost_run(trace, outcome.error());
  if (!outcome)
    waiting.failed(outcome.error());
  return outcome;
}

/// The owner of the run is lost, and with it the span of the run, below which all others are.
void run_watch::write_lost_run(command_trace& trace, const cli_error& why) {
  if (!run_span_)
    return;
  auto span = begin_span(span_names::workflow, graph_, trace_, run_span_, accepted_);
  set(span, attr::operation, "invoke_workflow");
  set(span, attr::workflow, graph_);
  set(span, attr::run_id, to_string(run_from_bytes(run_)));
  set(span, attr::written_for, owner_name_);
  set(span, attr::node_name, owner_name_);
  if (told_.total() > 0)
    set(span, attr::tasks, told_.total());
  if (told_.failed() > 0)
    set(span, attr::tasks_failed, told_.failed());
  set_failed(span, {ec::unavailable, why.message});
  trace.add(std::move(span));
}

cli_result<run_outcome> run_watch::follow(RunSubmit submitted, command_trace& trace) {
  if (auto accepted = submit(std::move(submitted), trace); !accepted)
    return unexpected{accepted.error()};
  while (!ended_ && !lost_)
    if (auto waited = wait_once(); !waited)
      return unexpected{waited.error()};
  if (lost_) {
    line_.clear();
    return unexpected{cancelled_ ? *cancelled_ : *lost_};
  }
  line_.clear();
  return outcome();
}

cli_result<void> run_watch::submit(RunSubmit submitted, command_trace& trace) {
  owner_ = node_from_bytes(cluster_.node().id());
  owner_name_ = cluster_.node().name();
  graph_ = submitted.graph().name();
  accepted_ = trace.now();
  auto reply = cluster_.link->request(request_to_owner(payload::of(std::move(submitted))),
                                      limits::request_timeout,
                                      [this](envelope& other) { on_message(other); });
  if (reply)
    trace.answered(reply->trace);
  auto why = reply ? failure_in(*reply) : std::optional{reply.error()};
  if (why && why->code == ec::cancelled)
    return unexpected{cli_error{exit_interrupted, "cancelled", "interrupted"}};
  if (why && why->code == ec::outcome_unknown) // a run that has begun ends without its client
    return unexpected{run_lost(*why)};
  if (why)
    return unexpected{error_of(*why)};
  auto accepted = reply->body.as<RunAccepted>();
  if (!accepted)
    return unexpected{error_of(failure{ec::bad_message, "the node's answer could not be read"})};
  run_ = accepted->run();
  run_span_ = {accepted->span()};
  submission_ = reply->id;
  return {};
}

/// A request to the node that owns the run. After a reconnection, the client may be attached to
/// another node.
envelope run_watch::request_to_owner(payload body) const {
  envelope request;
  request.kind = message_kind::request;
  request.target = address::of(service::coordinator, owner_);
  request.body = std::move(body);
  request.trace = trace_;
  return request;
}

/// A run ends with its owner or its client. So it cannot have been done without our knowledge, and
/// the words of an unknown outcome ("look before you send it again") would be wrong here.
cli_error run_watch::run_lost(const failure& why) const {
  auto text = "the run was lost with the connection to " + owner_name_ + ", which owned it";
  if (why.code != ec::outcome_unknown)
    text += ": " + why.message;
  return {exit_run_lost, "run_lost", text + "; start the run again"};
}

cli_result<void> run_watch::wait_once() {
  auto step = std::chrono::milliseconds{wait_step};
  if (deadline_)
    step = std::min(step, std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - clock::now()));
  if (step.count() <= 0)
    return on_time_out();
  auto next = cluster_.link->receive(step);
  if (!next && next.error().code == ec::cancelled)
    return on_interrupt();
  if (!next) {
    line_.clear();
    if (cancelled_)
      return unexpected{*cancelled_};
    return unexpected{run_lost(next.error())};
  }
  if (*next)
    on_message(**next);
  return {};
}

cli_result<void> run_watch::on_interrupt() {
  signals_.take();
  if (cancelled_)
    return unexpected{*cancelled_};
  cancel(exit_interrupted, CANCEL_INTERRUPTED, "interrupted");
  return {};
}

cli_result<void> run_watch::on_time_out() {
  if (cancelled_) {
    line_.clear();
    return unexpected{*cancelled_};
  }
  cancel(exit_timed_out, CANCEL_CLIENT_TIMEOUT, "the run did not end in time");
  return {};
}

void run_watch::cancel(int exit_code, CancelReason reason, const std::string& why) {
  cancelled_ = cli_error{exit_code, exit_code == exit_timed_out ? "timed_out" : "cancelled", why};
  deadline_ = clock::now() + cancel_timeout;
  RunCancel message;
  message.set_run(run_);
  message.set_reason(reason);
  auto request = request_to_owner(payload::of(std::move(message)));
  request.trace = {}; // it is answered after the run's end has come, with which the command ends
  request.remaining = cancel_timeout;
  // If this cannot be sent, the node notices that the client is gone.
  [[maybe_unused]] auto sent = cluster_.link->send(std::move(request), cancel_timeout);
}

void run_watch::on_message(envelope& message) {
  if (auto progress = message.body.as<RunProgress>()) {
    bool last = progress->total() > 0 && progress->done() + progress->failed() == progress->total();
    if (!quiet_ && !cancelled_)
      line_.show(run_progress(*progress, line_.shown_on().columns), clock::now(), last);
    told_ = std::move(*progress);
    return;
  }
  auto ended = message.body.as<RunEnded>();
  if (ended && (run_.empty() || ended->run() == run_))
    ended_ = std::move(*ended);
  else if (message.body.unreadable() && message.body.kind() == payload_kind::RunEnded)
    on_failure(why_not_taken("this program", message));
  else if (auto why = failure_in(message); why && message.id == submission_)
    on_failure(*why);
}

void run_watch::on_failure(const failure& why) {
  lost_ = why.code == ec::bad_message ? error_of(why) : run_lost(why);
}

run_outcome run_watch::outcome() {
  run_outcome made;
  made.ended = std::move(*ended_);
  if (made.ended.ok()) {
    made.exit_code = exit_ok;
  } else if (cancelled_) {
    made.exit_code = cancelled_->exit_code;
    made.why = cancelled_->message;
  } else {
    made.exit_code = exit_failed;
    made.why = made.ended.failure().message();
  }
  for (const auto& task : made.ended.tasks())
    made.node_names.emplace(task.node(), cluster_.node_name(task.node()));
  return made;
}

} // namespace troupe::cli
