// What clients ask about runs: those that go on are here, those that have ended in the journal.

#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/run_summary.hpp"
#include "actors/unread.hpp"
#include "config/limits/runs.hpp"
#include "messages/payload.hpp"
#include "persistence/journal/journal_event.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace troupe {

namespace {

failure no_such_run(run_id id) {
  return {ec::not_found, "this node has no run " + to_string(id)
                             + ": another node owns it, or it "
                               "was not durable, or deleted"};
}

std::uint32_t bound_of(const RunsAsked& asked) {
  if (asked.at_most() == 0)
    return limits::runs_listed;
  return std::min<std::uint32_t>(asked.at_most(), limits::runs_listed_max);
}

JournalRead last_of(const std::string& run) {
  JournalRead asked;
  asked.set_run(run);
  asked.set_last(true);
  return asked;
}

/// The last event in the answer of the journal; nothing if the run has not ended.
std::optional<RunEvent> end_in(envelope& reply) {
  auto page = reply.body.as<JournalRecords>();
  RunEvent last;
  if (!page || page->events().empty() || !parse_message(last, *page->events().rbegin())
      || !last.has_finished())
    return std::nullopt;
  return last;
}

RunShown shown_as_it_is(const active_run& run) {
  RunShown shown;
  *shown.mutable_summary() = summary_of(run);
  auto& now = *shown.mutable_ended();
  now.set_run(to_bytes(run.id));
  now.set_unknown_steps(run.unknown_steps);
  set_usage(now, run.used);
  run_state::outcome_cursor all;
  run.state->report_outcomes(now, all, limits::runs_listed_max, nullptr);
  return shown;
}

RunShown shown_at_its_end(RunEvent& last) {
  RunShown shown;
  shown.mutable_summary()->Swap(last.mutable_finished()->mutable_summary());
  parse_message(*shown.mutable_ended(), last.finished().ended());
  shown.mutable_ended()->clear_result();
  return shown;
}

} // namespace

void coordinator_logic::ask_journal(step_context& context, run_inquiries::inquiry about,
                                    payload to_journal) {
  if (!options_.has_journal)
    return context.out.send(
        reply_failure(about.asked, {ec::not_found, "this node keeps no journal of runs"}));
  auto head = head_of(about.asked);
  if (!inquiries_.ask(context, std::move(about), std::move(to_journal)))
    context.out.send(reply_failure(
        head, {ec::overloaded, "too many questions about runs wait: try again soon"}));
}

/// What is asked about may be among what the journal has not written: then the inquiry waits for
/// that.
bool coordinator_logic::waits_for_journal(envelope& asked) {
  if (asking_again_ || !journal_.has_unwritten())
    return false;
  journal_.ask_again_when_kept(std::move(asked));
  return true;
}

void coordinator_logic::on_inquiry(step_context& context, envelope& asked) {
  if (auto wanted = asked.body.as<RunAttach>()) {
    auto id = run_from_bytes(wanted->run());
    auto run = runs_.find(id);
    if (!run)
      run = endings_.find(id);
    if (run)
      return attach(context, *run, asked, wanted->want_progress());
    if (waits_for_journal(asked))
      return;
    auto read = last_of(wanted->run());
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(read)));
  }
  if (auto wanted = asked.body.as<RunAsked>()) {
    auto run = runs_.find(run_from_bytes(wanted->run()));
    if (run && !wanted->steps())
      return show(context, *run, asked);
    if (waits_for_journal(asked))
      return;
    if (wanted->steps())
      return read_run(context, asked, {}, run_reader::keeps::steps);
    auto read = last_of(wanted->run());
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(read)));
  }
  if (waits_for_journal(asked))
    return;
  if (auto wanted = asked.body.as<RunsAsked>()) {
    JournalEndedAsked ended;
    ended.set_phase(wanted->phase());
    ended.set_prefix(wanted->prefix());
    ended.set_at_most(bound_of(*wanted));
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(ended)));
  }
  if (auto wanted = asked.body.as<RunDelete>()) {
    if (goes_on(context, asked, wanted->run()))
      return;
    JournalDelete gone;
    gone.set_run(wanted->run());
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(gone)));
  }
  if (auto wanted = asked.body.as<RunRetry>()) {
    if (goes_on(context, asked, wanted->run()))
      return;
    auto judged = submissions_.accept(asked);
    if (judged.what != delivery_state::fresh) {
      if (auto known = runs_.find_request(asked))
        return accept_again(context, *known, asked);
      // Only durable runs are retried, and all that counts for its client is that it is one.
      return submissions_.repeat(context, asked, judged, DURABILITY_SYNC);
    }
    return read_run(context, asked, judged, run_reader::keeps::results);
  }
  not_taken(context, "the coordinator", asked);
}

