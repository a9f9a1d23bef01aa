#include "config/limits/work.hpp"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {
namespace {

std::string error_of(std::string_view yaml, const role_names* known = nullptr) {
  auto graph = parse_graph(yaml, "g.yaml", known);
  return graph ? "" : to_string(graph.error());
}

#define EXPECT_STARTS(text, beginning)                                                             \
  EXPECT_EQ(text.substr(0, std::string{beginning}.size()), beginning)

TEST(graph_yaml, reads_every_part_of_a_graph) {
  auto graph = graph_of(R"(
graph: digest
description: reads
inputs:
  dir: {type: folder, required: true, help: what to read, example: /tmp}
  depth: {type: integer, default: 3}
tasks:
  - id: read
    role: reader
    for_each: $inputs.dir.documents
    input: {document: $item, title: $item.name, depth: $inputs.depth, mode: fast, price: $$5}
    attempts: 2
    limits: {time: 60s}
  - id: edit
    role: editor
    input: {readings: $tasks.read, first: [1, 2.5, true, "x"]}
result: $tasks.edit.text
)");
  EXPECT_EQ(graph.name(), "digest");
  EXPECT_EQ(graph.description(), "reads");
  ASSERT_EQ(graph.inputs_size(), 2);
  EXPECT_EQ(graph.inputs(0).example(), "/tmp");
  EXPECT_EQ(graph.inputs(1).default_value().integer(), 3);
  ASSERT_EQ(graph.tasks_size(), 2);
  const auto& read = graph.tasks(0);
  EXPECT_EQ(read.for_each().input(), "dir");
  EXPECT_EQ(read.for_each().path(0), "documents");
  EXPECT_EQ(read.attempts(), 2u);
  EXPECT_EQ(read.time_ms(), 60'000u);
  EXPECT_EQ(read.line(), 8u);
  EXPECT_TRUE(read.input().at("document").item());
  EXPECT_EQ(read.input().at("title").path(0), "name");
  EXPECT_EQ(read.input().at("depth").input(), "depth");
  EXPECT_EQ(read.input().at("mode").literal().text(), "fast");
  EXPECT_EQ(read.input().at("price").literal().text(), "$5");
  const auto& edit = graph.tasks(1);
  EXPECT_EQ(edit.input().at("readings").task(), "read");
  const auto& items = edit.input().at("first").literal().list().items();
  EXPECT_EQ(items.Get(0).integer(), 1);
  EXPECT_EQ(items.Get(1).number(), 2.5);
  EXPECT_TRUE(items.Get(2).flag());
  EXPECT_EQ(items.Get(3).text(), "x");
  ASSERT_EQ(edit.needs_size(), 1) << "what the input names is needed";
  EXPECT_EQ(edit.needs(0), "read");
  EXPECT_EQ(graph.result().task(), "edit");
  EXPECT_EQ(graph.result().path(0), "text");
}

TEST(graph_yaml, names_the_place_of_an_unknown_key) {
  auto error = error_of("graph: g\ntasks:\n  - {id: a, role: noop, neds: [b]}\n");
  EXPECT_STARTS(error, "g.yaml:3:25: ");
  EXPECT_NE(error.find("needs"), std::string::npos) << error;
}

TEST(graph_yaml, names_both_places_of_a_duplicate_id) {
  auto error = error_of("graph: g\ntasks:\n  - {id: a, role: noop}\n  - {id: a, role: noop}\n");
  EXPECT_STARTS(error, "g.yaml:4:10: the id `a` is taken by another task (line 3)");
}

TEST(graph_yaml, refuses_a_need_that_is_no_task_and_guesses_which_was_meant) {
  auto error = error_of("graph: g\ntasks:\n  - {id: read, role: noop}\n"
                        "  - id: edit\n    role: noop\n    needs: [reed]\n");
  EXPECT_STARTS(error, "g.yaml:6:13: task `edit` needs `reed`, which is not a task of this graph");
  EXPECT_NE(error.find("did you mean read?"), std::string::npos) << error;
}

TEST(graph_yaml, refuses_references_to_what_is_not_there) {
  EXPECT_STARTS(
      error_of("graph: g\ntasks:\n  - id: a\n    role: noop\n    input:\n      x: $tasks.b\n"),
      "g.yaml:6:10: $tasks.b is not a task of this graph");
  EXPECT_STARTS(
      error_of("graph: g\ninputs: {question: {type: text}}\ntasks:\n  - id: a\n    role: noop\n"
               "    input: {x: $inputs.qestion}\n"),
      "g.yaml:6:16: $inputs.qestion is not an input of this graph (did you mean question?)");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop}\nresult: $tasks.b\n"),
                "g.yaml:4:9: $tasks.b is not a task of this graph");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, input: {x: $output.b}}\n"),
                "g.yaml:3:36: `$output.b` is not a reference");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, input: {x: [$item]}}\n"),
                "g.yaml:3:37: a reference stands alone");
}

