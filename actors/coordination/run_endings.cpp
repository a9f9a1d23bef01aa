#include "actors/coordination/run_endings.hpp"

#include "actors/coordination/run_spans.hpp"
#include "actors/coordination/run_summary.hpp"
#include "config/limits/links.hpp"
#include "config/limits/runs.hpp"
#include "messages/value_bytes.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

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

void run_endings::add(std::unique_ptr<active_run> run, const failure* cut_short, instant now) {
  auto done = std::make_unique<ending>();
  done->run = std::move(run);
  const auto& ended = *done->run;
  if (cut_short)
    done->cut_short = *cut_short;
  done->ended = now;
  done->whole.set_run(to_bytes(ended.id));
  done->whole.set_unknown_steps(ended.unknown_steps);
  done->whole.set_duration_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now - ended.began).count()));
  done->result_known = cut_short || !ended.state->graph().has_result();
  set_usage(done->whole, ended.used);
  ended.state->report_whole(done->whole, cut_short);
  endings_.push_back(std::move(done));
}

active_run* run_endings::find_request(const envelope& request) const {
  for (const auto& one : endings_)
    if (one->run->request == request.id && one->run->submitter.session == request.sender.session)
      return one->run.get();
  return nullptr;
}

active_run* run_endings::find(run_id id) const {
  for (const auto& one : endings_)
    if (one->run->id == id)
      return one->run.get();
  return nullptr;
}

bool run_endings::tell_some(step_context& context) {
  auto outcomes = limits::outcomes_per_step_max;
  auto bytes = limits::result_bytes_per_step_max;
  while (!endings_.empty() && outcomes > 0 && bytes > 0) {
    auto& done = *endings_.front();
    if (!copy_result(done, bytes) || !add_outcomes(done, outcomes))
      continue;
    tell(context, done);
    kept_.forget(std::move(done.run));
    endings_.pop_front();
  }
  return !endings_.empty();
}

/// False: there is more of it.
bool run_endings::copy_result(ending& done, std::size_t& bytes) {
  if (done.result_known)
    return true;
  auto& state = *done.run->state;
  auto& into = done.message;
  if (done.result_at == 0) { // room for all that will come: no step copies what is there already
    into.reserve(done.run->kept + state.size() * outcome_bytes);
    done.result_at = begin_field(into, RunEnded::kResultFieldNumber);
  }
  auto copied = state.report_result(into, done.copied, bytes);
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
bool run_endings::add_outcomes(ending& done, std::size_t& left) {
  RunEnded part;
  bool more = done.run->state->report_outcomes(part, done.told, left,
                                               done.cut_short ? &*done.cut_short : nullptr);
  left -= std::min(left, static_cast<std::size_t>(part.tasks_size()) + 1);
  part.AppendToString(&done.message);
  return !more;
}

/// The run fails if its end is more than a message may have.
void run_endings::bound(ending& done) {
  auto& whole = done.whole;
  auto& message = done.message;
  auto size = [&] { return whole.ByteSizeLong() + message.size(); };
  if (size() <= run_ended_bytes_max)
    return;
  whole.set_ok(false);
  *whole.mutable_failure() = to_proto(too_much_to_tell(
      "the run's result and the outcomes of its tasks are " + std::to_string(size()) + " bytes"));
  message.erase(0, done.result_end);
  if (size() > run_ended_bytes_max)
    message.clear();
}

/// Messages that stand one behind the other as bytes are one message with the fields of all.
payload run_endings::whole_of(ending& done) {
  done.whole.AppendToString(&done.message);
  auto bytes = std::make_shared<const std::string>(std::move(done.message));
  std::shared_ptr<const char[]> owner{bytes, bytes->data()};
  return payload::from_wire(payload_kind::RunEnded,
                            {std::move(owner), bytes->data(), bytes->size()});
}

void run_endings::tell(step_context& context, ending& done) {
  auto& run = *done.run;
  bound(done);
  auto why = done.whole.has_failure() ? from_proto(done.whole.failure()) : failure{};
  bool ok = done.whole.ok();
  auto failed = [&] { return run.title() + " failed: " + why.message; };
  if (!ok && !done.cut_short && run.root)
    context.log(*run.root, log_level::warning, "coordinator", failed());
  else if (!ok && !done.cut_short)
    context.out.log(log_level::warning, "coordinator", failed(), run.inside.trace);
  else if (run.root)
    context.out.log(log_level::info, "coordinator", run.title() + " has ended", run.inside.trace);
  else
    context.out.debug("coordinator", [&] {
      return run.title() + " has ended" + (ok ? std::string{} : ": " + why.message);
    });
  end_run_span(context, run, ok ? nullptr : &why);
  auto ended = whole_of(done); // after all that asks the host: if that throws, `stop` tells it
  submissions_.complete(run, ended);
  write(done, ended);
  std::vector<envelope> replies;
  for (const auto& canceller : run.cancellers) {
    replies.push_back(reply_to(canceller, RunEnded{}));
    replies.back().body = ended.share();
  }
  for (auto& news : run.news(self_, std::move(ended)))
    journal_.send_when_kept(context, run, std::move(news));
  for (auto& reply : replies)
    journal_.send_when_kept(context, run, std::move(reply));
}

/// A durable run has ended when its end is in the journal.
void run_endings::write(const ending& done, const payload& ended) {
  const auto& run = *done.run;
  if (!run.durable())
    return;
  auto summary = summary_of(run);
  summary.set_ended_ms(milliseconds_of(done.ended));
  summary.set_phase(done.whole.ok() ? RUN_SUCCEEDED : RUN_FAILED);
  if (!done.whole.ok() && done.whole.failure().code() == static_cast<std::uint32_t>(ec::cancelled))
    summary.set_phase(RUN_CANCELLED);
  if (done.whole.has_failure())
    *summary.mutable_failure() = done.whole.failure();
  std::string bytes;
  ended.append_to(bytes);
  fold_.finished(run, std::move(summary), std::move(bytes));
}

} // namespace troupe
