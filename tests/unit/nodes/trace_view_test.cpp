#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "nodes/cli/trace_view.hpp"

#include "nodes/cli/trace_tree.hpp"
#include "telemetry/span.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace troupe::cli {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t trace_noon = 1'767'225'600'000'000'000;

SpanData& add(TraceFound& trace, std::uint64_t id, std::uint64_t parent, const char* title,
              std::int64_t start_ms, std::int64_t end_ms, const char* node = "node-1") {
  auto& span = *trace.add_spans();
  span = begin_span(title, span_kind::internal, {{1, 2}, {parent}, 1}, {id},
                    instant{std::chrono::nanoseconds{trace_noon + start_ms * ms}});
  span.set_end_ns(trace_noon + end_ms * ms);
  span.set_node(to_bytes(node_id{0, static_cast<std::uint64_t>(node[5])}));
  span.set_node_name(node);
  return span;
}

TraceFound example() {
  TraceFound trace;
  trace.set_trace(to_bytes(run_id{0x0af7651916cd43dd, 0x8448eb211c80319c}));
  // In the order in which they ended, like a recorder's.
  auto& chat = add(trace, 4, 3, "chat offline", 20, 60, "node-2");
  set(chat, "gen_ai.request.model", "offline");
  set(chat, "gen_ai.usage.input_tokens", std::int64_t{900});
  set(chat, "gen_ai.usage.output_tokens", std::int64_t{70});
  set(chat, "troupe.purpose", "summary");
  auto& agent = add(trace, 3, 2, "invoke_agent reader", 10, 70, "node-2");
  set(agent, "gen_ai.agent.id", "reader#3");
  auto& task = add(trace, 2, 1, "task read", 0, 80);
  set(task, "troupe.task.index", std::int64_t{3});
  set(task, "troupe.task.label", "read GPL-3");
  set(task, "troupe.task.attempt", std::int64_t{2});
  set(task, "troupe.queue_wait_ms", 4.25);
  auto& failed = add(trace, 5, 1, "task edit", 80, 90, "node-3");
  set_failed(failed, {ec::timed_out, "no time was left"});
  add(trace, 1, 0, "invoke_workflow digest", 0, 100);
  return trace;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(trace_view, draws_the_waterfall) {
  auto lines = lines_of(render_trace(example(), {120, false}));
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0], "trace 0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(lines[1], "100 ms, 5 spans of 3 nodes: node-1, node-2, node-3");
  EXPECT_EQ(lines[2], "");
  auto bar = [](std::size_t before, std::size_t filled, std::size_t after) {
    std::string text(before, ' ');
    for (std::size_t i = 0; i < filled; ++i)
      text += "█";
    return text + std::string(after, ' ');
  };
  EXPECT_EQ(lines[3], "invoke_workflow digest  node-1 " + bar(0, 40, 0) + "   100 ms");
  EXPECT_EQ(lines[4], "  task read[3]          node-1 " + bar(0, 32, 8)
                          + "  80.0 ms attempt 2, GPL-3, waited 4.25 ms");
  EXPECT_EQ(lines[5], "    invoke_agent reader node-2 " + bar(4, 24, 12) + "  60.0 ms reader#3");
  EXPECT_EQ(lines[6], "      chat offline      node-2 " + bar(8, 16, 16)
                          + "  40.0 ms summary, 900→70 tokens");
  EXPECT_EQ(lines[7], "  task edit             node-3 " + bar(32, 4, 4)
                          + "  10.0 ms failed: no time was left");
}

TEST(trace_view, shows_waits_and_tokens_in_eighty_columns) {
  auto trace = example();
  auto& task = *trace.mutable_spans(2);
  set(task, "troupe.task.attempt", std::int64_t{1});
  auto drawn = render_trace(trace, {80, false});
  for (auto note : {"GPL-3, waited 4.25 ms", "summary, 900→70 tokens"})
    EXPECT_NE(drawn.find(note), std::string::npos) << drawn;
}