TEST(graph_yaml, names_the_members_of_a_cycle_in_their_order) {
  auto error = error_of("graph: g\ntasks:\n"
                        "  - {id: z, role: noop}\n"
                        "  - {id: d, role: noop, needs: [c]}\n"
                        "  - {id: a, role: noop, needs: [z, c]}\n"
                        "  - {id: b, role: noop, needs: [a]}\n"
                        "  - {id: c, role: noop, input: {x: $tasks.b}}\n");
  EXPECT_EQ(error, "g.yaml:5:10: these tasks need each other in a circle: a -> c -> b -> a");
}

TEST(graph_yaml, refuses_a_task_that_needs_itself) {
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, needs: [a]}\n"),
                "g.yaml:3:33: task `a` needs itself");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, input: {x: $tasks.a}}\n"),
                "g.yaml:3:36: task `a` needs its own result");
}

TEST(graph_yaml, refuses_item_where_there_is_no_for_each) {
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, input: {x: $item}}\n"),
                "g.yaml:3:36: $item stands for an element of `for_each`");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop}\nresult: $item\n"),
                "g.yaml:4:9: $item stands for");
}

TEST(graph_yaml, refuses_roles_that_the_cluster_does_not_have) {
  role_names known{"reader", "noop"};
  auto yaml = "graph: g\ntasks:\n  - id: a\n    role: raeder\n";
  EXPECT_STARTS(error_of(yaml, &known), "g.yaml:4:11: task `a` is for the role `raeder`, ");
  EXPECT_NE(error_of(yaml, &known).find("did you mean reader?"), std::string::npos);
  EXPECT_EQ(error_of(yaml), "") << "unknown roles pass when nobody says which there are";
}

TEST(graph_yaml, refuses_types_and_for_each_that_do_not_fit) {
  EXPECT_STARTS(
      error_of("graph: g\ninputs:\n  x: {type: string}\ntasks:\n  - {id: a, role: noop}\n"),
      "g.yaml:3:3: the type of an input is text, ");
  EXPECT_STARTS(
      error_of("graph: g\ninputs:\n  x: {type: integer, default: many}\ntasks:\n"
               "  - {id: a, role: noop}\n"),
      "g.yaml:3:3: the default of the input: the input `x` is of type integer, found a text");
  EXPECT_STARTS(error_of("graph: g\ninputs: {x: {type: text}}\ntasks:\n"
                         "  - {id: a, role: noop, for_each: $inputs.x}\n"),
                "g.yaml:4:35: for_each of task `a` wants a list; the input `x` is of type text");
  EXPECT_STARTS(error_of("graph: g\ninputs: {x: {type: folder}}\ntasks:\n"
                         "  - {id: a, role: noop, for_each: $inputs.x}\n"),
                "g.yaml:4:35: for_each of task `a` wants a list; the documents of a folder are");
  EXPECT_STARTS(error_of("graph: g\ninputs: {x: {type: folder}}\ntasks:\n"
                         "  - {id: a, role: noop, for_each: $inputs.x.documnts}\n"),
                "g.yaml:4:35: $inputs.x is a folder: its fields are");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, for_each: 5}\n"),
                "g.yaml:3:35: for_each of task `a` wants a list");
}

TEST(graph_yaml, refuses_limits_beyond_their_bounds) {
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, attempts: 11}\n"),
                "g.yaml:3:35: ");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: a, role: noop, limits: {time: 2h}}\n"),
                "g.yaml:3:40: an attempt takes at most 600000 ms");
  EXPECT_STARTS(error_of("graph: g\ntasks: []\n"), "g.yaml:2:8: a graph has at least one task");
  EXPECT_STARTS(error_of("graph: g\ntasks:\n  - {id: Read, role: noop}\n"), "g.yaml:3:10: the id");
}

TEST(graph_yaml, survives_a_chain_as_long_as_a_graph_may_be) {
  Graph graph;
  for (std::uint32_t i = 0; i < limits::graph_tasks_max; ++i) {
    auto task = graph.add_tasks();
    task->set_id("t" + std::to_string(i));
    task->set_role("noop");
    if (i > 0)
      task->add_needs("t" + std::to_string(i - 1));
  }
  EXPECT_TRUE(check_graph(graph, nullptr));
  graph.mutable_tasks(0)->add_needs("t9999");
  EXPECT_FALSE(check_graph(graph, nullptr));
  graph.add_tasks()->set_id("more");
  EXPECT_FALSE(check_graph(graph, nullptr));
}

TEST(builtin_graphs, are_whole_and_found_by_their_names) {
  std::vector<std::string> names;
  for (const auto& graph : builtin_graphs())
    names.push_back(graph.name());
  EXPECT_EQ(names, (std::vector<std::string>{"ask", "chain", "digest", "fan"}));
  role_names known{"reader", "editor", "assistant", "noop"};
  for (const auto& graph : builtin_graphs()) {
    EXPECT_TRUE(check_graph(graph, &known)) << graph.name();
    EXPECT_FALSE(graph.description().empty()) << graph.name();
  }
  ASSERT_NE(find_builtin_graph("digest"), nullptr);
  EXPECT_EQ(find_builtin_graph("digest")->tasks_size(), 2);
  EXPECT_EQ(find_builtin_graph("digets"), nullptr);
}

} // namespace
} // namespace troupe::tests
