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

std::uint32_t bound_of(const RunsAsked& asked) {
  if (asked.at_most() == 0)
    return limits::runs_listed;
  return std::min<std::uint32_t>(asked.at_most(), limits::runs_listed_max);
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
  tell_waits(run, now);
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
  auto judged = about.judged;
  if (!inquiries_.ask(context, std::move(about), std::move(to_journal)))
    refuse(context, head, judged,
           {ec::overloaded, "too many questions about runs wait: try again soon"});
}

void coordinator_logic::read_last(step_context& context, run_inquiries::inquiry about,
                                  const std::string& run) {
  JournalRead asked;
  asked.set_run(run);
  asked.set_last(true);
  ask_journal(context, std::move(about), payload::of(std::move(asked)));
}

void coordinator_logic::refuse_to_wait(step_context& context, const envelope& asked) {
  if (asked.kind == message_kind::request)
    context.out.send(reply_failure(
        asked, {ec::overloaded, "too many requests wait for the journal: try again soon"}));
}

active_run* coordinator_logic::find_run(run_id id) const {
  auto run = runs_.find(id);
  return run ? run : endings_.find(id);
}

active_run* coordinator_logic::find_submitted(const envelope& request) const {
  auto run = runs_.find_request(request);
  return run ? run : endings_.find_request(request);
}

/// The journal has not written yet that the run has ended: then it does not know it as one that
/// has.
bool coordinator_logic::waits_for_end(step_context& context, envelope& asked, run_id run) {
  if (!journal_.has_unwritten_end(run))
    return false;
  if (!journal_.ask_again_when_kept(asked))
    refuse_to_wait(context, asked);
  return true;
}

void coordinator_logic::on_inquiry(step_context& context, envelope& asked) {
  if (answers_for_unreadable(context, asked))
    return;
  if (asked.body.as<RunAttach>())
    return on_attach(context, asked);
  if (asked.body.as<RunAsked>())
    return on_asked(context, asked);
  if (asked.body.as<RunRetry>())
    return on_retry(context, asked);
  if (auto wanted = asked.body.as<RunsAsked>()) {
    JournalEndedAsked ended;
    ended.set_phase(wanted->phase());
    ended.set_prefix(wanted->prefix());
    ended.set_at_most(bound_of(*wanted));
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(ended)));
  }
  if (auto wanted = asked.body.as<RunDelete>()) {
    auto id = run_from_bytes(wanted->run());
    if (goes_on(context, asked, id) || waits_for_end(context, asked, id))
      return;
    JournalDelete gone;
    gone.set_run(wanted->run());
    return ask_journal(context, {std::move(asked), {}, nullptr}, payload::of(std::move(gone)));
  }
  not_taken(context, "the coordinator", asked);
}

void coordinator_logic::on_attach(step_context& context, envelope& asked) {
  auto wanted = *asked.body.as<RunAttach>();
  auto id = run_from_bytes(wanted.run());
  if (auto run = find_run(id))
    return attach(context, *run, asked, wanted.want_progress());
  if (!waits_for_end(context, asked, id))
    read_last(context, {std::move(asked), {}, nullptr}, wanted.run());
}

void coordinator_logic::on_asked(step_context& context, envelope& asked) {
  auto wanted = *asked.body.as<RunAsked>();
  auto id = run_from_bytes(wanted.run());
  auto run = find_run(id);
  if (run && waits_for_begin(context, *run, asked))
    return;
  if (run && !wanted.steps())
    return show(context, *run, asked);
  if (waits_for_end(context, asked, id))
    return;
  if (!wanted.steps())
    return read_last(context, {std::move(asked), {}, nullptr}, wanted.run());
  // What was told of steps a moment ago is shown, unless there is no space for it.
  bool waits = !asking_again_ && journal_.has_unwritten() && !journal_.is_stalled(context.now);
  if (!waits || !journal_.ask_again_when_kept(asked))
    read_run(context, asked, {}, run_reader::keeps::steps);
}

/// Answers the inquiry if its run has not ended.
bool coordinator_logic::goes_on(step_context& context, const envelope& asked, run_id run) const {
  if (!find_run(run))
    return false;
  context.out.send(reply_failure(
      asked, {ec::invalid_argument,
              "run " + to_string(run) + " goes on: cancel it first, or wait for its end"}));
  return true;
}

void coordinator_logic::show(step_context& context, const active_run& run,
                             const envelope& request) {
  auto shown = shown_as_it_is(run);
  attempts_.tell_work(run, *shown.mutable_ended());
  context.out.send(reply_to(request, std::move(shown)));
}