/// The whole run is read from the journal, page by page, before it is answered.
void coordinator_logic::read_run(step_context& context, envelope& asked, delivery::judgement judged,
                                 run_reader::keeps what) {
  auto shown = asked.body.as<RunAsked>();
  auto run = run_from_bytes(shown ? shown->run() : asked.body.as<RunRetry>()->run());
  auto reader = std::make_unique<run_reader>(run, self_.node, what, shown ? shown->from_task() : 0);
  auto read = reader->next();
  ask_journal(context, {std::move(asked), judged, std::move(reader)}, payload::of(std::move(read)));
}

/// Answers the inquiry if its run has not ended.
bool coordinator_logic::goes_on(step_context& context, const envelope& asked,
                                const std::string& run) {
  auto id = run_from_bytes(run);
  if (!runs_.find(id))
    return false;
  context.out.send(reply_failure(
      asked, {ec::invalid_argument,
              "run " + to_string(id) + " goes on: cancel it first, or wait for its end"}));
  return true;
}

void coordinator_logic::show(step_context& context, const active_run& run,
                             const envelope& request) {
  context.out.send(reply_to(request, shown_as_it_is(run)));
}

void coordinator_logic::show_steps(step_context& context, const run_inquiries::inquiry& inquiry) {
  auto& reader = *inquiry.reader;
  auto shown =
      reader.end.has_finished() ? shown_at_its_end(reader.end) : shown_as_it_is(*reader.run);
  reader.steps.tell(shown, *reader.run->state);
  context.out.send(reply_to(inquiry.asked, std::move(shown)));
}

void coordinator_logic::attach(step_context& context, active_run& run, const envelope& request,
                               bool want_progress) {
  std::erase_if(run.attached, [&](const active_run::follower& one) {
    return one.who.session == request.sender.session;
  });
  if (run.attached.size() >= limits::run_listeners_max)
    run.attached.erase(run.attached.begin());
  run.attached.push_back({request.sender, request.id, want_progress});
  send_accepted(context, run, request, true);
  if (!run.beginning)
    progress_.note(context, run, run.last_task, run.last_node);
}

void coordinator_logic::attach_to_ended(step_context& context, const envelope& request,
                                        RunEvent last) {
  auto& end = *last.mutable_finished();
  RunAccepted accepted;
  accepted.set_run(end.summary().run());
  accepted.set_durability(end.summary().durability());
  accepted.set_known(true);
  context.out.send(reply_to(request, std::move(accepted)));
  auto news = make_envelope(message_kind::event, request.sender, RunEnded{});
  news.id = request.id;
  news.trace = request.trace;
  news.tenant = request.tenant;
  news.sender = self_;
  auto bytes = std::make_shared<const std::string>(std::move(*end.mutable_ended()));
  std::shared_ptr<const char[]> owner{bytes, bytes->data()};
  news.body =
      payload::from_wire(payload_kind::RunEnded, {std::move(owner), bytes->data(), bytes->size()});
  context.out.send(std::move(news));
}

