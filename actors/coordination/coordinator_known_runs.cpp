// Submissions of runs that may be known: repeated ones, and those with a key. Runs that repeat
// others.

#include "actors/coordination/coordinator_logic.hpp"
#include "config/limits/runs.hpp"
#include "messages/payload.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe {

/// Looks for the run of a repeated submission.
void coordinator_logic::find_in_journal(step_context& context, envelope& request,
                                        const delivery::judgement& judged) {
  JournalFind asked;
  asked.set_session(request.sender.session.value);
  asked.set_number(request.id.sequence);
  run_inquiries::inquiry about{std::move(request), judged, nullptr};
  about.finds = true;
  ask_journal(context, std::move(about), payload::of(std::move(asked)));
}

void coordinator_logic::on_found_submission(step_context& context, run_inquiries::inquiry inquiry,
                                            envelope& reply) {
  auto& asked = inquiry.asked;
  auto found = reply.body.as<JournalRun>();
  if (!found)
    return refuse(context, asked, inquiry.judged,
                  {ec::bad_message, "the journal answers with something else"});
  if (found->run().empty())
    return begin_unknown(context, inquiry);
  auto id = run_from_bytes(found->run());
  auto retry = asked.body.as<RunRetry>();
  if (auto run = find_run(id))
    return attach(context, *run, asked,
                  retry ? retry->want_progress() : asked.body.as<RunSubmit>()->want_progress());
  if (waits_for_end(context, asked, id))
    return;
  if (auto unreadable = unreadable_.find(id))
    return refuse(context, asked, inquiry.judged, from_proto(unreadable->failure()));
  inquiry.finds = false;
  inquiry.found = id;
  read_last(context, std::move(inquiry), found->run());
}

/// What was accepted durably would be there.
void coordinator_logic::begin_unknown(step_context& context, run_inquiries::inquiry& inquiry) {
  auto& asked = inquiry.asked;
  if (asked.body.as<RunRetry>())
    return read_run(context, asked, inquiry.judged, run_reader::keeps::results);
  auto durability = durability_in(asked);
  if (!inquiry.by_key && durability == DURABILITY_OFF)
    return submissions_.repeat(context, asked, inquiry.judged, durability);
  submit(context, asked, inquiry.judged, inquiry.by_key);
}

/// The wish to repeat a run is a submission, too.
void coordinator_logic::on_retry(step_context& context, envelope& asked) {
  auto id = run_from_bytes(asked.body.as<RunRetry>()->run());
  if (asked.attempt > 1)
    if (auto known = find_submitted(asked))
      return accept_again(context, *known, asked);
  if (begin_waiting_anew(context, asked) || goes_on(context, asked, id)
      || waits_for_end(context, asked, id))
    return;
  if (inputs_.size() > 0 && inputs_.keep_behind(asked, {}))
    return;
  auto judged = submissions_.accept(asked);
  if (judged.what == delivery_state::fresh)
    return read_run(context, asked, judged, run_reader::keeps::results);
  if (judged.what == delivery_state::repeated_in_progress && inquiries_.repeated(asked))
    return;
  if (judged.what == delivery_state::outcome_unknown && options_.has_journal)
    return find_in_journal(context, asked, judged);
  // Only durable runs are retried, and all that counts for its client is that it is one.
  submissions_.repeat(context, asked, judged, DURABILITY_SYNC);
}

/// The whole run is read from the journal, page by page, before it is answered.
void coordinator_logic::read_run(step_context& context, envelope& asked, delivery::judgement judged,
                                 run_reader::keeps what) {
  if (inquiries_.readers() + repeated_.size() >= limits::runs_read_at_once_max)
    return refuse(context, asked, judged,
                  {ec::overloaded, "this node is reading "
                                       + std::to_string(limits::runs_read_at_once_max)
                                       + " other runs from its journal: try again soon"});
  auto shown = asked.body.as<RunAsked>();
  auto run = run_from_bytes(shown ? shown->run() : asked.body.as<RunRetry>()->run());
  auto reader = std::make_unique<run_reader>(run, self_.node, what, shown ? shown->from_task() : 0);
  auto read = reader->next();
  ask_journal(context, {std::move(asked), judged, std::move(reader)}, payload::of(std::move(read)));
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