void coordinator_logic::show_steps(step_context& context, const run_inquiries::inquiry& inquiry) {
  auto& reader = *inquiry.reader;
  auto shown =
      reader.end.has_finished() ? shown_at_its_end(reader.end) : shown_as_it_is(*reader.run);
  if (auto run = find_run(reader.run->id); run && !reader.end.has_finished())
    attempts_.tell_work(*run, *shown.mutable_ended()); // what was read knows of no attempts
  reader.steps.tell(shown, *reader.run->state);
  context.out.send(reply_to(inquiry.asked, std::move(shown)));
}

void coordinator_logic::attach(step_context& context, active_run& run, envelope& request,
                               bool want_progress) {
  if (waits_for_begin(context, run, request))
    return;
  if (run.request == request.id && run.submitter.session == request.sender.session)
    return accept_again(context, run, request); // it is its own submission
  run.attach(request, want_progress);
  send_accepted(context, run, request, true);
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
  bool is_submission = asked.body.as<RunSubmit>() || asked.body.as<RunRetry>();
  if (inquiry.finds && !why)
    return on_found_submission(context, std::move(inquiry), reply);
  if (inquiry.found && is_submission && why && why->code == ec::not_found)
    return begin_unknown(context, inquiry); // it was forgotten meanwhile
  if (why)
    return refuse(context, asked, inquiry.judged, *why);
  if (auto page = reply.body.as<JournalRecords>(); page && inquiry.reader)
    return on_page(context, std::move(inquiry), *page);
  if (auto ended = reply.body.as<RunsFound>())
    return context.out.send(reply_to(asked, all_runs(*asked.body.as<RunsAsked>(), *ended)));
  if (auto gone = reply.body.as<RunDeleted>())
    return context.out.send(reply_to(asked, std::move(*gone)));
  if (reply.body.as<JournalWritten>())
    return on_unreadable_ended(context, std::move(inquiry));
  auto last = end_in(reply);
  if (!last)
    return refuse(context, asked, inquiry.judged,
                  {ec::bad_message, "the journal does not say how the run has ended"});
  if (!asked.body.as<RunAsked>())
    return attach_to_ended(context, asked, *std::move(last));
  context.out.send(reply_to(asked, shown_at_its_end(*last)));
}

void coordinator_logic::on_page(step_context& context, run_inquiries::inquiry inquiry,
                                JournalRecords& page) {
  auto whole = inquiry.reader->take(page);
  bool is_retry = inquiry.asked.body.as<RunRetry>();
  auto read = inquiry.reader->run.get();
  bool is_done = is_retry && read && read->has_begun_anew_for(inquiry.asked);
  if (!whole && is_retry && !is_done
      && inquiry.reader->began.has_began()) // what cannot be read is made again
    return repeat(context, std::move(inquiry));
  if (!whole)
    return refuse(context, inquiry.asked, inquiry.judged, whole.error());
  if (*whole && inquiry.asked.body.as<RunAsked>())
    return show_steps(context, inquiry);
  if (*whole && is_done && inquiry.reader->end.has_finished()) {
    RunEnded told; // the wish is answered: repetitions of it hear the same
    parse_message(told, inquiry.reader->end.finished().ended());
    auto ended = payload::of(std::move(told));
    read->submission = inquiry.judged.at;
    submissions_.complete(*read, ended);
    return attach_to_ended(context, inquiry.asked, std::move(inquiry.reader->end));
  }
  if (*whole)
    return repeat(context, std::move(inquiry));
  auto further = inquiry.reader->next();
  ask_journal(context, std::move(inquiry), payload::of(std::move(further)));
}

/// Those that go on, those whose end is not written yet, and those that cannot be read, before
/// those that have ended.
RunsFound coordinator_logic::all_runs(const RunsAsked& wanted, const RunsFound& ended) const {
  RunsFound all;
  auto add = [&](const RunSummary& one) {
    if (is_asked_for(one, wanted.phase(), wanted.prefix()))
      *all.add_runs() = one;
  };
  runs_.visit([&](const active_run& run) {
    if (run.durable() && !run.beginning)
      add(summary_of(run));
  });
  for (const auto& [id, one] : journal_.unwritten_ends())
    add(one);
  for (const auto& [id, one] : unreadable_.all())
    add(one);
  all.MergeFrom(ended);
  auto most = static_cast<int>(bound_of(wanted));
  all.set_more(all.more() || all.runs_size() > most);
  if (all.runs_size() > most)
    all.mutable_runs()->DeleteSubrange(most, all.runs_size() - most);
  return all;
}

} // namespace troupe
