// What a client says that ends without the end of its run, and why it does.

#include "messages/runs.pb.h"
#include "nodes/cli/run_watch.hpp"
#include "nodes/cli/run_words.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"

namespace troupe::cli {

std::string run_watch::id() const { return to_string(run_from_bytes(run_)); }

std::string run_watch::why_text(run_pursuit::reason why) {
  return why == run_pursuit::reason::timed_out ? "the run did not end in time" : "interrupted";
}

/// The run goes on without this client.
cli_error run_watch::left() const {
  auto attach = "`" + attach_command(run_from_bytes(run_), options_.flags) + "`";
  if (const auto& why = pursuit_->trouble())
    return {exit_run_left, "run_left",
            "the run cannot be followed: " + why->message + "; it goes on when " + place_.owner_name
                + ", which owns it, is there: " + attach};
  return {exit_run_left, "run_left", "the run goes on: " + attach + " shows it again"};
}

cli_error run_watch::abandoned() const {
  auto why = pursuit_->why_cancelled();
  auto text = why_text(why);
  if (pursuit_->is_accepted() && pursuit_->is_durable())
    text += "; whether the run was cancelled is not known: `troupe runs show " + id() + "` tells";
  else if (!pursuit_->is_accepted() && pursuit_->may_be_durable())
    text += "; if the run was accepted, `troupe runs` lists it";
  if (why == run_pursuit::reason::timed_out)
    return {exit_timed_out, "timed_out", text};
  return {exit_interrupted, "cancelled", text};
}

cli_error run_watch::lost() const {
  const auto& why = *pursuit_->trouble();
  bool ends_with_its_node = submits_ && pursuit_->is_accepted() && !pursuit_->is_durable();
  if (ends_with_its_node && why.code != ec::bad_message)
    return run_lost(why);
  if (!pursuit_->is_accepted() && why.code == ec::outcome_unknown)
    return unanswered(why);
  if (!pursuit_->is_accepted() && why.code == ec::unavailable && options_.is_keyed)
    return no_owner_of_key(why);
  return error_of(why);
}

/// Another node could accept the same key a second time, so none does.
cli_error run_watch::no_owner_of_key(const failure& why) const {
  auto error = error_of(why);
  error.message = "nothing was begun: all runs with this key are begun by " + place_.owner_name
                  + ", and " + why.message + ". Give the same command again when "
                  + place_.owner_name
                  + " is up (`troupe status` shows it). With another key, or none, another node "
                    "may begin the run, which then may be done twice";
  return error;
}

/// Such a run ends with its owner or its client. So it cannot have been done without our knowledge,
/// and the words of an unknown outcome ("look before you send it again") would be wrong here.
cli_error run_watch::run_lost(const failure& why) const {
  auto text = "the run was lost with the connection to " + place_.owner_name + ", which owned it";
  if (why.code != ec::outcome_unknown)
    text += ": " + why.message;
  return {exit_run_lost, "run_lost", text + "; start the run again"};
}

/// Nobody knows whether the run was accepted.
cli_error run_watch::unanswered(const failure& why) const {
  if (!pursuit_->may_be_durable())
    return run_lost(why);
  return {exit_outcome_unknown, "outcome_unknown",
          "whether the run was accepted is not known: " + why.message
              + (options_.is_keyed
                     ? "; the same command may be given again: its key is accepted once"
                     : "; look whether `troupe runs` lists it before you start it again")};
}

cli_error run_watch::no_detach_error() const {
  return usage_error("--detach: the run would end with this command, because it is not durable "
                     "(durability: off); it was cancelled. Give --durability sync, or leave out "
                     "--detach");
}

/// The owner of the run is lost, and with it the span of the run, below which all others are.
void run_watch::write_lost_run(command_trace& trace, const cli_error& why) {
  if (accepted_.span() == 0)
    return;
  auto span = begin_span(span_names::workflow, place_.graph, trace_, span_id{accepted_.span()},
                         accepted_at_);
  set(span, attr::operation, "invoke_workflow");
  set(span, attr::workflow, place_.graph);
  set(span, attr::run_id, id());
  set(span, attr::written_for, place_.owner_name);
  set(span, attr::node_name, place_.owner_name);
  if (told_.total() > 0)
    set(span, attr::tasks, told_.total());
  if (told_.failed() > 0)
    set(span, attr::tasks_failed, told_.failed());
  set_failed(span, {ec::unavailable, why.message});
  trace.add(std::move(span));
}

} // namespace troupe::cli