void coordinator_logic::on_found(step_context& context, run_inquiries::inquiry inquiry,
                                 envelope& reply) {
  auto& asked = inquiry.asked;
  auto why = failure_in(reply);
  if (asked.body.as<RunSubmit>() && !reply.body.as<JournalRecords>())
    return on_found_submission(context, std::move(inquiry), reply);
  if (why)
    return refuse(context, asked, inquiry.judged, *why);
  if (inquiry.reader) {
    auto whole = inquiry.reader->take(*reply.body.as<JournalRecords>());
    if (!whole)
      return refuse(context, asked, inquiry.judged, whole.error());
    if (*whole && asked.body.as<RunAsked>())
      return show_steps(context, inquiry);
    if (*whole)
      return repeat(context, std::move(inquiry));
    auto read = inquiry.reader->next();
    return ask_journal(context, std::move(inquiry), payload::of(std::move(read)));
  }
  if (auto found = reply.body.as<RunsFound>()) {
    auto& wanted = *asked.body.as<RunsAsked>();
    RunsFound all;
    runs_.visit([&](const active_run& run) {
      auto summary = summary_of(run);
      if (run.durable() && is_asked_for(summary, wanted.phase(), wanted.prefix()))
        *all.add_runs() = std::move(summary);
    });
    all.MergeFrom(*found);
    auto most = static_cast<int>(bound_of(wanted));
    all.set_more(all.more() || all.runs_size() > most);
    if (all.runs_size() > most)
      all.mutable_runs()->DeleteSubrange(most, all.runs_size() - most);
    return context.out.send(reply_to(asked, std::move(all)));
  }
  if (auto gone = reply.body.as<RunDeleted>())
    return context.out.send(reply_to(asked, std::move(*gone)));
  auto last = end_in(reply);
  if (!last) { // it is one that this owner could not read again
    auto run = asked.body.as<RunAsked>();
    auto id = run                          ? run->run()
              : asked.body.as<RunAttach>() ? asked.body.as<RunAttach>()->run()
                                           : "";
    return context.out.send(reply_failure(asked, no_such_run(run_from_bytes(id))));
  }
  if (!asked.body.as<RunAsked>())
    return attach_to_ended(context, asked, *std::move(last));
  context.out.send(reply_to(asked, shown_at_its_end(*last)));
}

/// A submission that may be known: by its key, or because it is repeated.
void coordinator_logic::on_found_submission(step_context& context, run_inquiries::inquiry inquiry,
                                            envelope& reply) {
  auto& asked = inquiry.asked;
  auto found = reply.body.as<JournalRun>();
  if (!found)
    return refuse(context, asked, inquiry.judged,
                  failure_in(reply).value_or(failure{ec::bad_message, "the journal answers with "
                                                                      "something else"}));
  auto& wanted = *asked.body.as<RunSubmit>();
  if (found->run().empty()) { // what was accepted durably would be there
    auto durability = durability_in(asked);
    if (!inquiry.by_key && durability == DURABILITY_OFF)
      return submissions_.repeat(context, asked, inquiry.judged, durability);
    return submit(context, asked, inquiry.judged, inquiry.by_key);
  }
  auto id = run_from_bytes(found->run());
  auto run = runs_.find(id);
  if (!run)
    run = endings_.find(id);
  if (run)
    return attach(context, *run, asked, wanted.want_progress());
  auto read = last_of(found->run());
  ask_journal(context, std::move(inquiry), payload::of(std::move(read)));
}

void coordinator_logic::repeat(step_context& context, run_inquiries::inquiry inquiry) {
  auto& wanted = *inquiry.asked.body.as<RunRetry>();
  auto& began = *inquiry.reader->began.mutable_began();
  new_run again;
  again.graph = std::move(*began.mutable_graph());
  again.inputs.swap(*began.mutable_inputs());
  again.durability = began.durability();
  again.retry_of = wanted.run();
  again.want_progress = wanted.want_progress();
  if (wanted.failed())
    again.results = std::move(inquiry.reader->results);
  begin(context, inquiry.asked, inquiry.judged, std::move(again));
}

} // namespace troupe