TEST(trace_view, never_exceeds_the_width) {
  auto trace = example();
  for (std::uint64_t i = 0; i < 100; ++i)
    add(trace, 100 + i, i == 0 ? 4 : 99 + i, "a name that is longer than its column ever is é", 30,
        31, "node-with-a-very-long-name");
  trace.add_silent(std::string(300, 'n'));
  for (std::size_t width : {40u, 41u, 60u, 80u, 100u, 133u, 250u})
    for (const auto& line : lines_of(render_trace(trace, {width, false})))
      EXPECT_LE(columns(line), width) << line;
  for (const auto& line : lines_of(render_trace(trace, {0, false})))
    EXPECT_LE(columns(line), 40u) << line;
}

TEST(trace_view, colours_only_when_asked) {
  EXPECT_EQ(render_trace(example(), {100, false}).find('\x1b'), std::string::npos);
  auto coloured = render_trace(example(), {100, true});
  EXPECT_NE(coloured.find("\x1b[31mfailed: no"), std::string::npos) << coloured;
  // Without its colours, the picture is the same.
  std::string plain;
  for (std::size_t i = 0; i < coloured.size(); ++i)
    if (coloured[i] == '\x1b')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  EXPECT_EQ(plain, render_trace(example(), {100, false}));
}

TEST(trace_view, names_the_nodes_that_did_not_answer) {
  auto trace = example();
  trace.add_silent("node-4");
  trace.add_silent("node-5");
  EXPECT_NE(render_trace(trace, {100, false}).find("No answer from node-4, node-5"),
            std::string::npos);
  EXPECT_EQ(render_trace(example(), {100, false}).find("No answer"), std::string::npos);
}

TEST(trace_view, marks_a_span_whose_parent_is_missing) {
  TraceFound trace;
  add(trace, 1, 0, "root", 0, 10);
  add(trace, 3, 2, "lost", 5, 6);
  add(trace, 4, 3, "below", 5, 6);
  auto text = render_trace(trace, {100, false});
  EXPECT_NE(text.find("? marks"), std::string::npos);
  EXPECT_NE(text.find("\n? lost "), std::string::npos) << text;
  EXPECT_NE(text.find("\n  below "), std::string::npos) << text;
}

TEST(trace_view, lets_no_span_command_the_terminal) {
  TraceFound trace;
  auto& span = add(trace, 1, 0, "evil \x1b[2J\nname", 0, 10);
  set_failed(span, {ec::agent_failed, "bad\r\x1b]0;title\x07"});
  trace.add_silent("no\x1b[31mde");
  auto text = render_trace(trace, {120, false});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(lines_of(text).size(), 5u);
}

TEST(trace_view, draws_short_and_broken_spans) {
  TraceFound trace;
  add(trace, 1, 0, "root", 0, 1'000);
  add(trace, 2, 1, "moment", 500, 500);
  add(trace, 3, 1, "backwards", 600, 100);
  add(trace, 4, 1, "at the end", 1'000, 1'000);
  auto lines = lines_of(render_trace(trace, {100, false}));
  ASSERT_EQ(lines.size(), 7u);
  for (auto i : {4u, 5u, 6u}) {
    EXPECT_NE(lines[i].find("▏"), std::string::npos) << lines[i];
    EXPECT_TRUE(lines[i].ends_with("    0 ns")) << lines[i];
  }
}

TEST(trace_view, says_when_there_is_nothing) {
  auto lines = lines_of(render_trace({}, {100, false}));
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines[1], "0 ns, 0 spans of 0 nodes");
}

TEST(trace_tree, puts_children_below_their_parent_in_the_order_they_began) {
  TraceFound trace;
  add(trace, 5, 1, "later", 20, 30);
  add(trace, 3, 2, "inner", 6, 8);
  add(trace, 2, 1, "earlier", 5, 10);
  add(trace, 1, 0, "root", 0, 40);
  std::vector<std::pair<std::string, std::uint32_t>> rows;
  for (const auto& row : order_trace(trace))
    rows.emplace_back(row.span->name(), row.depth);
  EXPECT_EQ(rows, (std::vector<std::pair<std::string, std::uint32_t>>{
                      {"root", 0}, {"earlier", 1}, {"inner", 2}, {"later", 1}}));
}

