#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/trace_view.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/trace_words.hpp"

#include <unistd.h>

#include <algorithm>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t width_of_files = 120; ///< columns; also for pipes

/// Zero: the last trace.
cli_result<trace_id> named_trace(const std::string& text) {
  if (text == "last")
    return trace_id{};
  if (auto given = parse_id128<trace_id>(text); given && *given)
    return *given;
  return unexpected{usage_error("\"" + text + "\" is not a trace: write last, or 32 hex digits")};
}

cli_result<trace_id> last_of_user(const std::filesystem::path& data) {
  if (auto last = last_trace(data))
    return *last;
  return unexpected{cli_error{exit_failed, "not_found",
                              "there is no last trace: you have not used `troupe run` or `troupe "
                              "send` with this cluster yet"}};
}

result<TraceFound> ask_trace(client& link, trace_id trace) {
  TraceQuery query;
  query.set_trace(to_bytes(node_id{trace.hi, trace.lo})); // all ids travel as 16 bytes
  query.set_whole_cluster(true);
  auto reply = link.request(
      make_envelope(message_kind::request, address::of(service::desk), std::move(query)), 10s);
  if (!reply)
    return unexpected{reply.error()};
  if (auto why = failure_in(*reply))
    return unexpected{std::move(*why)};
  if (auto found = reply->body.as<TraceFound>())
    return std::move(*found);
  return fail(ec::bad_message, "the node's answer about a trace could not be read");
}

/// The command's span is made last: once it has arrived, so has everything else. Below the parent
/// that a TRACEPARENT names it is no root.
bool has_root(const TraceFound& found) {
  return std::any_of(found.spans().begin(), found.spans().end(), [](const SpanData& span) {
    auto row = row_of(span.name());
    return span.parent() == 0 || (row && row->what == &span_names::command);
  });
}

/// Spans arrive a moment after the answer they belong to. So it asks again while the root is
/// missing.
result<TraceFound> ask_until_whole(client& link, trace_id trace) {
  constexpr int tries_max = 20;
  constexpr auto pause = 50ms;
  for (int i = 1;; ++i) {
    auto found = ask_trace(link, trace);
    bool missing = !found && found.error().code == ec::not_found;
    if ((!found && !missing) || (found && has_root(*found)) || i == tries_max)
      return found;
    if (auto waited = link.receive(pause); !waited)
      return unexpected{waited.error()};
  }
}

} // namespace

int cmd_trace(const trace_command& wanted) {
  if (wanted.words) {
    print(describe_traces());
    return exit_ok;
  }
  interrupts signals;
  auto trace = named_trace(wanted.trace);
  if (!trace)
    return report(trace.error(), wanted.as_json);
  auto cluster = attach_lasting(wanted.cluster, signals.fd());
  if (!cluster)
    return report(cluster.error(), wanted.as_json);
  if (!*trace)
    trace = last_of_user(cluster->data);
  if (!trace)
    return report(trace.error(), wanted.as_json);
  auto found = ask_until_whole(*cluster->link, *trace);
  if (found && found->spans().empty())
    found = fail(ec::not_found, "");
  if (!found && found.error().code == ec::not_found)
    return report({exit_failed, "not_found",
                   "no node has spans of trace " + to_string(*trace)
                       + ": each node keeps only its latest spans, in memory; traces that "
                         "telemetry.sample_ratio leaves out are not recorded"},
                  wanted.as_json);
  if (!found)
    return report(error_of(found.error()), wanted.as_json);
  if (wanted.as_json) {
    print(trace_json(*found) + "\n"); // escaped like all JSON
    return exit_ok;
  }
  auto place = terminal_of(STDOUT_FILENO);
  trace_view_options options;
  options.width = place.is_terminal ? static_cast<std::size_t>(place.columns) : width_of_files;
  options.colour = place.colours;
  print(render_trace(*found, options));
  return exit_ok;
}

} // namespace troupe::cli
