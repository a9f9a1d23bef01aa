#include "actors/coordination/graph_yaml.hpp"

#include "actors/coordination/graph_values.hpp"
#include "config/base/utf8.hpp"
#include "config/embedded.hpp"
#include "config/limits/work.hpp"
#include "config/yaml.hpp"
#include "messages/durability.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace troupe {

namespace {

constexpr int literal_depth_max = 16;

class graph_reader {
public:
  explicit graph_reader(const std::string& file) { graph_.set_file(valid_utf8(file)); }

  config_result<void> read(const yaml_node& root);

  Graph take() { return std::move(graph_); }
  const Graph& graph() const noexcept { return graph_; }
  const graph_positions& positions() const noexcept { return positions_; }

private:
  using done = config_result<void>;

  done read_durability(const yaml_node& node);
  done read_inputs(const yaml_node& inputs);
  done read_input(const yaml_node& key, const yaml_node& fields);
  done read_task(const yaml_node& node);
  done read_needs(const yaml_node& needs, GraphTask& task, std::uint32_t at);
  done read_source(const yaml_node& node, Source& into);
  done read_reference(const yaml_node& node, std::string_view text, Source& into);
  done read_literal(const yaml_node& node, Value& into, int depth);
  void mark(std::uint32_t at, std::string part, const yaml_node& node) {
    positions_.at[{at, std::move(part)}] = {node.line(), node.column()};
  }