TEST(trace_tree, puts_orphans_among_the_roots_in_the_order_they_began) {
  TraceFound trace;
  add(trace, 1, 0, "root", 10, 40);
  add(trace, 3, 2, "lost", 5, 6);
  auto rows = order_trace(trace);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].span->name(), "lost");
  EXPECT_TRUE(rows[0].orphan);
  EXPECT_FALSE(rows[1].orphan);
}

TEST(trace_tree, shows_every_span_once_whatever_the_parents_say) {
  TraceFound trace;
  add(trace, 1, 2, "a loop", 0, 1);
  add(trace, 2, 1, "of two", 1, 2);
  add(trace, 3, 3, "its own parent", 2, 3);
  add(trace, 4, 0, "root", 3, 4);
  add(trace, 4, 0, "the same id again", 3, 4);
  add(trace, 5, 4, "child", 3, 4);
  add(trace, 0, 0, "no id", 5, 6);
  auto rows = order_trace(trace);
  ASSERT_EQ(rows.size(), 7u);
  auto orphans = std::ranges::count_if(rows, &trace_row::orphan);
  EXPECT_EQ(orphans, 2);
}

TEST(trace_tree, goes_deeper_than_a_stack) {
  TraceFound trace;
  constexpr std::uint64_t depth = 200'000;
  for (std::uint64_t id = 1; id <= depth; ++id)
    add(trace, id, id - 1, "x", 0, 1);
  auto rows = order_trace(trace);
  ASSERT_EQ(rows.size(), depth);
  EXPECT_EQ(rows.back().depth, depth - 1);
}

TEST(trace_json, has_all_there_is) {
  auto trace = example();
  trace.add_silent("node-4");
  auto& happened = *trace.mutable_spans(0)->add_events();
  happened.set_at_ns(trace_noon);
  happened.set_name("retry");
  auto text = trace_json(trace);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(json["silent"], nlohmann::json::array({"node-4"}));
  ASSERT_EQ(json["spans"].size(), 5u);
  const auto& root = json["spans"][0];
  EXPECT_EQ(root["name"], "invoke_workflow digest");
  EXPECT_EQ(root["parent_span_id"], "");
  EXPECT_EQ(root["status"], "ok");
  const auto& chat = json["spans"][3];
  EXPECT_EQ(chat["span_id"], "0000000000000004");
  EXPECT_EQ(chat["parent_span_id"], "0000000000000003");
  EXPECT_EQ(chat["kind"], "internal");
  EXPECT_EQ(chat["node"], "00000000000000000000000000000032");
  EXPECT_EQ(chat["node_name"], "node-2");
  EXPECT_EQ(chat["start_ns"], trace_noon + 20 * ms);
  EXPECT_EQ(chat["end_ns"], trace_noon + 60 * ms);
  EXPECT_EQ(chat["attributes"]["gen_ai.usage.input_tokens"], 900);
  EXPECT_EQ(chat["attributes"]["gen_ai.request.model"], "offline");
  EXPECT_EQ(chat["events"][0]["name"], "retry");
  EXPECT_EQ(json["spans"][1]["attributes"]["troupe.queue_wait_ms"], 4.25);
  const auto& failed = json["spans"][4];
  EXPECT_EQ(failed["status"], "error");
  EXPECT_EQ(failed["status_message"], "no time was left");
}

TEST(duration_text, has_three_digits_and_a_unit) {
  EXPECT_EQ(duration_text(0), "0 ns");
  EXPECT_EQ(duration_text(999), "999 ns");
  EXPECT_EQ(duration_text(1'000), "1.00 µs");
  EXPECT_EQ(duration_text(999'499), "999 µs");
  EXPECT_EQ(duration_text(999'500), "1.00 ms");
  EXPECT_EQ(duration_text(12'345'678), "12.3 ms");
  EXPECT_EQ(duration_text(1'240'000'000), "1.24 s");
  EXPECT_EQ(duration_text(59'949'000'000), "59.9 s");
  EXPECT_EQ(duration_text(59'960'000'000), "1m 0s");
  EXPECT_EQ(duration_text(125'000'000'000), "2m 5s");
}

} // namespace
} // namespace troupe::cli
