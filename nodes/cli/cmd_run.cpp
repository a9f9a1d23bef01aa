#include "messages/runs.pb.h"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/graph_arguments.hpp"
#include "nodes/cli/output_file.hpp"
#include "nodes/cli/run_report.hpp"
#include "nodes/cli/run_watch.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/upload.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <cstdlib>
#include <optional>

namespace troupe::cli {

namespace {

cli_result<role_names> roles_for_tasks(attached_client& cluster) {
  auto roles = roles_of(cluster, true);
  if (!roles)
    return unexpected{roles.error()};
  role_names names;
  for (const auto& role : *roles)
    if (role.for_tasks())
      names.insert(role.name());
  return names;
}

/// Remarks about the files in the arguments.
struct files_told {
  std::vector<skipped_document> notes; ///< how they were read
  skipped_documents skipped;           ///< why they were left out
};

/// Sends the files in the arguments and makes the run's inputs from them.
cli_result<value_map> send_inputs(attached_client& cluster, const Graph& graph,
                                  graph_arguments arguments, bool quiet, files_told& told,
                                  command_trace& trace) {
  for (const auto& [input, documents] : arguments.documents) {
    auto sent = upload(cluster, documents, quiet, trace);
    if (!sent)
      return unexpected{sent.error()};
    arguments.values[input] = documents_value(sent->blobs, sent->skipped);
    told.notes.insert(told.notes.end(), sent->notes.begin(), sent->notes.end());
    told.skipped.append(sent->skipped);
  }
  settle_inputs(graph, arguments.values);
  return std::move(arguments.values);
}

/// What a run needs of the world, for as long as the command lasts.
struct run_attachment {
  std::optional<interrupts> signals;
  std::optional<attached_client> cluster;
  role_names roles; ///< that do tasks
};

cli_result<void> attach_to(const cluster_flags& flags, run_attachment& to, command_trace& trace) {
  command_trace::part connecting{trace, span_names::connect};
  auto failed = [&](const cli_error& why) {
    connecting.failed(why);
    return unexpected{why};
  };
  to.signals.emplace();
  auto cluster = attach_lasting(flags, to.signals->fd());
  if (!cluster)
    return failed(cluster.error());
  to.cluster = std::move(*cluster);
  set(connecting.span(), attr::peer_node, to.cluster->node().name());
  auto roles = roles_for_tasks(*to.cluster);
  if (!roles)
    return failed(roles.error());
  to.roles = std::move(*roles);
  return {};
}

/// Every mistake is found before the first task starts, most of them before a cluster is asked.
cli_result<run_outcome> run(const run_command& wanted, command_trace& trace, run_attachment& to,
                            files_told& told_of_files) {
  auto source = find_graph(wanted.graph);
  if (!source)
    return unexpected{source.error()};
  auto graph = load_graph(*source);
  if (!graph)
    return unexpected{graph.error()};
  trace.called("run " + graph->name());
  auto arguments = read_arguments(*graph, wanted.graph, wanted.inputs,
                                  wanted.follow_links ? links::all : links::inside);
  if (!arguments)
    return unexpected{arguments.error()};
  if (auto attached = attach_to(wanted.cluster, to, trace); !attached)
    return unexpected{attached.error()};
  if (auto checked = load_graph(*source, &to.roles); !checked)
    return unexpected{checked.error()};
  remember_trace(to.cluster->data, trace.id());
  auto inputs =
      send_inputs(*to.cluster, *graph, std::move(*arguments), wanted.as_json, told_of_files, trace);
  if (!inputs)
    return unexpected{inputs.error()};
  if (!wanted.as_json) {
    tell_notes(told_of_files.notes);
    tell_skipped(told_of_files.skipped);
  }

  RunSubmit submit;
  *submit.mutable_graph() = std::move(*graph);
  *submit.mutable_inputs() = std::move(*inputs);
  submit.set_want_progress(!wanted.as_json);
  run_watch watch(*to.cluster, *to.signals, wanted.timeout, wanted.as_json);
  return watch.run(std::move(submit), trace);
}

/// Prints what came of it, and returns the exit code.
int show(const run_command& wanted, const run_outcome& outcome, const files_told& files,
         trace_id trace, const output_file* output) {
  const auto& ended = outcome.ended;
  auto text = result_text(ended);
  if (output && ended.has_result())
    if (auto written = output->write(text); !written)
      return report({exit_cannot_write, "output", written.error().message}, wanted.as_json);
  if (wanted.as_json) {
    auto told = run_json(outcome, trace);
    told["notes"] = files_json(files.notes, "note");
    told["skipped"] = files_json(files.skipped.named, "why");
    told["skipped_more"] = files.skipped.more;
    print_json(told);
    return outcome.exit_code;
  }
  if (!output)
    print_data(shown_on(terminal_of(STDOUT_FILENO), text));
  auto told = run_summary(outcome);
  if (output && ended.has_result())
    told += "troupe: the result is in " + one_line(wanted.output) + "\n";
  tell(told);
  return outcome.exit_code;
}

/// Why the command's span is marked as failed; nothing if it is not.
std::optional<cli_error> why_failed(const cli_result<run_outcome>& outcome) {
  if (!outcome)
    return outcome.error();
  if (outcome->exit_code == exit_ok)
    return std::nullopt;
  const auto& why = outcome->ended.failure();
  auto code = outcome->exit_code == exit_timed_out     ? ec::timed_out
              : outcome->exit_code == exit_interrupted ? ec::cancelled
                                                       : from_proto(why).code;
  return cli_error{outcome->exit_code, std::string{to_string(code)}, outcome->why};
}

} // namespace

int cmd_run(const run_command& wanted) {
  std::optional<output_file> output;
  if (!wanted.output.empty()) {
    auto prepared = output_file::prepare(wanted.output);
    if (!prepared)
      return report({exit_cannot_write, "output", prepared.error().message}, wanted.as_json);
    output = std::move(*prepared);
  }
  command_trace trace{"run", std::getenv("TRACEPARENT")};
  files_told files;
  auto outcome = [&] {
    run_attachment to; // ends before anything is printed: an output may wait for its reader
    auto done = run(wanted, trace, to, files);
    auto why = why_failed(done);
    trace.end(why ? why->exit_code : exit_ok, why ? &*why : nullptr,
              to.cluster ? &*to.cluster : nullptr);
    return done;
  }();
  return outcome ? show(wanted, *outcome, files, trace.id(), output ? &*output : nullptr)
                 : report(outcome.error(), wanted.as_json);
}

int cmd_run_help(const std::string& graph) {
  auto loaded = load_graph(graph);
  if (!loaded)
    return report(loaded.error());
  print(describe_graph(*loaded, graph));
  return exit_ok;
}

} // namespace troupe::cli
