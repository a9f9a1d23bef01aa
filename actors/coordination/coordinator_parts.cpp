#include "actors/coordination/coordinator_run.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "messages/runs.pb.h"
#include "messages/value_bytes.hpp"
#include "telemetry/span.hpp"

#include <algorithm>

/// What runs keep of their results, and what of their work is done over several steps: no step's
/// work grows with the size of a run.
namespace troupe {

namespace {

constexpr std::size_t run_ended_bytes_max = limits::content_bytes_max;
constexpr std::size_t outcome_bytes = 128; ///< of a task that succeeded, about

failure too_much_to_tell(const std::string& what) {
  return {ec::too_large, what
                             + ", more than a message may have: let a task of the graph make less "
                               "of them"};
}

} // namespace

// -- work in parts ----------------------------------------------------------------------------

/// One run in a step: they take turns.
void coordinator_logic::go_on_with_runs(step_context& context) {
  if (!working_.empty()) {
    auto& r = *working_.front();
    working_.erase(working_.begin());
    r.working = false;
    r.state->go_on();
    wake(r);
  }
  if (!working_.empty())
    go_on_later(context);
}

/// False: it takes another step. That it cannot be made says who makes the task.
bool coordinator_logic::prepare(run& r, std::uint32_t task) {
  auto made = r.state->prepare(task, budget_.bytes);
  watch_kept(r, task);
  return !made || *made;
}

// -- what runs keep ---------------------------------------------------------------------------

/// `task` is the one that has made it more.
void coordinator_logic::watch_kept(run& r, std::uint32_t task) {
  auto now = r.state->kept_bytes();
  kept_ += now;
  kept_ -= std::exchange(r.kept, now);
  auto* most = &r;
  std::string why;
  auto size = [](std::size_t bytes) { return std::to_string(bytes) + " bytes"; };
  if (r.kept > options_.run_results_bytes_max) {
    why = "the results of this run are " + size(r.kept) + " with `" + r.state->id_of(task)
          + "`, more than the " + size(options_.run_results_bytes_max) + " that one run may keep";
  } else if (kept_ > options_.results_bytes_max) {
    for (const auto& [id, other] : runs_)
      if (other->kept > most->kept && !other->over)
        most = other.get();
    why = "the results of all runs of this node are " + size(kept_) + ", more than the "
          + size(options_.results_bytes_max) + " that it may keep, and this run has most of them, "
          + size(most->kept);
    if (most == &r)
      why += " with `" + r.state->id_of(task) + "`";
  }
  if (why.empty() || most->over)
    return;
  most->over = failure{ec::too_large, why + ": let its tasks return less, or blobs"};
  if (!std::exchange(most->ending, true))
    ended_.push_back(most);
}

void coordinator_logic::forget_spent(step_context& context) {
  auto left = limits::forgotten_per_step_max;
  while (!spent_.empty() && left > 0) {
    auto& [state, kept] = spent_.front();
    auto tasks = std::min(left, state->size());
    left -= tasks;
    if (state->forget_tasks(tasks))
      break;
    kept_ -= kept;
    given_back_ += kept;
    spent_.pop_front();
  }
  if (!spent_.empty())
    return go_on_later(context);
  if (given_back_ < limits::results_bytes_to_give_back)
    return;
  given_back_ = 0;
  if (options_.give_back_memory)
    options_.give_back_memory();
}

// -- the end ----------------------------------------------------------------------------------

/// Tells of runs that have ended. What a large one came to is put together over several steps.
void coordinator_logic::report_in_parts(step_context& context) {
  auto outcomes = limits::outcomes_per_step_max;
  auto bytes = limits::result_bytes_per_step_max;
  while (!endings_.empty() && outcomes > 0 && bytes > 0) {
    auto& done = *endings_.front();
    if (!copy_result(done, bytes) || !add_outcomes(done, outcomes))
      continue;
    tell_end(context, done);
    spent_.emplace_back(std::move(done.ended->state), done.ended->kept);
    endings_.pop_front();
  }
  if (!endings_.empty())
    go_on_later(context);
  forget_spent(context);
}

/// False: there is more of it.
bool coordinator_logic::copy_result(ending& done, std::size_t& bytes) {
  if (done.result_known)
    return true;
  auto& state = *done.ended->state;
  auto& into = done.message;
  if (done.result_at == 0) { // room for all that will come: no step copies what is there already
    into.reserve(done.ended->kept + state.size() * outcome_bytes);
    done.result_at = begin_field(into, RunEnded::kResultFieldNumber);
  }
  auto copied = state.report_result(into, done.copy_at, bytes);
  bool too_large = into.size() > run_ended_bytes_max;
  if (copied && !too_large && !*copied)
    return false;
  done.result_known = true;
  if (copied && !too_large) {
    end_field(into, done.result_at);
    done.result_end = into.size();
    return true;
  }
  into = {};
  run_state::report_no_result(
      done.whole,
      copied ? too_much_to_tell("more than " + std::to_string(run_ended_bytes_max) + " bytes")
             : copied.error());
  return true;
}

/// False: there are more of them.
bool coordinator_logic::add_outcomes(ending& done, std::size_t& left) {
  RunEnded part;
  bool more = done.ended->state->report_outcomes(part, done.at, left,
                                                 done.cut_short ? &*done.cut_short : nullptr);
  left -= std::min(left, static_cast<std::size_t>(part.tasks_size()) + 1);
  part.AppendToString(&done.message);
  return !more;
}

/// Messages that stand one behind the other as bytes are one message with the fields of all.
/// What no message can carry: the run fails, and its submitter hears why.
payload coordinator_logic::whole_of(ending& done) {
  auto& whole = done.whole;
  auto& message = done.message;
  auto size = [&] { return whole.ByteSizeLong() + message.size(); };
  if (size() > run_ended_bytes_max) {
    whole.set_ok(false);
    *whole.mutable_failure() = to_proto(too_much_to_tell(
        "the run's result and the outcomes of its tasks are " + std::to_string(size()) + " bytes"));
    message.erase(0, done.result_end);
    if (size() > run_ended_bytes_max)
      message.clear();
  }
  whole.AppendToString(&message);
  auto bytes = std::make_shared<const std::string>(std::move(message));
  std::shared_ptr<const char[]> owner{bytes, bytes->data()};
  return payload::from_wire(payload_kind::RunEnded,
                            {std::move(owner), bytes->data(), bytes->size()});
}

void coordinator_logic::tell_end(step_context& context, ending& done) {
  auto& r = *done.ended;
  auto ended = whole_of(done);
  auto why = done.whole.has_failure() ? from_proto(done.whole.failure()) : failure{};
  bool ok = done.whole.ok();
  if (!ok && !done.cut_short)
    context.out.log(log_level::warning, "coordinator",
                    "run " + to_string(r.id) + " (" + r.state->graph().name()
                        + ") failed: " + why.message,
                    r.inside.trace);
  else if (r.root)
    context.out.log(log_level::info, "coordinator",
                    "run " + to_string(r.id) + " (" + r.state->graph().name() + ") has ended",
                    r.inside.trace);
  if (r.root) {
    set(*r.root, "troupe.tasks", static_cast<std::int64_t>(r.state->count().total()));
    if (!ok)
      set_failed(*r.root, why);
    r.root->set_end_ns(context.now.time_since_epoch().count());
    context.out.spans.push_back(std::move(*r.root));
  }
  if (r.submission.session)
    submissions_.complete(r.submission, ended);
  if (done.canceller) {
    auto reply = reply_to(*done.canceller, RunEnded{});
    reply.body = ended.share();
    tell(context, r, std::move(ended));
    context.out.send(std::move(reply));
    return;
  }
  tell(context, r, std::move(ended));
}

} // namespace troupe
