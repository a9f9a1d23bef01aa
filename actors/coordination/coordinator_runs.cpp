// How runs begin and end.

#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/run_spans.hpp"
#include "actors/coordination/run_summary.hpp"
#include "config/limits/attaching.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe {

void coordinator_logic::on_submit(step_context& context, envelope& request) {
  if (inputs_.size() > 0 && inputs_.keep_behind(request, {}))
    return;
  auto judged = submissions_.accept(request);
  if (judged.what == delivery_state::fresh)
    return submit(context, request, judged, false);
  if (auto known = find_submitted(request))
    return accept_again(context, *known, request);
  if (judged.what == delivery_state::repeated_in_progress && inquiries_.repeated(request))
    return;
  bool is_kept = judged.what == delivery_state::repeated_done;
  if (!is_kept && !request.body.as<RunSubmit>()->key().empty()) // the key tells
    return submit(context, request, judged, false);
  if (is_kept || judged.what != delivery_state::outcome_unknown || !options_.has_journal)
    return submissions_.repeat(context, request, judged, durability_in(request));
  find_in_journal(context, request, judged);
}

void coordinator_logic::accept_again(step_context& context, active_run& run, envelope& request) {
  if (waits_for_begin(context, run, request))
    return;
  run.submitter = request.sender; // it may have come back through another node
  run.gone.reset();
  send_accepted(context, run, request, false);
}

void coordinator_logic::send_accepted(step_context& context, const active_run& run,
                                      const envelope& request, bool known) {
  RunAccepted accepted;
  accepted.set_run(to_bytes(run.id));
  accepted.set_durability(run.durability);
  accepted.set_known(known);
  if (run.root)
    accepted.set_span(run.root->span());
  auto reply = reply_to(request, std::move(accepted));
  if (run.beginning)
    journal_.send_when_kept(context, run, std::move(reply));
  else
    context.out.send(std::move(reply));
}

/// If the run is refused, nobody may have been told that it is there.
bool coordinator_logic::waits_for_begin(step_context& context, const active_run& run,
                                        envelope& asked) {
  if (!run.beginning)
    return false;
  if (!journal_.ask_again_when_begun(run, asked))
    refuse_to_wait(context, asked);
  return true;
}

/// `looked_up`: the journal knows no such run.
void coordinator_logic::submit(step_context& context, envelope& request,
                               const delivery::judgement& judged, bool looked_up) {
  auto& submitted = *request.body.as<RunSubmit>();
  new_run wanted;
  wanted.durability = durability_of(submitted.durability(), submitted.graph());
  wanted.key = submitted.key();
  wanted.want_progress = submitted.want_progress();
  if (wanted.durability > DURABILITY_OFF && !options_.has_journal)
    return refuse(context, request, judged,
                  {ec::invalid_argument, "this node keeps no journal: its runs are not durable"});
  if (wanted.key.size() > limits::run_key_bytes_max)
    return refuse(context, request, judged,
                  {ec::invalid_argument,
                   "the key of the run has " + std::to_string(wanted.key.size())
                       + " bytes, more than the " + std::to_string(limits::run_key_bytes_max)
                       + " that it may have"});
  if (!wanted.key.empty()) {
    if (inputs_.keep_behind(request, wanted.key))
      return;
    if (auto known = runs_.find_key(request.tenant, wanted.key))
      return attach(context, *known, request, wanted.want_progress);
    if (options_.has_journal && !looked_up) {
      JournalFind asked;
      asked.set_tenant(std::string{request.tenant.text()});
      asked.set_key(wanted.key);
      run_inquiries::inquiry about{std::move(request), judged, nullptr};
      about.by_key = about.finds = true;
      return ask_journal(context, std::move(about), payload::of(std::move(asked)));
    }
  }
  wanted.inputs.swap(*submitted.mutable_inputs());
  wanted.graph = std::move(*submitted.mutable_graph());
  begin(context, request, judged, std::move(wanted));
}

Durability coordinator_logic::durability_in(envelope& submission) const {
  const auto& submitted = *submission.body.as<RunSubmit>();
  return durability_of(submitted.durability(), submitted.graph());
}

Durability coordinator_logic::durability_of(Durability asked, const Graph& graph) const {
  if (asked != DURABILITY_DEFAULT)
    return asked;
  return graph.durability() != DURABILITY_DEFAULT ? graph.durability() : options_.durability;
}

void coordinator_logic::refuse(step_context& context, const envelope& request,
                               const delivery::judgement& judged, const failure& why) {
  submissions_.refuse(context, request, judged, why);
}

