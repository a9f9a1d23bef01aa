#include "config/base/utf8.hpp"
#include "config/limits/attaching.hpp"
#include "messages/durability.hpp"
#include "messages/runs.pb.h"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/gathered_runs.hpp"
#include "nodes/cli/graph_arguments.hpp"
#include "nodes/cli/run_display.hpp"
#include "nodes/cli/run_watch.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/upload.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"

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
  std::optional<attention> attends;
  std::optional<attached_client> cluster;
  role_names roles; ///< that do tasks
};

cli_result<void> attach_to(const cluster_flags& flags, run_attachment& to, command_trace& trace) {
  command_trace::part connecting{trace, span_names::connect};
  auto failed = [&](const cli_error& why) {
    connecting.failed(why);
    return unexpected{why};
  };
  to.attends.emplace();
  auto cluster = attach_lasting(flags, to.attends->fd());
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

/// What the command says, or else the graph; `default` leaves it to the run's owner.
cli_result<Durability> wanted_durability(const run_command& wanted, const Graph& graph) {
  if (!wanted.durability.empty() && !durability_named(wanted.durability))
    return unexpected{
        usage_error("--durability " + wanted.durability + ": expected sync, async or off")};
  auto durability = durability_named(wanted.durability).value_or(graph.durability());
  if (!is_utf8(wanted.key) || wanted.key.size() > limits::run_key_bytes_max)
    return unexpected{usage_error("--key: it has at most "
                                  + std::to_string(limits::run_key_bytes_max) + " bytes of UTF-8")};
  if (wanted.detach && durability == DURABILITY_OFF)
    return unexpected{usage_error("--detach: a run that is not durable (durability: off) would end "
                                  "with this command; leave out --detach, or give --durability "
                                  "sync")};
  if (wanted.detach && (!wanted.output.empty() || wanted.timeout.count() > 0))
    return unexpected{usage_error("--detach does not wait for the run: --output and --timeout are "
                                  "for `troupe run` without it, or for `troupe runs attach`")};
  return durability;
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
  auto durability = wanted_durability(wanted, *graph);
  if (!durability)
    return unexpected{durability.error()};
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

  run_place place{node_from_bytes(to.cluster->node().id()), to.cluster->node().name(),
                  graph->name()};
  if (!wanted.key.empty())
    place = owner_of_key(wanted.key, to.cluster->link->welcome(), place);
  RunSubmit submit;
  *submit.mutable_graph() = std::move(*graph);
  *submit.mutable_inputs() = std::move(*inputs);
  submit.set_want_progress(!wanted.as_json && !wanted.detach);
  submit.set_durability(*durability);
  submit.set_key(wanted.key);
  run_watch watch(*to.cluster, *to.attends,
                  {.flags = wanted.cluster,
                   .timeout = wanted.timeout,
                   .quiet = wanted.as_json,
                   .detach = wanted.detach,
                   .is_keyed = !wanted.key.empty()});
  return watch.submit(payload::of(std::move(submit)), std::move(place), trace);
}

} // namespace

int cmd_run(const run_command& wanted) {
  auto output = prepare_output(wanted.output);
  if (!output)
    return report(output.error(), wanted.as_json);
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
  if (!outcome)
    return report(outcome.error(), wanted.as_json);
  run_display how{wanted.as_json, wanted.output};
  how.more["notes"] = files_json(files.notes, "note");
  how.more["skipped"] = files_json(files.skipped.named, "why");
  how.more["skipped_more"] = files.skipped.more;
  return show_run(*outcome, how, trace.id(), *output);
}

int cmd_run_help(const std::string& graph) {
  auto loaded = load_graph(graph);
  if (!loaded)
    return report(loaded.error());
  print(describe_graph(*loaded, graph));
  return exit_ok;
}

} // namespace troupe::cli