  Graph graph_;
  graph_positions positions_;
};

config_result<void> graph_reader::read(const yaml_node& root) {
  yaml_reader in(root, "graph");
  std::string title, description;
  in.need("graph", title);
  in.may("description", description);
  auto durability = in.may("durability");
  auto inputs = in.may("inputs");
  auto tasks = in.need("tasks");
  auto made_of = in.may("result");
  if (auto fine = in.done(); !fine)
    return fine;
  graph_.set_name(title);
  graph_.set_description(description);
  if (durability)
    if (auto fine = read_durability(*durability); !fine)
      return fine;
  if (inputs)
    if (auto fine = read_inputs(*inputs); !fine)
      return fine;
  mark(graph_positions::whole, "tasks", *tasks);
  auto list = tasks->list();
  if (!list)
    return unexpected{std::move(list).error()};
  if (list->size() > limits::graph_tasks_max)
    return tasks->fail("a graph has at most " + std::to_string(limits::graph_tasks_max) + " tasks");
  for (const auto& task : *list)
    if (auto fine = read_task(task); !fine)
      return fine;
  if (made_of) {
    mark(graph_positions::whole, "result", *made_of);
    return read_source(*made_of, *graph_.mutable_result());
  }
  return {};
}

config_result<void> graph_reader::read_durability(const yaml_node& node) {
  auto word = node.text();
  auto durability = word ? durability_named(*word) : std::nullopt;
  if (!durability)
    return node.fail("durability: expected sync, async or off, found " + node.found());
  graph_.set_durability(*durability);
  return {};
}

config_result<void> graph_reader::read_inputs(const yaml_node& inputs) {
  auto fields = inputs.fields();
  if (!fields)
    return unexpected{std::move(fields).error()};
  for (const auto& [key, value] : *fields)
    if (auto fine = read_input(key, value); !fine)
      return fine;
  return {};
}

config_result<void> graph_reader::read_input(const yaml_node& key, const yaml_node& fields) {
  auto title = key.text();
  if (!title)
    return unexpected{std::move(title).error()};
  mark(graph_positions::whole, "inputs." + *title, key);
  yaml_reader in(fields, "input " + *title);
  std::string type, help, example;
  bool required = false;
  in.need("type", type);
  in.may("required", required);
  in.may("help", help);
  in.may("example", example);
  auto fallback = in.may("default");
  if (auto fine = in.done(); !fine)
    return fine;
  auto input = graph_.add_inputs();
  input->set_name(*title);
  input->set_line(static_cast<std::uint32_t>(key.line()));
  input->set_column(static_cast<std::uint32_t>(key.column()));
  input->set_type(type);
  input->set_required(required);
  input->set_help(help);
  input->set_example(example);
  return fallback ? read_literal(*fallback, *input->mutable_default_value(), 0) : done{};
}

config_result<void> graph_reader::read_task(const yaml_node& node) {
  auto at = static_cast<std::uint32_t>(graph_.tasks_size());
  auto task = graph_.add_tasks();
  task->set_line(static_cast<std::uint32_t>(node.line()));
  yaml_reader in(node, "task");
  std::string id, role;
  std::uint32_t attempts = 0;
  in.need("id", id);
  in.need("role", role);
  auto for_each = in.may("for_each");
  auto input = in.may("input");
  auto needs = in.may("needs");
  in.may("attempts", attempts, 1, limits::task_attempts_max);
  auto bounds = in.may("limits");
  if (auto fine = in.done(); !fine)
    return fine;
  task->set_id(id);
  task->set_role(role);
  task->set_attempts(attempts);
  for (auto part : {"id", "role", "attempts"})
    if (auto there = node.find(part))
      mark(at, part, *there);
  if (for_each) {
    mark(at, "for_each", *for_each);
    if (auto fine = read_source(*for_each, *task->mutable_for_each()); !fine)
      return fine;
  }
  if (bounds) {
    std::chrono::milliseconds time{0};
    yaml_reader limit(*bounds, "limits");
    limit.may("time", time);
    if (auto fine = limit.done(); !fine)
      return fine;
    task->set_time_ms(static_cast<std::uint64_t>(time.count()));
    mark(at, "time", bounds->find("time").value_or(*bounds));
  }
  if (input) {
    auto fields = input->fields();
    if (!fields)
      return unexpected{std::move(fields).error()};
    for (const auto& [key, value] : *fields) {
      auto field = key.text();
      if (!field)
        return unexpected{std::move(field).error()};
      mark(at, "input." + *field, value);
      if (auto fine = read_source(value, (*task->mutable_input())[*field]); !fine)
        return fine;
    }
  }
  return needs ? read_needs(*needs, *task, at) : done{};
}

config_result<void> graph_reader::read_needs(const yaml_node& needs, GraphTask& task,
                                             std::uint32_t at) {
  auto list = needs.list();
  if (!list)
    return unexpected{std::move(list).error()};
  for (const auto& need : *list) {
    auto id = need.text();
    if (!id)
      return unexpected{std::move(id).error()};
    mark(at, "needs." + std::to_string(task.needs_size()), need);
    task.add_needs(*id);
  }
  return {};
}

config_result<void> graph_reader::read_source(const yaml_node& node, Source& into) {
  if (node.is_scalar())
    if (auto text = node.text(); text && text->starts_with('$') && !text->starts_with("$$"))
      return read_reference(node, *text, into);
  return read_literal(node, *into.mutable_literal(), 0);
}

config_result<void> graph_reader::read_reference(const yaml_node& node, std::string_view text,
                                                 Source& into) {
  std::vector<std::string> parts;
  for (auto rest = text.substr(1);;) {
    auto dot = rest.find('.');
    parts.emplace_back(rest.substr(0, dot));
    if (dot == std::string_view::npos)
      break;
    rest = rest.substr(dot + 1);
  }
  std::size_t used = 1;
  auto whole = std::none_of(parts.begin(), parts.end(), [](auto& part) { return part.empty(); });
  if (whole && parts[0] == "item") {
    into.set_item(true);
  } else if (whole && parts.size() > 1 && (parts[0] == "inputs" || parts[0] == "tasks")) {
    used = 2;
    if (parts[0] == "inputs")
      into.set_input(parts[1]);
    else
      into.set_task(parts[1]);
  } else {
    return node.fail("`" + std::string{text}
                     + "` is not a reference: write $inputs.NAME, $tasks.ID or $item, or $$ for a "
                       "text that begins with $");
  }
  for (; used < parts.size(); ++used)
    into.add_path(parts[used]);
  return {};
}

config_result<void> graph_reader::read_literal(const yaml_node& node, Value& into, int depth) {
  if (depth > literal_depth_max)
    return node.fail("values nest at most " + std::to_string(literal_depth_max) + " deep");
  if (node.is_list()) {
    auto list = node.list();
    if (!list)
      return unexpected{std::move(list).error()};
    into.mutable_list();
    for (const auto& item : *list)
      if (auto fine = read_literal(item, *into.mutable_list()->add_items(), depth + 1); !fine)
        return fine;
    return {};
  }
  if (node.is_map()) {
    auto fields = node.fields();
    if (!fields)
      return unexpected{std::move(fields).error()};
    into.mutable_map();
    for (const auto& [key, value] : *fields) {
      auto field = key.text();
      if (!field)
        return unexpected{std::move(field).error()};
      auto& element = (*into.mutable_map()->mutable_fields())[*field];
      if (auto fine = read_literal(value, element, depth + 1); !fine)
        return fine;
    }
    return {};
  }
  auto text = node.text();
  if (!text)
    return node.fail("expected a value, found " + node.found());
  if (text->starts_with("$$"))
    into.set_text(text->substr(1));
  else if (text->starts_with('$'))
    return node.fail("a reference stands alone as the value of a field; `" + *text
                     + "` is inside a list, a mapping or a default");
  else
    set_scalar(node, into);
  return {};
}

/// In a checked graph, `needs` names everything that a task waits for.
void complete_needs(Graph& graph) {
  for (auto& task : *graph.mutable_tasks()) {
    auto add = [&task](const Source& from) {
      auto known = std::find(task.needs().begin(), task.needs().end(), from.task());
      if (from.from_case() == Source::kTask && known == task.needs().end())
        task.add_needs(from.task());
    };
    add(task.for_each());
    for (const auto& [field, from] : task.input())
      add(from);
  }
}

std::vector<Graph> load_builtin() {
  std::vector<Graph> graphs;
  for (const auto& file : embedded_files()) {
    if (!file.name.starts_with("graphs/"))
      continue;
    auto parsed = parse_graph(file.text, "builtin:" + std::string{file.name.substr(7)});
    if (!parsed) { // a test reads all of them, so no delivered program has a broken one
      std::fprintf(stderr, "%s\n", to_string(parsed.error()).c_str());
      std::abort();
    }
    graphs.push_back(*std::move(parsed));
  }
  std::sort(graphs.begin(), graphs.end(),
            [](const Graph& a, const Graph& b) { return a.name() < b.name(); });
  return graphs;
}

} // namespace

config_result<Graph> parse_graph(std::string_view yaml, const std::string& file,
                                 const role_names* known) {
  auto root = parse_yaml(yaml, file);
  if (!root)
    return unexpected{std::move(root).error()};
  graph_reader reader{file};
  if (auto fine = reader.read(*root); !fine)
    return unexpected{std::move(fine).error()};
  if (auto fine = check_graph(reader.graph(), known, &reader.positions()); !fine)
    return unexpected{std::move(fine).error()};
  auto graph = reader.take();
  complete_needs(graph);
  return graph;
}

const std::vector<Graph>& builtin_graphs() {
  static const auto graphs = load_builtin();
  return graphs;
}

const Graph* find_builtin_graph(std::string_view graph) {
  for (const auto& known : builtin_graphs())
    if (known.name() == graph)
      return &known;
  return nullptr;
}

} // namespace troupe