void coordinator_logic::begin(step_context& context, envelope& request,
                              const delivery::judgement& judged, new_run wanted) {
  // Several attempts at one submission may have waited for what the journal knows of it.
  if (auto known = find_submitted(request))
    return accept_again(context, *known, request);
  if (runs_.size() + endings_.size() + inputs_.size() >= options_.runs_max)
    return refuse(context, request, judged,
                  {ec::overloaded, "this node has " + std::to_string(runs_.size())
                                       + " runs already: try again when one has ended"});
  bool durable = wanted.durability > DURABILITY_OFF;
  if (durable && !wanted.has_blobs && input_blobs::are_named_by(wanted.inputs))
    return inputs_.bring(context, {head_of(request), judged, std::move(wanted)});
  run_id id{context.random.next(), context.random.next() | 1};
  blobs_.began(context, self_, id, wanted.inputs);
  auto inputs = durable ? wanted.inputs : value_map{};
  auto state =
      run_state::create(std::move(wanted.graph), std::move(wanted.inputs), &nodes_.roles());
  if (!state) {
    blobs_.ended(context, self_, id);
    return refuse(context, request, judged, state.error());
  }

  auto made = std::make_unique<active_run>();
  if (durable)
    if (auto taken = made->roles.begin((*state)->roles(), roles_); !taken) {
      blobs_.ended(context, self_, id);
      return refuse(context, request, judged, taken.error());
    }
  made->id = id;
  made->state = *std::move(state);
  made->submitter = request.sender;
  made->request = request.id;
  made->submission = judged.at;
  made->tenant = request.tenant;
  made->began = context.now;
  made->want_progress = wanted.want_progress;
  made->durability = wanted.durability;
  made->beginning = durable;
  made->key = std::move(wanted.key);
  made->retry_of = std::move(wanted.retry_of);
  made->accepted_ms = milliseconds_of(context.now);
  auto& run = runs_.add(std::move(made));
  offers_.add(run);
  begin_run_span(context, run, request.trace);
  fold_.began(run, request, inputs);
  if (!wanted.results.empty())
    repeated_.emplace(id, std::move(wanted.results));

  send_accepted(context, run, request, false);
  context.out.debug(
      "coordinator", [&run] { return run.title() + " is accepted"; }, request.trace.trace);
  if (durable)
    return;
  set_off(context, run);
  run.gone = absent_.gone_since(run.submitter, self_.node);
  if (run.gone)
    end_runs_of_gone(context);
}

void coordinator_logic::on_brought(step_context& context, input_blobs::brought_run done) {
  auto& [request, judged, wanted] = done.run;
  if (done.why)
    refuse(context, request, judged, *done.why);
  else
    begin(context, request, judged, std::move(wanted));
  for (auto& message : done.behind)
    on_message(context, message);
}

/// A durable run does not begin before the journal has it: nobody would go on with it.
void coordinator_logic::set_off(step_context& context, active_run& run) {
  run.beginning = false;
  progress_.note(context, run, active_run::none, placement::none);
  if (auto found = repeated_.find(run.id); found != repeated_.end()) {
    for (auto& noted : found->second)
      fold_.repeat_result(run, std::move(noted));
    repeated_.erase(found);
    run.state->begin_life(run.first_attempt()); // so that none of these is offered
  }
  offers_.wake(context, run);
}

void coordinator_logic::end_runs_of_gone(step_context& context) {
  failure why{ec::cancelled, "the client that submitted the run is gone"};
  auto alone = runs_.find_left_alone(context.now);
  for (auto run : alone.runs) {
    if (run->closing)
      continue;
    if (run->durable()) { // it needs no client; its submitter may come back at any time
      run->gone.reset();
      continue;
    }
    run->cancel_reason = "client_gone";
    close_run(context, *run, why);
  }
  if (alone.next)
    context.out.arm(timer_gone, *alone.next - context.now);
}

void coordinator_logic::end_ended(step_context& context) {
  while (auto run = runs_.next_ended())
    end_run(context, *run, run->over ? &*run->over : nullptr);
}

void coordinator_logic::end_run(step_context& context, active_run& run, const failure* cut_short) {
  if (cut_short) { // nodes still have tasks of it
    attempts_.visit_of(
        run, [&](attempt& a) { attempts_.release(context, a, "is given up with its run"); });
    offers_.remove(run);
    if (!run.closing) // else they know
      attempts_.call_off_everywhere(context, self_, run);
  }
  progress_.send(context, run);
  blobs_.ended(context, self_, run.id);
  endings_.add(runs_.take(run), cut_short, context.now);
}

} // namespace troupe
