#include "nodes/cli/graph_arguments.hpp"

#include "actors/coordination/graph_yaml.hpp"
#include "config/limits/storage.hpp"
#include "config/suggest.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "nodes/exit_codes.hpp"
#include "persistence/files.hpp"
#include "telemetry/shell_word.hpp"

#include <fcntl.h>

#include <cerrno>
#include <optional>

namespace troupe::cli {

namespace {

/// Reads anything that can be read once, such as a pipe, whose size is unknown.
cli_result<std::string> read_graph_file(const std::string& path) {
  auto file = open_file(path, O_RDONLY | O_NOCTTY);
  if (!file && errno == ENOENT)
    return unexpected{usage_error("there is no graph file " + path)};
  std::string text(limits::yaml_bytes_max + 1, '\0');
  auto size = file ? read_up_to(file.get(), text.data(), text.size()) : std::nullopt;
  if (!size)
    return unexpected{
        usage_error("the graph cannot be read: " + file_failure("reading", path, errno).message)};
  text.resize(*size); // the parser reports that it is too long
  return text;
}

cli_error graph_error(const config_error& why) { return {exit_usage, "graph", to_string(why)}; }

const GraphInput* find_input(const Graph& graph, std::string_view wanted) {
  for (const auto& input : graph.inputs())
    if (input.name() == wanted)
      return &input;
  return nullptr;
}

/// A value like the one after the files are sent: the right shape and number.
Value stand_in(const document_list& found) {
  std::vector<BlobRef> blobs;
  for (const auto& file : found.files)
    blobs.emplace_back().set_name(to_utf8(file.name));
  return documents_value(blobs, found.skipped);
}

cli_result<void> read_argument(const Graph& graph, const std::string& shown_name,
                               const std::string& argument, links follow, graph_arguments& into) {
  auto equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    return unexpected{usage_error("--input " + argument + ": write NAME=VALUE; `troupe run "
                                  + shell_word(shown_name) + " --help` lists the inputs")};
  auto key = argument.substr(0, equals);
  auto text = argument.substr(equals + 1);
  if (into.values.contains(key))
    return unexpected{usage_error("the input `" + key + "` is given twice")};
  auto input = find_input(graph, key);
  if (!input) { // check_inputs reports it and suggests a name
    into.values[key].set_text(to_utf8(text));
    return {};
  }
  if (input->type() == "folder" || input->type() == "file") {
    if (text.empty())
      return unexpected{
          usage_error("--input " + key + "=: the path of a " + input->type() + " is missing")};
    auto kind = input->type() == "folder" ? path_kind::folder : path_kind::file;
    auto found = find_documents(text, kind, follow);
    if (!found)
      return unexpected{usage_error("--input " + key + ": " + found.error().message)};
    into.values[key] = stand_in(*found);
    into.documents.emplace(key, std::move(*found));
    return {};
  }
  auto value = parse_input_text(input->type(), to_utf8(text));
  if (!value)
    return unexpected{usage_error("--input " + key + ": " + value.error().message)};
  into.values[key] = std::move(*value);
  return {};
}

} // namespace

cli_result<graph_source> find_graph(const std::string& wanted) {
  graph_source found{wanted, {}};
  if (wanted.find('/') == std::string::npos && !wanted.ends_with(".yaml"))
    return found;
  auto text = read_graph_file(wanted);
  if (!text)
    return unexpected{text.error()};
  found.text = *std::move(text);
  return found;
}

cli_result<Graph> load_graph(const graph_source& source, const role_names* known) {
  if (source.text) {
    auto graph = parse_graph(*source.text, source.name, known);
    if (!graph)
      return unexpected{graph_error(graph.error())};
    return std::move(*graph);
  }
  auto graph = find_builtin_graph(source.name);
  if (!graph) {
    std::vector<std::string_view> names;
    for (const auto& each : builtin_graphs())
      names.push_back(each.name());
    return unexpected{usage_error("there is no graph " + source.name
                                  + did_you_mean(source.name, names)
                                  + "; `troupe graphs` lists the built-in ones; a file's name must "
                                    "contain a / or end in .yaml")};
  }
  if (auto fine = check_graph(*graph, known); !fine)
    return unexpected{graph_error(fine.error())};
  return *graph;
}

cli_result<Graph> load_graph(const std::string& wanted, const role_names* known) {
  auto source = find_graph(wanted);
  return source ? load_graph(*source, known) : cli_result<Graph>{unexpected{source.error()}};
}

cli_result<graph_arguments> read_arguments(const Graph& graph, const std::string& shown_name,
                                           const std::vector<std::string>& arguments,
                                           links follow) {
  graph_arguments read;
  for (const auto& argument : arguments)
    if (auto done = read_argument(graph, shown_name, argument, follow, read); !done)
      return unexpected{done.error()};
  if (auto fine = check_inputs(graph, read.values); !fine)
    return unexpected{usage_error(fine.error().message + "; `troupe run " + shell_word(shown_name)
                                  + " --help` lists the inputs")};
  return read;
}

std::string describe_graph(const Graph& graph, const std::string& shown_name) {
  auto text = graph.name() + (graph.description().empty() ? "" : ": " + graph.description())
              + "\n\nInputs, each as --input NAME=VALUE:\n";
  std::string example = "troupe run " + shell_word(shown_name);
  for (const auto& input : graph.inputs()) {
    text += "  " + input.name() + " (" + input.type() + (input.required() ? ", required)" : ")");
    if (!input.help().empty())
      text += "  " + input.help();
    text += "\n";
    if (input.has_default_value())
      text += "      default: " + to_line(to_json(input.default_value()));
    if (!input.example().empty())
      text += "      example: --input " + input.name() + "=" + input.example() + "\n";
    if (input.required())
      example +=
          " --input " + input.name() + "=" + (input.example().empty() ? "..." : input.example());
  }
  if (graph.inputs().empty())
    text += "  (none)\n";
  text += "\nTasks:\n";
  for (const auto& task : graph.tasks()) {
    text += "  " + task.id() + " by " + task.role();
    if (task.has_for_each())
      text += ", one per element";
    for (int i = 0; i < task.needs_size(); ++i)
      text += (i == 0 ? ", after " : " and ") + task.needs(i);
    text += "\n";
  }
  return text + "\nExample:\n  " + example + "\n";
}

} // namespace troupe::cli
