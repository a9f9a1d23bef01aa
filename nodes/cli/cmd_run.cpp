#include "messages/runs.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/exit_codes.hpp"
#include "nodes/cli/graph_arguments.hpp"
#include "nodes/cli/output_file.hpp"
#include "nodes/cli/run_report.hpp"
#include "nodes/cli/run_watch.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/upload.hpp"
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
                                  graph_arguments arguments, bool quiet, files_told& told) {
  for (const auto& [input, documents] : arguments.documents) {
    auto sent = upload(cluster, documents, quiet);
    if (!sent)
      return unexpected{sent.error()};
    arguments.values[input] = documents_value(sent->blobs, sent->skipped);
    told.notes.insert(told.notes.end(), sent->notes.begin(), sent->notes.end());
    told.skipped.append(sent->skipped);
  }
  settle_inputs(graph, arguments.values);
  return std::move(arguments.values);
}

/// Every mistake is found before the first task starts, most of them before a cluster is asked.
cli_result<run_outcome> run(const run_command& wanted, trace_context trace,
                            files_told& told_of_files) {
  auto source = find_graph(wanted.graph);
  if (!source)
    return unexpected{source.error()};
  auto graph = load_graph(*source);
  if (!graph)
    return unexpected{graph.error()};
  auto arguments = read_arguments(*graph, wanted.graph, wanted.inputs,
                                  wanted.follow_links ? links::all : links::inside);
  if (!arguments)
    return unexpected{arguments.error()};
  interrupts signals;
  auto cluster = attach_lasting(wanted.cluster, signals.fd());
  if (!cluster)
    return unexpected{cluster.error()};
  auto roles = roles_for_tasks(*cluster);
  if (!roles)
    return unexpected{roles.error()};
  if (auto checked = load_graph(*source, &*roles); !checked)
    return unexpected{checked.error()};
  auto inputs = send_inputs(*cluster, *graph, std::move(*arguments), wanted.as_json, told_of_files);
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
  remember_trace(cluster->data, trace.trace);
  run_watch watch(*cluster, signals, wanted.timeout, wanted.as_json);
  return watch.run(std::move(submit), trace);
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
  auto trace = new_trace(std::getenv("TRACEPARENT"));
  files_told files;
  auto outcome = run(wanted, trace, files);
  if (!outcome)
    return report(outcome.error(), wanted.as_json);
  const auto& ended = outcome->ended;
  auto text = result_text(ended);
  if (output && ended.has_result())
    if (auto written = output->write(text); !written)
      return report({exit_cannot_write, "output", written.error().message}, wanted.as_json);
  if (wanted.as_json) {
    auto told = run_json(*outcome, trace.trace);
    told["notes"] = files_json(files.notes, "note");
    told["skipped"] = files_json(files.skipped.named, "why");
    told["skipped_more"] = files.skipped.more;
    print_json(told);
    return outcome->exit_code;
  }
  if (!output)
    print_data(shown_on(terminal_of(STDOUT_FILENO), text));
  auto told = run_summary(*outcome);
  if (output && ended.has_result())
    told += "troupe: the result is in " + one_line(wanted.output) + "\n";
  tell(told);
  return outcome->exit_code;
}

int cmd_run_help(const std::string& graph) {
  auto loaded = load_graph(graph);
  if (!loaded)
    return report(loaded.error());
  print(describe_graph(*loaded, graph));
  return exit_ok;
}

} // namespace troupe::cli
